"""Lies, stale Sentinels, frozen processes, a cut network: the record ends up true, and no healthy master is demoted."""

import contextlib
import json
import os
import signal
import time

import pytest

from cluster import GROUP, wait_for, write_until_ok, zookeeper_mode
from network import Network
from variants import in_full
from writer import DirectWriter


# --- several watchers, stale and minority Sentinels, lies


def test_three_watchers_and_three_failovers(make_cluster):
    cluster = make_cluster()
    nodes, sentinels, watchers = cluster.bring_up(watchers=3)
    client = cluster.sentinel_client(watchers[0])
    epochs = []
    for number in range(3):
        master = cluster.await_agreement(nodes, sentinels, watchers)
        epochs.append(cluster.lineage()["epoch"])
        master.kill_all()
        write_until_ok(client, "round", number)
        master.start()
    cluster.await_agreement(nodes, sentinels, watchers)
    epochs.append(cluster.lineage()["epoch"])
    assert epochs == sorted(epochs) and len(set(epochs)) == 4
    for watcher in watchers:
        # Each change is written by one of them; the others see that it is done.
        assert not watcher.log_lines(" error ")


def test_frozen_sentinel_wakes_up_with_old_news(make_cluster):
    """It names the old master still, and nobody believes it."""
    cluster = make_cluster()
    nodes, sentinels, watchers = cluster.bring_up(watchers=2)
    master = cluster.master(nodes)
    stale, *others = sentinels
    os.kill(stale.child, signal.SIGSTOP)
    master.kill_all()
    write_until_ok(cluster.sentinel_client(watchers[0]), "key", "value")
    wait_for(lambda: cluster.record() != master.record, what="the record of the failover")
    before = cluster.record()
    for watcher in watchers:
        watcher.stop()
        watcher.start()
    os.kill(stale.child, signal.SIGCONT)
    master.start()
    cluster.await_agreement(nodes, sentinels, watchers)
    assert cluster.record() == before


@pytest.mark.parametrize("who", ["replica", "nobody", *in_full("sentinel")])
def test_lie_in_the_record(make_cluster, who):
    cluster = make_cluster()
    nodes, sentinels, watchers = cluster.bring_up(watchers=2)
    master = cluster.master(nodes)
    replica = next(node for node in nodes if node is not master)
    lie = {"replica": replica.record, "nobody": "127.0.0.1 1", "sentinel": sentinels[0].record}[who]
    children = [node.child for node in nodes]
    cluster.kazoo.set("/redis/master", lie.encode())
    wait_for(lambda: cluster.record() == master.record, what="the true record")
    assert cluster.await_agreement(nodes, sentinels, watchers) is master
    assert [node.child for node in nodes] == children


def test_lie_with_a_lineage(make_cluster):
    """Somebody wrote a master that acts as one, but of another group, and an epoch to go with it."""
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    stranger = cluster.redis(ZK_ROOT="/elsewhere")
    stranger.await_serving()
    cluster.kazoo.set(f"/redis/lineage/{GROUP}",
                      json.dumps({"epoch": 99, "master": stranger.record, "reason": "a lie"}).encode())
    cluster.kazoo.set("/redis/master", stranger.record.encode())
    # The master gives way to what it must take for a failover; Sentinel, which knows better, leads it back.
    wait_for(lambda: cluster.record() in [node.record for node in nodes], what="a true record", within=60)
    cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    assert master.running


# --- frozen


@pytest.mark.parametrize("who", ["wrapper", "both"])
def test_frozen_master_gives_way_when_it_wakes_up(make_cluster, who):
    """Frozen for longer than its session and a failover take: no second master afterwards."""
    cluster = make_cluster(session_timeout="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    child = master.child
    os.kill(master.pid, signal.SIGSTOP)
    if who == "both":
        os.kill(child, signal.SIGSTOP)
        wait_for(lambda: cluster.record() != master.record, what="the failover")
    else:
        wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 2, what="the end of its session")
    os.kill(child, signal.SIGCONT)
    os.kill(master.pid, signal.SIGCONT)
    woken = time.monotonic()
    if who == "both":
        wait_for(lambda: master.role == "slave", what="its demotion")
        assert time.monotonic() - woken < 5, "Sentinel alone takes eleven seconds"
    now = cluster.await_agreement(nodes, sentinels, [watcher])
    assert (now is master) == (who == "wrapper"), "only its wrapper was frozen: nothing happened to Redis"
    wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="its registration")


# --- the fence


