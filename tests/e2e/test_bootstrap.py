"""Who becomes master: at a start of many at once, under the lock that kazoo knows too, and after a restart."""

import os
import signal

from kazoo.exceptions import LockTimeout
from kazoo.security import make_acl
import pytest

from cluster import LOOPBACK, PATIENCE, wait_for, write_until_ok


def test_twenty_at_one_instant_make_one_master(cluster):
    for number in range(10):
        # Nobody gets an answer from ZooKeeper until all of them have asked.
        cluster.zookeeper.signal(signal.SIGSTOP)
        nodes = [cluster.redis(ZK_ROOT=f"/round-{number}", ZK_SESSION_TIMEOUT="10s") for _ in range(20)]
        for node in nodes:
            node.wait_log("initiated connection to server")
        cluster.zookeeper.signal(signal.SIGCONT)
        for node in nodes:
            node.await_serving()
        master = cluster.master(nodes)
        wait_for(lambda: master.info().get("connected_slaves") == 19, what="19 replicas", every=0.1)
        wait_for(lambda: all(node is master or node.follows(master) for node in nodes), what="their links", every=0.1)
        assert [node.role for node in nodes].count("master") == 1
        assert cluster.record(f"/round-{number}/master") == master.record
        for node in nodes:
            node.kill_all()


def test_any_order_of_arrival(cluster):
    watchers = [cluster.watcher()]
    sentinels = [cluster.sentinel() for _ in range(3)]
    for sentinel in sentinels:
        sentinel.wait_log("waiting for a master in /redis/master")
    nodes = [cluster.redis() for _ in range(3)]
    cluster.await_agreement(nodes, sentinels, watchers)


# --- the lock


def test_waits_behind_a_kazoo_lock(cluster):
    lock = cluster.kazoo.Lock("/redis/master", "somebody else")
    with lock:
        node = cluster.redis()
        wait_for(lambda: len(lock.contenders()) == 2, what="its place in the queue")
        node.wait_log("another node of the group holds the start lock")
        assert lock.contenders()[0] == "somebody else"
        assert node.child is None
    assert "serving as master" in node.await_serving()
    assert cluster.record() == node.record


def test_kazoo_waits_behind_ours(cluster):
    gate = cluster.directory / "gate"
    os.mkfifo(gate)
    slow_server = cluster.directory / "slow-redis-server"
    slow_server.write_text(f'#!/bin/sh\nread line <{gate}\nexec redis-server "$@"\n')
    slow_server.chmod(0o755)
    node = cluster.redis(REDIS_SERVER_BIN=slow_server)
    lock = cluster.kazoo.Lock("/redis/master", "somebody else")
    wait_for(lambda: node.child and lock.contenders(), what="our lock")
    with pytest.raises(LockTimeout):
        lock.acquire(timeout=1)
    assert cluster.record() == "", "no record before the server answers"
    gate.write_text("go\n")
    assert lock.acquire(timeout=PATIENCE)
    assert cluster.record() == node.record


def test_foreign_children_of_the_record_are_no_contenders(cluster):
    for name in ("garbage", "0__lock__", "x__lock__12345", "__lock__abcdefghij"):
        cluster.kazoo.create(f"/redis/master/{name}", makepath=True)
    assert "serving as master" in cluster.redis().await_serving()


# --- the record


def test_restarted_alone_is_master_again_with_its_data(cluster):
    node = cluster.redis()
    node.await_serving()
    node.ask("SET", "key", "value")
    node.stop()
    node.start()
    assert "serving as master" in node.await_serving()
    assert node.ask("GET", "key") == "value"


def test_restarted_master_does_not_serve_while_a_copy_of_the_data_lives(cluster):
    master = cluster.redis()
    master.await_serving()
    replica = cluster.redis()
    replica.await_serving()
    wait_for(lambda: replica.follows(master), what="replication")
    with master.client() as client:
        client.set("key", "value")
        assert client.execute_command("WAIT", 1, 5000) == 1  # for what this connection wrote
    master.kill_all()
    master.start()
    master.wait_log("is running and holds data; waiting for Sentinel to promote it")
    assert master.child is None
    assert replica.ask("GET", "key") == "value"


