"""Schedulers reuse addresses within seconds: a newcomer at the address of a server that died keeps role and data."""

import os
import signal
import time

import pytest

from cluster import GROUP, LOOPBACK, wait_for
from strangers import KEYS, count, fill, plain_redis
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


def test_a_master_that_is_demoted_follows_its_own_group(cluster):
    """What keeps it from copying others does not keep it from copying its successor."""
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    wait_for(lambda: master.ask("CONFIG", "GET", "masterauth"), what="its answer")
    for _ in range(2):
        before = cluster.master(nodes)
        wait_for(lambda: sentinels[0].ask("SENTINEL", "FAILOVER", GROUP) is not None or before.role == "slave",
                 what="the failover", within=60, every=0.5)
        wait_for(lambda: before.role == "slave", what="the demotion", within=60)
        cluster.await_agreement(nodes, sentinels, [watcher], within=60)
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
    if not password:
        wait_for(lambda: not any(lists(sentinel, victim.port) for sentinel in sentinels), 60, "the clean-up")
    wait_seconds(SENTINEL_ACTS)
    assert stranger.ask("INFO", "replication", password=password)["role"] == role
    assert stranger.ask("DBSIZE", password=password) == 1
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
