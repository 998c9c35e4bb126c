"""What a start loads and what a stop saves: changed persistence, files of a copy, the last snapshot, a full server."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from cluster import GROUP, ROOT, wait_for
from variants import in_full

MEMORY_ONLY = 'appendonly no\nsave ""\n'
SNAPSHOTS = "appendonly no\nsave 3600 1\n"
APPEND_ONLY = "appendonly yes\nsave 3600 1\n"
APPEND_ONLY_ALONE = 'appendonly yes\nsave ""\n'


@pytest.fixture
def quick(make_cluster):
    """A cluster whose nodes come and go without a handover."""
    cluster = make_cluster(HANDOVER_TIMEOUT="0")
    cluster.start_zookeeper()
    return cluster


def configure(cluster, lines):
    """Settings behind those that every cluster has, for what is started from now on."""
    path = cluster.directory / "settings.conf"
    path.write_text(f"include {cluster.directory}/redis.conf\n{lines}")
    cluster.add_env(REDIS_CONF=path)
    for process in cluster.processes:
        if process.env and "REDIS_CONF" in process.env:
            process.env["REDIS_CONF"] = str(path)


def fill(node, count, name="key"):
    with node.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(count):
            pipeline.set(f"{name}:{number}", number)
        pipeline.execute()
        client.execute_command("WAIT", client.info("replication")["connected_slaves"], 4000)


def end(node, how):
    if how == "stopped":
        node.stop()
    else:
        node.kill_all()


def persistence(node):
    return node.ask("INFO", "persistence") or {}


def keeps_append_only(node):
    info = persistence(node)
    return info and info["aof_enabled"] and not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]


def start(node):
    node.start()
    return node.await_serving()


def pair(cluster, settings):
    """(master, replica), which follows it."""
    configure(cluster, settings)
    master, replica = cluster.redis(), None
    master.await_serving()
    replica = cluster.redis()
    replica.await_serving()
    wait_for(lambda: replica.follows(master) and master.info()["slave0"]["state"] == "online", what="replication")
    return master, replica


# --- from snapshots to an append-only file, and back


@pytest.mark.parametrize("nodes", [1, 3, *in_full(2)])
def test_snapshots_are_converted(quick, nodes):
    configure(quick, SNAPSHOTS)
    fleet = [quick.redis() for _ in range(nodes)]
    for node in fleet:
        node.await_serving()
    master = quick.master(fleet)
    wait_for(lambda: master.info()["connected_slaves"] == nodes - 1, what="replication")
    fill(master, 500)
    for node in fleet:
        node.stop()
    configure(quick, APPEND_ONLY)
    for node in fleet:
        node.start()
    for node in fleet:
        node.await_serving()
    assert [node.ask("DBSIZE") for node in fleet if node.role == "master"] == [500]
    assert [node for node in fleet if node.log_lines("appendonly is yes, and there are no data")]
    master = quick.master(fleet)
    master.ask("SET", "one", "more")
    for node in fleet:
        wait_for(lambda node=node: keeps_append_only(node) and node.ask("DBSIZE") == 501, what="the append-only file")
        if node.log_lines("appendonly is yes, and there are no data"):
            node.wait_log("conversion finished: the append-only file is complete")
    # What is there now is an ordinary group with append-only files.
    wait_for(lambda: json.loads((master.directory / "redis-zk.json").read_text())["aof_file"], what="the note")
    wait_for(lambda: b"more" in b"".join(path.read_bytes() for path in master.directory.glob("appendonlydir/*")),
             what="the last write on the disk")
    for node in fleet:
        node.kill_all()
    for node in fleet:
        (node.directory / "dump.rdb").unlink(missing_ok=True)
        node.start()
    for node in fleet:
        node.await_serving()
    assert quick.master(fleet).ask("DBSIZE") == 501
    assert not any(node.log_lines("event=conversion-") for node in fleet)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_conversion_that_was_interrupted_begins_again(quick, how):
    configure(quick, SNAPSHOTS)
    node = quick.redis()
    node.await_serving()
    fill(node, 5000)
    node.stop()
    # Five seconds for the append-only file.
    configure(quick, APPEND_ONLY + "rdb-key-save-delay 1000\n")
    start(node)
    wait_for(lambda: persistence(node).get("aof_rewrite_in_progress"), what="the conversion")
    if how == "stopped":
        node.ask("SET", "one", "more")
        node.ask("CONFIG", "SET", "rdb-key-save-delay", 0)
    end(node, how)
    assert not list(node.directory.glob("appendonlydir/*.base.rdb"))
    configure(quick, APPEND_ONLY)
    start(node)
    assert node.ask("DBSIZE") == 5000 + (how == "stopped")
    node.wait_log("conversion finished")
    node.kill_all()
    start(node)
    assert node.ask("DBSIZE") == 5000 + (how == "stopped")


def test_an_empty_append_only_file_does_not_hide_a_snapshot(quick):
    """As a start without this left it."""
    configure(quick, SNAPSHOTS)
    node = quick.redis()
    node.await_serving()
    fill(node, 500)
    node.stop()
    port = str(node.port)
    server = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", port, "--appendonly", "yes"],
                              cwd=node.directory, stdout=subprocess.DEVNULL)
    wait_for(lambda: node.ask("PING"), what="the server")
    assert node.ask("DBSIZE") == 0
    server.kill()
    server.wait()
    configure(quick, APPEND_ONLY)
    start(node)
    assert node.ask("DBSIZE") == 500


def test_a_flushed_group_stays_empty(quick):
    """Its old snapshot, which a full copy left, is not loaded, whatever redis.conf says next."""
    master, replica = pair(quick, APPEND_ONLY_ALONE)
    fill(master, 500)
    replica.stop()
    fill(master, 10, "late")
    (replica.directory / "dump.rdb").unlink(missing_ok=True)
    for path in replica.directory.glob("appendonlydir/*"):
        path.unlink()
    start(replica)
    wait_for(lambda: replica.follows(master) and keeps_append_only(replica), what="a full copy")
    assert (replica.directory / "dump.rdb").stat().st_size > 1000
    master.ask("FLUSHALL")
    wait_for(lambda: replica.ask("DBSIZE") == 0, what="an empty replica")
    wait_for(lambda: json.loads((replica.directory / "redis-zk.json").read_text())["aof_file"], what="the note")
    replica.ask("BGREWRITEAOF")
    wait_for(lambda: keeps_append_only(replica), what="the rewritten file")
    name = json.loads((replica.directory / "redis-zk.json").read_text())["aof_file"]
    wait_for(lambda: json.loads((replica.directory / "redis-zk.json").read_text())["aof_file"] >= name, what="the note")
    replica.kill_all()
    master.kill_all()
    for settings in (APPEND_ONLY_ALONE, SNAPSHOTS):
        configure(quick, settings)
        replica.env["COLD_START_WAIT"] = "0"
        start(replica)
        assert replica.ask("DBSIZE") == 0
        replica.kill_all()


def test_nobody_knows_which_file_is_right(quick):
    """Refused in one line that says how."""
    master, replica = pair(quick, APPEND_ONLY_ALONE)
    fill(master, 50)
    for node in (replica, master):
        node.stop()
    node = replica
    (node.directory / "dump.rdb").unlink(missing_ok=True)
    configure(quick, APPEND_ONLY_ALONE)
    node.env["COLD_START_WAIT"] = "0"
    start(node)
    node.ask("SAVE")
    # Flushed, and written anew without a key; and no note.
    node.ask("CONFIG", "SET", "save", "")
    node.ask("FLUSHALL")
    node.ask("BGREWRITEAOF")
    wait_for(lambda: keeps_append_only(node), what="the rewritten file")
    node.kill_all()
    (node.directory / "redis-zk.json").unlink()
    node.start()
    assert node.wait() == 78
    (line,) = node.log_lines(" error ")
    assert "it is unknown which was in use last; move" in line
    (node.directory / "dump.rdb").rename(node.directory / "old.rdb")
    start(node)
    assert node.ask("DBSIZE") == 0


@pytest.mark.parametrize("how, old_dump", [
    ("stopped", True), ("killed", False), *in_full(("stopped", False), ("killed", True))])
def test_an_append_only_file_is_converted_to_snapshots(quick, how, old_dump):
    configure(quick, APPEND_ONLY)
    node = quick.redis()
    node.await_serving()
    fill(node, 100, "old")
    if old_dump:
        node.ask("SAVE")
    fill(node, 500)
    wait_for(lambda: not persistence(node)["aof_pending_bio_fsync"], what="the disk")
    end(node, how)
    if not old_dump:
        (node.directory / "dump.rdb").unlink(missing_ok=True)
    configure(quick, SNAPSHOTS)
    start(node)
    assert node.ask("DBSIZE") == 600
    assert node.log_lines("appendonly is no, and the append-only file")
    node.wait_log("conversion finished: a snapshot is written")
    assert persistence(node)["aof_enabled"] == 0
    wait_for(lambda: not json.loads((node.directory / "redis-zk.json").read_text())["aof_file"], what="the note")
    node.ask("SET", "one", "more")
    node.stop()
    # The old append-only file is still there, and is not taken for the newer one, neither way.
    start(node)
    assert node.ask("DBSIZE") == 601 and not node.log_lines("event=conversion-")
    node.stop()
    configure(quick, APPEND_ONLY)
    start(node)
    assert node.ask("DBSIZE") == 601
    node.wait_log("conversion finished: the append-only file is complete")
    node.kill_all()
    start(node)
    assert node.ask("DBSIZE") == 601


def test_what_was_switched_at_run_time_is_loaded(quick):
    """As Redis' documentation says: CONFIG SET first, redis.conf later, and everything dies in between."""
    configure(quick, SNAPSHOTS)
    node = quick.redis()
    node.await_serving()
    fill(node, 100, "old")
    node.ask("SAVE")
    node.ask("CONFIG", "SET", "appendonly", "yes")
    wait_for(lambda: keeps_append_only(node), what="the append-only file")
    fill(node, 500)
    wait_for(lambda: json.loads((node.directory / "redis-zk.json").read_text())["aof_file"], what="the note")
    wait_for(lambda: not persistence(node)["aof_pending_bio_fsync"], what="the disk")
    node.kill_all()
    start(node)
    assert node.ask("DBSIZE") == 600


