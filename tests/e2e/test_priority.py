"""replica-priority wherever a master is chosen (C7): a node of priority 0 goes last, gives the role up, and needs a
person's word where nobody is there who could take it over."""

import time

import pytest

from cluster import wait_for
from test_damaged_data import await_report
from test_healing import KEYS, fill

COLD_START_WAIT = 4


@pytest.fixture
def cluster(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT=f"{COLD_START_WAIT}s")
    cluster.start_zookeeper()
    return cluster


def node_of(cluster, priority, lines="appendonly yes\n"):
    path = cluster.directory / f"priority-{priority}.conf"
    path.write_text(f"include {cluster.directory}/redis.conf\n{lines}replica-priority {priority}\n")
    return cluster.redis(REDIS_CONF=path)


def around(cluster):
    """[Sentinel, ...], watcher"""
    sentinels = [cluster.sentinel() for _ in range(3)]
    watcher = cluster.watcher()
    for sentinel in sentinels:
        sentinel.await_serving()
    return sentinels, watcher


def kill(nodes):
    for node in nodes:
        node.kill_all()


def test_a_backup_goes_last_and_gives_way(cluster):
    began = time.monotonic()
    backup = node_of(cluster, 0)
    backup.await_serving()
    assert backup.role == "master" and time.monotonic() - began >= COLD_START_WAIT
    sentinels, watcher = around(cluster)
    fill(backup)
    others = [node_of(cluster, priority) for priority in (100, 10)]
    wait_for(lambda: backup.role == "slave", what="the handover", every=0.1)
    nodes = [backup, *others]
    cluster.await_agreement(nodes, sentinels, [watcher])
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3
    backup.wait_log("event=priority-zero-gave-way")
    assert "priority-zero-gave-way" in cluster.record("/redis/events")
    # Everything dies, and the backup is there first.
    for _ in range(2):
        kill(nodes)
        backup.start()
        backup.wait_log("wait=")
        for node in others:
            node.start()
        for node in nodes:
            node.await_serving()
        # Ahead by a heartbeat, it begins.
        wait_for(lambda: backup.role == "slave", what="the handover", every=0.1)
        cluster.await_agreement(nodes, sentinels, [watcher])
        assert [node.ask("DBSIZE") for node in nodes] == [KEYS] * 3


def test_a_backup_that_alone_has_the_data_needs_a_word(cluster):
    master = node_of(cluster, 100)
    master.await_serving()
    sentinels, watcher = around(cluster)
    fill(master)
    backup = node_of(cluster, 0)
    backup.await_serving()
    wait_for(lambda: backup.follows(master) and backup.ask("DBSIZE") == KEYS, what="its copy")
    await_report(cluster, master)
    kill([master, backup])
    # The master is lost, with its data.
    backup.start()
    line = backup.wait_log("refusing to start")
    assert " error " in line and f"FORCE_MASTER={backup.address}" in line
    backup.stop()
    backup.env["FORCE_MASTER"] = backup.address
    backup.start()
    backup.await_serving()
    assert backup.role == "master" and backup.ask("DBSIZE") == KEYS
    other = node_of(cluster, 100)
    wait_for(lambda: other.role == "master", what="the handover", every=0.1)
    cluster.await_agreement([backup, other], sentinels, [watcher])
    assert [node.ask("DBSIZE") for node in (backup, other)] == [KEYS] * 2


def test_a_backup_with_the_newest_snapshot_begins_and_gives_way(cluster):
    nodes = [node_of(cluster, priority, lines="appendonly no\n") for priority in (100, 0)]
    for node in nodes:
        node.await_serving()
    master, backup = nodes
    sentinels, watcher = around(cluster)
    wait_for(lambda: backup.follows(master), what="the replication")
    fill(master)
    master.ask("SAVE")
    with master.client() as client:
        client.set("last", 1)
        client.execute_command("WAIT", 1, 4000)
    backup.ask("SAVE")
    kill(nodes)
    for node in nodes:
        node.start()
    for node in nodes:
        node.await_serving()
    wait_for(lambda: master.role == "master" and backup.role == "slave", 60, "the handover", every=0.1)
    cluster.await_agreement(nodes, sentinels, [watcher])
    assert [node.ask("DBSIZE") for node in nodes] == [KEYS + 1] * 2


def test_a_group_of_backups_begins_anew_at_other_addresses(cluster):
    nodes = [node_of(cluster, 0) for _ in range(2)]
    for node in nodes:
        node.await_serving()
    fill(cluster.master(nodes))
    for _ in range(2):
        kill(nodes)
        for node in nodes:
            node.move()
            node.start()
        for node in nodes:
            node.await_serving()
        assert sorted(node.role for node in nodes) == ["master", "slave"]
        wait_for(lambda: [node.ask("DBSIZE") for node in nodes] == [KEYS] * 2, what="the data")
