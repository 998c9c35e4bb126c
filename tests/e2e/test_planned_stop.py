"""A planned stop of the master loses nothing, and says what it did when it could not hand over."""

import os
import signal
import statistics
import subprocess
import threading
import time

import pytest

from application import Application, prepare
from cluster import wait_for
from writer import DirectWriter, Writer


@pytest.fixture
def fleet(make_cluster):
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up()
    return cluster, nodes, sentinels, watcher


def gap(writer, since):
    begin, end = writer.longest_pause(since)
    return end - begin


def test_rolling_restart_under_load(fleet, figure):
    """Every Redis in turn, the master among them, with several writers at full speed."""
    cluster, nodes, sentinels, watcher = fleet
    writers = [Writer(watcher.sentinels, name=f"w{number}", every=0.001) for number in range(3)]
    for writer in writers:
        writer.start()
    gaps, handovers = [], 0
    for _ in range(2):
        for node in nodes:
            cluster.await_agreement(nodes, sentinels, [watcher])
            led = node.role == "master"
            since = time.monotonic()
            assert node.stop() == 0
            for writer in writers:
                wait_for(lambda: writer.first_after(since + 2), what="a write afterwards")
            if led:
                handovers += 1
                assert node.log_lines("handed over to")
                gaps += [gap(writer, since - 0.5) for writer in writers]
            node.start()
            node.await_serving()
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    for writer in writers:
        writer.stop()
    assert handovers >= 2
    lost = sum(len(writer.missing(master.client())) for writer in writers)
    written = sum(len(writer.acknowledged) for writer in writers)
    figure(f"rolling restart: {handovers} handovers, {written} writes, {lost} lost, gaps ms: "
           + " ".join(f"{1000 * value:.0f}" for value in sorted(gaps)))
    assert lost == 0
    assert statistics.median(gaps) <= 1.5


def test_go_redis_loses_nothing(fleet, tmp_path, figure):
    """Two planned stops while an application with go-redis writes as fast as it can."""
    cluster, nodes, sentinels, watcher = fleet
    application = Application(cluster, watcher, prepare("go_redis_v5.go", tmp_path), pause=0).start()
    pauses = []
    for _ in range(2):
        master = cluster.await_agreement(nodes, sentinels, [watcher])
        application.await_more(500)
        since = time.monotonic()
        assert master.stop() == 0 and master.log_lines("handed over to")
        wait_for(lambda: application.acknowledged[-1] > since + 2, what="writes to the next master")
        pauses.append(application.longest_pause(since - 0.5))
        master.start().await_serving()
    application.kill()
    lost = application.missing(cluster.await_agreement(nodes, sentinels, [watcher]))
    figure(f"planned stops with go-redis: {len(application.acknowledged)} writes, {len(lost)} lost, pauses ms: "
           + " ".join(f"{1000 * pause:.0f}" for pause in pauses))
    assert not lost


