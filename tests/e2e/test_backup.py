"""Backups: taken from a replica, a new group from one, one group of several set back, ZooKeeper's tree restored. The
steps are those of docs/operate/backup.md."""

import shutil

import pytest

from cluster import GROUP, wait_for, write_until_ok
from test_persistence import APPEND_ONLY, SNAPSHOTS, configure, fill

KEYS = 1000
# As COLD_START_WAIT; the default is 30 s.
AWAITED = 3


@pytest.fixture
def prepared(make_cluster, request):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT=f"{AWAITED}s")
    cluster.start_zookeeper()
    configure(cluster, request.param)
    return cluster


both = pytest.mark.parametrize("prepared", [SNAPSHOTS, APPEND_ONLY], indirect=True, ids=["snapshots", "append-only"])


def group_of(cluster, name, count=3):
    nodes = [cluster.redis(MASTER_NAME=name) for _ in range(count)]
    for node in nodes:
        node.await_serving()
    return nodes


def back_up(node, directory):
    """The backup of a replica: its snapshot, written for the purpose."""
    saved = node.ask("LASTSAVE")
    # Of two saves in one second the second would not be seen.
    wait_for(lambda: node.ask("TIME")[0] > saved.timestamp(), what="the next second")
    # While an append-only file is written anew, a save has to wait.
    node.ask("BGSAVE", "SCHEDULE")
    wait_for(lambda: node.ask("LASTSAVE") != saved, what="the snapshot")
    return shutil.copy(node.directory / "dump.rdb", directory / "backup.rdb")


def empty(node):
    """No data, and no note of which they were."""
    for path in node.directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "log":
            path.unlink()


def stop(nodes):
    for node in nodes:
        node.stop()


def keys_of(node):
    return node.ask("DBSIZE")


def await_group(nodes, keys):
    """(the master, when all have its keys)."""
    (master,) = wait_for(lambda: [node for node in nodes if node.role == "master"], 60, "a master")
    for node in nodes:
        wait_for(lambda each=node: keys_of(each) == keys, 60, "the keys")
        assert node is master or wait_for(lambda each=node: each.follows(master), what="replication")
    return master


@both
def test_a_new_group_begins_with_a_backup(prepared):
    cluster = prepared
    nodes = group_of(cluster, GROUP)
    master = cluster.master(nodes)
    fill(master, KEYS)
    backup = back_up(next(node for node in nodes if node is not master), cluster.directory)
    fill(master, 10, name="later")
    # All at once: the one with data goes first.
    copies = [cluster.redis(start=False, MASTER_NAME="copy") for _ in range(3)]
    copies[1].directory.mkdir(exist_ok=True)
    shutil.copy(backup, copies[1].directory / "dump.rdb")
    for node in copies:
        node.start()
    assert await_group(copies, KEYS) is copies[1]
    assert cluster.record("/redis/masters/copy") == copies[1].record
    assert keys_of(master) == KEYS + 10
    # And it goes on as any other does.
    copies[1].kill_all()
    copies[1].start()
    await_group(copies, KEYS)


@both
def test_one_group_of_several_is_set_back(prepared):
    """Without FORCE_MASTER, although ZooKeeper remembers that there were better data."""
    cluster = prepared
    others = group_of(cluster, GROUP, count=2)
    fill(cluster.master(others), 10)
    nodes = group_of(cluster, "cache")
    master = cluster.master(nodes)
    fill(master, KEYS)
    backup = back_up(next(node for node in nodes if node is not master), cluster.directory)
    with master.client() as client:
        client.flushall()
    fill(master, 7, name="wrong")
    history = cluster.record("/redis/history/cache")
    assert history
    stop(nodes)
    for node in nodes:
        empty(node)
    shutil.copy(backup, nodes[1].directory / "dump.rdb")
    for node in nodes:
        node.start()
    restored = await_group(nodes, KEYS)
    assert restored is nodes[1]
    assert any("serving as master" in line for line in restored.log_lines("did not return within COLD_START_WAIT"))
    assert keys_of(cluster.master(others)) == 10
    write_until_ok(restored.client(), "key", "after")


def test_a_node_that_was_forgotten_follows_the_restored_group(make_cluster):
    cluster = make_cluster(HANDOVER_TIMEOUT="0", COLD_START_WAIT=f"{AWAITED}s")
    cluster.start_zookeeper()
    configure(cluster, SNAPSHOTS)
    nodes = group_of(cluster, "cache")
    master = cluster.master(nodes)
    fill(master, KEYS)
    forgotten, other = (node for node in nodes if node is not master)
    backup = back_up(other, cluster.directory)
    fill(master, 50, name="wrong")
    stop(nodes)
    for node in [master, other]:
        empty(node)
    shutil.copy(backup, other.directory / "dump.rdb")
    for node in [master, other]:
        node.start()
    await_group([master, other], KEYS)
    forgotten.start()
    assert await_group(nodes, KEYS) is other


def start_all_and_await_keys(cluster, nodes, sentinels, watcher, count):
    for process in [*nodes, *sentinels, watcher]:
        process.start()
    cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    for node in nodes:
        wait_for(lambda each=node: keys_of(each) == count, what="the keys")


def test_everything_and_zookeeper_are_restored(make_cluster):
    """Two failovers ago somebody copied ZooKeeper's files; all machines die, and its disk is lost."""
    cluster = make_cluster(session_timeout="2s", COLD_START_WAIT=f"{AWAITED}s")
    configure(cluster, SNAPSHOTS)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    fill(master, KEYS)
    cluster.zookeeper.kill()
    saved = shutil.copytree(cluster.zookeeper.directory / "data", cluster.directory / "zookeeper-backup")
    cluster.start_zookeeper()
    cluster.await_agreement(nodes, sentinels, [watcher])
    # What happens after the backup: another master, and more keys.
    assert master.stop() == 0
    successor = wait_for(lambda: [node for node in nodes if node.running and node.role == "master"], 30, "a master")[0]
    master.start()
    master.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    fill(successor, 50, name="later")
    stop([node for node in nodes if node is not successor] + [successor])
    stop(sentinels)
    watcher.stop()
    cluster.close_kazoo()
    cluster.zookeeper.kill()
    shutil.rmtree(cluster.zookeeper.directory / "data")
    shutil.copytree(saved, cluster.zookeeper.directory / "data")
    cluster.start_zookeeper()
    start_all_and_await_keys(cluster, nodes, sentinels, watcher, KEYS + 50)


def test_everything_is_restored_and_zookeeper_begins_anew(make_cluster):
    """No backup of ZooKeeper at all: the data say themselves which are the best."""
    cluster = make_cluster(session_timeout="2s", COLD_START_WAIT=f"{AWAITED}s")
    configure(cluster, SNAPSHOTS)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    fill(cluster.master(nodes), KEYS)
    master = cluster.master(nodes)
    stop([node for node in nodes if node is not master])
    fill(master, 50, name="later")
    stop([master, *sentinels, watcher])
    cluster.close_kazoo()
    cluster.zookeeper.kill()
    shutil.rmtree(cluster.zookeeper.directory / "data")
    cluster.start_zookeeper()
    start_all_and_await_keys(cluster, nodes, sentinels, watcher, KEYS + 50)
