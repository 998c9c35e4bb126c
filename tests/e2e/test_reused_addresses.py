"""Schedulers reuse addresses within seconds: a newcomer at the address of a server that died keeps role and data."""

import json
import os
import signal
import time

import pytest

from cluster import GROUP, LOOPBACK, ROOT, SESSION_TIMEOUT, free_port, wait_for
from strangers import KEYS, Plain, count, fill, plain_redis
from variants import in_full

# A Sentinel makes a server that it takes for a replica one after eight seconds.
SENTINEL_ACTS = 20
PATIENCE = 60


def bring_up(cluster, **env):
    """With a patience that is longer than any test: what is removed here was removed at once."""
    cluster.add_env(CLEANUP_PATIENCE=f"{PATIENCE * 10}s", **env)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, "ours")
    wait_for(lambda: all(count(node, "ours") == KEYS for node in nodes), what="all copies")
    return nodes, sentinels, watcher, master


def lists(sentinel, port, group=GROUP):
    return str(port) in [str(replica["port"]) for replica in sentinel.replicas(group)]


def wait_seconds(seconds):
    since = time.monotonic()
    wait_for(lambda: time.monotonic() - since > seconds, seconds + 5, "Sentinels that act")


@pytest.mark.parametrize("root", ["/redis", *in_full("/b")])
def test_a_node_of_another_group_at_a_dead_replicas_address(make_cluster, figure, root):
    cluster = make_cluster()
    nodes, sentinels, watcher, master = bring_up(cluster)
    victim = next(node for node in nodes if node is not master)
    victim.kill_all()
    killed = time.monotonic()
    elsewhere = {"ZK_ROOT": root} if root != "/redis" else {"MASTER_NAME": "cache"}
    newcomer = cluster.redis(port=victim.port, **elsewhere)
    newcomer.await_serving(within=60)
    figure(f"newcomer of {root} at a dead replica's address, kill to serving, s: {time.monotonic() - killed:.1f}")
    fill(newcomer, "cache")
    if root == "/redis":
        assert not any(lists(sentinel, victim.port) for sentinel in sentinels)
    wait_seconds(SENTINEL_ACTS)
    wait_for(lambda: not any(lists(sentinel, victim.port) for sentinel in sentinels), 60, "the clean-up")
    assert newcomer.role == "master" and count(newcomer, "cache") == KEYS
    # The other root's watchers know nothing of its members.
    assert root != "/redis" or newcomer.log_lines("event=foreign-master-left") == []
    assert [count(node, "ours") for node in nodes if node is not victim] == [KEYS, KEYS]
    assert cluster.master([node for node in nodes if node is not victim]) is master
    assert count(master, "cache") == 0


def test_the_newcomer_takes_it_back_where_no_watcher_cleans_up(make_cluster):
    cluster = make_cluster()
    nodes, sentinels, _, master = bring_up(cluster, CLEANUP="off")
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", 0)
    victim = next(node for node in nodes if node is not master)
    victim.kill_all()
    newcomer = cluster.redis(port=victim.port, MASTER_NAME="cache")
    newcomer.await_serving(within=60)
    assert newcomer.log_lines("wait=address-listed") and newcomer.log_lines("event=address-still-listed")
    fill(newcomer, "cache")
    # Twice: the Sentinels do not give up.
    wait_for(lambda: len(newcomer.log_lines("event=foreign-master-left")) >= 2, 60, "two orders of Sentinels")
    wait_for(lambda: newcomer.role == "master", what="the role")
    assert count(newcomer, "cache") == KEYS
    assert all(lists(sentinel, victim.port) for sentinel in sentinels)


def order_as_sentinel(node, master):
    """What sentinelSendSlaveOf sends."""
    with node.client() as client, client.pipeline(transaction=True) as pipeline:
        pipeline.execute_command("SLAVEOF", master.host, master.port)
        pipeline.execute_command("CONFIG", "REWRITE")
        pipeline.execute_command("CLIENT", "KILL", "TYPE", "normal")
        pipeline.execute()