# --- nothing on disk


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_flushed_keys_of_a_memory_only_group_stay_gone(make_cluster, how):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT="60s")
    cluster.start_zookeeper()
    configure(cluster, MEMORY_ONLY + "repl-diskless-load disabled\n")
    master = cluster.redis()
    master.await_serving()
    fill(master, 500)
    replica = cluster.redis()
    replica.await_serving()
    wait_for(lambda: replica.follows(master), what="replication")
    master.ask("FLUSHALL")
    fill(master, 1, "new")
    wait_for(lambda: replica.ask("DBSIZE") == 1, what="the new key")
    for node in (replica, master):
        end(node, how)
    assert cluster.listed(f"/redis/datasets/{GROUP}") == []
    began = time.monotonic()
    for node in (master, replica):
        node.start()
    for node in (master, replica):
        node.await_serving()
    assert time.monotonic() - began < 10
    assert [node.ask("DBSIZE") for node in (master, replica)] == [0, 0]


def test_a_snapshot_from_before_is_ignored_and_kept(quick):
    configure(quick, SNAPSHOTS)
    node = quick.redis()
    node.await_serving()
    fill(node, 500)
    node.stop()
    configure(quick, MEMORY_ONLY)
    start(node)
    assert node.ask("DBSIZE") == 0
    assert node.log_lines("ignoring the data in") and "dump.rdb" in node.log_lines("ignoring the data in")[0]
    node.ask("SET", "one", "key")
    node.ask("SAVE")
    assert (node.directory / "redis-zk.copy.rdb").exists()
    node.stop()
    start(node)
    assert node.ask("DBSIZE") == 0 and not (node.directory / "redis-zk.copy.rdb").exists()
    node.stop()
    configure(quick, SNAPSHOTS)
    start(node)
    assert node.ask("DBSIZE") == 500


