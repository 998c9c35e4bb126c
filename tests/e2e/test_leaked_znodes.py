"""Znodes that others left behind by the thousand: they cost a line, and nothing else."""

import json
import pathlib
import re
import time
import uuid

import pytest

from cluster import GROUP, wait_for, write_until_ok
from variants import in_full

MANY = 5000
MEGABYTE = 1 << 20


def leak(cluster, parent, name, text):
    """As the original left its Sentinels: persistent."""
    cluster.kazoo.ensure_path(parent)
    for first in range(0, MANY, 500):
        transaction = cluster.kazoo.transaction()
        for number in range(first, first + 500):
            transaction.create(f"{parent}/{name(number)}", text(number).encode())
        for result in transaction.commit():
            assert isinstance(result, str), result


def resident(process):
    """Bytes."""
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])


def busy(process):
    """Seconds of processor time."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


LEAKS = {
    # what: (parent, name, text, which line a daemon that starts has about it)
    "sentinels": ("/redis/sentinels", lambda number: str(uuid.UUID(int=number)), lambda number: f"10.9.0.1 {number + 1}",
                  "event=sentinels-left-behind"),
    "garbage among the sentinels": ("/redis/sentinels", lambda number: f"garbage-{number}", lambda number: "garbage",
                                    "and so are 4999 more"),
    "members": (f"/redis/members/{GROUP}", lambda number: f"stray-{number}", lambda number: f"10.9.0.1 {number + 1}",
                "and so are 4999 more"),
    "strays beside the lock": ("/redis/master", lambda number: f"stray-{number}", lambda number: "", None),
}
# Listed of Sentinels that are not ours.
MOST_OTHERS = 100


@pytest.mark.parametrize("what", ["sentinels", *in_full(*(name for name in LEAKS if name != "sentinels"))])
def test_znodes_by_the_thousand(make_cluster, figure, what):
    *where, line = LEAKS[what]
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up()
    daemons = [*nodes, *sentinels, watcher]
    before = {daemon: resident(daemon) for daemon in daemons}
    leak(cluster, *where)
    began, busy_before = time.monotonic(), {daemon: busy(daemon) for daemon in daemons}
    node, sentinel, other_watcher = late = cluster.redis(), cluster.sentinel(), cluster.watcher()
    node.await_serving()
    sentinel.await_serving()
    served = time.monotonic() - began

    living = {(each.host, each.port) for each in [*sentinels, sentinel]}
    wait_for(lambda: living <= set(other_watcher.sentinels()), what="the list of the living")
    assert len(other_watcher.sentinels()) <= len(living) + (MOST_OTHERS if what == "sentinels" else 0)
    for daemon in late:
        assert line is None or len(daemon.log_lines(line)) <= 1, daemon.name
    assert line is None or other_watcher.log_lines(line)

    master = cluster.master(nodes)
    fallen = time.monotonic()
    master.kill_child()
    write_until_ok(cluster.sentinel_client(watcher), "key", "value")
    took = time.monotonic() - fallen
    assert master.wait() == 137
    wait_for(lambda: cluster.record() != master.record, what="the record of the failover")
    master.start()
    cluster.await_agreement([*nodes, node], [*sentinels, sentinel], within=60)

    lasted = time.monotonic() - began
    stayed = [daemon for daemon in daemons if daemon is not master]
    share = {daemon.name: round((busy(daemon) - busy_before[daemon]) / lasted, 2) for daemon in stayed}
    grown = {daemon.name: (resident(daemon) - before[daemon]) // MEGABYTE for daemon in stayed}
    asked = time.monotonic()
    assert watcher.get("/sentinels") and json.loads(watcher.get("/status"))
    answered = time.monotonic() - asked
    figure(f"{MANY} leaked {what}: serving after {served:.1f} s, failover {took:.1f} s, /status {answered:.2f} s, "
           f"share of a processor at most {max(share.values())}, MB more at most {max(grown.values())}")
    # Of a machine that runs other tests at the same time.
    assert served < 60 and took < 20 and answered < 5
    assert max(grown.values()) < 64 and max(share.values()) < 0.5
    assert max(len(daemon.log_lines(" warn ")) for daemon in stayed) < 50
