"""Real ZooKeeper, Redis, Sentinel and our three daemons on loopback, for the tests, the demo and the benchmark.

Every process has a directory and a log file of its own below the cluster's directory. Leaving the cluster's `with`
block kills what it started, by pid, whatever happened.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from kazoo.client import KazooClient
import redis
import redis.sentinel

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
GROUP = "master1"
# How long anything may take that takes milliseconds on an idle machine.
PATIENCE = 30


def binaries():
    return pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))


def wait_for(condition, within=PATIENCE, what="the condition"):
    """Waits until `condition()` is true and returns its value. The only sleep in the tests."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not happen within {within} s")
        time.sleep(0.002)


_ports_given = set()


def free_port():
    """A port nobody listens on, below the range of outgoing connections, given out once."""
    while True:
        port = random.randrange(10000, 32000)
        if port in _ports_given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        _ports_given.add(port)
        return port


def accepts(port):
    try:
        socket.create_connection((HOST, port), timeout=1).close()
        return True
    except OSError:
        return False


def alive(pid):
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


class Process:
    """A program with its log; the base of everything that runs."""

    def __init__(self, name, argv, directory, env=None):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.directory = pathlib.Path(directory)
        self.env = env
        self.log_path = self.directory / "log"
        self.popen = None

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(self.argv, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, start_new_session=True)
        return self

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        if self.running:
            self.popen.send_signal(number)

    def wait(self, within=PATIENCE):
        """Its exit code."""
        try:
            return self.popen.wait(within)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end within {within} s") from None

    def kill(self):
        """SIGKILL, to it alone."""
        self.signal(signal.SIGKILL)
        if self.popen is not None:
            self.popen.wait()

    def stop(self, within=PATIENCE):
        """SIGTERM; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, text, within=PATIENCE):
        """Waits for a line with `text`; returns the last such line."""

        def find():
            lines = [line for line in self.log().splitlines() if text in line]
            if not lines and not self.running and self.popen is not None:
                raise AssertionError(f"{self.name} ended with {self.popen.returncode}:\n{self.log()[-2000:]}")
            return lines

        return wait_for(find, within, f"{self.name}: a log line with \"{text}\"")[-1]


class Server(Process):
    """Something that listens."""

    def __init__(self, name, argv, directory, port, env=None):
        super().__init__(name, argv, directory, env)
        self.port = port

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    @property
    def record(self):
        return f"{HOST} {self.port}"

    def await_port(self):
        wait_for(lambda: accepts(self.port) or not self.running, what=f"{self.name} listening")
        assert self.running, f"{self.name} ended:\n{self.log()[-2000:]}"
        return self


class Wrapper(Server):
    """One of our wrappers with the server it supervises."""

    @property
    def child(self):
        """The server's pid; None while there is none."""
        pids = children(self.pid) if self.running else []
        return pids[0] if pids else None

    def kill_all(self):
        """What a dying machine does: wrapper and server at once."""
        child = self.child
        if child:
            os.kill(child, signal.SIGKILL)
        self.kill()
        if child:
            wait_for(lambda: not alive(child), what=f"the end of {self.name}'s server")

    def kill_child(self):
        os.kill(self.child, signal.SIGKILL)

    def await_serving(self, within=PATIENCE):
        return self.wait_log(" serving ", within)


class RedisWrapper(Wrapper):
    def client(self, **kwargs):
        return redis.Redis(HOST, self.port, socket_timeout=5, decode_responses=True, **kwargs)

    def info(self, section="replication"):
        """INFO, or nothing while it does not answer."""
        try:
            with self.client() as client:
                return client.info(section)
        except redis.RedisError:
            return {}

    @property
    def role(self):
        return self.info().get("role")


class SentinelWrapper(Wrapper):
    def client(self, **kwargs):
        return redis.Redis(HOST, self.port, socket_timeout=5, decode_responses=True, **kwargs)

    def master(self, group=GROUP):
        """SENTINEL MASTER, or nothing while it does not answer."""
        try:
            with self.client() as client:
                return client.sentinel_master(group)
        except redis.RedisError:
            return {}


class Watcher(Server):
    def http(self, path, accept=None, method="GET", body=None):
        """(status, headers, text)."""
        request = urllib.request.Request(f"http://{self.address}{path}", method=method, data=body)
        if accept:
            request.add_header("Accept", accept)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()

    def get(self, path):
        """The text of a good answer, "" for any other."""
        status, _, text = self.http(path)
        return text if status == 200 else ""

    def sentinels(self):
        """[(host, port), ...] as a client application reads it."""
        text = self.get("/sentinels")
        return [(host, int(port)) for host, _, port in (item.rpartition(":") for item in text.split(",")) if port]