# --- the last snapshot


@pytest.mark.parametrize("stop_timeout", ["60s", "10s"])
def test_the_last_snapshot_beside_a_replica_that_hangs(make_cluster, stop_timeout):
    cluster = make_cluster(HANDOVER_TIMEOUT="2s", STOP_TIMEOUT=stop_timeout)
    cluster.start_zookeeper()
    master, replica = pair(cluster, SNAPSHOTS)
    fill(master, 1000)
    master.ask("SAVE")
    os.kill(replica.child, signal.SIGSTOP)
    with master.client() as client, client.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.set(f"unsaved:{number}", number)
        pipeline.execute()
    assert master.stop(within=40) == 0
    assert not master.log_lines("killed")
    os.kill(replica.child, signal.SIGKILL)
    replica.kill()
    master.env["COLD_START_WAIT"] = "0"
    start(master)
    assert master.ask("DBSIZE") == 2000


def test_a_large_save_has_time(quick):
    configure(quick, SNAPSHOTS)
    node = quick.redis()
    node.await_serving()
    fill(node, 1000)
    # Eleven seconds.
    node.ask("CONFIG", "SET", "rdb-key-save-delay", 11000)
    assert node.stop(within=40) == 0
    start(node)
    assert node.ask("DBSIZE") == 1000


