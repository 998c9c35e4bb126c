"""Sentinels are replaced, die all at once and come back: identities are taken over, and nobody stays stuck."""

import json
import time

from cluster import FORGOTTEN, GROUP, LOOPBACK, Server, free_port, wait_for, write_until_ok

# Down-after is a second; a promotion shows in Sentinel's next look at its replicas, a second later.
USUAL_FAILOVER = 5
DOWN_AFTER = 1.5
IDENTITIES = "/redis/identities"


def identity_of(cluster, sentinel):
    """The uuid under which a Sentinel is registered; None while it is not."""
    return next((uuid for uuid in cluster.listed("/redis/sentinels")
                 if cluster.record(f"/redis/sentinels/{uuid}") == sentinel.record), None)


def sentinel_id(uuid):
    digits = uuid.replace("-", "")
    return digits + digits[:8]


def replace(cluster, sentinel):
    """Kills a Sentinel and starts another one elsewhere."""
    sentinel.kill_all()
    successor = cluster.sentinel()
    successor.await_serving()
    return successor


def knows_two_others(sentinels):
    return all(sentinel.view().get("num-other-sentinels") == 2 for sentinel in sentinels)


def node_and_three_sentinels(cluster):
    """A Redis alone, and Sentinels that know it and each other."""
    node = cluster.redis()
    node.await_serving()
    sentinels = [cluster.sentinel() for _ in range(3)]
    for sentinel in sentinels:
        sentinel.await_serving()
    wait_for(lambda: knows_two_others(sentinels), what="Sentinels that know each other")
    return node, sentinels


def promoted(nodes):
    return next((node for node in nodes if node.role == "master"), None)


def test_replaced_sentinels_are_no_strangers(cluster, figure):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    identities = cluster.listed(IDENTITIES)
    assert len(identities) == 3
    for _ in range(2):
        for number, sentinel in enumerate(sentinels):
            sentinels[number] = replace(cluster, sentinel)
            assert sentinels[number].log_lines("took over the identity")
            cluster.await_agreement(nodes, sentinels, [watcher])
            assert knows_two_others(sentinels)
    assert cluster.listed(IDENTITIES) == identities
    assert sorted(sentinel.ask("SENTINEL", "MYID") for sentinel in sentinels) == [sentinel_id(uuid) for uuid in identities]
    client = cluster.sentinel_client(watcher)
    write_until_ok(client, "key", "before")
    killed = time.monotonic()
    cluster.master(nodes).kill_all()
    gap = write_until_ok(client, "key", "after") - killed
    figure(f"master killed after six replaced Sentinels, kill to write, ms: {1000 * gap:.0f}")
    assert gap <= USUAL_FAILOVER


def test_master_and_all_sentinels_die_and_the_replicas_live(cluster, figure):
    # Fresh Sentinels heal this; without them a replica would, after ten seconds.
    cluster.add_env(RECOVERY_PATIENCE=0)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    write_until_ok(cluster.sentinel_client(watcher), "key", "before")
    wait_for(lambda: all(node.ask("GET", "key") == "before" for node in nodes), what="replication")
    master = cluster.master(nodes)
    for sentinel in sentinels:
        sentinel.kill_all()
    master.kill_all()
    died = time.monotonic()
    replicas = [node for node in nodes if node is not master]
    fresh = [cluster.sentinel() for _ in sentinels]
    # An identity is free only when ZooKeeper has dropped the session of its last Sentinel.
    forgotten = died + FORGOTTEN
    wait_for(lambda: promoted(replicas), within=FORGOTTEN + 10, what="a promotion")
    took = time.monotonic() - forgotten
    figure(f"master and all Sentinels dead, identities free to promotion by fresh Sentinels, ms: {1000 * took:.0f}")
    assert took <= DOWN_AFTER + 5
    assert len(cluster.listed(IDENTITIES)) == 3
    assert cluster.await_agreement(replicas, fresh, [watcher]).ask("GET", "key") == "before"


def test_restarted_sentinel_takes_its_own_identity(cluster):
    nodes, sentinels, watchers = cluster.bring_up()
    restarted, *others = sentinels
    identity = identity_of(cluster, restarted)
    # Another free identity does not tempt it.
    others[0].stop()
    restarted.kill_all()
    restarted.start()
    restarted.wait_log(f"waiting for the identity {identity}")
    restarted.await_serving(within=FORGOTTEN + 5)
    assert restarted.log_lines(f"peer={restarted.address} event=identity-taken-over")
    wait_for(lambda: identity_of(cluster, restarted) == identity, what="its registration")
    others[0].start()
    cluster.await_agreement(nodes, sentinels, watchers)
    assert knows_two_others(sentinels)
    assert len(cluster.listed(IDENTITIES)) == 3