def test_clients_that_stay_connected_lose_nothing(fleet):
    """redis-cli, which knows no Sentinel: what the old master acknowledged is on the new one."""
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    cli = subprocess.Popen(["redis-cli", "-p", str(master.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, bufsize=1)
    acknowledged = []

    def write():
        for number in range(1_000_000):
            try:
                print(f"SET cli:{number} {number}", file=cli.stdin, flush=True)
                if cli.stdout.readline().strip() != "OK":
                    return
            except (BrokenPipeError, ValueError):
                return
            acknowledged.append(number)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    wait_for(lambda: len(acknowledged) > 500, what="writes")
    assert master.stop() == 0
    assert master.log_lines("handed over to")
    cli.kill()
    thread.join()
    others = [node for node in nodes if node is not master]
    successor = cluster.await_agreement(others, sentinels, [watcher])
    with successor.client() as client:
        values = client.mget([f"cli:{number}" for number in acknowledged])
    assert [number for number, value in zip(acknowledged, values) if value is None] == []


def test_replica_hands_nothing_over(fleet):
    cluster, nodes, *_ = fleet
    replica = next(node for node in nodes if node.role == "slave")
    assert replica.stop(within=5) == 0
    assert replica.log_lines("stopping without a handover: this node is a replica")


def test_no_replica(cluster):
    node = cluster.redis()
    node.await_serving()
    assert node.stop(within=5) == 0
    assert node.log_lines("stopping without a handover: no replica is attached")


def test_no_sentinel(cluster):
    master = cluster.redis()
    master.await_serving()
    replica = cluster.redis()
    # The link of a replica is up a moment before its master counts it.
    wait_for(lambda: replica.follows(master) and master.info()["slave0"]["state"] == "online", what="replication")
    assert master.stop(within=5) == 0
    assert master.log_lines("stopping without a handover: no Sentinel is registered")


def test_replica_that_does_not_catch_up(make_cluster):
    """It says so, and stops in time all the same."""
    cluster = make_cluster(HANDOVER_TIMEOUT="2s")
    nodes, *_ = cluster.bring_up()
    master = cluster.master(nodes)
    replica = next(node for node in nodes if node is not master)
    os.kill(replica.child, signal.SIGSTOP)
    started = time.monotonic()
    # redis-server itself waits up to ten seconds for replicas that lag (shutdown-timeout), STOP_TIMEOUT as well.
    assert master.stop(within=60) in (0, 128 + signal.SIGKILL)
    assert time.monotonic() - started < 2 + 10 + 3
    assert master.log_lines("stopping without a handover")
    os.kill(replica.child, signal.SIGCONT)


def test_nothing_is_lost_beside_a_frozen_replica(fleet, figure):
    """No handover, but an end that Sentinel may see before it has come: nobody is told what is lost then."""
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    frozen = next(node for node in nodes if node is not master)
    with DirectWriter(master) as writer:
        wait_for(lambda: len(writer.acknowledged) > 100, what="writes")
        os.kill(frozen.child, signal.SIGSTOP)
        asked = time.monotonic()
        assert master.stop(within=60) in (0, 128 + signal.SIGKILL)
    os.kill(frozen.child, signal.SIGCONT)
    others = [node for node in nodes if node is not master]
    successor = cluster.await_agreement(others, sentinels, [watcher], within=60)
    lost = writer.missing(successor)
    figure(f"planned stop beside a frozen replica: {len(writer.acknowledged)} writes, {len(lost)} lost, the last "
           f"{writer.acknowledged[-1] - asked:.1f} s after the request")
    assert not lost and master.log_lines("stopping without a handover")


def test_replica_that_stands_still_for_a_moment_is_waited_for(fleet):
    """It answers and is near by; nobody's writes are paused for it before it moves."""
    cluster, nodes, _, watcher = fleet
    master = cluster.master(nodes)
    replica = next(node for node in nodes if node is not master)
    with Writer(watcher.sentinels) as writer:
        writer.await_more()
        # A replica that is asked to let no writes through does not let its master's through either.
        assert replica.ask("CLIENT PAUSE", 2500, "WRITE")
        writer.await_more(5)
        asked = time.monotonic()
        assert master.stop() == 0
        writer.await_more()
    assert master.log_lines("handed over to")
    begin, end = writer.longest_pause(asked)
    assert begin > asked + 1.5, "writes went on until it moved"
    assert end - begin < 2
    assert not writer.missing(next(node for node in nodes if node.role == "master").client())


def test_replica_without_a_link_is_not_promoted(fleet):
    """Sentinel would like it best, and it lacks what was written since its link broke."""
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    behind, attached = (node for node in nodes if node is not master)
    # By then its wrapper sets none any more.
    behind.wait_log("event=replica-priority-set")
    behind.ask("CONFIG", "SET", "replica-priority", "10")
    for sentinel in sentinels:
        wait_for(lambda each=sentinel: any(replica["slave-priority"] == 10 for replica in each.replicas()),
                 what="the priority")
    with DirectWriter(master) as writer:
        behind.ask("CONFIG", "SET", "masterauth", "wrong")
        behind.ask("CONFIG", "SET", "masteruser", "nobody")
        master.ask("CLIENT", "KILL", "TYPE", "replica")
        wait_for(lambda: attached.follows(master) and master.info().get("connected_slaves") == 1,
                 what="the end of a link")
        wait_for(lambda: len(writer.acknowledged) > 500, what="writes")
        assert master.stop() == 0
    assert attached.address in master.log_lines("handed over to")[-1]
    assert not writer.missing(attached)


def test_second_request_skips_the_hand_over(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="60s")
    nodes, *_ = cluster.bring_up()
    master = cluster.master(nodes)
    replica = next(node for node in nodes if node is not master)
    os.kill(replica.child, signal.SIGSTOP)
    try:
        master.signal(signal.SIGTERM)
        master.wait_log("event=stop-requested")
        # It waits for the replica now, with the writes paused.
        wait_for(lambda: master.ask("INFO", "clients").get("blocked_clients") is not None, what="an answer")
        master.signal(signal.SIGTERM)
        assert "second stop request" in master.wait_log("stopping without a handover", within=5)
        master.wait_log("stopping the server")
        master.signal(signal.SIGTERM)
        assert master.wait(within=10) in (0, 128 + signal.SIGKILL)
    finally:
        os.kill(replica.child, signal.SIGCONT)


def test_hand_over_switched_off(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="0")
    nodes, *_ = cluster.bring_up()
    master = cluster.master(nodes)
    assert master.stop(within=15) == 0
    assert not master.log_lines("handover") and not master.log_lines("handed over")
