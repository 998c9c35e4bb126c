"""Somebody wrote nonsense into ZooKeeper: it is named in one line, left out or mended, and nobody dies of it."""

import contextlib
import json
import time

import pytest

from cluster import GROUP, Cluster, wait_for, write_until_ok
from variants import in_full

GARBAGE = [b"", b" ", b"garbage", b"127.0.0.1", b"127.0.0.1 0", b"127.0.0.1 65536", b"127.0.0.1 -1", b"127.0.0.1 6379 x",
           b"127.0.0.1:6379", b"127.0.0.1  6379", b" 127.0.0.1 6379", b"10.0.0.999 6379", b"127.0.0.1\t6379",
           b"127.0.0.1 6379\nreplicaof 192.0.2.1 1", b"\x00\xff\xfe\x80", b"a" * 300 + b" 6379", b"%s%n %d",
           b'{"endpoint":1}', b"[[[[", b"x" * 900_000]


@pytest.fixture(scope="module")
def fleet():
    """(cluster, redis, sentinels, watcher) that must survive every test of this file."""
    with Cluster() as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
        yield cluster, nodes, sentinels, watcher


@pytest.fixture(autouse=True)
def nobody_dies(fleet):
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    children = [wrapper.child for wrapper in nodes + sentinels]
    yield
    assert all(process.running for process in [cluster.zookeeper, *nodes, *sentinels, watcher])
    assert [wrapper.child for wrapper in nodes + sentinels] == children
    assert cluster.await_agreement(nodes, sentinels, [watcher]) is master


@contextlib.contextmanager
def znodes(cluster, contents):
    """Writes {path: bytes} for the length of the block; members are registered by a session, as members are."""
    for path, data in contents.items():
        cluster.kazoo.create(path, data, ephemeral="/members/" in path, makepath=True)
    try:
        yield list(contents)
    finally:
        for path in contents:
            cluster.kazoo.delete(path)


def garbage_below(parent):
    return {f"{parent}/garbage-{number}": garbage for number, garbage in enumerate(GARBAGE)}


def one_line(process, text):
    """Waits for the line that names the garbage; it is one, however long the garbage was."""
    line = process.wait_log(text)
    assert len(line) < 400 and line.isprintable() and "expected" in line


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: repr(garbage[:20]))
def test_record_is_mended(fleet, garbage):
    cluster, nodes, _, watcher = fleet
    master = cluster.master(nodes)
    cluster.kazoo.set("/redis/master", garbage)
    wait_for(lambda: cluster.record() == master.record, what="the true record")
    assert cluster.record("/redis/masters/master1") == master.record
    wait_for(lambda: watcher.get("/master") == master.record, what="/master")
    if garbage.strip():
        one_line(watcher, "/redis/master: found ")


def test_everything_was_deleted(fleet):
    cluster, nodes, *_ = fleet
    master = cluster.master(nodes)
    cluster.kazoo.delete("/redis/lineage", recursive=True)
    cluster.kazoo.delete("/redis/masters", recursive=True)
    cluster.kazoo.delete("/redis/master", recursive=True)
    wait_for(lambda: cluster.record() == master.record == cluster.record("/redis/masters/master1"), what="the records")


def test_other_groups_disturb_nobody(fleet):
    cluster, _, _, watcher = fleet
    with znodes(cluster, garbage_below("/redis/masters")) as paths:
        for path, garbage in zip(paths, GARBAGE):
            if garbage.strip():
                one_line(watcher, f"{path}: found ")
        assert watcher.get("/sentinels") and watcher.get("/master")


def test_sentinels_that_cannot_be_read_are_left_out(fleet):
    cluster, _, sentinels, watcher = fleet
    with znodes(cluster, garbage_below("/redis/sentinels")) as paths:
        for path in paths:
            one_line(watcher, f"{path}: found ")
        assert len(watcher.sentinels()) == len(sentinels)


def test_sentinels_that_are_none(fleet):
    """Whichever it tries first, the watcher ends up with a Sentinel that is one."""
    cluster, nodes, sentinels, watcher = fleet
    strangers = {"/redis/sentinels/dead": b"127.0.0.1 1",
                 "/redis/sentinels/redis": cluster.master(nodes).record.encode(),
                 "/redis/sentinels/zookeeper": cluster.zookeeper.record.encode()}
    with znodes(cluster, strangers):
        for _ in range(5):
            watcher.stop()
            watcher.start()
            real = [sentinel.address for sentinel in sentinels]
            wait_for(lambda: watcher.get("/readyz") and watcher.followed() in real, what="a real Sentinel")


@pytest.mark.parametrize("garbage", [*GARBAGE[::4], *in_full(*(each for each in GARBAGE if each not in GARBAGE[::4]))],
                         ids=lambda garbage: repr(garbage[:20]))
def test_lineage_is_mended(fleet, garbage):
    cluster, nodes, _, watcher = fleet
    watcher.stop()
    cluster.kazoo.set(f"/redis/lineage/{GROUP}", garbage)
    watcher.start()

    def mended():
        try:
            return cluster.lineage()["master"] == cluster.master(nodes).record
        except (ValueError, KeyError, TypeError):
            return False

    wait_for(mended, what="the true lineage")