class Cluster:
    def __init__(self, session_timeout="4s", down_after_ms=1000, log_level="debug", **env):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="redis-zk."))
        self.session_timeout = session_timeout
        self.down_after_ms = down_after_ms
        self.extra_env = env
        self.log_level = log_level
        self.processes = []
        self.zookeeper = None
        self._kazoo = None
        self._numbers = {}

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if self._kazoo:
            self._kazoo.stop()
            self._kazoo.close()
        for process in self.processes:
            if isinstance(process, Wrapper):
                process.kill_all()
            process.kill()
        if failure and os.environ.get("REDIS_ZK_SHOW_LOGS", "1") == "1":
            for process in self.processes:
                print(f"--- {process.name}\n" + "\n".join(process.log().splitlines()[-40:]))
        shutil.rmtree(self.directory, ignore_errors=True)

    def _add(self, process):
        self.processes.append(process)
        return process

    def name(self, kind):
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind}-{self._numbers[kind]}"

    # --- servers

    def start_zookeeper(self):
        if self.zookeeper is None:
            port = free_port()
            directory = self.directory / "zookeeper"
            self.zookeeper = self._add(
                Server("zookeeper", [ROOT / "tests/support/zookeeper", directory, port], directory, port))
        self.zookeeper.start().await_port()
        return self.zookeeper

    def env(self, **more):
        """What a daemon of this cluster finds in its environment."""
        own = {
            "PATH": os.environ["PATH"],
            "ZK_HOSTS": self.zookeeper.address if self.zookeeper else f"{HOST}:1",
            "ZK_SESSION_TIMEOUT": self.session_timeout,
            "LOG_LEVEL": self.log_level,
            "REDIS_CONF": str(ROOT / "conf/redis.conf"),
            "SENTINEL_CONF": str(ROOT / "conf/sentinel.conf"),
            "SENTINEL_DOWN_AFTER_MS": str(self.down_after_ms),
        }
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                own[name] = os.environ[name]
        own.update(self.extra_env)
        own.update(more)
        return {name: str(value) for name, value in own.items() if value is not None}

    def _daemon(self, kind, binary, port, env, start):
        name = self.name(kind)
        port = port or free_port()
        env = self.env(**{"BIND_IP": HOST, "PORT0": port, **env})
        directory = self.directory / name
        process = self._add(
            {"redis": RedisWrapper, "sentinel": SentinelWrapper, "watcher": Watcher}[kind](
                name, [binaries() / binary], directory, port, env))
        return process.start() if start else process

    def redis(self, port=None, start=True, **env):
        return self._daemon("redis", "redis-wrapper", port, env, start)

    def sentinel(self, port=None, start=True, **env):
        return self._daemon("sentinel", "sentinel-wrapper", port, env, start)

    def watcher(self, port=None, start=True, **env):
        return self._daemon("watcher", "watcher", port, env, start)

    def bring_up(self, redis=3, sentinels=3, watchers=1):
        """The usual fleet, in agreement: (redis, sentinels, watchers)."""
        if not (self.zookeeper and self.zookeeper.running):
            self.start_zookeeper()
        nodes = [self.redis() for _ in range(redis)]
        guards = [self.sentinel() for _ in range(sentinels)]
        lookouts = [self.watcher() for _ in range(watchers)]
        for process in nodes + guards:
            process.await_serving()
        for lookout in lookouts:
            lookout.wait_log(" serving on ")
        self.await_agreement(nodes, guards, lookouts)
        return nodes, guards, lookouts

    def await_agreement(self, nodes, guards, lookouts=(), within=PATIENCE):
        """One master, replicas linked to it, Sentinels that see everybody, a record and answers that say so."""

        def agreed():
            masters = [node for node in nodes if node.role == "master"]
            if len(masters) != 1 or self.record() != masters[0].record:
                return None
            master = masters[0]
            for node in nodes:
                info = node.info() if node is not master else {}
                if node is not master and (info.get("master_link_status") != "up" or
                                           info.get("master_port") != master.port):
                    return None
            for guard in guards:
                view = guard.master()
                if (view.get("port") != master.port or view.get("num-slaves") != len(nodes) - 1 or
                        view.get("num-other-sentinels") != len(guards) - 1):
                    return None
            for lookout in lookouts:
                if sorted(lookout.sentinels()) != sorted((HOST, guard.port) for guard in guards):
                    return None
                if lookout.get("/master") != master.record:
                    return None
            return master

        return wait_for(agreed, within, "agreement of Redis, Sentinels, ZooKeeper and the watcher")

    # --- ZooKeeper, as somebody else sees it

    @property
    def kazoo(self):
        if self._kazoo is None:
            self._kazoo = KazooClient(self.zookeeper.address, timeout=10)
            self._kazoo.start()
        return self._kazoo

    def record(self, path="/redis/master"):
        return self.kazoo.get(path)[0].decode() if self.kazoo.exists(path) else ""

    def listed(self, path):
        """The children of a znode; none when it is not there."""
        return self.kazoo.get_children(path) if self.kazoo.exists(path) else []

    def lineage(self, group=GROUP):
        return json.loads(self.record(f"/redis/lineage/{group}") or "{}")

    # --- clients

    @staticmethod
    def sentinel_client(watcher, password=None, sentinel_password=None):
        """redis-py's client of the master, by way of the Sentinels that the watcher names."""
        sentinel_kwargs = {"password": sentinel_password} if sentinel_password else None
        sentinels = redis.sentinel.Sentinel(watcher.sentinels(), socket_timeout=0.5, sentinel_kwargs=sentinel_kwargs)
        return sentinels.master_for(GROUP, socket_timeout=0.5, password=password)


def write_until_ok(client, key, value, within=PATIENCE):
    """Writes, as an application does that tries again at every error; when it succeeded, on the monotonic clock."""

    def write():
        try:
            return client.set(key, value)
        except (redis.RedisError, redis.sentinel.MasterNotFoundError):
            return False

    wait_for(write, within, f"a write of {key}")
    return time.monotonic()
