"""A machine or container that has no more of something: served as long as possible, named, and whole again by itself."""

import contextlib
import pathlib
import subprocess
import sys
import time

import pytest
import redis

from cgroup import limited
from cluster import GROUP, alive, wait_for, write_until_ok
from network import Network

MEGABYTE = 1 << 20


def bring_up_with(cluster, group):
    """With a master in that control group, and the memory of its servers."""
    cluster.start_zookeeper()
    master = group.put(cluster.redis(start=False)).start()
    master.await_serving()
    nodes = [master, cluster.redis(), cluster.redis()]
    for node in nodes:
        node.await_serving()
    wait_for(lambda: master.info()["connected_slaves"] == 2, what="replication")
    fleet = nodes, [cluster.sentinel() for _ in range(3)], [cluster.watcher()]
    cluster.await_agreement(*fleet)
    return master, fleet


def write_until_it_ends(master):
    """300 MB, or as many as there is memory for."""
    with master.client() as client, contextlib.suppress(redis.RedisError):
        for number in range(300):
            client.set(f"key:{number}", "x" * MEGABYTE)


def test_redis_server_is_killed_for_lack_of_memory(make_cluster):
    with limited("memory", "memory.max", "memory.limit_in_bytes") as (group, name):
        cluster = make_cluster()
        master, (nodes, sentinels, watchers) = bring_up_with(cluster, group)
        group.write(name, 96 * MEGABYTE)
        write_until_it_ends(master)
        assert master.wait() == 137
        assert "the kernel killed it for lack of memory; raise the memory limit" in master.log()
        others = [node for node in nodes if node is not master]
        cluster.await_agreement(others, sentinels, watchers)
        group.write(name, 1024 * MEGABYTE)
        master.start()
        cluster.await_agreement(nodes, sentinels, watchers, within=60)


@contextlib.contextmanager
def memory_taken(group):
    """By many, none of which is the largest process of the group."""
    take = f"import signal; taken = b'x' * {20 * MEGABYTE}; signal.pause()"
    takers = [subprocess.Popen(group.inside([sys.executable, "-c", take])) for _ in range(8)]
    try:
        yield
    finally:
        for taker in takers:
            taker.kill()
            taker.wait()


@pytest.mark.parametrize("daemon", ["redis", "sentinel"])
def test_wrapper_is_killed_for_lack_of_memory(make_cluster, daemon):
    """The kernel takes it instead of its server, which must not go on without it."""
    with limited("memory", "memory.max", "memory.limit_in_bytes") as (group, name):
        cluster = make_cluster()
        if daemon == "redis":
            victim, fleet = bring_up_with(cluster, group)
        else:
            fleet = cluster.bring_up()
            victim = fleet[1][0]
            victim.stop()
            group.put(victim).start()
            cluster.await_agreement(*fleet)
        nodes, sentinels, watchers = fleet
        server, record = victim.child, cluster.record()
        group.release(server)
        pathlib.Path(f"/proc/{victim.pid}/oom_score_adj").write_text("1000", encoding="ascii")
        group.write(name, 64 * MEGABYTE)
        with memory_taken(group):
            assert victim.wait() == -9
        wait_for(lambda: not alive(server), what="the end of its server")
        others = [[each for each in kind if each is not victim] for kind in (nodes, sentinels)]
        cluster.await_agreement(*others, watchers)
        assert (cluster.record() != record) == (daemon == "redis")
        victim.start()
        cluster.await_agreement(*fleet, within=60)


def test_no_more_processes(make_cluster):
    """Neither a ZooKeeper session nor a save can begin; the server goes on with what it has, as long as it can."""
    with limited("pids", "pids.max") as (group, _):
        cluster = make_cluster(session_timeout="3s", down_after_ms=5000)
        master, (nodes, sentinels, watchers) = bring_up_with(cluster, group)
        child, epoch = master.child, cluster.lineage()["epoch"]
        # A new ZooKeeper client needs two threads, for which the old one leaves the room of one.
        # A thread that asks something lives for a moment only.
        counts = []
        wait_for(lambda: counts.append(int(group.read("pids.current"))) or len(counts) > 100, what="the usual number")
        group.write("pids.max", min(counts) - 1)
        cluster.zookeeper.kill()
        assert "raise the limit of processes" in master.wait_log("event=zookeeper-client-failed")
        cluster.start_zookeeper()
        for node in nodes[1:]:
            wait_for(lambda each=node: len(each.log_lines("event=zookeeper-connected")) >= 2, what="its return")
        wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 2, what="the end of its session")
        assert master.child == child and master.role == "master" and master.ask("SET", "key", "value")
        assert cluster.lineage()["epoch"] == epoch
        group.write("pids.max", 1)
        # After a failed save it takes no writes, and answers PING with MISCONF, which to Sentinel is no answer.
        master.ask("BGSAVE")
        assert "fork" in master.wait_log("Can't save in background")
        assert " warn " in master.wait_log("wait=failed-save")
        write_until_ok(cluster.sentinel_client(watchers[0]), "key", "other")
        group.write("pids.max", "max")
        wait_for(lambda: master.role == "slave", 60, "its demotion")
        assert cluster.await_agreement(nodes, sentinels, watchers, within=60) is not master
        wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="its registration")
        assert master.child == child


# Binds all ports of a range, so that none is left for a connection that begins.
TAKE_PORTS = """
import signal, socket, sys
taken = [socket.socket() for _ in range(int(sys.argv[1]), int(sys.argv[2]) + 1)]
for port, each in enumerate(taken, int(sys.argv[1])):
    each.bind(("0.0.0.0", port))
print("taken", flush=True)
signal.pause()
"""


@contextlib.contextmanager
def without_ports(machine):
    """Until the `with` block is left no connection can begin on that machine; those that stand go on."""
    # Which neither tests nor connections are given otherwise.
    first, last = 32100, 32103
    subprocess.run([*machine.prefix, "sysctl", "-qw", f"net.ipv4.ip_local_port_range={first} {last}"], check=True)
    with subprocess.Popen([*machine.prefix, sys.executable, "-c", TAKE_PORTS, str(first), str(last)],
                          stdout=subprocess.PIPE) as taker:
        try:
            assert taker.stdout.readline() == b"taken\n"
            yield
        finally:
            taker.kill()


def test_no_more_ports_for_connections(make_cluster):
    with Network() as network:
        cluster = make_cluster(session_timeout="3s", down_after_ms=5000, network=network)
        nodes, sentinels, watchers = cluster.bring_up()
        master = cluster.master(nodes)
        children, epoch = [node.child for node in nodes], cluster.lineage()["epoch"]
        with without_ports(master.machine):
            since = time.monotonic()
            wait_for(lambda: time.monotonic() - since > 8, what="longer than a session")
            assert master.ask("SET", "key", "value") and not master.log_lines("event=fence-raised")
            cluster.zookeeper.kill()
            wait_for(lambda: any("Cannot assign requested address" in line
                                 for line in master.log_lines("event=zookeeper-silent")), what="the cause in the log")
            cluster.start_zookeeper()
            for node in nodes:
                wait_for(lambda each=node: each is master or len(each.log_lines("event=zookeeper-connected")) >= 2,
                         what="the return of the others")
            assert master.role == "master"
        assert cluster.await_agreement(nodes, sentinels, watchers, within=60) is master
        wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="its registration")
        wait_for(lambda: master.ask("SET", "key", "value"), what="writes")
        assert [node.child for node in nodes] == children and cluster.lineage()["epoch"] == epoch
