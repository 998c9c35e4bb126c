"""Real ZooKeeper, Redis and Sentinel and our three daemons on loopback, for the tests, the demo and the benchmark.

    with Cluster() as cluster:
        redis, sentinels, (watcher,) = cluster.bring_up()
        master = cluster.master(redis)
        master.kill_all()
        write_until_ok(cluster.sentinel_client(watcher), "key", "value")

Every process has a directory and a log of its own below the cluster's directory, and runs there. Leaving the `with`
block kills by pid what was started and removes the directory, whatever happened.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionLoss, NoNodeError, SessionExpiredError
import redis
import redis.sentinel

from authority import client_options, http_context
from tails import shown

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
GROUP = "master1"
# How long anything may take that takes moments on an idle machine.
PATIENCE = 30
SESSION_TIMEOUT = 4
# When ZooKeeper has forgotten a dead process: it ends sessions at its ticks of half a second.
FORGOTTEN = SESSION_TIMEOUT + 1


def wait_for(condition, within=PATIENCE, what="what was waited for", every=0.01):
    """Waits until `condition()` is true and returns its value. The only sleep there is."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{what} did not happen within {within} s")
        time.sleep(every)


_reservations = []


def is_free(port):
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port():
    """A port nobody listens on, given out once.

    It lies below the range of outgoing connections, and a socket in the abstract namespace keeps runs that go on at
    the same time from choosing it too; the reservation ends with this process.
    """
    while True:
        port = random.randrange(10000, 32000)
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0redis-zk-port-{port}")
            taken = not is_free(port)
        except OSError:
            taken = True
        if taken:
            reservation.close()
            continue
        _reservations.append(reservation)
        return port


def zookeeper_mode(host, port, timeout=1):
    """"standalone", "leader", "follower", "observer", "read-only"; "" while it does not serve: it accepts connections
    some time before.
    """
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(b"srvr")
            found = re.search(rb"Mode: (\S+)", connection.makefile("rb").read())
    except OSError:
        return ""
    return found[1].decode() if found else ""


def record_path(group):
    """The default group's stands where the original has it."""
    return "/redis/master" if group == GROUP else f"/redis/masters/{group}"


# --- processes, as /proc shows them


def state_of(pid):
    """proc(5)'s letter: R, S, T (stopped), Z (waits to be reaped); None: there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    """Whether a process runs; one that only waits to be reaped does not."""
    return state_of(pid) not in ("Z", None)


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def processes_in(directory):
    """The pids of everything that runs in `directory` or below."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if pathlib.Path(os.readlink(entry / "cwd")).is_relative_to(directory) and alive(entry.name):
                found.append(int(entry.name))
        except OSError:
            pass  # gone meanwhile, or a kernel thread
    return found


# --- what runs


class Process:
    """A program with its directory, its environment and its log. It can be started again after its end.

    `machine`: the host of a `Network` that it runs on; this machine without.
    """

    def __init__(self, name, argv, directory, env=None, machine=None):
        self.name = name
        self.machine = machine
        # "ip netns exec" becomes the program: the pid is the program's.
        self.argv = [*(machine.prefix if machine else []), *(str(word) for word in argv)]
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.env = env
        self.log_path = self.directory / "log"
        self._popen = None
        self._log_start = 0

    def start(self):
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(self.argv, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True)
        return self

    @property
    def pid(self):
        return self._popen.pid

    @property
    def running(self):
        return self._popen is not None and self._popen.poll() is None

    def signal(self, number):
        if self.running:
            self._popen.send_signal(number)

    def wait(self, within=PATIENCE):
        """Its exit code."""
        try:
            return self._popen.wait(within)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end within {within} s") from None

    def stop(self, within=PATIENCE):
        """SIGTERM; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def kill(self):
        """SIGKILL, to it alone."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def log(self):
        """What it has said since it was started last."""
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def log_lines(self, text):
        return [line for line in self.log().splitlines() if text in line]

    def wait_log(self, text, within=PATIENCE):
        """Waits for a line with `text` and returns the last one."""

        def find():
            lines = self.log_lines(text)
            if not lines and not self.running:
                raise AssertionError(f"{self.name} ended with {self._popen.returncode} before it said \"{text}\":\n"
                                     + self.tail())
            return lines

        return wait_for(find, within, f"{self.name}: a log line with \"{text}\"")[-1]

    def tail(self, lines=40):
        if not self.log_path.exists():
            return ""
        said = self.log_path.read_text(errors="replace").splitlines()
        # What a daemon tries twice a second would be all that is left.
        told = [line[:300] for line in said if " debug " not in line]
        return "\n".join(told[-lines:])


