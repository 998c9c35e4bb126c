"""watcher doctor: what it finds in an installation that is well, in one that is not, and in none."""

import json
import pathlib
import re

import pytest

from cluster import GROUP, LOOPBACK, Cluster, wait_for
from test_cli import ask
from test_status import await_calm

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/operate/doctor.md"
# What is the same wherever the tests run: one ZooKeeper without credentials, everything on one machine.
HERE = {"zookeeper", "znodes", "quorum", "memory", "persistence", "machine"}


@pytest.fixture(scope="module")
def fleet():
    with Cluster() as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        await_calm(watcher)
        yield cluster, nodes, sentinels, watcher


def findings(watcher, **env):
    """(exit code, {check: [finding]}, the checks that found nothing)."""
    code, text, errors = ask(watcher, "doctor", "--json", **env)
    assert errors == "", errors
    told = json.loads(text)
    by_check = {}
    for finding in told["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    count = {name: sum(f["severity"] == name for f in told["findings"]) for name in ("error", "warning", "advice")}
    assert (told["errors"], told["warnings"], told["advice"]) == tuple(count.values())
    assert code == (2 if told["errors"] else 1 if told["warnings"] else 0)
    assert not set(told["well"]) & set(by_check)
    return code, by_check, set(told["well"]) | set(told["not_checked"])


def test_an_installation_that_is_well(fleet):
    watcher = fleet[3]
    code, found, well = findings(watcher)
    assert code == 1 and set(found) <= HERE, found
    assert "ZK_USERNAME is not set" in found["znodes"][0]["sentence"]
    assert "3 of 3 Sentinels are on 127.0.0.1" in found["quorum"][0]["sentence"]
    code, text, errors = ask(watcher, "doctor")
    assert (code, errors) == (1, "") and re.search(r"^warning +znodes +ZK_USERNAME", text, re.MULTILINE)
    assert text.splitlines()[-1].startswith("0 errors, ")
    # Each has a section, and no section is left over.
    sections = re.findall(r"^### (\S+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(set(found) | well)


def test_it_changes_nothing(fleet):
    cluster, _, _, watcher = fleet

    def tree(path="/redis"):
        names = sorted(cluster.kazoo.get_children(path))
        # Members and identities are written by the daemons meanwhile.
        return {path: names, **{k: v for name in names for k, v in tree(f"{path}/{name}").items()}}

    before = tree()
    findings(watcher)
    assert tree() == before


def test_what_does_not_work_is_an_error(fleet):
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    with master.client() as client:
        client.config_set("min-replicas-to-write", 7)
        try:
            code, found, _ = findings(watcher)
            warned = "rejects writes: min-replicas-to-write is 7, and 2 replicas are fit"
            wait_for(lambda: warned in watcher.get("/status"), what="the watcher's warning")
            assert f'redis_zk_master_writable{{group="{GROUP}"}} 0' in watcher.get("/metrics")
        finally:
            client.config_set("min-replicas-to-write", 0)
    assert code == 2 and "the master takes no writes" in found["min-replicas"][0]["sentence"]
    assert found["min-replicas"][0]["docs"] == "docs/operate/doctor.md#min-replicas"


def test_a_server_that_is_not_reached(fleet):
    cluster, _, _, watcher = fleet
    # Announced from somewhere else: nothing listens there.
    znode = cluster.kazoo.create("/redis/sentinels/00000000-0000-4000-8000-000000000001", f"{LOOPBACK} 1".encode(),
                              ephemeral=True)
    try:
        code, found, _ = findings(watcher)
    finally:
        cluster.kazoo.delete(znode)
    assert code == 2
    (finding,) = found["reachability"]
    assert f"Sentinel {LOOPBACK}:1 does not answer this machine" in finding["sentence"]


def test_a_wrong_password_is_named_and_not_shown(fleet):
    code, found, _ = findings(fleet[3], REDIS_PASSWORD="not-the-password-4711")
    # A Redis without a password refuses one, too.
    assert code == 2 and len(found["reachability"]) == 3
    assert "not-the-password" not in json.dumps(found)


def test_without_an_installation_or_zookeeper(fleet):
    watcher = fleet[3]
    code, text, error = ask(watcher, "doctor", ZK_ROOT="/nowhere")
    assert (code, text) == (2, "") and "no installation below /nowhere in ZooKeeper" in error
    assert not fleet[0].kazoo.exists("/nowhere")
    code, text, error = ask(watcher, "doctor", ZK_HOSTS=f"{LOOPBACK}:1", ZK_CONNECT_TIMEOUT="300ms")
    assert (code, text) == (69, "")
    assert error == f"watcher: ZooKeeper {LOOPBACK}:1 unreachable; check ZK_HOSTS and the network"
