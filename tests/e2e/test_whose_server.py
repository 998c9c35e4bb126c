"""Whose server is that? Schedulers reuse addresses within seconds, so an address is no identity."""

import json
import time
import uuid

import pytest

from cluster import GROUP, LOOPBACK, free_port, wait_for, write_until_ok
from strangers import KEYS, Plain, count, fill, plain_redis
from variants import in_full

def plain_sentinel(cluster, name, master):
    """As the originals start and register one: under a znode that stays."""
    port = free_port()
    (cluster.directory / name).mkdir()
    conf = cluster.directory / name / "plain-sentinel.conf"
    conf.write_text(f"bind {LOOPBACK}\nport {port}\n"
                    f"sentinel monitor {GROUP} {master.host} {master.port} 2\n"
                    f"sentinel down-after-milliseconds {GROUP} 1000\nsentinel failover-timeout {GROUP} 10000\n")
    server = Plain(cluster, name, ["redis-sentinel", conf], port).start()
    wait_for(lambda: server.ask("PING"), what=f"{name}'s start")
    cluster.kazoo.create(f"/redis/sentinels/{uuid.uuid4()}", server.record.encode(), makepath=True)
    return server


# --- a Sentinel's address is taken over by another deployment's


@pytest.mark.parametrize("ahead", ["theirs", "ours"])
def test_a_sentinel_of_another_deployment_at_a_registered_address(make_cluster, ahead):
    """Both have the default group name, on one ZooKeeper; the dead Sentinels' registrations still stand."""
    cluster = make_cluster()
    cluster.start_zookeeper()
    roots = {"theirs": "/b", "ours": "/redis"}
    fleets = {}
    for whose, root in roots.items():
        cluster.add_env(ZK_ROOT=root, ZK_SESSION_TIMEOUT=10)
        nodes = [cluster.redis() for _ in range(2)]
        for node in nodes:
            node.await_serving()
        wait_for(lambda each=nodes: cluster.master(each).info()["connected_slaves"] == 1, what="replication")
        sentinels = [cluster.sentinel() for _ in range(3)]
        for sentinel in sentinels:
            sentinel.await_serving()
        watcher = cluster.watcher()
        wait_for(lambda each=watcher: each.get("/master"), what="the watcher's answer")
        fleets[whose] = (nodes, sentinels, watcher)
    # Their epochs are newer, or ours.
    nodes, sentinels, _ = fleets[ahead]
    for _ in range(3):
        before = cluster.record(f"{roots[ahead]}/master")
        # Again and again: one that finds no good replica yet is given up.
        wait_for(lambda: cluster.record(f"{roots[ahead]}/master") != before
                 or sentinels[0].ask("SENTINEL", "FAILOVER", GROUP) is None, what="a failover", within=60, every=0.5)
        wait_for(lambda: sorted(str(node.role) for node in nodes) == ["master", "slave"], what="its end", within=60)
        # The last order may have been taken after the failover that the record tells of.
        wait_for(lambda: not any("failover_in_progress" in sentinel.view().get("flags", "") for sentinel in sentinels)
                 and cluster.record(f"{roots[ahead]}/master") in [node.record for node in nodes if node.role == "master"],
                 what="the end of all failovers", within=60)
    masters = {whose: cluster.master(nodes) for whose, (nodes, *_) in fleets.items()}
    recorded = {whose: set() for whose in roots}
    for whose, root in roots.items():
        cluster.kazoo.DataWatch(f"{root}/master", lambda data, stat, event, to=recorded[whose]: to.add(data))
        fill(masters[whose], whose)
    wait_for(lambda: all(node.follows(masters[whose]) or node is masters[whose]
                         for whose, (nodes, *_) in fleets.items() for node in nodes), what="replication")

    newcomers = []
    for victim in fleets["ours"][1][:2]:
        victim.kill_all()
        newcomer = cluster.sentinel(port=victim.port, ZK_ROOT="/b", ZK_SESSION_TIMEOUT=4)
        newcomers.append(newcomer)
        newcomer.await_serving()
        survivors = [sentinel for sentinel in fleets["ours"][1] if sentinel.running]
        wait_for(lambda: all(peer["flags"] == "sentinel" for sentinel in survivors for peer in sentinel.peers()
                             if int(peer["port"]) == victim.port), what="its peers taking it for the dead one")
        for whose, (_, _, watcher) in fleets.items():
            watcher.stop()
            watcher.start()
            wait_for(lambda each=watcher: each.get("/readyz"), what="a watcher that follows")
        # Hellos are sent every two seconds; a Sentinel demotes what it takes for a replica after eight.
        taken_over = time.monotonic()
        wait_for(lambda: time.monotonic() - taken_over > 12, what="some hellos")
    for whose, (nodes, sentinels, _) in fleets.items():
        master = masters[whose]
        assert recorded[whose] == {master.record.encode()}, whose
        assert cluster.master(nodes) is master
        assert [count(node, whose) for node in nodes] == [KEYS, KEYS]
        for sentinel in sentinels + (newcomers if whose == "theirs" else []):
            if sentinel.running:
                assert sentinel.view()["port"] == master.port, (whose, sentinel.name)