def test_fence_by_frozen_peers(make_cluster):
    cluster = make_cluster(FENCE_PATIENCE="1s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    master.ask("CONFIG", "SET", "min-replicas-to-write", "1")
    replicas = [node for node in nodes if node is not master]
    cluster.zookeeper.signal(signal.SIGSTOP)
    for process in sentinels[:2] + replicas[:1]:
        os.kill(process.child, signal.SIGSTOP)
    master.wait_log("only 2 of 5 peers confirm this one")
    with master.client() as client:
        with pytest.raises(Exception, match="NOREPLICAS"):
            client.set("key", "value")
        assert client.get("key") is None, "reads go on"
    # A majority of the others is confirmation enough.
    os.kill(replicas[0].child, signal.SIGCONT)
    master.wait_log("fence lowered, accepting writes: this master is confirmed again")
    assert master.ask("SET", "key", "value") and master.ask("CONFIG", "GET", "min-replicas-to-write")[1] == "1"
    for process in sentinels[:2]:
        os.kill(process.child, signal.SIGCONT)
    cluster.zookeeper.signal(signal.SIGCONT)
    cluster.await_agreement(nodes, sentinels, [watcher])


@pytest.fixture
def network():
    with Network() as network:
        yield network


@pytest.mark.parametrize("fence", ["on", "off"])
def test_master_is_cut_off_from_all_but_its_clients(make_cluster, network, figure, fence):
    """What its clients were told is written, and is not, after it came back."""
    cut_for = 12
    cluster = make_cluster(network=network, FENCE=fence)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    replicas = [node for node in nodes if node is not master]
    # One of the Sentinels is on the master's side: a minority, whose word counts nothing afterwards.
    island = [master.machine, sentinels[0].machine]
    with DirectWriter(master) as writer:
        wait_for(lambda: len(writer.acknowledged) > 200, what="writes")
        with network.cut(island, network.others([*island, network.outside])):
            cut = time.monotonic()
            wait_for(lambda: any(node.role == "master" for node in replicas), what="a failover")
            wait_for(lambda: cluster.record() in [node.record for node in replicas], what="the record of it")
            wait_for(lambda: time.monotonic() - cut > cut_for, what="the end of the cut")
        successor = cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    lost = writer.missing(successor)
    latest = max((writer.acknowledged[number] - cut for number in lost), default=0)
    figure(f"master cut off for {cut_for} s, fence {fence}: {len(lost)} acknowledged writes lost, the last "
           f"{latest:.1f} s after the cut")
    assert successor is not master
    if fence == "on":
        # A request to ZooKeeper that the cut interrupts is answered after two thirds of the session timeout of 4 s.
        assert latest < 2 + 2.7 + 1, "patience, an interrupted request, and the time that silent peers are given"
        assert master.log_lines("event=fence-raised")
    else:
        assert latest > cut_for - 2, "the control: without a fence they are lost until the end"


def test_master_is_cut_off_from_zookeeper_alone(make_cluster, network):
    """Its Sentinels and replicas confirm it: it is neither demoted nor fenced, and registered again afterwards."""
    cluster = make_cluster(network=network)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    with DirectWriter(master) as writer:
        with network.cut([master.machine], [cluster.zookeeper.machine]):
            wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 2, what="the end of its session")
            enough = len(writer.acknowledged) + 500
            wait_for(lambda: len(writer.acknowledged) > enough, what="writes")
        assert cluster.await_agreement(nodes, sentinels, [watcher]) is master
    assert not master.log_lines("event=fence-raised")
    wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="its registration")


def test_smaller_side_of_a_cut_promotes_nobody(make_cluster, network):
    """An order to a Sentinel needs no votes: it would make a second master, in the same epoch as the elected one."""
    cluster = make_cluster(network=network)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    inside, outside = (node for node in nodes if node is not master)
    island = [master.machine, inside.machine, sentinels[0].machine]
    with network.cut(island, network.others([*island, network.outside])):
        wait_for(lambda: cluster.record() == outside.record, what="a failover on the larger side")
        with DirectWriter(outside) as writer:
            wait_for(lambda: len(writer.acknowledged) > 100, what="writes")
        master.kill_child()
        assert master.wait() == 128 + signal.SIGKILL
        assert master.log_lines("event=failover-left-to-sentinel")
        assert inside.role == "slave"
    master.start()
    assert cluster.await_agreement(nodes, sentinels, [watcher], within=60) is outside
    assert not writer.missing(outside)


# --- one of three ZooKeeper servers


def test_one_of_three_zookeeper_servers_dies(make_cluster):
    cluster = make_cluster()
    servers = cluster.start_zookeepers(3)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    children = [process.child for process in nodes + sentinels]
    owners = [cluster.owner(f"/redis/members/{GROUP}/{uuid}") for uuid in cluster.listed(f"/redis/members/{GROUP}")]
    for server in servers:
        server.kill()
        wait_for(lambda: cluster.record() == master.record, what="an answer of the others")
        assert cluster.await_agreement(nodes, sentinels, [watcher]) is master
        server.start()
        wait_for(lambda each=server: zookeeper_mode(each.host, each.port), what="its return")
    assert [process.child for process in nodes + sentinels] == children
    assert owners == [cluster.owner(f"/redis/members/{GROUP}/{uuid}")
                      for uuid in cluster.listed(f"/redis/members/{GROUP}")], "the sessions went on"
    master.kill_all()
    write_until_ok(cluster.sentinel_client(watcher), "key", "value")