@pytest.mark.parametrize("password", [None, *in_full("secret")])
def test_ten_orders_to_copy_a_foreign_master(make_cluster, figure, password):
    """Each copy would take milliseconds: there is no delay before it, and it is small."""
    cluster = make_cluster(**({"REDIS_PASSWORD": password} if password else {}))
    cluster.start_zookeeper()
    node = cluster.redis()
    node.await_serving()
    fill(node, "ours")
    foreign = plain_redis(cluster, "foreign", **{"repl-diskless-sync-delay": 0})
    foreign.ask("SET", "foreign", "key")
    took = []
    for number in range(1, 11):
        ordered = time.monotonic()
        order_as_sentinel(node, foreign)
        wait_for(lambda: len(node.log_lines("event=foreign-master-left")) == number, what="the end of it")
        wait_for(lambda: node.role == "master", what="the role")
        took.append(time.monotonic() - ordered)
        assert count(node, "ours") == KEYS and node.ask("EXISTS", "foreign") == 0
    figure(f"made a replica of a foreign master, ms until master again: {[round(1000 * each) for each in took]}")
    assert foreign.ask("INFO", "replication")["connected_slaves"] == 0
    assert node.ask("SET", "key", "value")


def test_a_replica_that_is_ordered_to_a_foreign_master_twice(cluster):
    """It would have copied the foreign data in milliseconds."""
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, "ours")
    replica = next(node for node in nodes if node is not master)
    wait_for(lambda: count(replica, "ours") == KEYS, what="the copy")
    foreign = plain_redis(cluster, "foreign", **{"repl-diskless-sync-delay": 0})
    foreign.ask("SET", "foreign", "key")
    foreign_copies = foreign.ask("INFO", "stats")["sync_full"]
    for number in (1, 2):
        wait_for(lambda: replica.ask("CONFIG GET", "masterauth")["masterauth"], what="the lock on its copy")
        order_as_sentinel(replica, foreign)
        wait_for(lambda: len(replica.log_lines("event=foreign-master-left")) == number, what="the end of it")
        wait_for(lambda: replica.follows(master), what="its link")
        assert count(replica, "ours") == KEYS and replica.ask("EXISTS", "foreign") == 0
    assert foreign.ask("INFO", "stats")["sync_full"] == foreign_copies
    cluster.await_agreement(nodes, sentinels, [watcher], within=60)


@pytest.mark.parametrize("user", [None, *in_full("named")])
def test_groups_that_share_a_password(make_cluster, tmp_path, user):
    """The password alone would let a server copy the other group's data."""
    env = {"REDIS_PASSWORD": "shared"}
    if user:
        conf = tmp_path / "redis.conf"
        conf.write_text(f"include {ROOT}/conf/redis.conf\nrepl-diskless-sync-delay 0\n"
                        "user named on >shared allkeys allchannels +@all\nuser default off\n")
        env |= {"REDIS_USERNAME": "named", "REDIS_CONF": conf}
    cluster = make_cluster(**env)
    cluster.start_zookeeper()
    groups = {}
    for name in (GROUP, "cache"):
        groups[name] = [cluster.redis(MASTER_NAME=name) for _ in range(2)]
        for node in groups[name]:
            node.await_serving()
        wait_for(lambda each=groups[name]: cluster.master(each).info()["connected_slaves"] == 1, what="replication")
        fill(cluster.master(groups[name]), name)
    ours, theirs = (cluster.master(groups[name]) for name in (GROUP, "cache"))
    wait_for(lambda: all(count(node, GROUP) == KEYS for node in groups[GROUP]), what="the copy")
    for node in sorted(groups[GROUP], key=lambda node: node is ours):
        order_as_sentinel(node, theirs)
        node.wait_log("event=foreign-master-left")
        wait_for(lambda: node.role == "master" if node is ours else node.follows(ours), what="its role")
        assert count(node, GROUP) == KEYS and count(node, "cache") == 0
    wait_for(lambda: all(node is ours or node.follows(ours) for node in groups[GROUP]), what="replication")
    assert theirs.info()["connected_slaves"] == 1


