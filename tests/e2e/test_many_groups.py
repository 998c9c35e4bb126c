"""Several groups on the same Sentinels and watcher: they come, fail over and go without disturbing one another."""

import json
import pathlib
import signal
import subprocess

import pytest

from cluster import GROUP, LOOPBACK, ROOT, Server, children, free_port, wait_for

CACHE = "cache"
SECRET = "group-secret-4711"
# Of the cache alone; what it does not say is as for the first group.
OWN_TIMEOUT = 7000


@pytest.fixture
def cluster(make_cluster, tmp_path):
    conf = tmp_path / "sentinel.conf"
    conf.write_text((ROOT / "conf/sentinel.conf").read_text() + f"sentinel failover-timeout {CACHE} {OWN_TIMEOUT}\n")
    cluster = make_cluster(SENTINEL_CONF=conf, REDIS_PASSWORD=SECRET)
    cluster.start_zookeeper()
    return cluster


def start_cache(cluster):
    nodes = [cluster.redis(MASTER_NAME=CACHE) for _ in range(2)]
    for node in nodes:
        node.await_serving()
    master = cluster.master(nodes)
    wait_for(lambda: all(node.follows(master) for node in nodes if node is not master), what="replication")
    return nodes


def guards(sentinel, group, master, replicas=1, others=2):
    """Whether a Sentinel could fail over the group."""
    view = sentinel.view(group)
    good = [replica for replica in sentinel.replicas(group) if replica["flags"] == "slave"]
    return (view.get("port") == master.port and view["flags"] == "master" and len(good) == replicas
            and view["num-other-sentinels"] == others)


def await_guarded(sentinels, group, master, within=30, **expected):
    wait_for(lambda: all(guards(sentinel, group, master, **expected) for sentinel in sentinels), within,
             f"all Sentinels guarding {group}", every=0.1)


def await_cache_master(cluster, watcher, node):
    wait_for(lambda: watcher.get(f"/masters/{CACHE}") == node.record == cluster.record(f"/redis/masters/{CACHE}"),
             what=f"{node.name} as master of {CACHE}")


def fail_over_cache(cluster, watcher, nodes):
    """Kills the master; (the dead, the new master)."""
    master = cluster.master(nodes)
    (replica,) = [node for node in nodes if node is not master]
    master.kill_all()
    await_cache_master(cluster, watcher, replica)
    assert replica.role == "master"
    return master, replica


def untouched(cluster, nodes, sentinels, watcher):
    """Raises unless the first group is what it was at the beginning."""
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    assert watcher.get("/master") == watcher.get(f"/masters/{GROUP}") == cluster.record() == master.record
    assert cluster.record(f"/redis/masters/{GROUP}") == master.record
    assert cluster.lineage()["epoch"] == 0
    assert all(sentinel.view()["config-epoch"] == 0 for sentinel in sentinels)


