"""C14: a quota of ZooKeeper that is reached is named, by whoever is refused, and nothing that is registered is lost."""

from cluster import wait_for

ROOT_LIMITS = "/zookeeper/quota/redis"


def limit(cluster, count):
    """What `setquota -N count /redis` of zkCli.sh writes; -1: as much as anybody likes."""
    kazoo = cluster.kazoo
    # The names are ZooKeeper's: StatsTrack.
    limits = f"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit={count}"
    for name, text in (("zookeeper_limits", limits), ("zookeeper_stats", "count=0,bytes=0")):
        kazoo.ensure_path(ROOT_LIMITS)
        path = f"{ROOT_LIMITS}/{name}"
        if kazoo.exists(path):
            kazoo.delete(path)
        kazoo.create(path, text.encode())


def test_a_reached_quota_is_named(make_cluster, monkeypatch):
    monkeypatch.setenv("ZOOKEEPER_QUOTAS", "true")
    cluster = make_cluster()
    cluster.start_zookeeper()
    master = cluster.redis()
    master.await_serving()
    limit(cluster, 1)
    late = cluster.redis()
    line = wait_for(lambda: late.log_lines("the quota on this path or a parent of it is reached"), what="the refusal")[0]
    assert "setquota" in line, line
    assert late.running and late.role is None
    assert master.role == "master" and cluster.record() == master.record
    limit(cluster, -1)
    late.await_serving()
    wait_for(lambda: late.follows(master), what="the late one's link")
