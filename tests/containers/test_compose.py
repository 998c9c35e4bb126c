"""docker/docker-compose*.yml on a Docker Engine: what an operator does to them, and what machines do."""

import contextlib
import json
import re
import secrets
import socket
import time
import urllib.error
import urllib.request

import kazoo.client
import kazoo.exceptions
import pytest
import redis

from cluster import free_port, wait_for
from engine import ROOT
from outside import Outside
from tails import shown

KINDS = ["zookeeper", "redis", "sentinel", "watcher"]
SMALL = ["--scale", "redis=2", "--scale", "sentinel=1"]
# Make what the others need, and end.
ONCE = ["secrets", "certificates"]


class Project:
    """Compose files brought up under a name of their own, with the words that make it the same again."""

    def __init__(self, engine, compose, *files):
        self.engine = engine
        self._compose = compose
        self.name = f"redis-zk-{secrets.token_hex(4)}"
        self._words = [word for file in files for word in ("-f", ROOT / "docker" / file)] + ["-p", self.name]
        self._env = {"WATCHER_PORT": str(free_port())}
        self.outside = Outside(f"127.0.0.1:{self._env['WATCHER_PORT']}")

    def compose(self, *words):
        return self._compose(*self._words, *words, env=self._env)

    def services(self):
        """Those that run a daemon."""
        return [name for name in self.compose("config", "--services").split() if name not in ("zookeeper", *ONCE)]

    def up(self, *words):
        self.compose("up", "-d", *words)
        self.outside.password = self.secret("redis")
        self.outside.sentinel_password = self.secret("sentinel")

    def secret(self, name):
        """As a person finds it out."""
        (watcher,) = self.containers("watcher")
        return self.engine.docker("exec", watcher, "cat", f"/run/redis-zk/{name}")

    def down(self):
        # Nobody waits for a handover any more.
        if running := self.containers():
            self.engine.run("kill", *running, check=False)
        self.compose("down", "--volumes", "--rmi", "local", "--timeout", "5")

    def mend(self):
        """Connects and starts again what a test has left cut off or stopped."""
        network = f"{self.name}_default"
        for name in self.containers(everyone=True):
            if any(name in self.containers(once, everyone=True) for once in ONCE):
                continue
            found = self.engine.inspect(name)
            if not found["NetworkSettings"]["Networks"]:
                self.engine.docker("network", "connect", network, name)
            if not found["State"]["Running"]:
                self.engine.docker("start", name)

    def containers(self, service=None, everyone=False):
        filters = ["--filter", f"label=com.docker.compose.project={self.name}"]
        if service:
            filters += ["--filter", f"label=com.docker.compose.service={service}"]
        names = self.engine.docker("ps", *(["--all"] if everyone else []), *filters, "--format", "{{.Names}}")
        return sorted(names.splitlines())

    def at(self, address, service="redis"):
        """The container whose eth0 this is."""
        (name,) = [name for name in self.containers(service) if self.engine.address(name) == address[0]]
        return name

    def tails(self):
        return "\n".join(f"--- {name}\n{self.engine.logs(name)}" for name in self.containers(everyone=True))


@contextlib.contextmanager
def closing(project):
    try:
        with shown(project.tails):
            yield project
    finally:
        project.down()


@pytest.fixture(scope="module")
def project(engine):
    # Nothing is compiled: the engine has just built the same.
    with closing(Project(engine, engine.compose, "docker-compose.yml")) as project:
        project.up("--build")
        project.outside.await_agreement()
        yield project


@pytest.fixture
def outside(project):
    """The group, healthy at the beginning of every test and at its end."""
    project.mend()
    project.outside.await_agreement()
    yield project.outside
    project.outside.await_agreement()


def health(project, container):
    return project.engine.inspect(container)["State"]["Health"]["Status"]


def test_everybody_is_healthy_and_knows_what_it_is(project, outside):
    for kind in KINDS[1:]:
        names = project.containers(kind)
        assert len(names) == (1 if kind == "watcher" else 3)
        for name in names:
            wait_for(lambda name=name: health(project, name) == "healthy", 60, f"{name}: healthy", every=0.5)
    said = {project.engine.docker("exec", name, "redis-wrapper", "healthcheck").split(" at ")[0].split(" of ")[0]
            for name in project.containers("redis")}
    assert said == {"ready: master", "ready: replica"}


