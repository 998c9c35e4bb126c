"""Where Sentinel does not act, a replica promotes itself, and everybody follows the record."""

import json
import os
import signal
import time

import pytest

from cluster import wait_for, write_until_ok

# Of the last fault to the next write; S is 4 s, RECOVERY_PATIENCE 10 s.
RECOVERED = 30
# From there until all agree.
AGREED = 60
# From there until each Sentinel names the new master.
FOLLOWED = 3


def acting(nodes):
    return [node for node in nodes if node.running and node.role == "master"]


def await_recovered(nodes, since):
    (master,) = wait_for(lambda: acting(nodes), RECOVERED, "a master")
    client = master.client()
    write_until_ok(client, "key", "after", within=RECOVERED)
    took = time.monotonic() - since
    assert took <= RECOVERED
    return master, took


def bring_up(cluster, redis=3, sentinels=3, **env):
    nodes, sentinels, watchers = cluster.bring_up(redis=redis, sentinels=sentinels, **env)
    master = cluster.master(nodes)
    write_until_ok(master.client(), "key", "before")
    wait_for(lambda: all(node.ask("GET", "key") == "before" for node in nodes), what="replication")
    return nodes, sentinels, watchers, master


def test_no_sentinel_is_alive(cluster, figure):
    nodes, sentinels, watchers, master = bring_up(cluster)
    for sentinel in sentinels:
        sentinel.kill_all()
    master.kill_all()
    killed = time.monotonic()
    others = [node for node in nodes if node is not master]
    successor, took = await_recovered(others, killed)
    figure(f"no Sentinel alive, master killed, kill to write, s: {took:.1f}")
    assert cluster.record() == successor.record
    assert cluster.lineage()["epoch"] > 0
    assert len(successor.log_lines("event=recovered")) == 1
    (other,) = [node for node in others if node is not successor]
    wait_for(lambda: other.follows(successor), what="the other replica follows")
    # They return with what the dead ones knew, and go by the record.
    for sentinel in sentinels:
        sentinel.start()
    master.start()
    cluster.await_agreement(nodes, sentinels, watchers, within=AGREED)
    assert cluster.master(nodes) is successor
    assert master.ask("GET", "key") == "after"


def test_sentinels_that_may_not_act(cluster, figure):
    """Their quorum is more than they are. They live, and have to be told."""
    cluster.add_env(SENTINEL_QUORUM="4")
    nodes, sentinels, watchers, master = bring_up(cluster)
    master.kill_all()
    others = [node for node in nodes if node is not master]
    successor, took = await_recovered(others, time.monotonic())
    figure(f"Sentinels without a quorum, master killed, kill to write, s: {took:.1f}")
    promoted = time.monotonic()
    for sentinel in sentinels:
        wait_for(lambda one=sentinel: one.view().get("port") == successor.port, FOLLOWED, "Sentinels that follow")
        # Its tables are what they were.
        assert sentinel.view()["num-other-sentinels"] == 2
    figure(f"Sentinels without a quorum, from that write until all name the master, s: {time.monotonic() - promoted:.2f}")
    cluster.await_agreement(others, sentinels, watchers, within=AGREED)
    figure(f"Sentinels without a quorum, from that write to agreement, s: {time.monotonic() - promoted:.2f}")
    assert not any(sentinel.log_lines("event=sentinel-restarting") for sentinel in sentinels)
    # The first one tells the others by itself.
    assert any(sentinel.log_lines("event=recorded-master-announced") for sentinel in sentinels)
    assert all(sentinel.view()["config-epoch"] == cluster.lineage()["epoch"] for sentinel in sentinels)
    master.start()
    cluster.await_agreement(nodes, sentinels, watchers, within=AGREED)
    assert cluster.master(nodes) is successor


def test_a_lone_sentinel_is_restarted(cluster, figure):
    """It has no peer in whose name it could be told."""
    nodes, (sentinel,), watchers, master = bring_up(cluster, redis=2, sentinels=1)
    master.kill_all()
    others = [node for node in nodes if node is not master]
    successor, _ = await_recovered(others, time.monotonic())
    promoted = time.monotonic()
    wait_for(lambda: sentinel.view().get("port") == successor.port, FOLLOWED, "a Sentinel that follows")
    figure(f"lone Sentinel, from the recovery until it names the master, s: {time.monotonic() - promoted:.2f}")
    assert "there is no other Sentinel" in sentinel.log_lines("event=sentinel-restarting")[0]
    cluster.await_agreement(others, [sentinel], watchers, within=AGREED)


def test_one_replica_without_sentinels_or_watcher(cluster, figure):
    nodes, _, _, master = bring_up(cluster, redis=2, sentinels=1)
    (replica,) = [node for node in nodes if node is not master]
    for each in cluster.processes:
        if each not in nodes and each.name != "zookeeper":
            each.kill_all() if hasattr(each, "kill_all") else each.kill()
    master.kill_all()
    _, took = await_recovered([replica], time.monotonic())
    figure(f"no Sentinel and no watcher alive, one replica, kill to write, s: {took:.1f}")


