"""The three images, each for itself."""

import json
import secrets
import subprocess

import pytest

from cluster import free_port, wait_for
from engine import DAEMONS, ROOT, ZOOKEEPER, Network
from outside import Outside, ask
from tails import shown

VERSION = "0.2.0"
WRAPPERS = DAEMONS[:2]


class Runner:
    """Runs containers beside a ZooKeeper, as one should run them: read-only, with no right at all."""

    def __init__(self, engine):
        self.engine = engine
        self.prefix = f"redis-zk-images-{secrets.token_hex(4)}"
        self.names = []
        self.networks = []
        self.network = self.make_network("network")
        self.zookeeper = self.start("zookeeper", ZOOKEEPER)

    def make_network(self, name):
        self.networks.append(Network(self.engine, f"{self.prefix}-{name}"))
        return self.networks[-1].name

    def start(self, name, image, *options, network=None):
        """The container's name, which begins with a prefix of this run."""
        self.names.append(f"{self.prefix}-{name}")
        self.engine.docker("run", "--detach", "--name", self.names[-1], "--network", network or self.network, *options,
                           image)
        return self.names[-1]

    def __call__(self, name, daemon, *options, network=None, **env):
        env = {"ZK_HOSTS": f"{self.zookeeper}:2181", **env}
        settings = [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
        return self.start(name, f"redis-zk/{daemon}", "--read-only", "--cap-drop", "ALL", "--security-opt",
                          "no-new-privileges", *settings, *options, network=network)

    def tails(self):
        return "\n".join(f"--- {name}\n{self.engine.logs(name)}" for name in self.names)

    def remove(self):
        self.engine.run("rm", "--force", "--volumes", *self.names, check=False)
        for network in self.networks:
            network.remove()


@pytest.fixture(scope="module")
def run(engine):
    runner = Runner(engine)
    try:
        with shown(runner.tails):
            yield runner
    finally:
        runner.remove()


def config(engine, daemon):
    return engine.inspect(f"redis-zk/{daemon}")["Config"]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_says_what_it_is(engine, daemon, figure):
    image = config(engine, daemon)
    assert image["User"] == "redis"
    assert image["Entrypoint"] == [daemon]
    assert image["StopSignal"] == "SIGTERM"
    assert image["Healthcheck"]["Test"] == ["CMD", daemon, "healthcheck"]
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in image["Labels"].items()}
    assert labels["title"] == daemon and labels["description"] and labels["version"] == VERSION
    assert engine.docker("run", "--rm", f"redis-zk/{daemon}", "--version") == f"{daemon} {VERSION}"
    base = engine.inspect("debian:trixie-slim")["Size"]
    size = engine.inspect(f"redis-zk/{daemon}")["Size"]
    figure(f"image of {daemon}, MB: {size / 1e6:.0f}, of these the base {base / 1e6:.0f}")
    assert size - base < 40e6


@pytest.mark.parametrize("daemon", DAEMONS)
def test_has_the_one_daemon_and_nothing_to_build_with(engine, daemon):
    found = engine.docker("run", "--rm", "--entrypoint", "/bin/sh", f"redis-zk/{daemon}", "-c",
                          "ls /usr/bin /etc/redis; id -u")
    lines = found.splitlines()
    assert [name for name in DAEMONS if name in lines] == [daemon]
    assert not {"cmake", "g++", "gcc", "curl"} & set(lines)
    assert ("redis-server" in lines) == (daemon in WRAPPERS)
    assert lines[-1] == "999"


@pytest.mark.smoke
def test_read_only_with_configuration_mounted_read_only(engine, run, tmp_path):
    conf = tmp_path / "redis.conf"
    conf.write_text("protected-mode no\nmaxmemory 64mb\nappendonly yes\n")
    tmp_path.chmod(0o755)
    name = run("redis", "redis-wrapper", "-v", f"{conf}:/etc/redis/redis.conf:ro")
    address = (engine.address(name), 6379)
    wait_for(lambda: ask(address, "PING"), 60, "a master")
    assert ask(address, "CONFIG", "GET", "maxmemory") == ["maxmemory", str(64 * 1024 * 1024)]
    assert ask(address, "SET", "key", "value") is True
    wait_for(lambda: engine.inspect(name)["State"]["Health"]["Status"] == "healthy", 60, "its health", every=0.5)
    assert conf.read_text().count("\n") == 3, "the user's file stays as it is"
    # Nothing but /data is writable.
    changed = engine.docker("diff", name).splitlines()
    assert all(line.split()[1] in ("/data", "/run", "/etc", "/etc/redis") for line in changed), changed


def test_is_process_1_and_reaps_what_others_leave(engine, run):
    """An orphan in the container becomes the wrapper's, before it has a server, too."""
    for name, daemon, env in [("waits", "sentinel-wrapper", {"MASTER_NAME": "nobody"}), ("idle", "watcher", {})]:
        name = run(name, daemon, **env)
        engine.docker("exec", name, "/bin/sh", "-c", "(sleep 0.1 & sleep 0.2 &) ; exit 0")

        def processes(name=name):
            titles, *rows = engine.docker("top", name, "-o", "pid,stat,comm").splitlines()
            return [row.split()[1:] for row in rows]

        wait_for(lambda: all("sleep" not in comm for _, comm in processes()), what=f"{name}: the orphans' end")
        assert not [row for row in processes() if row[0].startswith("Z")]


