"""What wrappers tell of themselves: in their znode, and from there in /status, as metrics and for the terminal."""

import signal
import time

from cluster import wait_for
from test_cli import ask
from test_metrics import samples
from test_status import status_of

EXIT_OF_KILLED = 128 + signal.SIGKILL
QUIET = 30


def wrapper_of(watcher, server, found=lambda wrapper: True):
    """What /status tells of the wrapper of a server, once there is one that is as it should be."""

    def look():
        return [wrapper for wrapper in status_of(watcher)["wrappers"]
                if wrapper["address"] == server.address and found(wrapper)]

    (wrapper,) = wait_for(look, what=f"the report of {server.name}", every=0.1)
    return wrapper


def metric(watcher, name, server):
    return samples(watcher)[f'redis_zk_wrapper_{name}{{group="master1",member="{server.address}"}}']


def test_a_server_that_ends_again_and_again(cluster):
    nodes, _, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    (replica,) = [node for node in nodes if node.role != "master"]
    told = wrapper_of(watcher, replica, lambda wrapper: wrapper["role"] == "replica")
    assert (told["daemon"], told["exits"], told["last_exit"]) == ("redis-wrapper", 0, None)
    for times in (1, 2):
        replica.kill_child()
        assert replica.wait() == EXIT_OF_KILLED
        replica.start()
        replica.await_serving()
        told = wrapper_of(watcher, replica, lambda wrapper, wanted=times: wrapper["exits"] == wanted)
    assert told["last_exit"]["code"] == EXIT_OF_KILLED
    assert abs(told["last_exit"]["time"] - 1000 * time.time()) < 60_000
    assert metric(watcher, "server_exits_total", replica) == 2
    said = ask(watcher, "status")[1]
    assert f"  redis-wrapper {replica.address}: its server exited by itself " in said, said
    assert "2 times in all" in said
    # One that is stopped has not ended by itself.
    replica.stop()
    replica.start()
    replica.await_serving()
    wrapper_of(watcher, replica, lambda wrapper: wrapper["exits"] == 2)


def test_a_stop_without_a_handover_is_told_by_the_next_process(cluster):
    # No Sentinel could promote the replica.
    nodes, _, (watcher,) = cluster.bring_up(redis=2, sentinels=0)
    master = cluster.master(nodes)
    assert wrapper_of(watcher, master)["last_handover"] is None
    wait_for(lambda: master.info()["connected_slaves"] == 1, what="the replica")
    assert master.stop() == 0
    master.start()
    master.await_serving(within=60)
    handover = wrapper_of(watcher, master, lambda wrapper: wrapper["last_handover"])["last_handover"]
    assert handover["done"] is False and handover["sentence"]
    assert metric(watcher, "last_handover_failed", master) == 1
    assert abs(metric(watcher, "last_handover_timestamp_seconds", master) - time.time()) < 60


def test_a_wrapper_that_stood_still_says_so(cluster):
    master = cluster.redis()
    master.await_serving()
    sentinel = cluster.sentinel()
    sentinel.await_serving()
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    wrapper_of(watcher, sentinel)
    sentinel.signal(signal.SIGSTOP)
    wait_for(lambda: not cluster.listed("/redis/sentinels"), what="the end of its session")
    sentinel.signal(signal.SIGCONT)
    told = wrapper_of(watcher, sentinel, lambda wrapper: wrapper["slow_turn"])
    assert told["slow_turn"]["took_ms"] >= 1000
    assert told["zookeeper_sessions"] == 2
    assert any("a turn of its loop took " in remark for remark in told["remarks"])
    assert metric(watcher, "loop_slowest_seconds", sentinel) >= 1
    assert metric(watcher, "zookeeper_sessions_total", sentinel) == 2


def test_a_quiet_fleet_writes_no_report(cluster):
    nodes, sentinels, _ = cluster.bring_up()
    wait_for(lambda: len(cluster.reports()) == len(nodes) + len(sentinels), what="a report of each wrapper")
    known = {"writes": None, "since": time.monotonic()}

    def is_quiet():
        paths = [f"/redis/reports/{uuid}" for uuid in cluster.listed("/redis/reports")]
        writes = [cluster.kazoo.get(path)[1].mzxid for path in paths]
        if writes != known["writes"]:
            known.update(writes=writes, since=time.monotonic())
        return time.monotonic() - known["since"] >= QUIET

    wait_for(is_quiet, within=3 * QUIET, what=f"{QUIET} s without a report", every=0.5)
