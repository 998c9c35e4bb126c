"""ZooKeeper servers as people run them: restarted in turn, an observer, read-only, with too little of something."""

import json

from cluster import GROUP, wait_for, zookeeper_mode
from small_disk import fill, make_room
from writer import Writer


class Undisturbed:
    """What no fault of ZooKeeper's may change: the servers, their roles, and that writes are taken."""

    def __init__(self, cluster, nodes, sentinels, watcher):
        self._cluster = cluster
        self._fleet = nodes, sentinels, [watcher]
        self.daemons = [*nodes, *sentinels, watcher]
        self.master = cluster.master(nodes)
        self._children = self._now()
        self._epoch = cluster.lineage()["epoch"]
        self._owners = self.owners()
        # Of the writer's patience the replication is a part, not ZooKeeper.
        self._writer = Writer(watcher.sentinels)

    def __enter__(self):
        self._writer.start()
        return self

    def __exit__(self, *_):
        self._writer.stop()

    def _now(self):
        return [wrapper.child for wrapper in self._fleet[0] + self._fleet[1]]

    def owners(self):
        paths = [f"{parent}/{name}" for parent in (f"/redis/members/{GROUP}", "/redis/sentinels")
                 for name in self._cluster.listed(parent)]
        return {path: self._cluster.owner(path) for path in paths}

    def check_servers(self):
        """Also while ZooKeeper is away."""
        assert self._now() == self._children and self.master.role == "master"
        written = len(self._writer.acknowledged)
        wait_for(lambda: len(self._writer.acknowledged) > written + 10, what="writes")

    def check(self, within=30):
        self.check_servers()
        assert self._cluster.await_agreement(*self._fleet, within=within) is self.master
        assert self._cluster.lineage()["epoch"] == self._epoch, "a failover"
        wait_for(lambda: self.owners().keys() == self._owners.keys(), what="the registrations")
        waits = [acknowledged.when for acknowledged in self._writer.acknowledged]
        assert max((later - earlier for earlier, later in zip(waits, waits[1:])), default=0) < 5, "a gap in the writes"

    def check_sessions(self):
        assert self.owners() == self._owners, "the sessions went on"


def serves(server):
    return zookeeper_mode(server.host, server.port)