def test_valkey_in_the_place_of_redis(engine, run):
    """REDIS_SERVER_BIN and the build argument SERVER=valkey."""
    for daemon in WRAPPERS:
        engine.docker("build", "-f", ROOT / "docker/Dockerfile", "--target", daemon, "--build-arg", "SERVER=valkey",
                      "-t", f"redis-zk/{daemon}-valkey", ROOT, within=1200)
    nodes = [run(f"valkey-{number}", "redis-wrapper-valkey", MASTER_NAME="valkey", ZK_ROOT="/valkey")
             for number in (1, 2)]
    sentinels = [run(f"valkey-sentinel-{number}", "sentinel-wrapper-valkey", MASTER_NAME="valkey", ZK_ROOT="/valkey")
                 for number in (1, 2)]
    port = free_port()
    run("valkey-watcher", "watcher", "-p", f"127.0.0.1:{port}:8080", MASTER_NAME="valkey", ZK_ROOT="/valkey")
    outside = Outside(f"127.0.0.1:{port}", group="valkey")
    master = outside.await_agreement(replicas=1, sentinels=2)
    assert ask(master, "INFO", "server")["server_name"] == "valkey"
    assert len(nodes) == len(sentinels) == 2
    (victim,) = [name for name in nodes if engine.address(name) == master[0]]
    outside.client().set("key", "value")
    engine.docker("stop", "--time", "30", victim)
    wait_for(lambda: outside.master() not in (None, master), what="another master")
    assert outside.client().get("key") == "value"


def test_published_port_of_a_bridge_network(engine, run):
    """Where the bound address is nobody else's: ANNOUNCE_IP and ANNOUNCE_PORT, of Redis and of Sentinel.

    Every container is on a network of its own, so that nobody reaches another but by what it announces.
    """
    host = run.networks[0].gateway
    zookeeper_port = free_port()
    run.start("published-zookeeper", ZOOKEEPER, "-p", f"{host}:{zookeeper_port}:2181")
    options = {"ZK_ROOT": "/published", "ZK_HOSTS": f"{host}:{zookeeper_port}"}
    names = {}
    for daemon, port in [("redis-wrapper", 6379), ("sentinel-wrapper", 26379)]:
        for number in range(3):
            name, announced = f"published-{daemon}-{number}", free_port()
            names[(host, announced)] = run(name, daemon, "-p", f"{host}:{announced}:{port}",
                                           network=run.make_network(name), ANNOUNCE_IP=host, ANNOUNCE_PORT=announced,
                                           **options)
    port = free_port()
    run("published-watcher", "watcher", "-p", f"127.0.0.1:{port}:8080", **options)
    outside = Outside(f"127.0.0.1:{port}")
    master = outside.await_agreement()
    assert {*outside.sentinels(), master} <= set(names)
    engine.docker("kill", names[master])
    wait_for(lambda: outside.master() not in (None, master), what="another master")
    engine.docker("start", names[master])
    assert outside.await_agreement() in set(names) - {master}


def test_is_started_again_at_its_new_address(engine, run):
    """A container that returns to its network with another address: nobody reaches what is bound to the old one."""
    network = run.make_network("moving")
    engine.docker("network", "connect", network, run.zookeeper)
    env = {"ZK_ROOT": "/moving", "network": network}
    port = free_port()
    names = {6379: run("moving-redis", "redis-wrapper", "--restart", "unless-stopped", **env),
             26379: run("moving-sentinel", "sentinel-wrapper", "--restart", "unless-stopped", **env)}
    run("moving-watcher", "watcher", "-p", f"127.0.0.1:{port}:8080", **env)
    outside = Outside(f"127.0.0.1:{port}")
    outside.await_agreement(replicas=0, sentinels=1)
    for own_port, name in names.items():
        was_at, is_at = engine.address(name), run.networks[-1].address()
        engine.docker("network", "disconnect", network, name)
        engine.docker("network", "connect", "--ip", is_at, network, name)
        said = f"bind address {was_at} disappeared"
        wait_for(lambda name=name, said=said: said in engine.logs(name, 1000), 60, f"{name}: its end", every=0.2)
        wait_for(lambda at=(is_at, own_port): ask(at, "PING"), 60, f"{name}: its new start", every=0.2)
    assert outside.await_agreement(replicas=0, sentinels=1) == (engine.address(names[6379]), 6379)
    assert outside.sentinels() == [(engine.address(names[26379]), 26379)]


@pytest.mark.smoke
def test_nomad_job_names_the_same_variables():
    """No Nomad is at hand; that its job names variables that there are can be looked at."""
    job = (ROOT / "docker/redis-zk.nomad.hcl").read_text()
    helped = "".join(subprocess.run([ROOT / "build/release/bin" / daemon, "--help"], capture_output=True, text=True,
                                    check=True).stdout for daemon in DAEMONS)
    blocks = [block.partition("}")[0] for block in job.split("env {")[1:]]
    variables = {line.split("=")[0].strip() for block in blocks for line in block.splitlines() if "=" in line}
    assert len(blocks) == 3 and variables
    assert all(f"   {variable}   " in helped for variable in variables), json.dumps(sorted(variables))
