"""What goes wrong. A fault is drawn as a value, without a look at the run: the same seed draws the same faults in the
same order. Applied to a fleet, it is over when everything that it stopped runs again.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import random
import signal
import threading

from cluster import PATIENCE, alive, wait_for
from fleet import Restart

REDIS = ("master", "replica 0", "replica 1")
SENTINELS = ("sentinel 0", "sentinel 1", "sentinel 2")
WATCHERS = ("watcher 0", "watcher 1")

# How long a stop may take: a handover, then the server's own end.
STOP_PATIENCE = 60


def send(number, pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def pids_of(process, part):
    """Of the "wrapper", its "server" or, wrapper first, of "both". A watcher and ZooKeeper are all wrapper."""
    pids = [] if part == "server" else [process.pid]
    child = None if part == "wrapper" else getattr(process, "child", None)
    return pids + ([child] if child else [])


def possessive(role, part):
    return role.partition(" ")[0] + {"both": "", "wrapper": "'s wrapper", "server": "'s server"}[part]


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str  # as the table counts it
    roles: tuple  # whom it hits
    # Whether replication, which is asynchronous, may lose writes that were acknowledged around it.
    may_lose = False
    # How long everybody may take to agree after it.
    patience = PATIENCE
    # Whether it needs machines with links between them.
    cuts = False

    @property
    def details(self):
        return ""

    def describe(self, fleet):
        names = f" ({fleet.who(self.roles[0]).name})" if len(self.roles) == 1 else ""
        return self.kind + names + (f", {self.details}" if self.details else "")


@dataclasses.dataclass(frozen=True)
class Kill(Fault):
    """SIGKILL for all at once; the scheduler starts each again after its own delay."""

    part: str
    restarts: tuple  # one for each role

    @property
    def may_lose(self):
        return "master" in self.roles

    @property
    def patience(self):
        return PATIENCE if len(self.roles) == 1 else 2 * PATIENCE

    @property
    def details(self):
        return str(self.restarts[0]) if len(self.roles) == 1 else ""

    def apply(self, fleet):
        victims = [fleet.who(role) for role in self.roles]
        started = [fleet.scheduler.expect(victim, restart) for victim, restart in zip(victims, self.restarts)]
        pids = [pid for victim in victims for pid in pids_of(victim, self.part)]
        send(signal.SIGKILL, pids)
        wait_for(lambda: not any(alive(pid) for pid in pids), what="their end")
        for victim, again in zip(victims, started):
            if not again.wait(PATIENCE):
                raise TimeoutError(f"{victim.name} did not end within {PATIENCE} s after its server did")


@dataclasses.dataclass(frozen=True)
class Freeze(Fault):
    """SIGSTOP, and SIGCONT some seconds later."""

    part: str
    seconds: float

    @property
    def may_lose(self):
        return "master" in self.roles and self.part != "wrapper"

    @property
    def details(self):
        return f"for {self.seconds:.1f} s"

    def apply(self, fleet):
        pids = [pid for role in self.roles for pid in pids_of(fleet.who(role), self.part)]
        send(signal.SIGSTOP, pids)
        threading.Event().wait(self.seconds)
        send(signal.SIGCONT, pids)


@dataclasses.dataclass(frozen=True)
class Cut(Fault):
    """Some seconds during which nothing passes between these machines and those of `others`, or all but `others`."""

    others: tuple
    all_but: bool
    seconds: float
    cuts = True
    # TCP asks again in growing intervals: the longer the cut, the later it notices the end.
    patience = 2 * PATIENCE

    @property
    def may_lose(self):
        return "master" in self.roles and self.all_but

    @property
    def details(self):
        return f"for {self.seconds:.1f} s"

    def apply(self, fleet):
        these = [fleet.machine(role) for role in self.roles]
        those = [fleet.machine(role) for role in self.others]
        network = fleet.cluster.network
        with network.cut(these, network.others(these + those) if self.all_but else those):
            threading.Event().wait(self.seconds)


@dataclasses.dataclass(frozen=True)
class Stop(Fault):
    """SIGTERM; the scheduler starts it again."""

    restart: Restart
    # With another fault at the same time it may end in any way.
    alone: bool = True

    @property
    def details(self):
        return str(self.restart)

    def apply(self, fleet):
        victim = fleet.who(self.roles[0])
        again = fleet.scheduler.expect(victim, self.restart)
        code = victim.stop(within=STOP_PATIENCE)
        if self.alone and code != 0:
            fleet.blame(f"{victim.name} ends with 0 when it is asked to stop", f"it ended with {code}")
        if not again.wait(PATIENCE):
            raise TimeoutError(f"{victim.name} was not started again")


@dataclasses.dataclass(frozen=True)
class Replace(Fault):
    """Another process, on another port and in another directory, takes over for good."""

    newcomer_first: bool
    gently: bool

    @property
    def details(self):
        return ("stopped" if self.gently else "killed") + (" afterwards" if self.newcomer_first else " before")

    def apply(self, fleet):
        (role,) = self.roles
        old = fleet.who(role)
        fleet.scheduler.forget(old)
        if not self.newcomer_first:
            self._end(old)
        new = fleet.add(role)
        if self.newcomer_first:
            wait_for(lambda: new.log_lines("event=serving"), what=f"{new.name}: its start")
            self._end(old)
        fleet.replace(old, new)

    def _end(self, old):
        if self.gently:
            old.stop(within=STOP_PATIENCE)
        else:
            send(signal.SIGKILL, pids_of(old, "both"))


@dataclasses.dataclass(frozen=True)
class Both(Fault):
    """Two faults, the second a moment after the first has begun."""

    first: Fault
    second: Fault
    delay: float
    patience = 2 * PATIENCE

    @property
    def may_lose(self):
        return self.first.may_lose or self.second.may_lose

    @property
    def cuts(self):
        return self.first.cuts or self.second.cuts

    def describe(self, fleet):
        return f"{self.first.describe(fleet)}; {self.delay:.1f} s later {self.second.describe(fleet)}"

    def apply(self, fleet):
        def apply_second():
            threading.Event().wait(self.delay)
            self.second.apply(fleet)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(self.first.apply, fleet), pool.submit(apply_second)]:
                done.result()


# --- drawing


def restart(rng):
    return Restart(rng.uniform(0.1, 3), rng.random() < 0.5)


def kill(rng, role, part="both"):
    return Kill(f"kill -9 {possessive(role, part)}", (role,), part, (restart(rng),))


def kill_all(rng, whom, roles):
    return Kill(f"kill -9 {whom}", roles, "both", tuple(restart(rng) for _ in roles))


def kill_zookeeper(rng):
    """For longer than a session lives, too. It does not move: that is told to nobody."""
    return Kill("kill -9 zookeeper", ("zookeeper",), "wrapper", (Restart(rng.uniform(1, 15), False),))


def freeze(rng, role, part):
    return Freeze(f"freeze {possessive(role, part)}", (role,), part, rng.uniform(1, 8))


def cut_off(rng, *roles, but=()):
    """From everybody; `but` can still reach them."""
    kind = f"cut off {' and '.join(possessive(role, 'both') for role in roles)}" + (" but for clients" if but else "")
    return Cut(kind, roles, but, True, rng.uniform(1, 12))


def cut(rng, role, other):
    kind = f"cut {possessive(role, 'both')} from {possessive(other, 'both')}"
    return Cut(kind, (role,), (other,), False, rng.uniform(1, 12))


def stop(rng, role):
    return Stop(f"stop {possessive(role, 'both')}", (role,), restart(rng))


def replace(rng, role):
    return Replace(f"replace {possessive(role, 'both')}", (role,), rng.random() < 0.5, rng.random() < 0.5)


# What happens once before anything happens again: the deck that is shuffled.
SINGLE = (
    lambda rng: kill(rng, "master"),
    lambda rng: kill(rng, "master", "server"),
    lambda rng: kill(rng, "master", "wrapper"),
    lambda rng: kill(rng, rng.choice(REDIS[1:]), rng.choice(("both", "server"))),
    lambda rng: kill(rng, rng.choice(SENTINELS), rng.choice(("both", "server"))),
    lambda rng: kill(rng, rng.choice(WATCHERS), "wrapper"),
    kill_zookeeper,
    lambda rng: freeze(rng, "master", rng.choice(("server", "both"))),
    lambda rng: freeze(rng, "master", "wrapper"),
    lambda rng: freeze(rng, rng.choice(REDIS[1:]), rng.choice(("wrapper", "server"))),
    lambda rng: freeze(rng, rng.choice(SENTINELS), rng.choice(("wrapper", "server"))),
    lambda rng: freeze(rng, rng.choice((*WATCHERS, "zookeeper")), "wrapper"),
    lambda rng: cut_off(rng, "master"),
    lambda rng: cut_off(rng, "master", but=("clients",)),
    lambda rng: cut_off(rng, "master", rng.choice(SENTINELS), but=("clients",)),
    lambda rng: cut_off(rng, "master", rng.choice(REDIS[1:]), rng.choice(SENTINELS), but=("clients",)),
    lambda rng: cut_off(rng, rng.choice((*REDIS[1:], *SENTINELS))),
    lambda rng: cut_off(rng, rng.choice(("zookeeper", *WATCHERS))),
    lambda rng: cut(rng, "master", rng.choice(("zookeeper", *REDIS[1:], *SENTINELS, *WATCHERS))),
    lambda rng: stop(rng, "master"),
    lambda rng: stop(rng, rng.choice(REDIS[1:])),
    lambda rng: stop(rng, rng.choice(SENTINELS)),
    lambda rng: replace(rng, rng.choice(REDIS[1:])),
    lambda rng: replace(rng, rng.choice(SENTINELS)),
)


def two(rng):
    first, second = (deal(rng) for deal in rng.sample(SINGLE, 2))
    first, second = (dataclasses.replace(fault, alone=False) if isinstance(fault, Stop) else fault
                     for fault in (first, second))
    return Both("two faults at once", first.roles + second.roles, first, second, rng.uniform(0, 1))


def kill_everything(rng):
    return kill_all(rng, "everything but zookeeper", (*REDIS, *SENTINELS, *WATCHERS))


def kill_everything_around_zookeeper(rng):
    """ZooKeeper fails, too: before the rest dies, while it starts, or when a master is about to be recorded."""
    everything = kill_everything(rng)
    zookeeper = rng.choice((kill_zookeeper(rng), freeze(rng, "zookeeper", "wrapper"), cut_off(rng, "zookeeper")))
    first, second = rng.sample((everything, zookeeper), 2)
    return Both("kill -9 everything, and zookeeper fails", first.roles + second.roles, first, second, rng.uniform(0, 6))


DECK = (
    *SINGLE, two, two, two, two, kill_everything, kill_everything_around_zookeeper,
    lambda rng: kill_all(rng, "all redis", REDIS),
    lambda rng: kill_all(rng, "all sentinels", SENTINELS),
)


def draw(seed):
    """Faults without end."""
    rng = random.Random(seed)
    while True:
        for fault in rng.sample(DECK, len(DECK)):
            yield fault(rng)
