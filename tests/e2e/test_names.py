"""Host names: nodes that are given one to announce, which Sentinel never meets, and names that cannot be looked up."""

import contextlib
import itertools
import json
import os
import socket
import subprocess

import pytest

from cluster import GROUP, LOOPBACK, wait_for, write_until_ok

# Without the one Sentinel refuses a name, without the other it lists a server now by its name and now by its address.
# Sentinel's down-after is 1.5 s; the rest is its election, and a machine that is busy.
FAILS_OVER_WITHIN = 8
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


class Names:
    """What the processes that are put there resolve."""

    def __init__(self, path):
        self._path = path
        self._known = {}
        self._write()

    def _write(self):
        # In place: it is mounted.
        self._path.write_text("".join(f"{address} {name}\n" for name, address in self._known.items()))

    def add(self, name):
        self._known[name] = LOOPBACK
        self._write()
        return name

    def remove(self, name):
        del self._known[name]
        self._write()

    def put(self, process):
        """A process that is not started yet."""
        process.argv = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(self._path),
                        *process.argv]
        return process


@pytest.fixture
def names(tmp_path):
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces can be made")
    return Names(tmp_path / "hosts")


def test_name_that_disappears_with_its_container(make_cluster, names):
    """Docker resolves the name of a container for as long as that runs: all others go on without it."""
    cluster = make_cluster()
    servers = cluster.start_zookeepers(3)
    hosts = ",".join(f"{names.add(server.name)}:{server.port}" for server in servers)

    def start(kind, name):
        process = names.put(getattr(cluster, kind)(start=False, ZK_HOSTS=hosts, ANNOUNCE_IP=names.add(name))).start()
        process.await_serving()
        return process

    nodes = [start("redis", f"redis-{number}") for number in range(3)]
    sentinels = [start("sentinel", f"sentinel-{number}") for number in range(3)]
    watchers = [names.put(cluster.watcher(start=False, ZK_HOSTS=hosts)).start()]
    master = cluster.await_agreement(nodes, sentinels, watchers)
    servers[0].kill()
    names.remove(servers[0].name)
    wait_for(lambda: cluster.record() == master.record, what="the ensemble")
    cluster.await_agreement(nodes, sentinels, watchers)
    names.remove(f"redis-{nodes.index(master)}")
    master.kill_all()
    others = [node for node in nodes if node is not master]
    sentinels[0].kill_all()
    names.remove("sentinel-0")
    newcomer = start("sentinel", "sentinel-3")
    nodes = [*others, start("redis", "redis-3")]
    cluster.await_agreement(nodes, [*sentinels[1:], newcomer], watchers)
    assert len(cluster.listed(f"/redis/members/{GROUP}")) == 3


class SilentNameServer:
    """This machine, and a name server that never answers, for every process that is started on it: a `network`."""

    address = LOOPBACK

    def __init__(self, directory):
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Each test has one of its own.
        self._server.bind((f"127.53.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}", 53))
        conf = directory / "resolv.conf"
        conf.write_text(f"nameserver {self._server.getsockname()[0]}\n")
        self.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                       f'mount --bind {conf} /etc/resolv.conf && exec "$@"', "sh"]

    def host(self):
        return self

    def close(self):
        self._server.close()

    @property
    def questions(self):
        """How many it was asked since the last time."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while self._server.recv(512, socket.MSG_DONTWAIT):
                count += 1
        return count


@pytest.fixture
def silent_names(tmp_path):
    try:
        server = SilentNameServer(tmp_path)
    except OSError as error:
        pytest.skip(f"no name server can be run: {error}")
    with contextlib.closing(server):
        if subprocess.run([*server.prefix, "true"], check=False).returncode:
            pytest.skip("no resolv.conf can be mounted")
        yield server


def test_a_name_that_hangs_makes_only_its_server_look_silent(make_cluster, silent_names):
    cluster = make_cluster(network=silent_names, session_timeout="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher)
    # As originals and people register them: everybody asks there, at every look.
    cluster.kazoo.create("/redis/sentinels/of-a-name", b"sentinel-4.redis.test 26379", ephemeral=True)
    member = {"endpoint": "redis-4.redis.test 6379", "node": "of-a-name", "serving": True}
    cluster.kazoo.create(f"/redis/members/{GROUP}/of-a-name", json.dumps(member).encode(), ephemeral=True)
    wait_for(lambda: silent_names.questions, what="a look-up")

    # Without ZooKeeper, the others confirm the master, in a fence's time.
    master = cluster.master(nodes)
    cluster.zookeeper.kill()
    for process in [*nodes, *sentinels]:
        process.wait_log("event=zookeeper-silent")
    assert silent_names.questions, "it was asked all the time"
    assert client.set("key", "without ZooKeeper")
    assert not master.log_lines("event=fence-raised")

    cluster.start_zookeeper()
    wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) >= len(nodes), what="registration")
    cluster.kazoo.ensure_path("/redis/sentinels/of-a-name-again")
    cluster.kazoo.set("/redis/sentinels/of-a-name-again", b"sentinel-5.redis.test 26379")

    # The failover is as quick as ever, and so is a handover.
    before = write_until_ok(client, "key", "before")
    master.kill_all()
    assert write_until_ok(client, "key", "failed over") - before < FAILS_OVER_WITHIN
    wait_for(lambda: cluster.record() != master.record, what="the record of the failover")
    successor = cluster.master([node for node in nodes if node is not master])
    rest = [node for node in nodes if node not in (master, successor)]
    wait_for(lambda: rest[0].follows(successor), what="the link of the last replica")
    assert successor.stop() == 0
    assert successor.log_lines("event=handover-done")
    assert write_until_ok(client, "key", "handed over")