def test_stale_record_gives_way_to_the_sentinels(cluster):
    nodes, _, _ = cluster.bring_up(watchers=0)
    master = cluster.master(nodes)
    replica = next(node for node in nodes if node is not master)
    cluster.kazoo.set("/redis/master", replica.record.encode())
    newcomer = cluster.redis()
    assert f"serving as replica of {master.address}" in newcomer.await_serving()
    wait_for(lambda: newcomer.follows(master), what="replication")


def test_unreadable_record_of_an_empty_group(cluster):
    cluster.kazoo.create("/redis/master", b"garbage", makepath=True)
    node = cluster.redis()
    assert 'the record is unreadable (found "garbage")' in node.await_serving()
    assert cluster.record() == node.record


def test_default_group_is_mirrored(cluster):
    node = cluster.redis()
    node.await_serving()
    assert cluster.record("/redis/masters/master1") == cluster.record("/redis/master") == node.record


def test_another_group(cluster):
    nodes = [cluster.redis(MASTER_NAME="sessions") for _ in range(2)]
    sentinel = cluster.sentinel(MASTER_NAME="sessions")
    for process in (*nodes, sentinel):
        process.await_serving()
    assert cluster.record("/redis/masters/sessions") == cluster.master(nodes).record
    assert cluster.record("/redis/master") == ""
    assert sentinel.view("sessions")["port"] == cluster.master(nodes).port


@pytest.mark.parametrize("chroot", ["/a", "/a/b", "/a/b/c"])
def test_chroot_that_does_not_exist(cluster, chroot):
    """Also by all three daemons at once."""
    cluster.zookeeper_hosts, plain = cluster.zookeeper_hosts + chroot, cluster.zookeeper_hosts
    sentinel, watcher, node = cluster.sentinel(), cluster.watcher(), cluster.redis()
    node.await_serving()
    sentinel.await_serving()
    wait_for(lambda: watcher.get("/master") == node.record, what="the watcher's answer")
    cluster.zookeeper_hosts = plain
    assert cluster.record(f"{chroot}/redis/master") == node.record


@pytest.mark.parametrize("daemon", ["redis", "sentinel", "watcher"])
def test_chroot_that_may_not_be_created(cluster, daemon):
    plain = cluster.zookeeper_hosts
    before = cluster.kazoo.get_acls("/")[0]
    cluster.kazoo.set_acls("/", [make_acl("world", "anyone", read=True, admin=True)])
    try:
        cluster.zookeeper_hosts = plain + "/refused"
        node = getattr(cluster, daemon)()
        assert node.wait(within=15) == 78
    finally:
        cluster.zookeeper_hosts = plain
        cluster.kazoo.set_acls("/", before)
    (line,) = node.log_lines(" error ")
    assert "exiting: cannot create the chroot /refused: permission denied" in line and "ZK_USERNAME" in line
    assert "or let an administrator create /refused with an ACL for everybody" in line


# --- addresses


def test_ipv6(make_cluster):
    cluster = make_cluster(BIND_IP="::1")
    cluster.start_zookeeper()
    nodes, (sentinel,), (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    master = cluster.master(nodes)
    assert cluster.record() == f"::1 {master.port}"
    assert watcher.get("/sentinels") == f"[::1]:{sentinel.port}"
    write_until_ok(cluster.sentinel_client(watcher), "key", "value")


def test_address_of_the_interface(cluster):
    node = cluster.redis(start=False)
    node.env.pop("BIND_IP")
    node.env["NET_IFACE"] = "lo"
    node.start().await_serving()
    assert cluster.record() == f"{LOOPBACK} {node.port}"


def test_announced_address_is_what_others_are_told(cluster):
    node = cluster.redis(ANNOUNCE_IP="localhost", ANNOUNCE_PORT="6399")
    node.await_serving()
    assert cluster.record() == f"{LOOPBACK} 6399"
    assert node.role == "master"