class Server(Process):
    """A process that listens."""

    def __init__(self, name, argv, directory, host, port, env=None, machine=None):
        super().__init__(name, argv, directory, env, machine)
        self.host = host
        self.port = port

    @property
    def address(self):
        """As HTTP and ZooKeeper clients write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def record(self):
        """As it stands in ZooKeeper."""
        return f"{self.host} {self.port}"

    def move(self, port=None):
        """To another port, when it starts again."""
        self.port = port or free_port()
        self.env["PORT0"] = str(self.port)

    def _secret(self, name):
        """A password from the environment of this process, the way the daemons read it."""
        path = self.env.get(f"{name}_FILE")
        return pathlib.Path(path).read_text().splitlines()[0] if path else self.env.get(name)


class Wrapper(Server):
    """One of our wrappers, with the server it supervises."""

    username_option = None
    password_option = None

    @property
    def child(self):
        """The server's pid; None while there is none."""
        pids = children(self.pid) if self.running else []
        return pids[0] if pids else None

    def kill_all(self):
        """What a dying machine does: wrapper and server at once."""
        # The wrapper first: it must not get a chance to notice its server's end.
        child = self.child
        self.kill()
        if child:
            # It may have followed its wrapper already.
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            wait_for(lambda: not alive(child), what=f"the end of {self.name}'s server")
            # A child of the server that saves, or sends a copy, has its sockets for a moment more.
            wait_for(lambda: self.host != LOOPBACK or is_free(self.port), what=f"the port of {self.name}")

    def kill_child(self):
        os.kill(self.child, signal.SIGKILL)

    def await_serving(self, within=PATIENCE):
        """Waits for the line that ends a start, and returns it."""
        as_json = self.env.get("LOG_FORMAT") == "json"
        return self.wait_log('"event":"serving"' if as_json else "event=serving", within)

    def client(self, **options):
        options = {"username": self.env.get(self.username_option), "password": self._secret(self.password_option),
                   "socket_timeout": 5, "decode_responses": True, **client_options(self.env), **options}
        return redis.Redis(self.host, self.port, **options)

    def ask(self, *command, timeout=5):
        """A command's answer; {} when there is none."""
        try:
            with self.client(socket_timeout=timeout) as client:
                return client.execute_command(*command)
        except redis.RedisError:
            return {}


class RedisWrapper(Wrapper):
    username_option = "REDIS_USERNAME"
    password_option = "REDIS_PASSWORD"

    def info(self):
        """The section "replication"; {} while it does not answer."""
        return self.ask("INFO", "replication")

    @property
    def role(self):
        return self.info().get("role")

    def follows(self, master):
        return self.is_linked(self.info(), master)

    @staticmethod
    def is_linked(info, master):
        """Whether `info` is that of a replica of this master, with a link to it."""
        return info.get("master_port") == master.port and info.get("master_link_status") == "up"


class SentinelWrapper(Wrapper):
    username_option = "SENTINEL_USERNAME"
    password_option = "SENTINEL_PASSWORD"

    def view(self, group=GROUP):
        """SENTINEL MASTER; {} while it does not answer."""
        return self.ask("SENTINEL MASTER", group)

    def replicas(self, group=GROUP):
        """SENTINEL REPLICAS: a dict for each."""
        return self.ask("SENTINEL SLAVES", group) or []

    def peers(self, group=GROUP):
        """SENTINEL SENTINELS: a dict for each."""
        return self.ask("SENTINEL SENTINELS", group) or []


