"""Nodes that are given a host name to announce: whatever Sentinel does with names, it never meets one."""

import itertools
import subprocess

import pytest

from cluster import GROUP, LOOPBACK, wait_for, write_until_ok

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
