"""Everything dies, or the master returns empty: no data are lost that somebody still has, and all is one again."""

import json
import os
import signal
import time

import pytest

from cluster import GROUP, ROOT, SESSION_TIMEOUT, wait_for, write_until_ok
from variants import in_full

KEYS = 1000
MEMORY_ONLY = 'appendonly no\nsave ""\n'
SNAPSHOTS = "appendonly no\nsave 1 1\n"


def conf_with(cluster, lines):
    """Settings behind those that every cluster has."""
    path = cluster.directory / "settings.conf"
    path.write_text(f"include {cluster.directory}/redis.conf\n{lines}")
    cluster.add_env(REDIS_CONF=path)


def fill(master, count=KEYS):
    with master.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(count):
            pipeline.set(f"key:{number}", number)
        pipeline.execute()
        client.execute_command("WAIT", client.info("replication")["connected_slaves"], 4000)


def bring_up_in_memory(make_cluster):
    """(cluster, nodes, Sentinels, watcher, master) of a group that keeps nothing on a disk, with data."""
    cluster = make_cluster()
    conf_with(cluster, MEMORY_ONLY)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master)
    return cluster, nodes, sentinels, watcher, master


def stop_without_mercy(processes):
    """All at the same moment, as when the power fails."""
    for process in processes:
        child = process.child
        process.signal(signal.SIGSTOP)
        if child:
            os.kill(child, signal.SIGKILL)
    for process in processes:
        process.kill()


def test_everything_dies_before_a_replica_has_copied(make_cluster):
    """A replica that has just started still has its old data, which must not count as its master's."""
    cluster = make_cluster(REDIS_CONF=ROOT / "conf/redis.conf")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, 500)
    poor = next(node for node in nodes if node is not master)
    # Its first copy is in the append-only file; before, its snapshot would be newer, and be loaded.
    wait_for(lambda: json.loads((poor.directory / "redis-zk.json").read_text())["aof_file"], what="its note")
    poor.stop()
    fill(master, 5000)
    # A master lets a replica wait for so long before it copies its data, for others may come.
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", "60")
    poor.start().await_serving()
    started = time.monotonic()
    wait_for(lambda: time.monotonic() - started > 2, what="two looks of its wrapper")
    assert not poor.follows(master)
    stop_without_mercy(nodes + sentinels)
    for process in nodes + sentinels:
        process.move()
        process.start()
    cluster.await_agreement(nodes, sentinels, [watcher], within=90)
    assert [node.ask("DBSIZE") for node in nodes] == [5000] * 3


def epoch(cluster):
    return cluster.lineage()["epoch"]


@pytest.mark.parametrize("pause", [0, *in_full(0.3, 0.9)])
def test_empty_restart_at_the_same_address_wipes_nobody(make_cluster, pause):
    cluster, nodes, sentinels, watcher, master = bring_up_in_memory(make_cluster)
    master.kill_all()
    back = time.monotonic() + pause
    wait_for(lambda: time.monotonic() >= back, what="the moment of the restart")
    master.start()
    assert "serving as replica" in master.await_serving()
    successor = cluster.await_agreement(nodes, sentinels, [watcher])
    assert successor is not master
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3


def test_empty_restart_without_a_sentinel_alive(make_cluster):
    cluster, nodes, sentinels, watcher, master = bring_up_in_memory(make_cluster)
    for sentinel in sentinels:
        sentinel.kill_all()
    master.kill_all()
    master.start()
    master.wait_log("holds data; waiting for Sentinel to promote it")
    assert master.child is None
    for sentinel in sentinels:
        sentinel.move()
        sentinel.start()
    assert "serving as replica" in master.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3


