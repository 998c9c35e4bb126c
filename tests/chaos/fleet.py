"""What chaos happens to: the processes by their roles, and a scheduler that starts again whatever has ended."""

import copy
import dataclasses
import random
import threading
import time

from background import Background
from cluster import GROUP, RedisWrapper, is_free, wait_for, zookeeper_mode

# The roles.
REDIS = ("master", "replica 0", "replica 1")
SENTINELS = ("sentinel 0", "sentinel 1", "sentinel 2")
WATCHERS = ("watcher 0", "watcher 1")
# The first is the leader.
ZOOKEEPERS = ("zookeeper 0", "zookeeper 1", "zookeeper 2")

@dataclasses.dataclass(frozen=True)
class Restart:
    """What the scheduler does about an end: how many seconds later it starts the process again, and where."""

    delay: float
    moves: bool

    def __str__(self):
        return f"back after {self.delay:.1f} s" + (" on another port" if self.moves else "")


# After an end that nobody has caused.
ORDINARY = Restart(1.0, False)


class LeftPorts:
    """The ports that processes have left. Who moves gets one that somebody of another group or deployment left."""

    def __init__(self):
        self._left = []  # (whose, port), the oldest first

    def leave(self, process):
        self._left.append((self._owner(process), process.port))

    def take(self, process):
        """None: there is none to be had."""
        for entry in self._left:
            whose, port = entry
            if whose != self._owner(process) and is_free(port):
                self._left.remove(entry)
                return port
        return None

    @staticmethod
    def _owner(process):
        return process.directory.parent, process.env.get("MASTER_NAME")


class Scheduler(Background):
    """Keeps processes running, as Marathon does: in the directory they had, not always on the port they had.

    With `ports` it gives out again what others have left; otherwise who moves gets a port that nobody had before.
    """

    every = 0.02

    def __init__(self, note, ports=None):
        super().__init__()
        self._note = note
        self._ports = ports
        self._lock = threading.Lock()
        self._expected = {}  # process: (Restart, [event, ...]); two faults may wait for the same end
        self._due = {}  # process: when it starts again; None while it runs

    def keep(self, process):
        with self._lock:
            self._due[process] = None

    def forget(self, process):
        """Whoever waits for its restart waits no more."""
        with self._lock:
            if self._ports:
                self._ports.leave(process)
            self._due.pop(process, None)
            for started in self._expected.pop(process, (None, []))[1]:
                started.set()

    def expect(self, process, restart):
        """Says what follows the next end of a process; the event is set when it has been started again."""
        started = threading.Event()
        with self._lock:
            if process not in self._due:
                started.set()
                return started
            _, waiting = self._expected.get(process, (None, []))
            self._expected[process] = restart, [*waiting, started]
        return started

    def step(self):
        with self._lock:
            for process, due in self._due.items():
                if process.running:
                    continue
                restart, _ = self._expected.get(process, (ORDINARY, None))
                if due is None:
                    self._note(f"{process.name} has ended with {process.wait()}")
                    self._due[process] = time.monotonic() + restart.delay
                elif time.monotonic() >= due:
                    self._start(process)

    def _start(self, process):
        restart, waiting = self._expected.pop(process, (ORDINARY, []))
        if restart.moves and self._ports:
            port = self._ports.take(process)
            self._ports.leave(process)
            process.move(port)
        elif restart.moves:
            process.move()
        process.start()
        self._note(f"{process.name} starts again, port {process.port}, pid {process.pid}")
        self._due[process] = None
        for started in waiting:
            started.set()


@dataclasses.dataclass(frozen=True)
class Hit:
    """A fault that is over."""

    began: float
    over: float
    nodes: frozenset
    may_lose: bool