def test_an_order_to_copy_a_foreign_master_while_zookeeper_is_away(cluster):
    """The data that it knew last tell whose the other's are, and the Sentinels who the master is."""
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, "ours")
    foreign = plain_redis(cluster, "foreign", **{"repl-diskless-sync-delay": 0})
    foreign.ask("SET", "foreign", "key")
    cluster.zookeeper.kill()
    master.wait_log("event=zookeeper-lost")
    order_as_sentinel(master, foreign)
    master.wait_log("event=foreign-master-left")
    wait_for(lambda: master.role == "master", what="the role")
    assert count(master, "ours") == KEYS and master.ask("EXISTS", "foreign") == 0
    cluster.start_zookeeper()
    cluster.await_agreement(nodes, sentinels, [watcher], within=60)


def test_a_dead_replicas_address_among_many_groups(make_cluster, figure):
    """The round of the clean-up through all of them takes a minute."""
    cluster = make_cluster()
    nodes, sentinels, watcher, master = bring_up(cluster)
    # They have no nodes, but Sentinels monitor them, and the clean-up has each in its round.
    for number in range(120):
        cluster.kazoo.ensure_path(f"/redis/members/many{number}")
        cluster.kazoo.create(f"/redis/masters/many{number}", f"{LOOPBACK} {free_port()}".encode(), makepath=True)
    wait_for(lambda: len(watcher.get("/masters").splitlines()) > 120, what="the watcher's knowledge of the groups")
    victim = next(node for node in nodes if node is not master)
    victim.kill_all()
    killed = time.monotonic()
    newcomer = cluster.redis(port=victim.port, MASTER_NAME="cache")
    newcomer.await_serving(within=60)
    figure(f"newcomer at a dead replica's address, 120 groups, kill to serving, s: {time.monotonic() - killed:.1f}")
    assert not newcomer.log_lines("event=address-still-listed")
    assert not any(lists(sentinel, victim.port) for sentinel in sentinels)
    assert [count(node, "ours") for node in nodes if node is not victim] == [KEYS, KEYS]


def test_a_sentinel_of_others_at_our_servers_is_reported(make_cluster):
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    assert "redis_zk_foreign_sentinels{group=\"master1\"} 0" in watcher.get("/metrics")
    port = free_port()
    conf = cluster.directory / "foreign.conf"
    # Under another name, so that it takes part in nothing here.
    conf.write_text(f"bind {LOOPBACK}\nport {port}\nsentinel monitor theirs {master.host} {master.port} 1\n")
    foreign = Plain(cluster, "foreign-sentinel", ["redis-sentinel", conf], port).start()
    line = watcher.wait_log("event=foreign-sentinel", within=60)
    ident = foreign.ask("SENTINEL", "MYID")[:8]
    assert " error " in line and ident in line and LOOPBACK in line
    wait_for(lambda: "redis_zk_foreign_sentinels{group=\"master1\"} 1" in watcher.get("/metrics"), what="the metric")

    def warnings():
        (group,) = json.loads(watcher.get("/status"))["groups"]
        return group["warnings"]

    assert any(f"Sentinel {ident} at {LOOPBACK}, which is not registered here" in warning for warning in warnings())
    # One of ours that is replaced is none of them.
    sentinels[0].kill_all()
    sentinels[0].move()
    sentinels[0].start()
    sentinels[0].await_serving()
    foreign.kill()
    wait_for(lambda: not any("not registered here" in warning for warning in warnings()), 60, "the end of the warning")
    assert len(watcher.log_lines("event=foreign-sentinel")) == 1