def test_empty_restart_before_the_replica_has_registered_again(make_cluster):
    """After ZooKeeper was away all sessions may have expired, and the first to return must not be the empty node."""
    cluster, nodes, sentinels, _, master = bring_up_in_memory(make_cluster)
    replica, other = [node for node in nodes if node is not master]
    replica.signal(signal.SIGSTOP)
    for process in [*sentinels, other, master]:
        process.kill_all()
    wait_for(lambda: not cluster.listed(f"/redis/members/{GROUP}"), what="the end of all registrations")
    master.start()
    master.wait_log("no node with data is registered; waiting")
    assert master.child is None
    replica.signal(signal.SIGCONT)
    assert "serving as replica" in master.await_serving()
    assert replica.role == "master"
    wait_for(lambda: master.follows(replica), what="replication")
    assert master.ask("DBSIZE") == KEYS


def test_sentinels_that_have_noticed_are_left_alone_first(make_cluster):
    """An order needs no votes: beside an election it would promote a second replica, in the same epoch."""
    cluster, nodes, sentinels, watcher, master = bring_up_in_memory(make_cluster)
    alone, *frozen = sentinels
    for sentinel in frozen:
        os.kill(sentinel.child, signal.SIGSTOP)
    master.kill_all()
    wait_for(lambda: "s_down" in alone.view().get("flags", ""), what="a Sentinel that has noticed")
    master.start()
    master.wait_log(f"peer={alone.address} event=failover-awaited")
    noticed = time.monotonic()
    # Without votes it cannot begin by itself, so in the end it is asked.
    master.wait_log(f"peer={alone.address} event=failover-requested")
    assert time.monotonic() - noticed > 4
    for sentinel in frozen:
        os.kill(sentinel.child, signal.SIGCONT)
    assert "serving as replica" in master.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3


@pytest.mark.parametrize("settings, poorest", [
    ("", "first"), (SNAPSHOTS, "last"), *in_full(("", "last"), (SNAPSHOTS, "first"))])
def test_everything_died(make_cluster, settings, poorest, figure):
    """All on other ports, with fresh Sentinels; one node's data are older than the others'."""
    cluster = make_cluster()
    conf_with(cluster, settings)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, KEYS // 2)
    poor = next(node for node in nodes if node is not master)
    poor.stop()
    fill(master)
    if settings:
        for node in nodes:
            if node is not poor:
                wait_for(lambda saved=node: saved.ask("SAVE"), what="a snapshot")
    before = epoch(cluster)
    stop_without_mercy([node for node in nodes if node is not poor] + sentinels)

    started = time.monotonic()
    rich = [node for node in nodes if node is not poor]
    order = [poor, *rich] if poorest == "first" else [*rich, poor]
    for process in order + sentinels:
        process.move()
        process.start()
        if process is poor and poorest == "first":
            process.wait_log("waiting")
    successor = cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    figure(f"everything died, {settings or 'append-only'!r}, poorest {poorest}: "
           f"{time.monotonic() - started:.1f} s until all agree (session {SESSION_TIMEOUT} s)")
    assert successor is not poor
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3
    assert epoch(cluster) > before
    # And the group is as healthy as it was.
    successor.kill_all()
    client = cluster.sentinel_client(watcher)
    write_until_ok(client, "after", "all")
    assert client.dbsize() == KEYS + 1


def test_everything_died_and_left_nothing(make_cluster):
    cluster = make_cluster()
    conf_with(cluster, MEMORY_ONLY)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    fill(cluster.master(nodes))
    stop_without_mercy(nodes + sentinels)
    for process in nodes + sentinels:
        process.move()
        process.start()
    cluster.await_agreement(nodes, sentinels, [watcher])
    write_until_ok(cluster.sentinel_client(watcher), "key", "value")


