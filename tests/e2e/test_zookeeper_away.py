"""ZooKeeper goes away and returns: Redis and Sentinel serve on, and everything is registered again."""

import signal

import pytest

from cluster import GROUP, wait_for, write_until_ok
from variants import in_full


def owners(cluster):
    """{znode: the session that keeps it}, of everything ephemeral that ought to last."""
    paths = [f"{parent}/{name}" for parent in (f"/redis/members/{GROUP}", "/redis/sentinels")
             for name in cluster.listed(parent)]
    return {path: cluster.owner(path) for path in paths}


def go_away(cluster, how):
    if how == "stopped":
        cluster.zookeeper.stop()
    elif how == "killed":
        cluster.zookeeper.kill()
    else:
        cluster.zookeeper.signal(signal.SIGSTOP)


def come_back(cluster, how):
    if how == "frozen":
        cluster.zookeeper.signal(signal.SIGCONT)
    else:
        cluster.start_zookeeper()


def await_registration(cluster, before):
    """Waits until every znode is there again, kept by a session that is not from `before`."""

    def registered():
        now = owners(cluster)
        return now.keys() == before.keys() and not set(now.values()) & {None, *before.values()}

    wait_for(registered, what="registration in new sessions", every=0.1)


@pytest.mark.parametrize("how", ["killed", "frozen", *in_full("stopped")])
def test_longer_than_a_session(make_cluster, how):
    cluster = make_cluster(session_timeout="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher)
    master = cluster.master(nodes)
    servers = {wrapper: wrapper.child for wrapper in nodes + sentinels}
    before, listed = owners(cluster), sorted(watcher.sentinels())

    go_away(cluster, how)
    for process in [*servers, watcher]:
        process.wait_log("event=zookeeper-silent")
    assert {wrapper: wrapper.child for wrapper in servers} == servers
    assert master.role == "master"
    assert client.set("key", "written without ZooKeeper")
    status, headers, _ = watcher.request("/sentinels")
    assert status == 200 and int(headers["Age"]) >= 2
    assert sorted(watcher.sentinels()) == listed
    assert watcher.get("/master") == master.record
    assert watcher.request("/readyz")[::2] == (503, "ZooKeeper is not connected")
    assert watcher.get("/healthz") == "ok"

    come_back(cluster, how)
    await_registration(cluster, before)
    assert cluster.await_agreement(nodes, sentinels, [watcher]) is master
    assert {wrapper: wrapper.child for wrapper in servers} == servers
    wait_for(lambda: watcher.request("/sentinels")[1]["Age"] is None, what="fresh answers")
    wait_for(lambda: watcher.get("/readyz") == "ready", what="readiness")


def test_shorter_than_a_session(make_cluster):
    cluster = make_cluster(session_timeout="10s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    before = owners(cluster)
    cluster.zookeeper.kill()
    cluster.start_zookeeper()
    for process in [*nodes, *sentinels, watcher]:
        wait_for(lambda: len(process.log_lines("event=zookeeper-connected")) == 2, what="its reconnection")
    assert owners(cluster) == before, "the same sessions go on"
    assert cluster.await_agreement(nodes, sentinels, [watcher]) is master


def test_failover_meanwhile_is_recorded_afterwards(make_cluster):
    cluster = make_cluster(session_timeout="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher)
    master = cluster.master(nodes)
    living = [node for node in nodes if node is not master]
    cluster.zookeeper.kill()
    master.kill_all()
    write_until_ok(client, "key", "value")
    wait_for(lambda: [node.role for node in living].count("master") == 1, what="a new master")
    for process in [*living, *sentinels, watcher]:
        process.wait_log("event=zookeeper-silent")
    assert watcher.get("/master") == master.record, "the last that was known"
    cluster.start_zookeeper()
    successor = cluster.await_agreement(living, sentinels, [watcher])
    assert cluster.record() == successor.record
    master.start()
    cluster.await_agreement(nodes, sentinels, [watcher])


def test_data_of_zookeeper_is_lost(make_cluster):
    """A new, empty ZooKeeper: what stood there is written again by those who live."""
    cluster = make_cluster(session_timeout="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    cluster.wipe_zookeeper()
    assert cluster.await_agreement(nodes, sentinels, [watcher]) is master
    wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="the members")


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_in_the_middle_of_a_bootstrap(make_cluster, how):
    """Whoever had taken the lock, or was about to: there is one master afterwards."""
    cluster = make_cluster(session_timeout="2s")
    cluster.start_zookeeper()
    nodes = [cluster.redis() for _ in range(5)]
    nodes[0].wait_log("event=zookeeper-connected")
    go_away(cluster, how)
    for node in nodes:
        # With or without a server that nobody has recorded yet.
        wait_for(lambda each=node: each.log_lines("event=zookeeper-silent")
                 or not each.log_lines("event=zookeeper-connected"), what="the end of its session")
    come_back(cluster, how)
    for node in nodes:
        node.await_serving()
    master = cluster.master(nodes)
    assert cluster.record() == master.record
    for node in nodes:
        wait_for(lambda each=node: each is master or each.follows(master), what="replication")


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_in_the_middle_of_a_hand_over(make_cluster, how):
    """The master hands over to those that it knew last; the record learns of it afterwards."""
    cluster = make_cluster(session_timeout="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher)
    write_until_ok(client, "key", "before")
    master = cluster.master(nodes)
    others = [node for node in nodes if node is not master]
    go_away(cluster, how)
    assert master.stop() == 0
    assert master.log_lines("handed over to")
    write_until_ok(client, "key", "after")
    come_back(cluster, how)
    successor = cluster.await_agreement(others, sentinels, [watcher])
    assert cluster.record() == successor.record
    master.start()
    cluster.await_agreement(nodes, sentinels, [watcher])
    assert client.get("key") == "after"