@pytest.mark.parametrize("sentinels_live", [True, *in_full(False)])
@pytest.mark.parametrize("password", [None, *in_full("secret")])
def test_a_stranger_at_a_dead_masters_address(make_cluster, figure, sentinels_live, password):
    """The replicas connect to that address every second, and Sentinels notice nothing where it answers at once."""
    cluster = make_cluster(**({"REDIS_PASSWORD": password} if password else {}))
    nodes, sentinels, watcher, master = bring_up(cluster)
    if not sentinels_live:
        for sentinel in sentinels:
            sentinel.kill_all()
    survivors = [node for node in nodes if node is not master]
    master.kill_all()
    killed = time.monotonic()
    options = {"requirepass": password, "masterauth": password} if password else {}
    stranger = plain_redis(cluster, "stranger", master.port, **{"repl-diskless-sync-delay": 0}, **options)
    assert stranger.ask("SET", "stranger", "key", password=password)
    if not sentinels_live:
        sentinels = [cluster.sentinel() for _ in sentinels]
    now = cluster.await_agreement(survivors, sentinels, [watcher], within=60)
    figure(f"stranger at a dead master's address, {'with' if sentinels_live else 'without'} Sentinels, until agreement, "
           f"s: {time.monotonic() - killed:.1f}")
    assert [count(node, "ours") for node in survivors] == [KEYS, KEYS]
    assert not any(node.ask("EXISTS", "stranger") for node in survivors)
    assert now in survivors and cluster.record() == now.record
    # They list it as a replica from then on.
    wait_for(lambda: not any(lists(sentinel, master.port) for sentinel in sentinels), 60, "the clean-up")
    wait_seconds(SENTINEL_ACTS)
    assert stranger.ask("INFO", "replication", password=password)["role"] == "master"
    assert stranger.ask("DBSIZE", password=password) == 1


def test_a_node_of_another_group_at_a_dead_masters_address(make_cluster):
    """No Sentinel lives that could say whose it was: the record does."""
    cluster = make_cluster()
    nodes, sentinels, watcher, master = bring_up(cluster)
    for sentinel in sentinels:
        sentinel.kill_all()
    survivors = [node for node in nodes if node is not master]
    master.kill_all()
    newcomer = cluster.redis(port=master.port, MASTER_NAME="cache")
    newcomer.wait_log("wait=address-listed")
    sentinels = [cluster.sentinel() for _ in sentinels]
    newcomer.await_serving(within=60)
    assert not newcomer.log_lines("event=address-still-listed")
    cluster.await_agreement(survivors, sentinels, [watcher], within=60)
    fill(newcomer, "cache")
    assert [count(node, "ours") for node in survivors] == [KEYS, KEYS]
    assert [count(node, "cache") for node in survivors] == [0, 0]
    assert newcomer.role == "master" and count(newcomer, "ours") == 0


@pytest.mark.parametrize("sentinels_live", [True, *in_full(False)])
def test_a_node_at_the_address_of_an_abandoned_group(make_cluster, figure, sentinels_live):
    """No node is left that could give that group another master."""
    cluster = make_cluster()
    nodes, sentinels, watcher, master = bring_up(cluster)
    if not sentinels_live:
        for sentinel in sentinels:
            sentinel.kill_all()
    for node in nodes:
        node.kill_all()
    wait_for(lambda: not cluster.listed(f"/redis/members/{GROUP}"), what="the end of their sessions")
    for sentinel in sentinels if sentinels_live else []:
        wait_for(lambda each=sentinel: "s_down" in each.view()["flags"], what="what it sees")
    began = time.monotonic()
    newcomer = cluster.redis(port=master.port, MASTER_NAME="cache")
    newcomer.await_serving()
    took = time.monotonic() - began
    figure(f"a start at an abandoned master's address, s: {took:.1f}")
    # As long as a node of that group may take to return after a mass restart.
    assert SESSION_TIMEOUT < took < SESSION_TIMEOUT + 10
    line = newcomer.wait_log("event=address-of-dead-group")
    assert GROUP in line and " warn " in line
    fill(newcomer, "cache")
    # The group was not abandoned after all: it gets a master of its own.
    returned = [node for node in nodes if node is not master]
    for node in returned:
        node.start().await_serving(within=60)
    if sentinels_live:
        cluster.await_agreement(returned, sentinels, [watcher], within=90)
    assert [count(node, "ours") for node in returned] == [KEYS, KEYS]
    assert newcomer.role == "master" and count(newcomer, "cache") == KEYS and count(newcomer, "ours") == 0