def test_a_frozen_master_follows_when_it_returns(cluster, figure):
    """Its machine stands still, Sentinels are dead; the others go on, and it finds the record changed."""
    nodes, sentinels, watchers, master = bring_up(cluster)
    for sentinel in sentinels:
        sentinel.kill_all()
    frozen = [master.pid, master.child]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    stopped = time.monotonic()
    others = [node for node in nodes if node is not master]
    successor, took = await_recovered(others, stopped)
    figure(f"no Sentinel alive, master frozen, to write, s: {took:.1f}")
    for pid in reversed(frozen):
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: master.follows(successor), what="the old master follows")
    assert len(master.log_lines("event=demoted")) == 1
    for sentinel in sentinels:
        sentinel.start()
    cluster.await_agreement(nodes, sentinels, watchers, within=AGREED)
    assert master.ask("GET", "key") == "after"


def test_the_replica_that_has_more_goes_first(cluster):
    nodes, sentinels, _, master = bring_up(cluster)
    others = [node for node in nodes if node is not master]
    poorer, richer = sorted(others, key=lambda node: node.port)
    for sentinel in sentinels:
        sentinel.kill_all()
    # The lower address would go first among equals. More than fits into the buffers of its connection.
    os.kill(poorer.child, signal.SIGSTOP)
    write_until_ok(master.client(), "more", "x" * 32_000_000)
    wait_for(lambda: richer.ask("STRLEN", "more") == 32_000_000, what="replication to one")
    master.kill_all()
    os.kill(poorer.child, signal.SIGCONT)
    killed = time.monotonic()
    successor, _ = await_recovered(others, killed)
    assert successor is richer
    wait_for(lambda: poorer.ask("STRLEN", "more") == 32_000_000, what="the data")


def test_a_replica_of_priority_0_is_not_promoted(cluster):
    """Unless its user says so."""
    cluster.start_zookeeper()
    master = cluster.redis()
    master.await_serving()
    conf = cluster.directory / "backup.conf"
    conf.write_text("replica-priority 0\n")
    replica = cluster.redis(REDIS_CONF=conf)
    replica.await_serving()
    write_until_ok(master.client(), "key", "before")
    wait_for(lambda: replica.ask("GET", "key") == "before", what="replication")
    master.kill_all()
    replica.wait_log("event=recovery-blocked")
    (line,) = replica.log_lines("event=recovery-blocked")
    assert " error " in line
    assert "CONFIG SET" in line
    assert replica.role == "slave"
    # The way out that it names.
    replica.ask("CONFIG", "SET", "replica-priority", "10")
    await_recovered([replica], time.monotonic())


def test_a_promotion_that_nobody_heard_of(cluster, figure):
    """The Sentinel that ordered it died before anybody else knew, and so did all others."""
    nodes, sentinels, _, master = bring_up(cluster)
    for sentinel in sentinels:
        sentinel.kill_all()
    master.kill_all()
    killed = time.monotonic()
    others = [node for node in nodes if node is not master]
    promoted, other = others
    promoted.ask("REPLICAOF", "NO", "ONE")
    wait_for(lambda: cluster.record() == promoted.record, RECOVERED, "the promoted one in the record")
    write_until_ok(promoted.client(), "key", "after", within=RECOVERED)
    took = time.monotonic() - killed
    figure(f"a promotion that nobody heard of, kill to write, s: {took:.1f}")
    assert took <= RECOVERED
    wait_for(lambda: other.follows(promoted), what="the other replica follows")


@pytest.mark.parametrize("persistence", ["appendonly yes", 'appendonly no\nsave ""'])
def test_no_empty_node_replaces_the_only_one_with_data_while_that_hangs(cluster, persistence):
    with open(cluster.directory / "redis.conf", "a", encoding="ascii") as conf:
        conf.write(f"{persistence}\n")
    _, sentinels, watchers, master = bring_up(cluster, redis=1)
    os.kill(master.child, signal.SIGSTOP)
    empty = cluster.redis()
    line = empty.wait_log("wait=hanging-member")
    assert f"{master.address} runs, does not answer" in line and f"FORCE_MASTER={empty.address}" in line
    assert " error " in line
    wait_for(lambda: "hanging-member" in [wait["name"] for wait
                                          in json.loads(watchers[0].get("/status"))["groups"][0]["waits"]],
             within=60, what="the wait in /status")
    os.kill(master.child, signal.SIGCONT)
    empty.await_serving()
    assert cluster.await_agreement([master, empty], sentinels, watchers) is master
    assert [node.ask("GET", "key") for node in (master, empty)] == ["before", "before"]


def test_what_a_hanging_server_held_is_kept_by_the_restart_of_its_wrapper(cluster):
    """As the line of the node that waits advises."""
    cluster.add_env(STOP_TIMEOUT="2s")
    _, sentinels, watchers, master = bring_up(cluster, redis=1)
    os.kill(master.child, signal.SIGSTOP)
    empty = cluster.redis()
    empty.wait_log("wait=hanging-member")
    master.stop()
    master.start()
    empty.await_serving()
    assert cluster.await_agreement([master, empty], sentinels, watchers) is master
    assert empty.ask("GET", "key") == "before"


def test_a_master_that_returns_does_not_wait_for_a_replica_that_hangs_and_holds_no_more(cluster):
    nodes, sentinels, watchers, master = bring_up(cluster, redis=2)
    (replica,) = [node for node in nodes if node is not master]
    os.kill(replica.child, signal.SIGSTOP)
    replica.wait_log("event=server-hangs")
    assert master.ask("SET", "key", "later")
    assert master.stop() == 0
    master.start().await_serving()
    assert master.role == "master" and master.ask("GET", "key") == "later"
    os.kill(replica.child, signal.SIGCONT)
    assert cluster.await_agreement(nodes, sentinels, watchers) is master
    assert replica.ask("GET", "key") == "later"