def test_race_for_a_free_identity(cluster):
    nodes = [cluster.redis() for _ in range(2)]
    for node in nodes:
        node.await_serving()
    first = cluster.sentinel()
    first.await_serving()
    (identity,) = cluster.listed(IDENTITIES)
    first.stop()
    racers = [cluster.sentinel() for _ in range(3)]
    for racer in racers:
        racer.await_serving()
    ids = {racer.ask("SENTINEL", "MYID") for racer in racers}
    assert len(ids) == 3
    assert sentinel_id(identity) in ids
    assert len(cluster.listed(IDENTITIES)) == 3
    assert sum(bool(racer.log_lines(f"took over the identity {identity}")) for racer in racers) == 1
    cluster.await_agreement(nodes, racers)


def test_sentinels_that_start_together_know_each_other_at_once(make_cluster, figure):
    cluster = make_cluster()
    cluster.start_zookeeper()
    # Without the hellos that Sentinels leave with the servers of their group.
    conf = cluster.directory / "mute.conf"
    conf.write_text(f'include {cluster.directory}/redis.conf\nrename-command PUBLISH ""\n')
    cluster.add_env(REDIS_CONF=conf)
    _, sentinels = node_and_three_sentinels(cluster)
    for sentinel in sentinels:
        sentinel.stop()
        sentinel.move()
    for sentinel in sentinels:
        sentinel.start()

    def known_at():
        """Where each Sentinel believes the others to be."""
        return [sorted(f"{peer['ip']}:{peer['port']}" for peer in sentinel.peers()) for sentinel in sentinels]

    for sentinel in sentinels:
        wait_for(lambda sentinel=sentinel: identity_of(cluster, sentinel), what="its registration")
    registered = time.monotonic()
    addresses = sorted(sentinel.address for sentinel in sentinels)
    wait_for(lambda: known_at() == [[address for address in addresses if address != sentinel.address]
                                    for sentinel in sentinels], what="Sentinels that know each other")
    took = time.monotonic() - registered
    figure(f"three Sentinels at new addresses, registered to known by all, ms: {1000 * took:.0f}")
    assert took < DOWN_AFTER / 2


def test_lost_identity_is_left_to_its_new_owner(cluster):
    nodes, sentinels, watchers = cluster.bring_up()
    loser = sentinels[0]
    identity = identity_of(cluster, loser)
    server = loser.child
    thief = f"{LOOPBACK} {free_port()}"
    # Its session ends, and another Sentinel takes the identity before it knows.
    session = cluster.owner(f"{IDENTITIES}/{identity}/taken")
    loser.signal(19)
    wait_for(lambda: cluster.owner(f"{IDENTITIES}/{identity}/taken") is None, within=FORGOTTEN + 5, what="its session's end")
    cluster.kazoo.create(f"{IDENTITIES}/{identity}/taken", thief.encode(), ephemeral=True)
    cluster.kazoo.set(f"{IDENTITIES}/{identity}", json.dumps({"endpoint": thief, "epoch": 0}).encode())
    loser.signal(18)
    loser.wait_log("event=identity-lost")
    wait_for(lambda: identity_of(cluster, loser) not in (None, identity), what="another identity")
    assert loser.child not in (None, server)
    assert loser.ask("SENTINEL", "MYID") == sentinel_id(identity_of(cluster, loser))
    assert cluster.owner(f"{IDENTITIES}/{identity}/taken") != session
    assert cluster.master(nodes)


def test_stuck_sentinels_follow_the_record(cluster):
    node, sentinels = node_and_three_sentinels(cluster)
    ids = [sentinel.ask("SENTINEL", "MYID") for sentinel in sentinels]
    node.kill_all()
    port = free_port()
    other = Server("redis-server", ["redis-server", "--port", port, "--bind", LOOPBACK, "--save", ""],
                   cluster.directory / "other", LOOPBACK, port)
    cluster.processes.append(other)
    other.start()
    wait_for(lambda: all("s_down" in sentinel.view().get("flags", "") for sentinel in sentinels), what="s_down")
    cluster.kazoo.set("/redis/master", other.record.encode())
    cluster.kazoo.set(f"/redis/lineage/{GROUP}",
                      json.dumps({"epoch": 3, "master": other.record, "reason": "a test"}).encode())

    def followed():
        return all(sentinel.view().get("port") == port and sentinel.view()["flags"] == "master"
                   for sentinel in sentinels)

    wait_for(followed, within=15, what="Sentinels on the recorded master")
    assert [sentinel.ask("SENTINEL", "MYID") for sentinel in sentinels] == ids
    wait_for(lambda: knows_two_others(sentinels), what="Sentinels that know each other")
    assert all(sentinel.view()["config-epoch"] == 3 for sentinel in sentinels)
    assert any(sentinel.log_lines("event=recorded-master-announced") for sentinel in sentinels)
    assert not any(sentinel.log_lines("event=sentinel-restarting") for sentinel in sentinels)
    wait_for(lambda: all(identity_of(cluster, sentinel) for sentinel in sentinels), what="registrations")
