"""A disk without room: the cause has a name, and the node is whole again by itself when there is room."""

import json
import os

import pytest
import redis

from cluster import ROOT, wait_for, write_until_ok
from small_disk import fill, make_room

def conf_in(disk, cluster):
    conf = cluster.directory / "on-disk.conf"
    conf.write_text(f"include {ROOT}/conf/redis.conf\nrepl-diskless-sync-delay 0\ndir {disk}\n")
    return conf


def test_replica_that_cannot_store_its_copy(make_cluster, disk):
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    with cluster.master(nodes).client() as client:
        for number in range(200):
            client.set(f"key:{number}", "x" * 20_000)
    fill(disk, leaving=100_000)
    replica = cluster.redis(REDIS_CONF=conf_in(disk, cluster))
    line = replica.wait_log("wait=storage")
    copies = cluster.master(nodes).ask("INFO", "stats")["sync_full"]
    assert " error " in line and str(disk) in line and "No space left on device" in line

    def waits():
        (group,) = json.loads(watcher.get("/status"))["groups"]
        return [wait for wait in group["waits"] if wait["name"] == "storage"]

    wait_for(waits, 60, what="the wait in /status")
    assert waits()[0]["needs_person"] and str(disk) in waits()[0]["sentence"]
    assert 'reason="storage"' in watcher.get("/metrics")
    # Half a minute has passed; each costs the master a fork.
    assert cluster.master(nodes).ask("INFO", "stats")["sync_full"] < copies + 20

    make_room(disk)
    cluster.await_agreement([*nodes, replica], sentinels, [watcher])


def test_master_that_cannot_write_its_append_only_file(make_cluster, disk):
    cluster = make_cluster()
    cluster.start_zookeeper()
    master = cluster.redis(REDIS_CONF=conf_in(disk, cluster))
    master.await_serving()
    nodes = [master, cluster.redis(), cluster.redis()]
    wait_for(lambda: master.info()["connected_slaves"] == 2, what="replication")
    sentinels, watcher = [cluster.sentinel() for _ in range(3)], cluster.watcher()
    cluster.await_agreement(nodes, sentinels, [watcher])
    record = cluster.record()
    client = cluster.sentinel_client(watcher)
    fill(disk)
    wait_for(lambda: master.ask("SET", "key", "x" * 20_000) is not True, what="its refusal")
    assert str(disk) in master.wait_log("wait=storage")
    write_until_ok(client, "key", "elsewhere")
    assert cluster.record() != record
    make_room(disk)
    # As a replica Redis 7 ends when it cannot write.
    wait_for(lambda: not master.running or master.info().get("role") == "slave", 60, "its demotion or its end")
    if not master.running:
        assert master.wait() != 0
        master.start()
    assert cluster.await_agreement(nodes, sentinels, [watcher], within=60) is not master
    assert master.ask("GET", "key") == "elsewhere"


def test_failed_save_by_hand(make_cluster, disk):
    """Nobody can write what a `save` line would count, so Redis itself does not try again."""
    cluster = make_cluster()
    conf = cluster.directory / "snapshots.conf"
    conf.write_text(f"dir {disk}\nsave 3600 1\n")
    cluster.start_zookeeper()
    node = cluster.redis(REDIS_CONF=conf)
    node.await_serving()
    assert node.ask("SET", "key", os.urandom(500_000))
    fill(disk, leaving=100_000)
    assert node.ask("BGSAVE")
    assert str(disk) in node.wait_log("wait=storage")
    node.wait_log("event=snapshot-ordered")
    with node.client() as client, pytest.raises(redis.ResponseError, match="MISCONF"):
        client.ping()
    make_room(disk)
    node.wait_log("event=snapshot-written", within=70)
    assert node.ask("PING") and node.ask("SET", "key", "value")


@pytest.mark.parametrize("daemon", ["redis", "sentinel"])
def test_start_that_cannot_write_its_configuration(make_cluster, disk, daemon):
    cluster = make_cluster()
    cluster.bring_up(redis=1, sentinels=1)
    fill(disk)
    wrapper = getattr(cluster, daemon)(RUN_DIR=disk)
    assert wrapper.wait() == 75
    assert "No space left on device" in wrapper.wait_log("event=run-dir-unwritable")
    make_room(disk)
    wrapper.start().await_serving()


def test_server_that_cannot_begin_its_append_only_file(make_cluster, disk):
    cluster = make_cluster()
    cluster.bring_up(redis=1, sentinels=1)
    fill(disk)
    node = cluster.redis(REDIS_CONF=conf_in(disk, cluster), MASTER_NAME="cache")
    assert node.wait() == 75
    assert "No space left on device" in node.wait_log("event=server-start-failed")
    make_room(disk)
    assert "serving as master" in node.start().await_serving()
    assert cluster.record("/redis/masters/cache") == node.record
