"""A Docker Engine for the tests, and the images that are tested.

The engine that answers is used; where none does, Debian's is started with its data below build/ and ended with the
tests. Images that cannot be pulled are made: the base with debootstrap, ZooKeeper from Debian's package. Of a name that
is not ours they are removed again, unless the engine is ours alone.
"""

import contextlib
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

from cluster import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAEMONS = ["redis-wrapper", "sentinel-wrapper", "watcher"]
BASE = "debian:trixie-slim"
ZOOKEEPER = "zookeeper:3.9"
BUILT_WITHIN = 1800
# What the official base image leaves out too.
LEFT_OUT = ["var/cache/apt", "var/lib/apt/lists", "usr/share/man", "usr/share/info", "usr/share/locale"]
APT_KEEPS_NOTHING = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
"""
DPKG_LEAVES_OUT = "".join(f"path-exclude /usr/share/{part}/*\n" for part in ("doc", "info", "locale", "man"))


# How main() ends where there can be no engine.
EXIT_NO_ENGINE = 77


class NoEngine(Exception):
    """No Docker Engine answers, and none can be started here; says why."""


# Debian's own programs first: another client does not fit Debian's engine, and the same files sent by it are not found
# in the cache of what was built.
PATH = f"/usr/bin:/usr/sbin:{os.environ['PATH']}"


class Engine:
    def __init__(self, host=None):
        self.is_ours = host is not None
        # The classic builder is in every engine; BuildKit takes a plugin of the client.
        self.env = {**os.environ, "PATH": PATH, "DOCKER_BUILDKIT": "0", **({"DOCKER_HOST": host} if host else {})}
        self.binary = shutil.which("docker", path=PATH) or "docker"

    def run(self, *words, check=True, within=120, env=None):
        """A docker command, ended."""
        return self._run([self.binary, *words], check, within, env)

    def docker(self, *words, within=120):
        """What a docker command prints."""
        return self.run(*words, within=within).stdout.strip()

    def compose(self, *words, within=300, check=True, env=None):
        """A compose command: docker-compose 1.29 on Debian 12, 2 on Debian 13, else the client's own."""
        own = shutil.which("docker-compose", path=PATH)
        compose = [own] if own else [self.binary, "compose"]
        return self._run([*compose, *words], check, within, env).stdout.strip()

    def compose2(self, *words, within=300, env=None):
        """The same with Compose 2, which has no place on Debian 12: in a container."""
        folder = ROOT / "tests/containers"
        self.docker("build", "-t", "redis-zk/compose2", "-f", folder / "compose2.Dockerfile", folder,
                    within=BUILT_WITHIN)
        settings = [word for key, value in {"DOCKER_BUILDKIT": "0", **(env or {})}.items()
                    for word in ("--env", f"{key}={value}")]
        return self.docker("run", "--rm", "-v", f"{self._socket()}:/var/run/docker.sock", "-v", f"{ROOT}:{ROOT}:ro",
                           *settings, "redis-zk/compose2", *words, within=within)

    def _socket(self):
        return self.env.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")

    def _run(self, argv, check, within, env):
        ended = subprocess.run([str(word) for word in argv], env={**self.env, **(env or {})}, capture_output=True,
                               text=True, timeout=within, stdin=subprocess.DEVNULL)
        if check and ended.returncode != 0:
            raise RuntimeError(f"{argv} ended with {ended.returncode}:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
        return ended

    def answers(self):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            return self.run("version", check=False, within=10).returncode == 0
        return False

    def inspect(self, name):
        return json.loads(self.docker("inspect", name))[0]

    def address(self, container):
        """The address of its eth0."""
        (network,) = self.inspect(container)["NetworkSettings"]["Networks"].values()
        return network["IPAddress"]

    def logs(self, container, lines=40):
        ended = self.run("logs", "--tail", lines, container, check=False)
        return ended.stdout + ended.stderr

    def remove_containers(self):
        """All there are: what a run that was killed has left."""
        if left := self.docker("ps", "--all", "--quiet").split():
            self.docker("rm", "--force", "--volumes", *left)
        self.docker("network", "prune", "--force")

    # --- images

    def has(self, image):
        return self.run("image", "inspect", image, check=False).returncode == 0

    def pull(self, image):
        """Whether the image is there now."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.run("pull", "--quiet", image, check=False, within=180)
        return self.has(image)

    @contextlib.contextmanager
    def images(self):
        """All that the tests and the compose files need, until the `with` block is left."""
        with contextlib.ExitStack() as stand_ins:
            for image, make in [(BASE, self._bootstrap_base), (ZOOKEEPER, self._build_zookeeper)]:
                if not self.has(image) and not self.pull(image):
                    make()
                    if not self.is_ours:
                        stand_ins.callback(self.run, "rmi", image, check=False)
            for daemon in DAEMONS:
                self.docker("build", "-f", ROOT / "docker/Dockerfile", "--target", daemon, "-t", f"redis-zk/{daemon}",
                            ROOT, within=BUILT_WITHIN)
            yield

    def _build_zookeeper(self):
        folder = ROOT / "tests/containers"
        self.docker("build", "-t", ZOOKEEPER, "-f", folder / "zookeeper.Dockerfile", folder, within=BUILT_WITHIN)

    def _bootstrap_base(self):
        suite = BASE.partition(":")[2].removesuffix("-slim")
        with tempfile.TemporaryDirectory(prefix="redis-zk-base.") as folder:
            root = pathlib.Path(folder) / "root"
            made = subprocess.run(["debootstrap", "--variant=minbase", suite, root], capture_output=True, text=True,
                                  timeout=600)
            if made.returncode != 0:
                raise RuntimeError(f"debootstrap {suite} ended with {made.returncode}:\n{made.stdout[-2000:]}")
            for part in LEFT_OUT:
                shutil.rmtree(root / part, ignore_errors=True)
                (root / part).mkdir()
            (root / "etc/apt/apt.conf.d/clean").write_text(APT_KEEPS_NOTHING)
            (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(DPKG_LEAVES_OUT)
            with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
                subprocess.run([self.binary, "import", "-", BASE], env=self.env, stdin=tar.stdout, check=True,
                               stdout=subprocess.DEVNULL, timeout=300)


class Network:
    """A bridge whose addresses can be given out."""

    def __init__(self, engine, name):
        self.engine = engine
        self.name = name
        self._prefix = wait_for(self._create, what="a free subnet")
        self._hosts = itertools.count(10)

    def _create(self):
        prefix = f"10.{random.randrange(64, 224)}.{random.randrange(256)}"
        try:
            self.engine.docker("network", "create", "--subnet", f"{prefix}.0/24", "--gateway", f"{prefix}.1", self.name)
        except RuntimeError as error:
            if "overlaps" not in str(error):
                raise
            return None
        return prefix

    @property
    def gateway(self):
        return f"{self._prefix}.1"

    def address(self):
        return f"{self._prefix}.{next(self._hosts)}"

    def remove(self):
        self.engine.run("network", "rm", self.name, check=False)


def unmount_below(directory):
    """What dockerd leaves mounted, which is a network namespace or two."""
    targets = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    for target in reversed(targets):
        if target.startswith(f"{directory}/"):
            subprocess.run(["umount", "--lazy", target], check=False)


@contextlib.contextmanager
def started_engine(directory):
    """An engine of our own, until the `with` block is left."""
    dockerd = shutil.which("dockerd", path=PATH)
    if not dockerd:
        raise NoEngine("dockerd is not installed (Debian's package is docker.io)")
    if os.geteuid() != 0:
        raise NoEngine("no Docker Engine answers, and starting one takes root")
    directory.mkdir(parents=True, exist_ok=True)
    # A socket's path has to be short, and what stands there to be gone after a crash.
    with tempfile.TemporaryDirectory(prefix="redis-zk-docker.") as run, open(directory / "log", "wb") as log:
        host = f"unix://{run}/socket"
        # It must not outlive us, however we end.
        daemon = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", dockerd, "--data-root", directory / "data",
                                   "--exec-root", f"{run}/exec", "-H", host, "--pidfile", f"{run}/pid"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        engine = Engine(host)
        try:
            wait_for(lambda: engine.answers() or daemon.poll() is not None, 60, "the Docker Engine")
            if daemon.poll() is not None:
                last = (directory / "log").read_text(errors="replace").strip().splitlines()[-1:]
                raise NoEngine(f"dockerd ended with {daemon.returncode}: {' '.join(last)}")
            engine.remove_containers()
            yield engine
        finally:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(60)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
            unmount_below(run)


@contextlib.contextmanager
def some_engine():
    engine = Engine()
    if engine.answers():
        yield engine
        return
    with started_engine(ROOT / "build/docker") as engine:
        yield engine


def main():
    """Ends with 0 when there is, or can be, an engine, and with 77 when there cannot; says which, or why not."""
    try:
        with some_engine() as engine:
            print(engine.docker("version", "--format", "Docker Engine {{.Server.Version}}"))
    except NoEngine as error:
        print(error)
        sys.exit(EXIT_NO_ENGINE)


if __name__ == "__main__":
    main()