def test_a_master_that_is_demoted_follows_its_own_group(cluster):
    """What keeps it from copying others does not keep it from copying its successor."""
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    closed = master.ask("CONFIG GET", "masterauth")["masterauth"]
    assert closed
    for _ in range(2):
        before = cluster.master(nodes)
        # Refused while this Sentinel still takes the replicas for ones without a copy.
        wait_for(lambda: before.role == "slave" or sentinels[0].ask("SENTINEL", "FAILOVER", GROUP) in (True, "OK", b"OK"),
                 what="the failover", within=60, every=0.5)
        wait_for(lambda: before.role == "slave", what="the demotion", within=60)
        now = cluster.await_agreement(nodes, sentinels, [watcher], within=60)
        # The new master is closed by another text, and so is the old one, now that it is linked.
        wait_for(lambda: len({node.ask("CONFIG GET", "masterauth")["masterauth"] for node in (before, now)}
                             - {"", closed}) == 2, what="both closed anew")
    assert not any(node.log_lines("event=foreign-master-left") for node in nodes)


@pytest.mark.parametrize("kind", ["a master", "a replica", *in_full("behind a password")])
def test_a_stranger_at_a_dead_replicas_address(make_cluster, kind):
    """No wrapper speaks for it: what it answers tells whose it is."""
    cluster = make_cluster()
    nodes, sentinels, watcher, master = bring_up(cluster)
    victim = next(node for node in nodes if node is not master)
    victim.kill_all()
    # Until then it is the group's own server that answers there, for all that is known.
    wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 2, what="the end of its session")
    options = {}
    password = None
    if kind == "a replica":
        upstream = plain_redis(cluster, "upstream")
        upstream.ask("SET", "stranger", "key")
        options["replicaof"] = f"{LOOPBACK} {upstream.port}"
    if kind == "behind a password":
        password = options["requirepass"] = "theirs"
    stranger = plain_redis(cluster, "stranger", victim.port, **options)
    role = stranger.ask("INFO", "replication", password=password)["role"]
    if role == "master":
        stranger.ask("SET", "stranger", "key", password=password)
    if password:
        # It does not say whose it is, and Sentinels cannot order it anything: the entry may be a replica's that returns.
        wait_seconds(SENTINEL_ACTS / 2)
        assert all(lists(sentinel, victim.port) for sentinel in sentinels)
        assert not watcher.log_lines("event=clean-up-step")
        # Now they can.
        stranger.ask("CONFIG", "SET", "requirepass", "", password=password)
    wait_for(lambda: not any(lists(sentinel, victim.port) for sentinel in sentinels), 60, "the clean-up")
    wait_seconds(SENTINEL_ACTS)
    assert stranger.role == role
    assert stranger.ask("DBSIZE") == 1
    assert [count(node, "ours") for node in nodes if node is not victim] == [KEYS, KEYS]


def test_a_redis_at_a_dead_sentinels_address(make_cluster):
    """It answers PING, as the Sentinel would."""
    cluster = make_cluster(CLEANUP_PATIENCE="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up(sentinels=4)
    living, dead = sentinels[:3], sentinels[3]
    dead.kill_all()
    stranger = plain_redis(cluster, "stranger", dead.port)
    wait_for(lambda: all(sentinel.view()["num-other-sentinels"] == 2 for sentinel in living), 120, "the clean-up")
    cluster.await_agreement(nodes, living, [watcher], within=60)
    assert stranger.ask("PING")


def test_stale_entries_go_although_a_registered_sentinel_is_silent(make_cluster):
    cluster = make_cluster(CLEANUP_PATIENCE="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up(sentinels=6)
    living, silent, dead = sentinels[:4], sentinels[4], sentinels[5]
    silent.signal_child = None
    os.kill(silent.child, signal.SIGSTOP)
    try:
        dead.kill_all()
        # It is forgotten with the dead one.
        wait_for(lambda: all(sentinel.view()["num-other-sentinels"] == 3 for sentinel in living), 180, "the clean-up")
    finally:
        os.kill(silent.child, signal.SIGCONT)
    cluster.await_agreement(nodes, living + [silent], [watcher], within=60)