def test_group_that_appears_while_sentinels_run(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    cache = start_cache(cluster)
    master = cluster.master(cache)
    for sentinel in sentinels:
        sentinel.wait_log(f"monitoring {CACHE} at {master.address} with a quorum of 2", within=10)
    await_guarded(sentinels, CACHE, master)
    for sentinel in sentinels:
        view, first = sentinel.view(CACHE), sentinel.view()
        assert view["down-after-milliseconds"] == first["down-after-milliseconds"] == 1500
        assert view["parallel-syncs"] == first["parallel-syncs"]
        assert (view["failover-timeout"], first["failover-timeout"]) == (OWN_TIMEOUT, 10000)
        assert len(sentinel.log_lines(f"monitoring {CACHE} at")) == 1
    await_cache_master(cluster, watcher, master)

    dead, _ = fail_over_cache(cluster, watcher, cache)
    untouched(cluster, nodes, sentinels, watcher)
    assert not any(sentinel.log_lines("restarting redis-sentinel") for sentinel in sentinels)
    dead.start().await_serving()
    await_guarded(sentinels, CACHE, cluster.master(cache))

    # The password was told to all, and shown to nobody.
    for process in cluster.processes:
        assert SECRET not in process.log()
        for pid in [process.pid, *children(process.pid)]:
            assert SECRET.encode() not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()


def test_replaced_and_fresh_sentinels_know_every_group(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    cache = start_cache(cluster)
    await_guarded(sentinels, CACHE, cluster.master(cache))
    sentinels[0].kill_all()
    sentinels[0] = cluster.sentinel()
    sentinels[0].await_serving()
    assert sentinels[0].log_lines("took over the identity")
    await_guarded(sentinels, CACHE, cluster.master(cache))

    # All of them and the cache's master die: only what their file says can tell them of its replica.
    for sentinel in sentinels:
        sentinel.kill_all()
    master = cluster.master(cache)
    (replica,) = [node for node in cache if node is not master]
    master.kill_all()
    sentinels = [cluster.sentinel() for _ in sentinels]
    for sentinel in sentinels:
        sentinel.await_serving()
        assert f"{CACHE} at {master.address}" in sentinel.await_serving()
    await_cache_master(cluster, watcher, replica)
    untouched(cluster, nodes, sentinels, watcher)


def test_removed_group_is_dropped_and_may_return(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    cache = start_cache(cluster)
    await_guarded(sentinels, CACHE, cluster.master(cache))
    paths = [f"/redis/{kind}/{CACHE}" for kind in ("masters", "members", "lineage", "history", "datasets")]

    # Of a group that lives the znode returns, with the same master.
    master = cluster.master(cache)
    cluster.kazoo.delete(paths[0], recursive=True)
    await_cache_master(cluster, watcher, master)
    await_guarded(sentinels, CACHE, master)

    for node in cache:
        node.kill_all()
    wait_for(lambda: not cluster.listed(paths[1]), what="the end of its sessions")
    wait_for(lambda: all("s_down" in sentinel.view(CACHE)["flags"] for sentinel in sentinels), what="s_down")
    # ZooKeeper's absence drops nothing, nor does its return.
    cluster.zookeeper.kill()
    for sentinel in sentinels:
        sentinel.wait_log("event=zookeeper-lost")
    cluster.start_zookeeper()
    wait_for(lambda: len(watcher.sentinels()) == 3 and watcher.get("/readyz"), what="ZooKeeper's return")
    # Nor does a record that cannot be read.
    cluster.kazoo.set(paths[0], b"garbage")
    watcher.wait_log("found \"garbage\"")
    assert all("s_down" in sentinel.view(CACHE)["flags"] for sentinel in sentinels)

    for path in paths:
        cluster.kazoo.delete(path, recursive=True)
    wait_for(lambda: not any(sentinel.view(CACHE) for sentinel in sentinels), within=15, what="its end")
    wait_for(lambda: watcher.request(f"/masters/{CACHE}")[0] == 404, what="404")
    untouched(cluster, nodes, sentinels, watcher)

    for node in cache:
        node.start()
    for node in cache:
        node.await_serving()
    await_guarded(sentinels, CACHE, cluster.master(cache))
    fail_over_cache(cluster, watcher, cache)
    untouched(cluster, nodes, sentinels, watcher)


def test_group_of_the_dead_is_left_alone_until_somebody_lives(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=2)
    cache = start_cache(cluster)
    master = cluster.master(cache)
    await_guarded(sentinels, CACHE, master, others=1)
    for node in cache:
        node.kill_all()
    wait_for(lambda: not cluster.listed(f"/redis/members/{CACHE}"), what="the end of its sessions")
    fresh = cluster.sentinel()
    assert CACHE not in fresh.await_serving()
    fresh.wait_log(f"not monitoring {CACHE} yet: the recorded master {master.address} and its replicas are unreachable")
    assert not fresh.view(CACHE)
    for node in cache:
        node.start()
    for node in cache:
        node.await_serving()
    sentinels.append(fresh)
    await_guarded(sentinels, CACHE, cluster.master(cache))
    fail_over_cache(cluster, watcher, cache)
    untouched(cluster, nodes, sentinels, watcher)


def test_group_whose_master_dies_before_anybody_monitors_it(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    for sentinel in sentinels:
        sentinel.signal(signal.SIGSTOP)
    cache = start_cache(cluster)
    master = cluster.master(cache)
    (replica,) = [node for node in cache if node is not master]
    master.kill_all()
    for sentinel in sentinels:
        assert not sentinel.view(CACHE)
        sentinel.signal(signal.SIGCONT)
    await_cache_master(cluster, watcher, replica)
    assert any(sentinel.log_lines("became unreachable before it was monitored") for sentinel in sentinels)
    untouched(cluster, nodes, sentinels, watcher)


def test_news_of_one_group_keeps_the_others(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    lone = cluster.redis(MASTER_NAME=CACHE)
    lone.await_serving()
    await_guarded(sentinels, CACHE, lone, replicas=0)
    lone.kill_all()
    port = free_port()
    other = Server("redis-server", ["redis-server", "--port", port, "--bind", LOOPBACK, "--save", "",
                                    "--requirepass", SECRET], cluster.directory / "other", LOOPBACK, port)
    cluster.processes.append(other)
    other.start()
    wait_for(lambda: all("s_down" in sentinel.view(CACHE).get("flags", "") for sentinel in sentinels), what="s_down")
    cluster.kazoo.set(f"/redis/lineage/{CACHE}",
                      json.dumps({"epoch": 3, "master": other.record, "reason": "a test"}).encode())
    cluster.kazoo.set(f"/redis/masters/{CACHE}", other.record.encode())
    await_guarded(sentinels, CACHE, other, replicas=0)
    assert all(sentinel.view(CACHE)["config-epoch"] == 3 for sentinel in sentinels)
    assert not any(sentinel.log_lines("event=sentinel-restarting") for sentinel in sentinels)
    untouched(cluster, nodes, sentinels, watcher)


def test_zookeeper_that_lost_its_data_loses_no_group(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    cache = start_cache(cluster)
    master = cluster.master(cache)
    await_guarded(sentinels, CACHE, master)
    cluster.wipe_zookeeper()
    await_cache_master(cluster, watcher, master)
    await_guarded(sentinels, CACHE, master)
    untouched(cluster, nodes, sentinels, watcher)
    assert not any(sentinel.log_lines(f"monitoring of {CACHE} ended") for sentinel in sentinels)


def test_only_other_groups_than_the_default_one(cluster):
    """The znodes that every deployment has make no group; a member that waits does."""
    token = cluster.directory / "token.secret"
    token.write_text("a-token-of-the-tests\n")
    watcher = cluster.watcher(ADMIN_TOKEN_FILE=token)
    watcher.wait_log("event=http-listening")
    assert watcher.request("/masters")[::2] == (200, "")
    assert watcher.request("/master")[0] == 503
    for group in (CACHE, "sessions"):
        nodes = [cluster.redis(MASTER_NAME=group) for _ in range(2)]
        for node in nodes:
            node.await_serving()
        wait_for(lambda each=nodes: cluster.master(each).info()["connected_slaves"] == 1, what="replication")
    sentinels = [cluster.sentinel(MASTER_NAME=CACHE) for _ in range(3)]
    for sentinel in sentinels:
        sentinel.await_serving()

    def groups():
        return {group["name"]: group["warnings"] for group in json.loads(watcher.get("/status"))["groups"]}

    def healthy():
        return groups() == {CACHE: [], "sessions": []}

    wait_for(lambda: all(len(sentinel.peers(group)) == 2 for sentinel in sentinels for group in (CACHE, "sessions")),
             within=60, what="Sentinels that know each other", every=0.1)
    wait_for(healthy, within=60, what="a status without warnings", every=0.1)

    def status():
        """What the command prints when it finds nothing to warn of."""
        done = subprocess.run([cluster.binaries / "watcher", "status"], capture_output=True, text=True,
                              env=cluster.env(WATCHER_URL=f"http://{watcher.address}"))
        return done.returncode == 0 and done.stdout

    assert GROUP not in wait_for(status, what="exit 0", every=0.1)
    assert GROUP not in watcher.get("/metrics") and GROUP not in watcher.get("/explain")
    assert [line.split()[0] for line in watcher.get("/masters").splitlines()] == [CACHE, "sessions"]
    assert watcher.request(f"/masters/{GROUP}")[0] == 404
    assert watcher.request(f"/masters/{GROUP}", method="DELETE",
                           headers={"Authorization": "Bearer a-token-of-the-tests"})[0] == 404
    assert [line for line in watcher.log().splitlines() if GROUP in line and " warn " in line] == []
    assert cluster.record("/redis/master") == "" and cluster.listed("/redis/master") == []

    member = f"/redis/members/{GROUP}/00000000-0000-0000-0000-000000000001"
    cluster.kazoo.create(member, json.dumps({"endpoint": "127.0.0.1 1", "node": "n", "serving": False}).encode(),
                         ephemeral=True)
    wait_for(lambda: "no master is recorded" in groups().get(GROUP, []), what="the group that waits")
    cluster.kazoo.delete(member)
    wait_for(healthy, what="its end")