class Watcher(Server):
    @property
    def url(self):
        return f"{'https' if self.env.get('HTTP_TLS_CERT_FILE') else 'http'}://{self.address}"

    def request(self, path, accept=None, method="GET", timeout=10, headers=None, body=None):
        """(status, headers, text)."""
        request = urllib.request.Request(f"{self.url}{path}", data=body, method=method, headers=headers or {})
        if accept:
            request.add_header("Accept", accept)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=http_context(self.env)) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read().decode()

    def get(self, path, timeout=10):
        """The text of a good answer, "" for any other and for none."""
        try:
            status, _, text = self.request(path, timeout=timeout)
        except (OSError, http.client.HTTPException):
            return ""
        return text if status == 200 else ""

    def sentinels(self, timeout=10):
        """[(host, port), ...], as a client application reads /sentinels."""
        pairs = [address.rpartition(":") for address in self.get("/sentinels", timeout).split(",")]
        return [(host.strip("[]"), int(port)) for host, _, port in pairs if port]

    def followed(self):
        """The address of the Sentinel whose events it follows."""
        return re.search(r" peer=(\S+)", self.wait_log("event=sentinel-followed"))[1]


class Cluster:
    """`env` goes to every daemon; a value of None takes a variable away. On a `network` every process has a machine of
    its own, on this machine's loopback without.
    """

    def __init__(self, binaries=None, session_timeout=SESSION_TIMEOUT, down_after_ms=1500, network=None, **env):
        self.binaries = pathlib.Path(binaries or os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="redis-zk."))
        self.network = network
        self.suffix = ""  # what tells its groups from those of other clusters
        self.processes = []
        self.zookeepers = []
        self.zookeeper_hosts = None
        self._kazoo = None
        # Whether the directory outlives the cluster.
        self.kept = False
        # Several threads may add processes.
        self._adding = threading.Lock()
        self._open = contextlib.ExitStack()
        self._open.enter_context(shown(self.tails))
        redis_conf = self.directory / "redis.conf"
        # A master waits five seconds for further replicas before it copies its data to the first.
        redis_conf.write_text(f"include {ROOT}/conf/redis.conf\nrepl-diskless-sync-delay 0\n")
        self._env = {"ZK_SESSION_TIMEOUT": session_timeout, "SENTINEL_DOWN_AFTER_MS": down_after_ms,
                     "LOG_LEVEL": "debug", "BIND_IP": LOOPBACK, "RUN_DIR": ".", "REDIS_CONF": redis_conf,
                     "SENTINEL_CONF": ROOT / "conf/sentinel.conf", **env}

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure:
            print(self.tails())
        self.close()

    def close(self):
        self._open.close()
        for process in self.processes:
            process.signal(signal.SIGKILL)
        if self._kazoo:
            self._kazoo.stop()
            self._kazoo.close()
        for process in self.processes:
            if process.running:
                process.wait()
        # Servers that outlived their wrapper.
        for pid in processes_in(self.directory):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not self.kept:
            shutil.rmtree(self.directory, ignore_errors=True)

    def tails(self):
        """The ends of all logs."""
        return "\n".join(f"--- {process.name}\n{process.tail()}" for process in self.processes)

    # --- starting

    def _machine(self):
        """(a new machine's address, the machine)."""
        machine = self.network.host() if self.network else None
        return (machine.address if machine else LOOPBACK), machine

    def start_zookeeper(self):
        """A ZooKeeper server; after its end the same one again, with its data."""
        if self.zookeeper is None:
            address, machine = self._machine()
            self.use_zookeeper([self._add_zookeeper("zookeeper", address, machine)])
        zookeeper = self.zookeeper.start()
        wait_for(lambda: zookeeper_mode(zookeeper.host, zookeeper.port), what="ZooKeeper's start")
        if self._kazoo:
            # Its session may have expired meanwhile, and a write of the test's would be the first to hear of it.
            self.record("/")
        return zookeeper

    def start_zookeepers(self, count, observers=0, data=()):
        """An ensemble of so many ZooKeeper servers; the last ones of them are observers. The first have their data in
        the directories `data`."""
        machines = [self._machine() for _ in range(count)]
        ensemble = " ".join(f"{address}:{free_port()}:{free_port()}{':observer' if number >= count - observers else ''}"
                            for number, (address, _) in enumerate(machines))
        places = [{"ZOOKEEPER_DATA": str(directory)} for directory in data] + [{}] * (count - len(data))
        self.use_zookeeper([self._add_zookeeper(f"zookeeper-{number}", address, machine, ZOOKEEPER_ENSEMBLE=ensemble,
                                                ZOOKEEPER_ID=str(number), **place).start()
                            for number, ((address, machine), place) in enumerate(zip(machines, places), 1)])
        self.await_zookeepers()
        return self.zookeepers

    def await_zookeepers(self):
        """Until all of them serve."""
        wait_for(lambda: all(zookeeper_mode(server.host, server.port) for server in self.zookeepers), what="the ensemble")

    def _add_zookeeper(self, name, address, machine, **env):
        directory, port = self.directory / name, free_port()
        server = Server(name, [ROOT / "tests/support/zookeeper", directory, port], directory, address, port,
                        {**os.environ, "ZOOKEEPER_ADDRESS": address, **env}, machine)
        self.processes.append(server)
        return server

    def use_zookeeper(self, servers):
        """The servers of one ensemble."""
        self.zookeepers = list(servers)
        self.zookeeper_hosts = ",".join(server.address for server in servers)

    @property
    def zookeeper(self):
        """The only server, or the first of an ensemble; None before there is any."""
        return self.zookeepers[0] if self.zookeepers else None

    def wipe_zookeeper(self):
        """The server returns without its data. Who has seen those is refused, so our own client is a new one, too."""
        self.zookeeper.kill()
        for version in self.zookeeper.directory.glob("data/version-2/*"):
            version.unlink()
        self.close_kazoo()
        self.start_zookeeper()

    def close_kazoo(self):
        """Our own client, which the next question opens again."""
        if self._kazoo:
            self._kazoo.stop()
            self._kazoo.close()
            self._kazoo = None

    def add_env(self, **more):
        """For the daemons that are started from now on."""
        self._env.update(more)

    def env(self, **more):
        """What a daemon of this cluster finds in its environment."""
        env = {name: value for name, value in os.environ.items() if name == "PATH" or name.endswith("SAN_OPTIONS")}
        env.update(self._env)
        if self.zookeeper:
            env["ZK_HOSTS"] = self.zookeeper_hosts
        env.update(more)
        return {name: str(value) for name, value in env.items() if value is not None}

    def _daemon(self, kind, binary, port, start, env):
        port = port or free_port()
        with self._adding:
            name = f"{binary}-{1 + sum(isinstance(process, kind) for process in self.processes)}"
            address, machine = self._machine()
            env = self.env(**{"PORT0": port, **({"BIND_IP": address} if machine else {}), **env})
            process = kind(name, [self.binaries / binary], self.directory / name,
                           env.get("BIND_IP", LOOPBACK), port, env, machine)
            self.processes.append(process)
        return process.start() if start else process

    def redis(self, port=None, start=True, **env):
        return self._daemon(RedisWrapper, "redis-wrapper", port, start, env)

    def sentinel(self, port=None, start=True, **env):
        return self._daemon(SentinelWrapper, "sentinel-wrapper", port, start, env)

    def watcher(self, port=None, start=True, **env):
        return self._daemon(Watcher, "watcher", port, start, env)

    def bring_up(self, redis=3, sentinels=3, watchers=1):
        """([redis, ...], [sentinel, ...], [watcher, ...]), when they agree."""
        if self.zookeeper is None:
            self.start_zookeeper()
        nodes = [self.redis() for _ in range(redis)]
        for node in nodes:
            node.await_serving()
        # A stock Sentinel that finds a master without replicas asks for them again only ten seconds later.
        wait_for(lambda: self.master(nodes).info()["connected_slaves"] == redis - 1, what="replication")
        fleet = (nodes, [self.sentinel() for _ in range(sentinels)], [self.watcher() for _ in range(watchers)])
        self.await_agreement(*fleet)
        return fleet

    # --- what is true

    @staticmethod
    def master(nodes):
        """The one that acts as master; an error when there is not exactly one."""
        (master,) = [node for node in nodes if node.role == "master"]
        return master

    def disagreement(self, nodes, sentinels, watchers=(), group=GROUP):
        """Why the processes do not agree on a group; "" when they do."""
        masters = [node for node in nodes if node.role == "master"]
        if len(masters) != 1:
            return f"{len(masters)} masters"
        (master,) = masters
        if (record := self.record(record_path(group))) != master.record:
            return f"{master.name} is the master, the record says \"{record}\""
        for node in nodes:
            if node is not master and not node.follows(master):
                return f"{node.name} does not follow {master.name}"
        for sentinel in sentinels:
            view = sentinel.view(group)
            if view.get("port") != master.port:
                return f"{sentinel.name} does not name {master.name}"
            if view["flags"] != "master":
                return f"{sentinel.name} calls {master.name} {view['flags']}"
            if view["num-other-sentinels"] < len(sentinels) - 1:
                return f"{sentinel.name} does not know every Sentinel"
            # Where one is still reported as master, this Sentinel is about to demote it, whatever happens meanwhile.
            replicas = [replica for replica in sentinel.replicas(group)
                        if replica["flags"] == replica["role-reported"] == "slave"]
            if len(replicas) < len(nodes) - 1:
                return f"{sentinel.name} knows {len(replicas)} good replicas"
        for watcher in watchers:
            if sorted(watcher.sentinels()) != sorted((sentinel.host, sentinel.port) for sentinel in sentinels):
                return f"{watcher.name} lists other Sentinels"
            if watcher.get("/master" if group == GROUP else f"/masters/{group}") != master.record:
                return f"{watcher.name} names another master"
        return ""

    def await_agreement(self, nodes, sentinels, watchers=(), within=PATIENCE):
        """One master, replicas linked to it, Sentinels that know everybody, a record and answers that say so.

        Returns the master.
        """
        why = [""]

        def agree():
            why[0] = self.disagreement(nodes, sentinels, watchers)
            return not why[0]

        try:
            wait_for(agree, within, "agreement", every=0.1)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {why[0]}") from None
        return self.master(nodes)

    # --- ZooKeeper, as somebody else sees it

    @property
    def kazoo(self):
        """A kazoo client, connected."""
        if self._kazoo is None:
            # A ZooKeeper that returns is noticed at once, however long it was away.
            self._kazoo = self.open_kazoo(self._env.get("ZK_USERNAME"), self._env.get("ZK_PASSWORD"))
        return self._kazoo

    def open_kazoo(self, username=None, password=None):
        """Another one, which the caller stops; without a name it is anybody."""
        client = KazooClient(self.zookeeper_hosts, timeout=10,
                             auth_data=[("digest", f"{username}:{password}")] if username else None,
                             connection_retry={"max_tries": -1, "max_delay": 0.5})
        client.start(PATIENCE)
        return client

    def _ask_zookeeper(self, question, path, default):
        """The answer; `default` where there is no such znode. A ZooKeeper that just returned is asked again."""

        def answer():
            try:
                return [question(path)]
            except NoNodeError:
                return [default]
            except (ConnectionLoss, SessionExpiredError):
                return None

        return wait_for(answer, what="an answer from ZooKeeper")[0]

    def record(self, path="/redis/master"):
        """A znode's text; "" when there is none."""
        return self._ask_zookeeper(self.kazoo.get, path, (b"", None))[0].decode(errors="replace")

    def listed(self, path):
        """The names of a znode's children; none when it does not exist."""
        return sorted(self._ask_zookeeper(self.kazoo.get_children, path, []))

    def reports(self):
        """What the wrappers tell of themselves."""
        texts = [self.record(f"/redis/reports/{uuid}") for uuid in self.listed("/redis/reports")]
        return [json.loads(text) for text in texts if text]

    def owner(self, path):
        """The session that keeps an ephemeral znode; None when there is no znode."""
        return self._ask_zookeeper(lambda znode: self.kazoo.get(znode)[1].ephemeralOwner, path, None)

    def lineage(self, group=GROUP):
        return json.loads(self.record(f"/redis/lineage/{group}") or "{}")

    # --- applications

    @staticmethod
    def sentinel_client(watcher, password=None, sentinel_password=None):
        """redis-py's client of the master, by way of the Sentinels that the watcher names."""
        tls = client_options(watcher.env)
        sentinels = redis.sentinel.Sentinel(
            watcher.sentinels(), socket_timeout=0.5,
            sentinel_kwargs={"socket_timeout": 0.5, "password": sentinel_password, **tls})
        return sentinels.master_for(GROUP, socket_timeout=0.5, password=password, decode_responses=True, **tls)


def write_until_ok(client, key, value, within=PATIENCE):
    """Writes the way an application does that tries again after an error; when it succeeded (monotonic clock)."""

    def write():
        try:
            return client.set(key, value)
        except (redis.RedisError, redis.sentinel.MasterNotFoundError):
            return False

    wait_for(write, within, f"a write of {key}")
    return time.monotonic()