# --- the master's address is taken over by a stranger


def bring_up_and_kill(cluster):
    """(nodes, sentinels, watcher, master): a group with data on every node, all of whose nodes are dead."""
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, "ours")
    wait_for(lambda: all(count(node, "ours") == KEYS for node in nodes), what="all copies")
    wait_for(lambda: len(cluster.listed(f"/redis/datasets/{GROUP}")) == 3, what="the reports of the data")
    for node in nodes:
        node.kill_all()
    return nodes, sentinels, watcher, master


@pytest.mark.parametrize("who_returns, stranger_is", [
    ("all", "a master"), ("the former replicas", "behind a password"), ("all", "a replica"),
    *in_full(("the former replicas", "a master"), ("all", "behind a password"), ("the former replicas", "a replica"))])
def test_a_stranger_at_the_recorded_address(make_cluster, stranger_is, who_returns):
    cluster = make_cluster(session_timeout=2, COLD_START_WAIT="3s")
    nodes, sentinels, watcher, master = bring_up_and_kill(cluster)
    password = "theirs" if stranger_is == "behind a password" else None
    options = {"requirepass": password} if password else {}
    if stranger_is == "a replica":
        upstream = plain_redis(cluster, "upstream")
        options["replicaof"] = f"{LOOPBACK} {upstream.port}"
        upstream.ask("SET", "stranger", "key")
    stranger = plain_redis(cluster, "stranger", master.port, **options)
    role = stranger.ask("INFO", "replication", password=password)["role"]
    if role == "master":
        assert stranger.ask("SET", "stranger", "key", password=password)
    master.move()
    returning = [node for node in nodes if who_returns == "all" or node is not master]
    for node in returning:
        node.start()
    now = cluster.await_agreement(returning, sentinels, [watcher], within=60)
    assert all(count(node, "ours") == KEYS for node in returning)
    assert write_until_ok(cluster.sentinel_client(watcher), "key", "value")
    told = [line for node in returning for line in node.log_lines(" error ")]
    assert any(f"{stranger.address}: it is recorded as the master of {GROUP}, but that server" in line
               and "event=foreign-master" in line for line in told), told
    info = stranger.ask("INFO", "replication", password=password)
    assert info["role"] == role and now.record == cluster.record()
    if role == "master":
        assert stranger.ask("DBSIZE", password=password) == 1
    assert info["connected_slaves"] == 0


def test_a_stranger_while_the_registration_stands(make_cluster):
    """The nodes return before ZooKeeper has noticed that they were gone."""
    cluster = make_cluster(session_timeout=8, COLD_START_WAIT="3s")
    nodes, sentinels, watcher, master = bring_up_and_kill(cluster)
    stranger = plain_redis(cluster, "stranger", master.port)
    stranger.ask("SET", "stranger", "key")
    master.move()
    for node in nodes:
        node.start()
    cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    assert all(count(node, "ours") == KEYS for node in nodes)
    assert stranger.role == "master" and stranger.ask("DBSIZE") == 1


@pytest.mark.parametrize("who", ["a replica without a link", "a master"])
def test_a_record_that_names_a_stranger_moves_nobody(cluster, who):
    """As a lie, or after another deployment has got hold of the record."""
    nodes = [cluster.redis() for _ in range(2)]
    for node in nodes:
        node.await_serving()
    wait_for(lambda: cluster.master(nodes).info()["connected_slaves"] == 1, what="replication")
    master = cluster.master(nodes)
    (replica,) = [node for node in nodes if node is not master]
    fill(master, "ours")
    wait_for(lambda: count(replica, "ours") == KEYS, what="the copy")
    stranger = plain_redis(cluster, "stranger")
    # It confirms what the record says.
    plain_sentinel(cluster, "their-sentinel", stranger)
    if who != "a master":
        master.kill_all()
    cluster.kazoo.set(f"/redis/lineage/{GROUP}",
                      json.dumps({"epoch": 9, "master": stranger.record, "reason": "a test"}).encode())
    cluster.kazoo.set("/redis/master", stranger.record.encode())
    asked = master if who == "a master" else replica
    role = asked.role
    line = asked.wait_log(f"{stranger.address}: it is recorded as the master of {GROUP}, but that server")
    assert " error " in line and "event=foreign-master" in line
    assert asked.role == role and stranger.ask("INFO", "replication")["connected_slaves"] == 0
    assert count(asked, "ours") == KEYS