@pytest.mark.parametrize("own_data", [False, True])
def test_a_copy_whose_name_nobody_has_written_down(make_cluster, own_data):
    """A master gets another replication id with its first replica; both die before a wrapper has seen it."""
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT="1s")
    cluster.start_zookeeper()
    # Time to stop the wrappers in.
    configure(cluster, APPEND_ONLY + "repl-diskless-sync-delay 2\n")
    master, replica = cluster.redis(), cluster.redis(start=False)
    master.await_serving()
    fill(master, 1000)
    if own_data:
        replica.start()
        wait_for(lambda: replica.follows(master) and keeps_append_only(replica), what="the first copy")
        replica.kill_all()
        master.kill_all()
        start(master)
    at_first = master.info()["master_replid"]
    wait_for(lambda: at_first in (cluster.record(f"/redis/history/{GROUP}") or ""), what="the history")
    master.signal(signal.SIGSTOP)
    replica.start()
    wait_for(lambda: replica.ask("PING"), what="the replica's server")
    replica.signal(signal.SIGSTOP)
    wait_for(lambda: replica.follows(master), what="the copy")
    assert replica.info()["master_replid"] != at_first
    replica.kill_all()
    fill(master, 1, name="later")
    wait_for(lambda: not persistence(master)["aof_pending_bio_fsync"], what="the disk")
    master.kill_all()
    for node in (replica, master):
        node.start()
    for node in (replica, master):
        node.await_serving()
    assert master.role == "master" and master.ask("DBSIZE") == 1000 + 1
    wait_for(lambda: replica.ask("DBSIZE") == 1000 + 1, what="the copy of all")


def test_a_kill_says_what_it_may_have_cost(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", STOP_TIMEOUT="1s")
    cluster.start_zookeeper()
    configure(cluster, SNAPSHOTS)
    node = cluster.redis()
    node.await_serving()
    fill(node, 1000)
    node.ask("CONFIG", "SET", "rdb-key-save-delay", 10000)
    assert node.stop() == 128 + signal.SIGKILL
    (line,) = node.log_lines(" error ")
    assert "STOP_TIMEOUT" in line and "1000 changes since the last snapshot may be lost" in line


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)\s*(s|m|)", text).groups()
    return int(number) * (60 if unit == "m" else 1)


def test_schedulers_wait_as_long_as_a_stop_may_take(cluster):
    helped = subprocess.run([cluster.binaries / "redis-wrapper", "--help"], capture_output=True, text=True,
                            check=True).stdout

    def default(option):
        return seconds(re.search(rf"{option}.*?default:? *\"?(\d+s)", helped, re.DOTALL).group(1))

    most = default("HANDOVER_TIMEOUT") + default("STOP_TIMEOUT")
    found = {}
    for name in ("redis.json", "redis-persistent.json"):
        found[name] = json.loads((ROOT / "marathon" / name).read_text())["taskKillGracePeriodSeconds"]
    group = json.loads((ROOT / "marathon/redis-zk.json").read_text())
    found["redis-zk.json"] = next(app for app in group["apps"] if "redis" in app["id"])["taskKillGracePeriodSeconds"]
    for name in ("docker-compose.yml", "docker-compose.host.yml"):
        found[name] = max(seconds(text) for text in
                          re.findall(r"stop_grace_period: (\S+)", (ROOT / "docker" / name).read_text()))
    found["nomad"] = max(seconds(text) for text in
                         re.findall(r'kill_timeout += "(\w+)"', (ROOT / "docker/redis-zk.nomad.hcl").read_text()))
    assert {name: grace for name, grace in found.items() if grace < most + 10} == {}


