"""conf/haproxy.cfg, for clients that know no Sentinel, with a real HAProxy."""

import os
import re
import signal
import time

import pytest
import redis

from cluster import LOOPBACK, ROOT, Server, free_port, wait_for, write_until_ok


def replaced(text, old, new):
    """Fails when the file does not say what is to be replaced."""
    changed, count = re.subn(old, new, text, flags=re.MULTILINE)
    assert count == 1, f"{count} times in haproxy.cfg: {old}"
    return changed


@pytest.fixture
def fleet(cluster):
    return cluster.bring_up()


@pytest.fixture
def haproxy(cluster, fleet):
    nodes, _, (watcher,) = fleet
    text = (ROOT / "conf/haproxy.cfg").read_text()
    port = free_port()
    servers = "\n".join(f"    server {node.address} {node.address}" for node in nodes)
    text = replaced(text, r"bind :6379$", f"bind {LOOPBACK}:{port}")
    text = replaced(text, r"addr 127\.0\.0\.1 port 8080$", f"addr {watcher.host} port {watcher.port}")
    text = replaced(text, r"(^    server 10\.0\.0\.\d:6379 10\.0\.0\.\d:6379\n)+", servers + "\n")
    directory = cluster.directory / "haproxy"
    directory.mkdir()
    (directory / "haproxy.cfg").write_text(text)
    haproxy = Server("haproxy", ["haproxy", "-db", "-f", "haproxy.cfg"], directory, LOOPBACK, port)
    cluster.processes.append(haproxy)
    return haproxy.start()


def client_of(haproxy):
    """An application's: it knows one address."""
    return redis.Redis(haproxy.host, haproxy.port, socket_timeout=0.5, decode_responses=True)


def test_leads_to_the_master_and_to_the_next_one(cluster, fleet, haproxy, figure):
    nodes, sentinels, watchers = fleet
    with client_of(haproxy) as client:
        write_until_ok(client, "key", 1)
        master = cluster.master(nodes)
        assert master.ask("GET", "key") == "1"
        master.kill_all()
        killed = time.monotonic()
        took = write_until_ok(client, "key", 2) - killed
        figure(f"through HAProxy: kill -9 of the master, to the next write, s: {took:.1f}")
        others = [node for node in nodes if node is not master]
        assert cluster.master(others).ask("GET", "key") == "2"
        # The old one returns, and nobody is sent there.
        master.start()
        cluster.await_agreement(nodes, sentinels, watchers)
        assert client.info("replication")["role"] == "master"


def test_connections_to_the_old_master_are_cut(cluster, fleet, haproxy):
    """A frozen one does not close them, and an application would wait."""
    nodes, _, _ = fleet
    with client_of(haproxy) as client:
        write_until_ok(client, "key", 1)
        master = cluster.master(nodes)
        old = client.connection_pool.get_connection("PING")
        for pid in master.pid, master.child:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: cluster.record() != master.record, what="another master")

        def is_cut():
            try:
                return old.can_read() and not old.read_response()
            except redis.ConnectionError:
                return True

        wait_for(is_cut, what="the end of the connection to the frozen master")
        write_until_ok(client, "key", 2)


def test_survives_a_restart_of_the_watcher(cluster, fleet, haproxy):
    """Longer than its checks have patience for, which is the price of one watcher."""
    _, _, (watcher,) = fleet
    with client_of(haproxy) as client:
        write_until_ok(client, "key", 1)
        watcher.kill()
        watcher.start()
        write_until_ok(client, "key", 2)
