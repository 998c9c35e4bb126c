"""Nodes that are given a host name to announce: whatever Sentinel does with names, it never meets one."""

import itertools

import pytest

from cluster import LOOPBACK, write_until_ok

# Without the one Sentinel refuses a name, without the other it lists a server now by its name and now by its address.
COMBINATIONS = list(itertools.product(("no", "yes"), repeat=2))


@pytest.mark.parametrize("resolve, announce", [
    pytest.param(*values, marks=() if values == ("yes", "no") else pytest.mark.full) for values in COMBINATIONS])
def test_announced_by_name(make_cluster, tmp_path, resolve, announce):
    conf = tmp_path / "sentinel.conf"
    conf.write_text(f"sentinel resolve-hostnames {resolve}\nsentinel announce-hostnames {announce}\n")
    cluster = make_cluster(ANNOUNCE_IP="localhost", SENTINEL_CONF=conf)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher)
    write_until_ok(client, "key", "first")
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    master.stop()
    write_until_ok(client, "key", "handed over")
    master.start()
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    master.kill_all()
    write_until_ok(client, "key", "failed over")
    master.start()
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    assert master.ask("GET", "key") == "failed over"
    assert cluster.record() == f"{LOOPBACK} {master.port}"
    known = [*sentinels[0].replicas(), *sentinels[0].peers()]
    assert {entry["ip"] for entry in known} == {LOOPBACK}
    for node in nodes:
        assert not node.log_lines("event=fence-raised"), "a healthy master is not fenced"
