"""An upgrade from the last release, in the order of docs/operate/upgrade.md, while clients write.

The old daemons are built by `./run test --full`, or stand in $REDIS_ZK_RELEASED.
"""

import json
import os
import pathlib
import subprocess
import time

import pytest

from cluster import GROUP, ROOT, wait_for
import released
from writer import Writer

pytestmark = pytest.mark.full
NEW = pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))
VERSION = "0.2.0"
# Of writes: a planned stop takes 0.2 s on an idle machine.
LONGEST_HANDOVER = 3.0
# What hands nothing over interrupts nothing: the time of a busy machine.
LONGEST_OTHERWISE = 1.0


@pytest.fixture
def fleet(make_cluster):
    """(the cluster, [redis, ...], [sentinel, ...], [watcher, ...]), all of the last release."""
    old = released.binaries()
    if old is None:
        pytest.skip("no daemons of the last release: tests/support/released.py builds them")
    cluster = make_cluster(binaries=old)
    return cluster, *cluster.bring_up(watchers=2)


def write_to(watchers):
    """An application that knows both watchers."""
    return Writer(lambda: next((found for watcher in watchers if (found := watcher.sentinels(timeout=1))), []))


def upgrade(process):
    """Stops it as a scheduler does, and starts the new version in its place; waits until that is ready."""
    assert process.stop(within=90) == 0
    process.argv = [str(NEW / pathlib.Path(process.argv[0]).name)]
    process.start()
    wait_for(lambda: subprocess.run([*process.argv, "healthcheck"], cwd=process.directory, env=process.env,
                                    capture_output=True, check=False).returncode == 0, what=f"health of {process.name}",
             every=0.1)


def pause_of(writer, do):
    """Seconds of the longest pause of writes while `do()` runs, and a moment after it."""
    since = time.monotonic() - 0.5
    do()
    writer.await_more()
    begin, end = writer.longest_pause(since)
    return end - begin


def test_upgrade_under_load(fleet, figure):
    cluster, nodes, sentinels, watchers = fleet
    pauses = {}
    with write_to(watchers) as writer:
        writer.await_more()
        handovers = 0
        for node in nodes:
            led = node.role == "master"
            handovers += led
            pause = pause_of(writer, lambda node=node: upgrade(node))
            pauses[node.name] = pause
            assert pause <= (LONGEST_HANDOVER if led else LONGEST_OTHERWISE), node.name
        cluster.await_agreement(nodes, sentinels, watchers)
        record = cluster.record()
        for process in (*sentinels, *watchers):
            pauses[process.name] = pause_of(writer, lambda process=process: upgrade(process))
            assert pauses[process.name] <= LONGEST_OTHERWISE, process.name
        master = cluster.await_agreement(nodes, sentinels, watchers)
    assert cluster.record() == record, "no failover but those of the planned stops"
    assert handovers >= 1
    lost = writer.missing(master.client())
    figure(f"upgrade: {len(writer.acknowledged)} writes, {len(lost)} lost, {handovers} handovers, pauses ms: "
           + ", ".join(f"{name} {1000 * pause:.0f}" for name, pause in pauses.items()))
    assert lost == []
    status = wait_for(lambda: whole(watchers[0]), what="a status of one version", every=0.1)
    assert status["versions"] == {VERSION: len(nodes) + len(sentinels)}


def whole(watcher):
    """/status, once nothing is wrong and nobody is of another version."""
    status = json.loads(watcher.get("/status") or "{}")
    (group,) = status.get("groups", []) or [None]
    good = group and group["name"] == GROUP and group["state"]["severity"] == "well" and len(status["versions"]) == 1
    return status if good else None


@pytest.mark.parametrize("new", ["one Redis", "all Redis", "Sentinels and watchers"])
def test_master_that_dies_between_two_versions(fleet, new):
    """In the middle of an upgrade."""
    cluster, nodes, sentinels, watchers = fleet
    for process in {"one Redis": nodes[:1], "all Redis": nodes}.get(new, [*sentinels, *watchers]):
        upgrade(process)
    master = cluster.await_agreement(nodes, sentinels, watchers)
    with write_to(watchers) as writer:
        writer.await_more()
        died = time.monotonic()
        master.kill_all()
        wait_for(lambda: writer.first_at_another((master.host, master.port)), what="a write at another master")
        assert writer.first_at_another((master.host, master.port)) - died < 10
        master.start().await_serving()
        now = cluster.await_agreement(nodes, sentinels, watchers)
        assert now is not master