# --- the originals' servers and Sentinels


@pytest.mark.parametrize("ours", [0, 2, *in_full(1)])
def test_originals_fail_over(cluster, ours):
    """Servers that are no members, and Sentinels of which some or none can be identified."""
    cluster.kazoo.ensure_path("/redis/sentinels")
    first = plain_redis(cluster, "original-1")
    others = [plain_redis(cluster, f"original-{number}", replicaof=f"{LOOPBACK} {first.port}") for number in (2, 3)]
    cluster.kazoo.create("/redis/master", first.record.encode())
    wait_for(lambda: first.ask("INFO", "replication")["connected_slaves"] == 2, what="replication")
    sentinels = [plain_sentinel(cluster, f"original-sentinel-{number}", first) for number in range(3 - ours)]
    sentinels += [cluster.sentinel() for _ in range(ours)]
    watcher = cluster.watcher()

    def knows_all(sentinel):
        view = sentinel.ask("SENTINEL MASTER", GROUP)
        return view and view["num-other-sentinels"] == 2 and view["num-slaves"] == 2

    wait_for(lambda: all(knows_all(sentinel) for sentinel in sentinels), what="Sentinels that know each other")
    wait_for(lambda: len(watcher.sentinels()) == 3, what="the list of Sentinels")
    first.kill()
    wait_for(lambda: cluster.record() in [other.record for other in others], what="the failover in the record")

    def agreed():
        """The new master, when the other follows it and all say so."""
        masters = [other for other in others if other.role == "master"]
        named = {str(sentinel.ask("SENTINEL MASTER", GROUP).get("port")) for sentinel in sentinels}
        if len(masters) != 1 or masters[0].ask("INFO", "replication")["connected_slaves"] != 1:
            return None
        return masters[0] if named == {str(masters[0].port)} and cluster.record() == masters[0].record else None

    second = wait_for(agreed, within=60, what="agreement")
    wait_for(lambda: watcher.get("/master") == second.record, what="the watcher's answer")

    # Then a node of ours joins, and takes over when theirs are gone.
    wait_for(lambda: second.ask("SET", "key", "value"), what="a write")
    node = cluster.redis()
    node.await_serving()
    wait_for(lambda: node.follows(second), what="its link")
    wait_for(lambda: all(any(replica["port"] == node.port for replica in map(as_dict, sentinel.ask("SENTINEL SLAVES", GROUP)))
                         for sentinel in sentinels), what="Sentinels that know it")
    for other in others:
        other.kill()
    wait_for(lambda: cluster.record() == node.record, what="the failover to ours", within=60)
    assert node.ask("GET", "key") == "value"


def test_a_node_with_a_wrong_password_begins_no_group_beside_originals(cluster):
    """It is refused by the master, which no registration shows to be ours; the Sentinels see it."""
    cluster.kazoo.ensure_path("/redis/sentinels")
    master = plain_redis(cluster, "original-1")
    master.ask("SET", "key", "value")
    cluster.kazoo.create("/redis/master", master.record.encode())
    sentinels = [plain_sentinel(cluster, f"original-sentinel-{number}", master) for number in range(3)]
    wait_for(lambda: all(sentinel.ask("SENTINEL MASTER", GROUP).get("flags") == "master" for sentinel in sentinels),
             what="Sentinels that see it")
    node = cluster.redis(REDIS_PASSWORD="typo", COLD_START_WAIT="1s", MASTER_WAIT_TIMEOUT="4s")
    assert node.wait() == 75
    assert node.log_lines("refused the password")
    assert cluster.record() == master.record
    assert master.ask("GET", "key") == "value"


def as_dict(replica):
    return replica if isinstance(replica, dict) else dict(zip(replica[::2], map(str, replica[1::2])))
