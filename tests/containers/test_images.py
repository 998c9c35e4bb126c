"""The three images, each for itself."""

import json
import subprocess

import pytest

from cluster import free_port, wait_for
from engine import DAEMONS, ROOT
from outside import Outside, ask

VERSION = "0.1.0"
WRAPPERS = DAEMONS[:2]
NETWORK = "redis-zk-images"


@pytest.fixture(scope="module")
def run(engine):
    """Runs containers beside a ZooKeeper, as one should run them: read-only, with no right at all."""
    names = []

    def start(name, image, *options, network=NETWORK):
        names.append(name)
        engine.docker("run", "--detach", "--name", name, "--network", network, *options, image)
        return name

    def start_daemon(name, daemon, *options, network=NETWORK, **env):
        env = {"ZK_HOSTS": f"{zookeeper}:2181", **env}
        settings = [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
        return start(name, f"redis-zk/{daemon}", "--read-only", "--cap-drop", "ALL", "--security-opt",
                     "no-new-privileges", *settings, *options, network=network)

    engine.docker("network", "create", NETWORK)
    try:
        zookeeper = start("redis-zk-images-zookeeper", "zookeeper:3.9")
        yield start_daemon
    except BaseException:
        for name in names:
            print(f"--- {name}\n{engine.logs(name)}")
        raise
    finally:
        engine.run("rm", "--force", "--volumes", *names, check=False)
        engine.run("network", "rm", NETWORK, check=False)


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


def test_read_only_with_configuration_mounted_read_only(engine, run, tmp_path):
    conf = tmp_path / "redis.conf"
    conf.write_text("protected-mode no\nmaxmemory 64mb\nappendonly yes\n")
    tmp_path.chmod(0o755)
    name = run("redis-zk-images-redis", "redis-wrapper", "-v", f"{conf}:/etc/redis/redis.conf:ro")
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
    for name, daemon, env in [("redis-zk-images-waits", "sentinel-wrapper", {"MASTER_NAME": "nobody"}),
                              ("redis-zk-images-watcher", "watcher", {})]:
        run(name, daemon, **env)
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
    nodes = [run(f"redis-zk-images-valkey-{number}", "redis-wrapper-valkey", MASTER_NAME="valkey", ZK_ROOT="/valkey")
             for number in (1, 2)]
    sentinels = [run(f"redis-zk-images-valkey-sentinel-{number}", "sentinel-wrapper-valkey", MASTER_NAME="valkey",
                     ZK_ROOT="/valkey") for number in (1, 2)]
    port = free_port()
    run("redis-zk-images-valkey-watcher", "watcher", "-p", f"127.0.0.1:{port}:8080", MASTER_NAME="valkey",
        ZK_ROOT="/valkey")
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
    host = engine.inspect(NETWORK)["IPAM"]["Config"][0]["Gateway"]
    networks = []
    options = {"ZK_ROOT": "/published"}
    zookeeper_port = free_port()
    try:
        engine.docker("run", "--detach", "--name", "redis-zk-published-zookeeper", "-p",
                      f"{host}:{zookeeper_port}:2181", "zookeeper:3.9")
        options["ZK_HOSTS"] = f"{host}:{zookeeper_port}"
        names = {}
        for daemon, port, count in [("redis-wrapper", 6379, 3), ("sentinel-wrapper", 26379, 3)]:
            for number in range(count):
                networks.append(f"redis-zk-published-{daemon}-{number}")
                engine.docker("network", "create", networks[-1])
                announced = free_port()
                name = run(networks[-1], daemon, "-p", f"{host}:{announced}:{port}", network=networks[-1],
                           ANNOUNCE_IP=host, ANNOUNCE_PORT=announced, **options)
                names[(host, announced)] = name
        port = free_port()
        run("redis-zk-published-watcher", "watcher", "-p", f"127.0.0.1:{port}:8080", **options)
        outside = Outside(f"127.0.0.1:{port}")
        master = outside.await_agreement()
        assert {*outside.sentinels(), master} <= set(names)
        engine.docker("kill", names[master])
        wait_for(lambda: outside.master() not in (None, master), what="another master")
        engine.docker("start", names[master])
        assert outside.await_agreement() in set(names) - {master}
    finally:
        engine.run("rm", "--force", "--volumes", "redis-zk-published-zookeeper", *networks, check=False)
        for network in networks:
            engine.run("network", "rm", network, check=False)


def test_nomad_job_names_the_same_variables():
    """No Nomad is at hand; that its job names variables that there are can be looked at."""
    job = (ROOT / "docker/redis-zk.nomad.hcl").read_text()
    helped = "".join(subprocess.run([ROOT / "build/release/bin" / daemon, "--help"], capture_output=True, text=True,
                                    check=True).stdout for daemon in DAEMONS)
    blocks = [block.partition("}")[0] for block in job.split("env {")[1:]]
    variables = {line.split("=")[0].strip() for block in blocks for line in block.splitlines() if "=" in line}
    assert len(blocks) == 3 and variables
    assert all(f"   {variable}   " in helped for variable in variables), json.dumps(sorted(variables))