@pytest.mark.smoke
def test_strangers_find_every_door_closed(project, outside):
    """The first `up` has made the secrets, and later ones leave them."""
    engine = project.engine
    names = ("redis", "sentinel", "zookeeper", "admin")
    made = {name: project.secret(name) for name in names}
    assert all(re.fullmatch("[0-9a-f]{32}", secret) for secret in made.values()) and len(set(made.values())) == 4
    (watcher,) = project.containers("watcher")
    assert engine.docker("exec", watcher, "stat", "-c", "%a %u", *(f"/run/redis-zk/{name}" for name in names)
                         ).splitlines() == ["600 999"] * 4

    for service, port in (("redis", 6379), ("sentinel", 26379)):
        for name in project.containers(service):
            with pytest.raises(redis.AuthenticationError), redis.Redis(engine.address(name), port) as stranger:
                stranger.ping()
    (zookeeper,) = project.containers("zookeeper")
    stranger = kazoo.client.KazooClient(f"{engine.address(zookeeper)}:2181")
    stranger.start()
    try:
        for attempt in (lambda: stranger.get("/redis/master"), lambda: stranger.get_children("/redis/sentinels"),
                        lambda: stranger.set("/redis/master", b"10.0.0.1 6379"),
                        lambda: stranger.create("/redis/masters/evil", b"10.0.0.1 6379"),
                        lambda: stranger.delete("/redis/master")):
            with pytest.raises(kazoo.exceptions.NoAuthError):
                attempt()
    finally:
        stranger.stop()
        stranger.close()

    wait_for(lambda: "redis_zk_zookeeper_open_znodes 0\n" in outside.get("/metrics"), what="a look at all znodes")
    for kind in ("redis", "sentinel"):
        assert f'redis_zk_open_servers{{kind="{kind}"}} 0\n' in outside.get("/metrics")
    for name in project.containers():
        log = engine.logs(name, 100000)
        assert not any(event in log for event in ("server-open", "secret-file-open", "znodes-open", "root-open"))
        assert not any(secret in log for secret in made.values())
    # On its own machine, with the token that it has.
    master = outside.master()
    engine.docker("exec", watcher, "watcher", "failover", "master1", "--to", next(
        f"{address}:6379" for name in project.containers("redis") if (address := engine.address(name)) != master[0]))
    assert outside.await_agreement() != master

    project.up()
    assert {name: project.secret(name) for name in names} == made


@pytest.mark.smoke
def test_failover_by_docker_kill(project, outside, figure):
    master = outside.master()
    victim = project.at(master)
    with outside.writer() as writer:
        writer.await_more()
        killed = time.monotonic()
        project.engine.docker("kill", victim)
        wait_for(lambda: outside.master() not in (None, master), what="another master")
        first = wait_for(lambda: writer.first_at_another(master), what="a write")
    figure(f"compose: docker kill of the master, to the next write, s: {first - killed:.1f}")
    # Nothing restarts what was killed by hand.
    project.engine.docker("start", victim)
    assert outside.await_agreement() != master


def test_network_disconnect_of_the_master(project, outside, figure):
    """It returns as a replica: with its old address when Docker gives it that, else started anew with another one."""
    master = outside.master()
    victim = project.at(master)
    (network,) = project.engine.inspect(victim)["NetworkSettings"]["Networks"]
    with outside.writer() as writer:
        writer.await_more()
        cut = time.monotonic()
        project.engine.docker("network", "disconnect", network, victim)
        wait_for(lambda: outside.master() not in (None, master), what="another master")
        first = wait_for(lambda: writer.first_at_another(master), what="a write")
        figure(f"compose: network disconnect of the master, to the next write, s: {first - cut:.1f}")
        project.engine.docker("network", "connect", network, victim)
        assert outside.await_agreement() != master
    assert not writer.missing(outside.client())


def test_docker_stop_of_the_master_hands_over(project, outside, figure):
    master = outside.master()
    victim = project.at(master)
    with outside.writer() as writer:
        writer.await_more()
        asked = time.monotonic()
        project.engine.docker("stop", "--time", "30", victim)
        took = time.monotonic() - asked
        wait_for(lambda: outside.master() not in (None, master), what="another master")
        writer.await_more()
    figure(f"compose: docker stop of the master took, s: {took:.1f}")
    begin, end = writer.longest_pause(asked)
    figure(f"compose: writes paused by it, s: {end - begin:.2f}")
    assert project.engine.inspect(victim)["State"]["ExitCode"] == 0
    assert took < 30
    # Without it, Sentinel would have failed over as well, later.
    assert "handed over to" in project.engine.logs(victim, 1000)
    assert not writer.missing(outside.client())
    project.engine.docker("start", victim)


def test_scale_to_five_and_back(project, outside):
    project.up("--scale", "redis=5", "--scale", "sentinel=5")
    outside.await_agreement(replicas=4, sentinels=5)
    with outside.writer() as writer:
        writer.await_more()
        project.up()
        outside.await_agreement(within=120)
    assert not writer.missing(outside.client())
    assert len(project.containers("redis")) == len(project.containers("sentinel")) == 3


