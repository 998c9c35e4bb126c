"""B5: data that cannot be loaded. The node that has them fails at every start, and the scheduler starts it again."""

import json
import subprocess

import pytest

from cluster import GROUP, wait_for
from test_persistence import APPEND_ONLY, SNAPSHOTS, configure, fill, pair, start
from variants import in_full

MORE = 500
KEYS = 500
# Far longer than any of these tests takes: it is not this that ends the wait.
NEVER = "600s"


def aof(node, kind):
    """The present file of this kind: base or incr."""
    return sorted(node.directory.glob(f"appendonlydir/*.{kind}.*"))[-1]


def flip(path, at):
    data = bytearray(path.read_bytes())
    for number in range(8):
        data[at + number] ^= 0xFF
    path.write_bytes(data)


def truncate(node):
    path = aof(node, "incr")
    path.write_bytes(path.read_bytes()[:-3])


def corrupt(node):
    """A command near the end no longer begins as one."""
    path = aof(node, "incr")
    data = path.read_bytes()
    flip(path, data.rindex(b"\n*3\r", 0, len(data) - 300) + 1)


def lose_base(node):
    aof(node, "base").unlink()


def flip_snapshot(node):
    path = node.directory / "dump.rdb"
    flip(path, path.stat().st_size // 2)


def renew_format(node):
    path = node.directory / "dump.rdb"
    path.write_bytes(b"REDIS9999" + path.read_bytes()[9:])


DAMAGES = {
    # kind: (settings, what happens to the files, what the error names beside the exit code)
    "truncated": (APPEND_ONLY + "aof-load-truncated no\n", truncate, ""),
    "corrupt": (APPEND_ONLY, corrupt, ""),
    "base missing": (APPEND_ONLY, lose_base, ".base.rdb: No such file"),
    "snapshot": (SNAPSHOTS, flip_snapshot, ""),
    "newer format": (SNAPSHOTS, renew_format, "Can't handle RDB format version 9999"),
    "none": (APPEND_ONLY, lambda node: None, ""),
}


def damaged_pair(cluster, kind):
    """(damaged, other): both down; the first had MORE keys than the other, and its files are damaged."""
    settings, damage, _ = DAMAGES[kind]
    configure(cluster, settings)
    damaged, other = pair(cluster, settings)
    fill(damaged, KEYS)
    other.stop()
    fill(damaged, MORE, "more")
    if settings == SNAPSHOTS:
        damaged.stop()
    else:
        wait_for(lambda: not damaged.ask("INFO", "persistence")["aof_pending_bio_fsync"], what="the disk")
        damaged.kill_all()
    damage(damaged)
    return damaged, other


def keep_starting(node):
    """As a scheduler does."""
    if not node.running:
        node.start()


def known_of(cluster, node):
    """What the group knows of its data."""
    known = [json.loads(cluster.record(f"/redis/datasets/{GROUP}/{name}"))
             for name in cluster.listed(f"/redis/datasets/{GROUP}")]
    (found,) = [each for each in known if each["endpoint"] == node.record]
    return found


def await_report(cluster, node):
    """Until the group knows its data; its znode is made before they are written to it."""
    parent = f"/redis/datasets/{GROUP}"
    wait_for(lambda: any(node.record in cluster.record(f"{parent}/{name}") for name in cluster.listed(parent)),
             what="the report of its data")


def await_next_best(damaged, other):
    wait_for(lambda: keep_starting(damaged) or other.log_lines("event=serving"), 60, "the other one's start", every=0.1)
    assert other.role == "master"


@pytest.fixture
def patient(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT=NEVER)
    cluster.start_zookeeper()
    return cluster


@pytest.mark.parametrize("kind", ["corrupt", "newer format", *in_full("truncated", "base missing", "snapshot")])
def test_the_next_best_begins(patient, kind):
    damaged, other = damaged_pair(patient, kind)
    damaged.start()
    other.start()
    await_next_best(damaged, other)
    assert other.ask("DBSIZE") == KEYS
    (line,) = other.log_lines("event=data-given-up")
    for part in (" error ", damaged.address, "3 times", "last exit code 1", f"FORCE_MASTER={damaged.address}"):
        assert part in line, line
    assert "data-given-up" in patient.record("/redis/events")
    failed = [line for line in damaged.log_path.read_text().splitlines() if "event=data-load-failed" in line]
    assert len(failed) >= 3 and DAMAGES[kind][2] in failed[-1], failed[-1]
    # What is damaged is still there, for whoever wants to repair it.
    told = known_of(patient, damaged)["failed_loads"]
    assert told["count"] >= 3 and told["cause"] == ("newer-format" if kind == "newer format" else "damaged")
    # Moved away, they are replaced by those of the group.
    damaged.kill()
    for path in [*damaged.directory.glob("appendonlydir/*"), *damaged.directory.glob("dump.rdb")]:
        path.unlink()
    start(damaged)
    wait_for(lambda: damaged.follows(other) and damaged.ask("DBSIZE") == KEYS, what="its copy")


@pytest.mark.parametrize("kind", ["corrupt", *in_full("truncated")])
def test_repaired_data_come_back_by_force(patient, kind):
    """The runbook's way."""
    damaged, other = damaged_pair(patient, kind)
    damaged.start()
    other.start()
    await_next_best(damaged, other)
    damaged.kill()
    other.stop()
    manifest = damaged.directory / "appendonlydir/appendonly.aof.manifest"
    repaired = subprocess.run(["redis-check-aof", "--fix", manifest], input="y\n", text=True, capture_output=True,
                              check=False)
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    for node in (other, damaged):
        node.env["FORCE_MASTER"] = damaged.address
    # One by one, in the wrong order: the other one has data, and the repaired ones count as unloadable.
    other.start()
    other.wait_log("wait=forced-master")
    assert not other.log_lines("event=serving")
    damaged.start()
    damaged.await_serving()
    assert damaged.role == "master"
    assert damaged.ask("DBSIZE") > KEYS
    wait_for(lambda: other.follows(damaged) and other.ask("DBSIZE") == damaged.ask("DBSIZE"), what="its copy")
    assert other.address in damaged.log_lines("event=data-given-up")[0], "what is given up now is told as well"


def test_ends_that_prove_nothing_give_no_data_up(patient):
    """Neither a container that is killed for its memory nor a module that is not there says that files are damaged."""
    best, other = damaged_pair(patient, "none")
    other.start()
    binary = best.directory / "loads-for-ever"
    binary.write_text("#!/bin/sh\nexec sleep 600\n")
    binary.chmod(0o755)
    best.env["REDIS_SERVER_BIN"] = str(binary)
    for _ in range(4):
        best.start()
        wait_for(lambda: best.child, what="its server")
        best.kill_all()
    assert known_of(patient, best)["failed_loads"]["begun"]
    other.wait_log("began to load them, and how that ended is unknown")
    del best.env["REDIS_SERVER_BIN"]
    plain = best.env["REDIS_CONF"]
    conf = best.directory / "module.conf"
    conf.write_text(f"include {plain}\nloadmodule /nonexistent.so\n")
    best.env["REDIS_CONF"] = str(conf)
    for _ in range(4):
        best.start()
        assert best.wait() == 1
        assert not best.log_lines("redis-check-aof")
    told = known_of(patient, best)["failed_loads"]
    assert told["count"] == 0 and told["last_exit"] == 1
    assert other.role is None and not other.log_lines("event=data-given-up")
    best.env["REDIS_CONF"] = plain
    start(best)
    assert best.role == "master" and best.ask("DBSIZE") == KEYS + MORE
    wait_for(lambda: other.follows(best) and other.ask("DBSIZE") == KEYS + MORE, what="its copy")
    wait_for(lambda: "failed_loads" not in known_of(patient, best), what="the end of it")


def test_a_node_that_cannot_start_is_not_gone(make_cluster):
    """Of a line in redis.conf that cannot work, its wrapper exits before it starts a server."""
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT="2s")
    cluster.start_zookeeper()
    configure(cluster, APPEND_ONLY)
    only = cluster.redis()
    only.await_serving()
    fill(only, KEYS)
    await_report(cluster, only)
    only.kill_all()
    plain = only.env["REDIS_CONF"]
    conf = only.directory / "wrong.conf"
    conf.write_text(f"include {plain}\ncluster-enabled yes\n")
    only.env["REDIS_CONF"] = str(conf)
    only.start()
    assert only.wait() == 78
    other = cluster.redis()
    line = other.wait_log("refusing to begin empty")
    assert only.address in line and "last exit code 78" in line and other.role is None
    only.env["REDIS_CONF"] = plain
    start(only)
    assert only.role == "master" and only.ask("DBSIZE") == KEYS
    wait_for(lambda: other.follows(only) and other.ask("DBSIZE") == KEYS, what="its copy")


def test_the_only_data_are_not_replaced_by_nothing(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT="2s")
    cluster.start_zookeeper()
    configure(cluster, APPEND_ONLY)
    damaged = cluster.redis()
    damaged.await_serving()
    fill(damaged, KEYS)
    await_report(cluster, damaged)
    damaged.kill_all()
    corrupt(damaged)
    damaged.start()
    other = cluster.redis()
    # The way out that it names.
    way_out = f"only if they are lost for good, start this node with FORCE_MASTER={other.address}"
    wait_for(lambda: keep_starting(damaged) or other.log_lines(way_out), 60, "its refusal", every=0.1)
    line = other.log_lines(way_out)[0]
    assert " error " in line and "refusing to begin empty" in line and damaged.address in line
    assert other.role is None
    other.stop()
    damaged.kill()
    other.env["FORCE_MASTER"] = other.address
    start(other)
    assert other.role == "master" and other.ask("DBSIZE") == 0