def bring_up(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    return Undisturbed(cluster, nodes, sentinels, watcher)


def test_rolling_restart_of_three_servers(make_cluster):
    cluster = make_cluster(session_timeout="6s")
    servers = cluster.start_zookeepers(3)
    with bring_up(cluster) as undisturbed:
        for server in servers:
            server.stop()
            server.start()
            wait_for(lambda each=server: serves(each), what="its return")
        undisturbed.check()
        undisturbed.check_sessions()
        for server in servers:
            server.stop()
        undisturbed.check_servers()
        for server in servers:
            server.start()
        cluster.await_zookeepers()
        undisturbed.check()


def test_an_observer_is_the_only_server(make_cluster):
    """It has no vote, and what it is asked to write it passes on."""
    cluster = make_cluster(session_timeout="6s")
    *voters, observer = cluster.start_zookeepers(4, observers=1)
    cluster.use_zookeeper([observer])
    assert serves(observer) == "observer"
    with bring_up(cluster) as undisturbed:
        (leader,) = [server for server in voters if serves(server) == "leader"]
        leader.kill()
        undisturbed.check_servers()
        wait_for(lambda: any(serves(voter) == "leader" for voter in voters if voter is not leader), what="another leader")
        wait_for(lambda: serves(observer), what="its return")
        leader.start()
        undisturbed.check()
        observer.kill()
        for daemon in undisturbed.daemons:
            daemon.wait_log("event=zookeeper-silent")
        undisturbed.check_servers()
        observer.start()
        undisturbed.check()
    master = undisturbed.master
    master.kill_all()
    wait_for(lambda: cluster.record() != master.record, what="the record of the failover")


def test_read_only_server(make_cluster, monkeypatch):
    """It answers only those who ask for no more than reading; the daemons do not."""
    monkeypatch.setenv("ZOOKEEPER_READ_ONLY", "true")
    cluster = make_cluster(session_timeout="3s")
    *others, last = cluster.start_zookeepers(3)
    with bring_up(cluster) as undisturbed:
        for server in others:
            server.kill()
        wait_for(lambda: serves(last) == "read-only", what="its mode")
        for daemon in undisturbed.daemons:
            line = daemon.wait_log(f"{last.address} is read-only")
            assert "event=zookeeper-silent" in line and f"{others[0].address}: Connection refused" in line
        undisturbed.check_servers()
        late = cluster.redis(ZK_CONNECT_TIMEOUT="6s")
        assert late.wait() == 69
        assert f"{last.address} is read-only" in late.wait_log("event=zookeeper-connect-timeout")
        for server in others:
            server.start()
        cluster.await_zookeepers()
        undisturbed.check()


def test_connections_that_a_server_limits(make_cluster, monkeypatch):
    """maxClientCnxns counts by address: one more daemon on a machine is refused, and those that are connected stay."""
    monkeypatch.setenv("ZOOKEEPER_CONNECTIONS", "8")
    cluster = make_cluster(session_timeout="6s")
    cluster.start_zookeeper()
    # Seven daemons and the test's own client.
    with bring_up(cluster) as undisturbed:
        late = cluster.redis(ZK_CONNECT_TIMEOUT="60s")
        line = late.wait_log("event=zookeeper-silent")
        assert f"{cluster.zookeeper.address} closes connections at once: see its maxClientCnxns" in line
        undisturbed.check()
        undisturbed.check_sessions()
        cluster.close_kazoo()
        late.await_serving()


def restart(cluster, servers):
    """As a scheduler does it with those that have ended or answer no more."""
    for server in servers:
        if server.running and not serves(server):
            server.kill()
        if not server.running:
            server.start()
    cluster.await_zookeepers()


def fill_and_await_silence(cluster, undisturbed, disk, servers):
    """The daemon that comes late, and waits until there is room again: ZooKeeper notices when it writes."""
    fill(disk)
    late = cluster.redis(ZK_CONNECT_TIMEOUT="90s")
    for daemon in undisturbed.daemons:
        line = daemon.wait_log("event=zookeeper-silent", within=60)
        assert all(server.address in line for server in servers)
    undisturbed.check_servers()
    return late


def waits_naming(server, status):
    return [wait for wait in status["waits"] if wait["name"] == "zookeeper" and server.address in wait["sentence"]]


def make_room_and_await(cluster, undisturbed, disk, servers, late):
    make_room(disk)
    restart(cluster, servers)
    late.await_serving()
    late.stop()
    undisturbed.check(within=60)


def test_full_disk_under_zookeeper(make_cluster, disk, monkeypatch):
    """It ends, or answers no more; its daemons are none the worse for it."""
    monkeypatch.setenv("ZOOKEEPER_DATA", str(disk))
    cluster = make_cluster(session_timeout="3s")
    cluster.start_zookeeper()
    with bring_up(cluster) as undisturbed:
        watcher = undisturbed.daemons[-1]
        late = fill_and_await_silence(cluster, undisturbed, disk, [cluster.zookeeper])
        status = json.loads(watcher.get("/status"))
        assert not status["zookeeper"]["connected"]
        assert status["warnings"][0].startswith("ZooKeeper has been unreachable for ")
        wait_for(lambda: waits_naming(cluster.zookeeper, json.loads(watcher.get("/status"))), 60, "the wait in /status")
        make_room_and_await(cluster, undisturbed, disk, [cluster.zookeeper], late)


def test_full_disk_under_one_of_three_servers(make_cluster, disk):
    cluster = make_cluster(session_timeout="6s")
    full, *_ = servers = cluster.start_zookeepers(3, data=[disk])
    with bring_up(cluster) as undisturbed:
        fill(disk)
        # A leader with such a disk lets go of its followers, a follower of the ensemble, when there is something to write.
        cluster.kazoo.ensure_path("/test")
        wait_for(lambda: not full.running or not serves(full), 60, "its end")
        undisturbed.check_servers()
        wait_for(lambda: sorted(filter(None, map(serves, servers[1:]))) == ["follower", "leader"], what="the others")
        undisturbed.check()
        make_room(disk)
        restart(cluster, [full])
        undisturbed.check()


def test_full_disk_under_a_majority(make_cluster, disk):
    cluster = make_cluster(session_timeout="3s")
    *full, last = cluster.start_zookeepers(3, data=[disk / "1", disk / "2"])
    with bring_up(cluster) as undisturbed:
        watcher = undisturbed.daemons[-1]
        late = fill_and_await_silence(cluster, undisturbed, disk, [*full, last])

        def told():
            status = json.loads(watcher.get("/status"))
            return not status["zookeeper"]["connected"] and waits_naming(last, status)

        wait_for(told, 60, "the wait in /status")
        make_room_and_await(cluster, undisturbed, disk, full, late)