class Fleet:
    """A group, and who plays which role at the moment. Several groups share Sentinels and watchers, several deployments
    (clusters) nothing but addresses.

    `note(text)` is told what happens, `blame(expected, found)` what must not.
    """

    def __init__(self, cluster, scheduler, note, blame, group, nodes, sentinels, watchers):
        self.cluster = cluster
        self.scheduler = scheduler
        self.note = note
        self.blame = blame
        self.group = group
        self.name = f"{group}{cluster.suffix}"
        self.nodes, self.sentinels, self.watchers = nodes, sentinels, watchers
        self.hits = []  # of the current round
        self._roles = {}
        for process in self.everybody():
            scheduler.keep(process)

    def everybody(self):
        return [*self.nodes, *self.sentinels, *self.watchers, *self.cluster.zookeepers]

    def cast(self, master):
        """The fleet with its roles as they are now: "master", "replica 0", "sentinel 2", "watcher 1", "zookeeper 0"."""
        view = copy.copy(self)
        kinds = {"replica": [node for node in self.nodes if node is not master], "sentinel": self.sentinels,
                 "watcher": self.watchers}
        view._roles = {"master": master}
        view._roles |= {f"{kind} {number}": process for kind, processes in kinds.items()
                        for number, process in enumerate(processes)}
        return view

    def cast_again(self):
        """The roles, now that the master may be another."""
        masters = self.acting_masters()
        return self.cast(masters[0] if masters else self.who("master"))

    def who(self, role):
        if role in ZOOKEEPERS and role not in self._roles:
            # Asked only where it matters: one that is frozen takes its time.
            servers = sorted(self.cluster.zookeepers,
                             key=lambda server: zookeeper_mode(server.host, server.port, timeout=0.2) != "leader")
            self._roles |= dict(zip(ZOOKEEPERS, servers))
        return self._roles[role]

    def machine(self, role):
        """Where who plays it runs; the "clients" are outside."""
        return self.cluster.network.outside if role == "clients" else self.who(role).machine

    def hit(self, began, roles, may_lose):
        """Remembers whom a fault hit that is over now. What may become of the master, the fault knows."""
        # Also one that was replaced, and is no node of the fleet any more.
        nodes = {self.who(role) for role in roles if role in REDIS and role != "master"}
        self.hits.append(Hit(began, time.monotonic(), frozenset(nodes), may_lose))

    def add(self, role):
        """A new process, in a directory of its own, that is to play this role."""
        new = (self.cluster.sentinel() if role.startswith("sentinel")
               else self.cluster.redis(MASTER_NAME=self.group))
        self.scheduler.keep(new)
        return new

    def replace(self, old, new):
        for group in (self.nodes, self.sentinels):
            if old in group:
                group[group.index(old)] = new
        self.note(f"{new.name} takes the place of {old.name}")

    # --- what is true

    def disagreement(self):
        """Why the processes do not agree; "" when they do."""
        for process in self.everybody():
            if not process.running:
                return f"{process.name} does not run"
        why = self.cluster.disagreement(self.nodes, self.sentinels, self.watchers, self.group)
        return f"{self.name}: {why}" if why else ""

    def tilted(self):
        """Whether a Sentinel trusts its clock no more, as it does for half a minute after it stood still."""
        return any((sentinel.ask("INFO", "sentinel") or {}).get("sentinel_tilt") for sentinel in self.sentinels)

    def known_sentinels(self):
        """What /sentinels says: of the first watcher that answers, as an application asks."""
        for watcher in random.sample(self.watchers, len(self.watchers)):
            if listed := watcher.sentinels(timeout=0.5):
                return listed
        return []

    def acting_masters(self):
        return [node for node in list(self.nodes) if acts_as_master(node)]


def acts_as_master(node: RedisWrapper):
    return node.running and (node.ask("ROLE", timeout=0.2) or [None])[0] == "master"


def bring_up(cluster, scheduler, note, blame, groups):
    """[fleet, ...]: so many groups, of three Redis each, on the same three Sentinels and two watchers."""
    nodes, sentinels, watchers = cluster.bring_up(watchers=2)
    fleets = [Fleet(cluster, scheduler, note, blame, GROUP, nodes, sentinels, watchers)]
    for number in range(2, groups + 1):
        name = f"group{number}"
        nodes = [cluster.redis(MASTER_NAME=name) for _ in range(3)]
        fleets.append(Fleet(cluster, scheduler, note, blame, name, nodes, sentinels, watchers))
    wait_for(lambda: not any(fleet.disagreement() for fleet in fleets), what="agreement on all groups")
    return fleets