def test_only_the_best_data_are_waited_for_and_not_for_ever(make_cluster):
    cluster = make_cluster(COLD_START_WAIT="3s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, KEYS // 2)
    wait_for(lambda: len(cluster.listed("/redis/datasets/master1")) == 3, what="the reports of all three")
    poor = next(node for node in nodes if node is not master)
    poor.stop()
    fill(master)
    stop_without_mercy([node for node in nodes if node is not poor] + sentinels)
    poor.move()
    poor.start()
    for sentinel in sentinels:
        sentinel.start()
    poor.wait_log("(COLD_START_WAIT), last reported with data")
    line = poor.await_serving()
    assert "serving as master" in line and "did not return within COLD_START_WAIT" in line
    cluster.await_agreement([poor], sentinels, [watcher])
    assert poor.ask("DBSIZE") == KEYS // 2


def test_sentinels_outlived_every_redis(make_cluster):
    """They know only dead addresses, and follow the record to the new master."""
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up()
    fill(cluster.master(nodes))
    stop_without_mercy(nodes)
    for node in nodes:
        node.move()
        node.start()
    cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3


def two_origins(cluster):
    """Two nodes with data that have nothing to do with each other, and nobody who lives."""
    cluster.start_zookeeper()
    for number in range(2):
        node = cluster.redis(ZK_ROOT=f"/redis-{number}")
        node.await_serving()
        fill(node, 10 + number)
        # The wrapper's note, without which the data would have no name.
        wait_for(lambda: (node.directory / "redis-zk.json").exists(), what="the note beside the data")
        node.kill_all()
    nodes = cluster.processes[-2:]
    for node in nodes:
        node.env["ZK_ROOT"] = "/redis"
    return nodes


def test_data_of_different_origin_refuse_to_start(make_cluster):
    cluster = make_cluster(COLD_START_WAIT="1s")
    one, other = two_origins(cluster)
    # One after the other, but each before the other is master.
    one.env["COLD_START_WAIT"] = other.env["COLD_START_WAIT"] = "30s"
    with cluster.kazoo.Lock("/redis/master"):
        one.start()
        other.start()
        for node in (one, other):
            node.wait_log("event=zookeeper-connected")
        wait_for(lambda: len(cluster.listed("/redis/members/master1")) == 2, what="both members")
    for node in (one, other):
        line = node.wait_log("hold unrelated datasets")
        assert " error " in line and "FORCE_MASTER" in line
        assert node.child is None
    # They are stopped one by one, to be told: whoever is left does not take that for an answer.
    one.stop()
    other.wait_log(f"waiting for {one.address} (COLD_START_WAIT)")
    assert other.child is None
    other.stop()
    for node in (one, other):
        node.env["FORCE_MASTER"] = other.address
    one.start()
    one.wait_log(f"FORCE_MASTER={other.address} selects a node that is not registered")
    other.start()
    assert f"FORCE_MASTER={other.address} selected" in other.await_serving()
    assert "serving as replica" in one.await_serving()
    wait_for(lambda: one.follows(other), what="replication")
    assert one.ask("DBSIZE") == other.ask("DBSIZE") == 11
    assert "FORCE_MASTER" in cluster.lineage()["reason"]
    # The record's reason is another after the next failover; this stays.
    entries = json.loads(cluster.record("/redis/events"))["events"]
    (entry,) = [each for each in entries if each["kind"] == "cold-start" and "FORCE_MASTER" in each["sentence"]]
    assert entry["group"] == GROUP and entry["by"].endswith(other.address)


def test_frozen_while_it_held_the_lock(make_cluster):
    """Somebody else has become master meanwhile; the one that wakes up does not."""
    cluster = make_cluster(session_timeout="2s")
    cluster.start_zookeeper()
    gate, server = cluster.directory / "gate", cluster.directory / "slow-server"
    server.write_text(f'#!/bin/sh\nwhile [ ! -e {gate} ]; do sleep 0.05; done\nexec redis-server "$@"\n')
    server.chmod(0o755)
    frozen = cluster.redis(REDIS_SERVER_BIN=server)
    wait_for(lambda: frozen.child, what="its server")
    frozen.signal(signal.SIGSTOP)
    node = cluster.redis()
    assert "serving as master" in node.await_serving()
    gate.touch()
    wait_for(lambda: frozen.role == "master", what="a server that nobody has stopped yet")
    frozen.signal(signal.SIGCONT)
    assert "serving as replica" in frozen.await_serving()
    assert frozen.log_lines("deciding again")
    assert cluster.record() == node.record and node.role == "master"