def test_all_containers_killed_and_started_again(project, outside, figure):
    client = outside.client()
    client.set("before", "the end")
    # The append-only file is written to disk once a second; a container's death leaves what was written.
    everyone = project.containers()
    project.engine.docker("kill", *everyone)
    started = time.monotonic()
    project.engine.docker("start", *everyone)
    outside.await_agreement()
    figure(f"compose: everything killed, from the start until all agree, s: {time.monotonic() - started:.1f}")
    assert outside.client().get("before") == "the end"


@pytest.fixture(scope="module")
def encrypted(engine, tmp_path_factory):
    """One with TLS, of the smallest size."""
    with closing(Project(engine, engine.compose, "docker-compose.yml", "docker-compose.tls.yml")) as project:
        project.up(*SMALL)
        authority = tmp_path_factory.mktemp("tls") / "ca.pem"
        authority.write_text(project.secret("ca.pem"))
        project.outside.use_tls(authority)
        project.outside.await_agreement(replicas=1, sentinels=1)
        yield project


@pytest.mark.smoke
def test_with_tls(engine, encrypted):
    """The first `up` makes the certificates, and nothing is said in the clear."""
    outside = encrypted.outside
    (watcher,) = encrypted.containers("watcher")
    files = [f"/run/redis-zk/{name}" for name in ("ca.pem", "node.crt", "node.key", "watcher.crt", "watcher.key")]
    assert engine.docker("exec", watcher, "stat", "-c", "%a %u", *files).splitlines() == ["600 999"] * 5
    mounted = {mount["Destination"] for name in encrypted.containers() for mount in engine.inspect(name)["Mounts"]}
    assert "/authority" not in mounted, "its key is for no daemon"
    for service, port in (("redis", 6379), ("sentinel", 26379)):
        for name in encrypted.containers(service):
            with pytest.raises(redis.ConnectionError), redis.Redis(engine.address(name), port) as stranger:
                stranger.ping()
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"http://{outside.watcher}/sentinels", timeout=5)
    warnings = json.loads(outside.get("/status"))["warnings"]
    assert not any("certificate" in warning or "password" in warning for warning in warnings)
    with outside.writer() as writer:
        writer.await_more()


def test_up_replaces_certificates_that_end_soon(engine, encrypted):
    outside = encrypted.outside
    master = outside.master()
    kept = {name: encrypted.secret(name) for name in ("ca.pem", "watcher.crt")}
    volumes = [word for name, path in (("secrets", "/data"), ("authority", "/authority"))
               for word in ("-v", f"{encrypted.name}_{name}:{path}")]
    engine.docker("run", "--rm", *volumes, f"{encrypted.name}_certificates", "openssl", "x509", "-in", "/data/node.crt",
                  "-CA", "/authority/ca.pem", "-CAkey", "/authority/ca.key", "-days", "20", "-out", "/data/node.crt")
    wait_for(lambda: "certificates expire" in outside.get("/status"), 60, "a warning", every=0.5)
    encrypted.up(*SMALL)
    wait_for(lambda: outside.get("/status") and "certificates expire" not in outside.get("/status"), 60,
             "the end of the warning", every=0.5)
    assert {name: encrypted.secret(name) for name in kept} == kept
    assert outside.await_agreement(replicas=1, sentinels=1) == master


def test_with_compose_2(engine):
    """The same file, where the rest of this module used docker-compose 1.29; up, scaled and down."""
    assert engine.compose2("version", "--short").lstrip("v").startswith("2.")
    with closing(Project(engine, engine.compose2, "docker-compose.yml")) as project:
        project.up()
        project.outside.await_agreement()
        project.up("--scale", "redis=4")
        project.outside.await_agreement(replicas=3)


def name_built_images(project, separator):
    """As compose would name what it builds; each of the two would compile it anew, for minutes."""
    for service in project.services():
        daemon = "watcher" if service == "watcher" else f"{service.partition('-')[0]}-wrapper"
        project.engine.docker("tag", f"redis-zk/{daemon}", f"{project.name}{separator}{service}")


@pytest.mark.parametrize("version", [1, 2])
def test_host_networking(engine, version):
    """The second file, on loopback, with either Compose."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 2181)) != 0, "this test needs port 2181, and somebody listens there"
    compose = engine.compose if version == 1 else engine.compose2
    with closing(Project(engine, compose, "docker-compose.host.yml")) as host:
        name_built_images(host, "_-"[version - 1])
        host.up()
        master = host.outside.await_agreement()
        assert master[0] == "127.0.0.1" and master[1] in (31001, 31002, 31003)
        number = master[1] - 31000
        (victim,) = host.containers(f"redis-{number}")
        engine.docker("kill", victim)
        wait_for(lambda: host.outside.master() not in (None, master), what="another master")
        engine.docker("start", victim)
        host.outside.await_agreement()
        assert host.outside.ask(master, "INFO", "replication").get("role") == "slave"
