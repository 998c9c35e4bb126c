"""What chaos happens to: the processes by their roles, and a scheduler that starts again whatever has ended."""

import dataclasses
import random
import threading
import time

from background import Background
from cluster import RedisWrapper, alive, children, processes_in


@dataclasses.dataclass(frozen=True)
class Restart:
    """What the scheduler does about an end: how many seconds later it starts the process again, and where."""

    delay: float
    moves: bool

    def __str__(self):
        return f"back after {self.delay:.1f} s" + (" on another port" if self.moves else "")


# After an end that nobody has caused.
ORDINARY = Restart(1.0, False)


class Scheduler(Background):
    """Keeps processes running, as Marathon does: in the directory they had, not always on the port they had."""

    every = 0.02

    def __init__(self, note):
        super().__init__()
        self._note = note
        self._lock = threading.Lock()
        self._expected = {}  # process: (Restart, [event, ...]); two faults may wait for the same end
        self._due = {}  # process: when it starts again; None while it runs

    def keep(self, process):
        with self._lock:
            self._due[process] = None

    def forget(self, process):
        """Whoever waits for its restart waits no more."""
        with self._lock:
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
        if restart.moves:
            process.move()
        process.start()
        self._note(f"{process.name} starts again, port {process.port}, pid {process.pid}")
        self._due[process] = None
        for started in waiting:
            started.set()


class Fleet:
    """Who plays which role at the moment.

    `note(text)` is told what happens, `blame(expected, found)` what must not.
    """

    def __init__(self, cluster, scheduler, note, blame):
        self.cluster = cluster
        self.scheduler = scheduler
        self.note = note
        self.blame = blame
        self.nodes, self.sentinels, self.watchers = cluster.bring_up(watchers=2)
        self._master = cluster.master(self.nodes)
        for process in self.everybody():
            scheduler.keep(process)

    def everybody(self):
        return [*self.nodes, *self.sentinels, *self.watchers, self.cluster.zookeeper]

    def cast(self, master):
        """The roles of a round: "master", "replica 0", "sentinel 2", "watcher 1", "zookeeper"."""
        self._master = master

    def who(self, role):
        kind, _, number = role.partition(" ")
        if kind == "master":
            return self._master
        if kind == "zookeeper":
            return self.cluster.zookeeper
        kinds = {"replica": [node for node in self.nodes if node is not self._master],
                 "sentinel": self.sentinels, "watcher": self.watchers}
        return kinds[kind][int(number)]

    def machine(self, role):
        """Where who plays it runs; the "clients" are outside."""
        return self.cluster.network.outside if role == "clients" else self.who(role).machine

    def add(self, role):
        """A new process, in a directory of its own, that is to play this role."""
        new = self.cluster.sentinel() if role.startswith("sentinel") else self.cluster.redis()
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
        return self.cluster.disagreement(self.nodes, self.sentinels, self.watchers)

    def orphans(self):
        """The pids of servers whose wrapper is gone."""
        running = processes_in(self.cluster.directory)
        known = set()
        for process in self.everybody():
            # A server that saves has a child, too.
            server = getattr(process, "child", None)
            known |= {process.pid, server, *(children(server) if server else [])}
        # Who has ended meanwhile was no orphan: a wrapper takes its child along.
        return [pid for pid in running if pid not in known and alive(pid)]

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
