"""A replica without a complete copy of the group's data is never promoted, and wipes nobody's data."""

import contextlib
import json
import socket
import threading

import pytest

from cluster import LOOPBACK, free_port, wait_for
from test_health import await_health, health
from test_healing import KEYS, conf_with, fill
from variants import in_full

# Longer than any of these tests takes.
NEVER = "60"
# Sentinel asks for INFO every ten seconds.
SEEN = 25
RDB_VERSION = b"REDIS0010"
FUTURE_RDB_VERSION = b"REDIS9999"
APPEND_ONLY = "appendonly yes\n"
SNAPSHOTS = "appendonly no\nsave 1 1\n"


class Corrupting:
    """A way to a server on which, while it is `corrupting`, each snapshot gets a version that no Redis can load."""

    def __init__(self):
        self.corrupting = False
        self.server_port = None
        self.listener = socket.create_server((LOOPBACK, free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection((LOOPBACK, self.server_port))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, sink, from_server=False):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if from_server and self.corrupting:
                    data = data.replace(RDB_VERSION, FUTURE_RDB_VERSION)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def listed_by(sentinel, node):
    return [replica for replica in sentinel.replicas() if replica["port"] == node.port]


def await_listed(sentinels, nodes):
    wait_for(lambda: all(listed_by(sentinel, node) for sentinel in sentinels for node in nodes), SEEN,
             "every Sentinel's knowledge of every replica", every=0.1)


def await_failover_attempt(sentinels):
    wait_for(lambda: any(sentinel.log_lines("no-good-slave") or sentinel.log_lines("+switch-master")
                         for sentinel in sentinels), what="a failover, or an attempt", every=0.05)


def keys(node):
    return node.ask("DBSIZE")


def priority(node):
    return node.info().get("slave_priority")


def lone_master(cluster, joining=0, **env):
    """(master, [replica, ...], [sentinel, ...]): the replicas wait for their first copy, and the Sentinels know them."""
    master = cluster.redis(**env)
    master.await_serving()
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", NEVER)
    sentinels = [cluster.sentinel() for _ in range(3)]
    for sentinel in sentinels:
        sentinel.await_serving()
    fill(master)
    replicas = join(cluster, joining)
    await_listed(sentinels, replicas)
    return master, replicas, sentinels


def join(cluster, count):
    replicas = [cluster.redis() for _ in range(count)]
    for replica in replicas:
        replica.await_serving()
    return replicas


def await_reported(cluster, node):
    """ZooKeeper knows what the node's data are called. Until then they would be of unknown origin if the node died, and
    a master whose first replica attaches calls its data by another name."""
    def reported():
        name = node.info().get("master_replid")
        entries = [json.loads(cluster.record(f"/redis/datasets/master1/{entry}") or "{}")
                   for entry in cluster.listed("/redis/datasets/master1")]
        return any(entry.get("endpoint") == node.record and entry["dataset"]["replication_id"] == name
                   for entry in entries)

    wait_for(reported, what=f"ZooKeeper's knowledge of the data of {node.address}", every=0.1)


def return_of(master, how, where):
    """What happens to the master until it is started again."""
    if how == "killed":
        master.kill_all()
    else:
        master.stop()
    if where == "elsewhere":
        master.move()


@pytest.mark.parametrize("where", ["same address", "elsewhere"])
@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("joining", [1, *in_full(2, 3)])
def test_only_replicas_without_a_copy(make_cluster, joining, how, where):
    """A1: the master returns with its data, and serves them again."""
    cluster = make_cluster()
    cluster.start_zookeeper()
    master, replicas, sentinels = lone_master(cluster, joining)
    assert [priority(replica) for replica in replicas] == [0] * joining
    return_of(master, how, where)
    await_failover_attempt(sentinels)
    assert not [replica for replica in replicas if replica.role == "master"]
    master.start()
    master.await_serving()
    assert master.role == "master" and keys(master) == KEYS
    cluster.await_agreement([master, *replicas], sentinels)
    wait_for(lambda: all(keys(replica) == KEYS and priority(replica) == 100 for replica in replicas),
             what="complete copies", every=0.1)


@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("joining", [1, *in_full(2)])
def test_the_one_complete_copy_is_promoted(make_cluster, joining, how):
    cluster = make_cluster()
    (master, complete), sentinels, _ = cluster.bring_up(redis=2)
    if master.role != "master":
        master, complete = complete, master
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", NEVER)
    fill(master)
    replicas = join(cluster, joining)
    await_listed(sentinels, replicas)
    return_of(master, how, "same address")
    wait_for(lambda: complete.role == "master", what="its promotion")
    assert keys(complete) == KEYS
    master.start()
    nodes = [master, complete, *replicas]
    assert cluster.await_agreement(nodes, sentinels) is complete
    wait_for(lambda: all(keys(node) == KEYS for node in nodes), what="complete copies", every=0.1)


@pytest.mark.parametrize("where, persistence", [
    ("same address", APPEND_ONLY), ("elsewhere", SNAPSHOTS),
    *in_full(("same address", SNAPSHOTS), ("elsewhere", APPEND_ONLY))])
def test_a_replica_that_cannot_load_the_copy(make_cluster, where, persistence):
    """A2: it empties itself first, as one of an older version does in an upgrade."""
    cluster = make_cluster()
    conf_with(cluster, persistence)
    cluster.start_zookeeper()
    way = Corrupting()
    master = cluster.redis(start=False, ANNOUNCE_PORT=way.port)
    way.server_port = master.port
    master.start()
    master.await_serving()
    sentinels = [cluster.sentinel() for _ in range(3)]
    watcher = cluster.watcher()
    (replica,) = join(cluster, 1)
    wait_for(lambda: priority(replica) == 100, what="its first copy")
    fill(master)
    await_listed(sentinels, [replica])
    if "save" in persistence:
        wait_for(lambda: master.ask("INFO", "persistence").get("rdb_changes_since_last_save") == 0, what="a snapshot")
    replica.kill_all()
    # A snapshot says how far it goes, and the replica would get what follows alone.
    for path in replica.directory.glob("dump.rdb"):
        path.unlink()
    way.corrupting = True
    replica.start()
    replica.await_serving()
    wait_for(lambda: "Can't handle RDB format version 9999" in replica.log(), what="a copy that cannot be loaded")
    assert priority(replica) == 0
    assert "holds no complete copy" in await_health(replica, 1, "copy")
    wait_for(lambda: f"{replica.address} has had no complete copy" in watcher.get("/status"), 60, "a warning", every=0.2)
    wait_for(lambda: all(found["slave-priority"] == 0 for sentinel in sentinels for found in listed_by(sentinel, replica)),
             SEEN, "every Sentinel's knowledge of that", every=0.1)
    master.kill_all()
    await_failover_attempt(sentinels)
    if where == "elsewhere":
        master.move()
        master.env.pop("ANNOUNCE_PORT")
    else:
        way.corrupting = False
    master.start()
    master.await_serving()
    assert keys(master) == KEYS
    wait_for(lambda: keys(replica) == KEYS and priority(replica) == 100, what="a complete copy", every=0.1)
    assert master.role == "master"
    await_health(replica, 0)


def test_a_copy_that_is_given_up_and_made_anew(make_cluster):
    """While it runs, too: it can be promoted until it empties itself, and once it has all again."""
    cluster = make_cluster()
    conf_with(cluster, "enable-debug-command yes\nreplica-priority 40\n")
    cluster.start_zookeeper()
    way = Corrupting()
    master = cluster.redis(start=False, ANNOUNCE_PORT=way.port)
    way.server_port = master.port
    master.start()
    master.await_serving()
    (replica,) = join(cluster, 1)
    wait_for(lambda: priority(replica) == 40, what="its first copy")
    fill(master)

    def registered():
        (text,) = [text for text in map(cluster.record, [f"/redis/members/master1/{uuid}" for uuid in
                                                         cluster.listed("/redis/members/master1")])
                   if replica.record in text]
        return text

    wait_for(lambda: "incomplete" not in registered(), what="what the others are told")
    way.corrupting = True
    master.ask("DEBUG", "CHANGE-REPL-ID")
    master.ask("CLIENT", "KILL", "TYPE", "replica")
    wait_for(lambda: priority(replica) == 0, what="the end of its copy")
    wait_for(lambda: '"incomplete":true' in registered(), what="what the others are told")
    way.corrupting = False
    wait_for(lambda: priority(replica) == 40 and keys(replica) == KEYS, what="a complete copy")
    wait_for(lambda: "incomplete" not in registered(), what="what the others are told")
    # What somebody sets stays, while there is a copy.
    replica.ask("CONFIG", "SET", "replica-priority", "7")
    replica.ask("CONFIG", "SET", "repl-timeout", "59")
    wait_for(lambda: len(replica.log_lines("replica-priority")) >= 3, what="its log lines")
    assert priority(replica) == 7


def test_nobody_may_be_promoted(make_cluster):
    """B3: the only replica is a backup, which holds all data and has priority 0."""
    cluster = make_cluster()
    cluster.start_zookeeper()
    master, _, sentinels = lone_master(cluster)
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    conf_with(cluster, "replica-priority 0\n")
    (backup,) = join(cluster, 1)
    wait_for(lambda: keys(backup) == KEYS, what="its copy")
    await_listed(sentinels, [backup])
    assert await_health(backup, 0)
    ends = [(how, where) for how in ("killed", "stopped") for where in ("same address", "elsewhere")]
    for number, (how, where) in enumerate(ends):
        master.ask("SET", f"more:{number}", number)
        wait_for(lambda: keys(backup) == KEYS + number + 1, what="its copy")
        await_reported(cluster, master)
        return_of(master, how, where)
        await_failover_attempt(sentinels)
        master.start()
        master.await_serving()
        assert master.role == "master" and keys(master) == KEYS + number + 1
        cluster.await_agreement([master, backup], sentinels)
        wait_for(lambda: keys(backup) == KEYS + number + 1 and priority(backup) == 0, what="its copy")


def test_a_backup_with_newer_data_is_not_overwritten(make_cluster):
    cluster = make_cluster()
    conf_with(cluster, 'appendonly no\nsave ""\n')
    cluster.start_zookeeper()
    cluster.watcher()
    master, _, sentinels = lone_master(cluster)
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    conf_with(cluster, "replica-priority 0\n")
    (backup,) = join(cluster, 1)
    wait_for(lambda: keys(backup) == KEYS, what="its copy")
    await_listed(sentinels, [backup])
    master.kill_all()
    await_failover_attempt(sentinels)
    master.start()
    line = master.wait_log(f"{backup.address} is running and holds better data")
    assert " error " in line and "replica-priority" in line
    assert keys(backup) == KEYS
    # The way out that it names.
    backup.ask("CONFIG", "SET", "replica-priority", "10")
    wait_for(lambda: backup.role == "master", 60, "its promotion", every=0.1)
    cluster.await_agreement([master, backup], sentinels)
    assert keys(backup) == keys(master) == KEYS


def test_health_waits_for_the_sentinels(make_cluster):
    cluster = make_cluster()
    cluster.start_zookeeper()
    master, _, sentinels = lone_master(cluster)
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    (replica,) = join(cluster, 1)
    wait_for(lambda: health(replica)[0] == 0, SEEN, "its health", every=0.05)
    assert [[found["slave-priority"] for found in listed_by(sentinel, replica)] for sentinel in sentinels] == [[100]] * 3
    # B1: the old node is stopped at once.
    master.stop()
    assert master.log_lines("handed over to")
    assert replica.role == "master" and keys(replica) == KEYS