# --- a server without room


class Crowd:
    """Clients that connect again at once."""

    def __init__(self, node, size):
        self._address = (node.host, node.port)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._stay, daemon=True) for _ in range(size)]
        self.refused = 0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _stay(self):
        while not self._over.is_set():
            try:
                with socket.create_connection(self._address, timeout=0.5) as connection:
                    connection.settimeout(0.5)
                    for _ in range(20):
                        connection.sendall(b"PING\r\n")
                        if b"max number" in connection.recv(100):
                            self.refused += 1
                            break
                        if self._over.wait(0.1):
                            return
            except OSError:
                self._over.wait(0.01)


@pytest.mark.parametrize("password", [None, "secret"])
def test_a_crowded_server_serves_and_stays_healthy(make_cluster, password):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", FENCE_PATIENCE="1s", REDIS_PASSWORD=password)
    cluster.start_zookeeper()
    configure(cluster, MEMORY_ONLY + "maxclients 12\n")
    node = cluster.redis(start=False)
    with Crowd(node, 30) as crowd:
        start(node)
        assert cluster.record() == node.record
        # A Sentinel that cannot be reached, and no ZooKeeper: the fence is raised, and lowered.
        wait_for(lambda: crowd.refused > 1000, what="a crowd")
        cluster.kazoo.create("/redis/sentinels/12345678-1234-1234-1234-123456789012", b"127.0.0.1 1", makepath=True)
        wait_for(lambda: subprocess.run([cluster.binaries / "redis-wrapper", "healthcheck"], env=node.env,
                                        cwd=node.directory, capture_output=True).returncode == 0, what="health")
        since = time.monotonic()
        while time.monotonic() - since < 12:
            assert subprocess.run([cluster.binaries / "redis-wrapper", "healthcheck"], env=node.env,
                                  cwd=node.directory, capture_output=True).returncode == 0
        cluster.zookeeper.signal(signal.SIGSTOP)
        node.wait_log("event=fence-raised")
        cluster.zookeeper.signal(signal.SIGCONT)
        node.wait_log("event=fence-lowered")
    assert node.stop() == 0


# --- the fence, and answers that are lost


def test_a_fence_whose_answer_was_lost_is_lowered(make_cluster):
    cluster = make_cluster(FENCE_PATIENCE="1s", HANDOVER_TIMEOUT="0")
    cluster.start_zookeeper()
    configure(cluster, MEMORY_ONLY)
    # A Sentinel that does not answer.
    cluster.kazoo.create("/redis/sentinels/12345678-1234-1234-1234-123456789012", b"127.0.0.1 1", makepath=True)
    node = cluster.redis()
    node.await_serving()
    with node.client() as client:
        wait_for(lambda: client.config_get("masterauth")["masterauth"], what="the guard of the copy")

        def asks_for_the_users_settings():
            return any(b"min-replicas-to-write" in entry["command"] for entry in client.slowlog_get(16))

        client.config_set("slowlog-log-slower-than", 0)
        cluster.zookeeper.signal(signal.SIGSTOP)
        # The order to raise is on its way then.
        wait_for(asks_for_the_users_settings, what="the raise", every=0)
        os.kill(node.child, signal.SIGSTOP)
    node.wait_log("event=fence-")
    cluster.zookeeper.signal(signal.SIGCONT)
    os.kill(node.child, signal.SIGCONT)
    wait_for(lambda: node.ask("CONFIG", "GET", "min-replicas-to-write") == ["min-replicas-to-write", "0"]
             and node.ask("SET", "key", "value"), what="a fence that is down")


def test_a_fence_found_raised_is_lowered(quick):
    """By an order that came late."""
    configure(quick, MEMORY_ONLY)
    node = quick.redis()
    node.await_serving()
    node.ask("CONFIG", "SET", "min-replicas-to-write", "65535")
    node.wait_log("event=fence-lowered")
    assert node.ask("SET", "key", "value")