def test_newcomer_is_not_misled(fleet):
    cluster, nodes, *_ = fleet
    garbage = garbage_below(f"/redis/members/{GROUP}") | garbage_below("/redis/sentinels")
    cluster.kazoo.set(f"/redis/lineage/{GROUP}", b"garbage")
    with znodes(cluster, garbage):
        newcomer = cluster.redis()
        assert f"serving as replica of {cluster.master(nodes).address}" in newcomer.await_serving()
        newcomer.kill_all()


def test_epoch_that_was_made_up_does_not_hide_a_failover(make_cluster):
    """A lineage far ahead of every Sentinel must not freeze the record: all Sentinels together outvote it."""
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up()
    watcher.stop()
    master = cluster.master(nodes)
    lineage = {"epoch": 999999, "master": master.record, "reason": "made up"}
    cluster.kazoo.set(f"/redis/lineage/{GROUP}", json.dumps(lineage).encode())
    watcher.start().followed()
    client = cluster.sentinel_client(watcher)
    master.kill_all()
    write_until_ok(client, "key", "value")
    cluster.await_agreement([node for node in nodes if node is not master], sentinels, [watcher])


def test_epoch_that_was_made_up_reaches_no_sentinel(make_cluster):
    """At the end of the numbers no Sentinel gets a vote any more, and each hands its epoch on to all others."""
    cluster = make_cluster()
    nodes, sentinels, watchers = cluster.bring_up()
    made_up = 2**63 - 1
    master = cluster.master(nodes)
    for uuid in cluster.kazoo.get_children("/redis/identities"):
        path = f"/redis/identities/{uuid}"
        identity = json.loads(cluster.kazoo.get(path)[0])
        cluster.kazoo.set(path, json.dumps(identity | {"epoch": made_up}).encode())
    lineage = {"epoch": made_up, "master": master.record, "reason": "made up"}
    cluster.kazoo.set(f"/redis/lineage/{GROUP}", json.dumps(lineage).encode())
    told, *others = sentinels
    told.stop()
    told.start().await_serving()
    since = time.monotonic()

    def heard(sentinel):
        hellos = [int(peer["last-hello-message"]) for peer in sentinel.peers() if int(peer["port"]) == told.port]
        return hellos and min(hellos) / 1000 < time.monotonic() - since

    wait_for(lambda: all(heard(other) for other in others), what="its hello at the others")
    assert all(int(sentinel.view()["config-epoch"]) < 100 for sentinel in sentinels)
    client = cluster.sentinel_client(watchers[0])
    master.kill_all()
    write_until_ok(client, "key", "value")
    cluster.await_agreement([node for node in nodes if node is not master], sentinels, watchers)
    assert cluster.lineage()["epoch"] < 100


def test_record_that_was_deleted_is_written_again(make_cluster):
    cluster = make_cluster()
    nodes, *_ = cluster.bring_up(redis=2)
    master = cluster.master(nodes)
    cluster.kazoo.delete("/redis/master", recursive=True)
    wait_for(lambda: cluster.record() == master.record, what="the record")


# --- nobody there yet


def test_first_redis_makes_what_is_missing(cluster):
    cluster.kazoo.create(f"/redis/members/{GROUP}", makepath=True)
    assert "serving as master" in cluster.redis().await_serving()


@pytest.mark.parametrize("parent", [f"/redis/members/{GROUP}", "/redis/sentinels"])
def test_first_redis_sees_through_garbage(cluster, parent):
    with znodes(cluster, garbage_below(parent)) as paths:
        node = cluster.redis()
        assert "serving as master" in node.await_serving()
        for path in paths:
            one_line(node, f"{path}: found ")


def test_member_without_a_session_holds_no_cold_start(cluster):
    path = f"/redis/members/{GROUP}/left-behind"
    best = {"endpoint": "127.0.0.1 1", "node": "left", "dataset": {"replication_id": "a" * 40, "offset": 10**9}}
    cluster.kazoo.create(path, json.dumps(best).encode(), makepath=True)
    node = cluster.redis(COLD_START_WAIT="5m")
    assert "serving as master" in node.await_serving()
    one_line(node, f"{path}: found ")


def test_sentinel_waits_for_a_readable_record(cluster):
    cluster.kazoo.create("/redis/master", b"garbage", makepath=True)
    sentinel = cluster.sentinel()
    one_line(sentinel, '/redis/master: found "garbage", expected "host port"')
    assert sentinel.child is None
    cluster.redis().await_serving()
    sentinel.await_serving()


def test_record_of_a_dead_stranger_is_not_taken_over_blindly(cluster):
    cluster.kazoo.create("/redis/master", b"127.0.0.1 1", makepath=True)
    node = cluster.redis()
    node.wait_log("names 127.0.0.1:1 as master, but it is unreachable")
    assert node.child is None
    assert cluster.record() == "127.0.0.1 1"
