"""A wait that lasts is said: in the log, in ZooKeeper, in /status, and as a metric; and that it is over, too."""

import re

from cluster import wait_for
from test_cli import ask
from test_metrics import samples
from test_status import status_of

# A wait is said after 30 s, and again a minute later: a request to ZooKeeper that is slow may be what is said first.
LONG = 100


def test_a_sentinel_without_a_master(cluster):
    watcher = cluster.watcher()
    sentinel = cluster.sentinel()
    assert " info " in sentinel.wait_log("event=waiting wait=master")
    line = sentinel.wait_log("event=waiting-long wait=master", within=LONG)
    assert " warn " in line and re.search("has waited for [0-9]+ s: waiting for a master in /redis/master", line)

    (stored,) = wait_for(lambda: [report for report in cluster.reports() if "wait" in report], what="the wait in ZooKeeper")
    assert (stored["group"], stored["daemon"], stored["endpoint"]) == ("master1", "sentinel-wrapper", sentinel.record)

    def told():
        groups = status_of(watcher)["groups"]
        return groups and [wait for wait in groups[0]["waits"] if wait["address"] == sentinel.address]

    (wait,) = wait_for(told, what="the wait in /status", every=0.2)
    assert (wait["daemon"], wait["name"], wait["needs_person"]) == ("sentinel-wrapper", "master", False)
    assert 30_000 <= wait["waiting_ms"] < 1000 * LONG and wait["ends_within_ms"] is None
    warning = f"! sentinel-wrapper {sentinel.address} has waited for "
    wait_for(lambda: warning in ask(watcher, "status")[1], what="the warning", every=0.2)
    series = f'redis_zk_waiting_seconds{{group="master1",member="{sentinel.address}",reason="master",person="no"}}'
    assert samples(watcher)[series] >= 30

    cluster.redis().await_serving()
    assert " info " in sentinel.wait_log("event=waiting-ended wait=master")
    sentinel.wait_log("event=registered")
    wait_for(lambda: not any("wait" in report for report in cluster.reports()), what="its end in ZooKeeper")
    wait_for(lambda: not status_of(watcher)["groups"][0]["waits"], what="its end in /status", every=0.2)
    assert series not in samples(watcher)
