"""What goes wrong. A fault is a value (catalogue.py draws it). Applied to a fleet with its roles, it is over when
everything that it stopped runs again.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import signal
import threading
import time

from cluster import PATIENCE, alive, wait_for
from fleet import REDIS, Restart

# How long a stop may take: a handover, then the server's own end.
STOP_PATIENCE = 60


def send(number, pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def pids_of(process, part):
    """Of the "wrapper", its "server" or, wrapper first, of "both". A watcher and ZooKeeper are all wrapper."""
    if not process.running:
        return []
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

    # Whether a copy of the data lives all the time.
    spares_a_copy = True

    @property
    def details(self):
        return ""

    @property
    def touches(self):
        """The roles whose data may fall behind by it."""
        return self.roles

    def inflict(self, fleet):
        """Applies it, and remembers whom it hit, and when."""
        began = time.monotonic()
        try:
            self.apply(fleet)
        finally:
            fleet.hit(began, self.touches, self.may_lose)

    def beside_others(self):
        """The same, when other faults may come at the same time."""
        return self

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
    def spares_a_copy(self):
        return not set(REDIS) <= set(self.roles)

    @property
    def details(self):
        return str(self.restarts[0]) if len(self.roles) == 1 else ""

    def sparing(self, roles):
        """The same for the other roles; None when there are none."""
        left = [pair for pair in zip(self.roles, self.restarts) if pair[0] not in roles]
        if not left or len(left) == len(self.roles):
            return self if left else None
        kept, restarts = zip(*left)
        return dataclasses.replace(self, kind=f"{self.kind} but {', '.join(sorted(set(self.roles) - set(kept)))}",
                                   roles=kept, restarts=restarts)

    def apply(self, fleet):
        victims = {fleet.who(role): restart for role, restart in zip(self.roles, self.restarts)}
        # What does not run, or has no server at the moment, cannot be killed.
        hit = {victim: pids for victim in victims if (pids := pids_of(victim, self.part))}
        started = {victim: fleet.scheduler.expect(victim, victims[victim]) for victim in hit}
        pids = [pid for each in hit.values() for pid in each]
        send(signal.SIGKILL, pids)
        wait_for(lambda: not any(alive(pid) for pid in pids), what="their end")
        for victim, again in started.items():
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
    """Some seconds during which nothing passes between these machines and those of `others`, or all but `others`.

    Where it is not cut both ways, nothing passes from these to those.
    """

    others: tuple
    all_but: bool
    seconds: float
    both_ways: bool = True
    # With another one at the same time it may be enough for a failover.
    alone: bool = True
    cuts = True
    # TCP asks again in growing intervals: the longer the cut, the later it notices the end.
    patience = 2 * PATIENCE

    @property
    def may_lose(self):
        return "master" in self.touches and (self.all_but or not self.alone)

    @property
    def touches(self):
        return self.roles if self.all_but else self.roles + self.others

    @property
    def details(self):
        return f"for {self.seconds:.1f} s"

    def beside_others(self):
        return dataclasses.replace(self, alone=False)

    def apply(self, fleet):
        these = [fleet.machine(role) for role in self.roles]
        those = [fleet.machine(role) for role in self.others]
        network = fleet.cluster.network
        with network.cut(these, network.others(these + those) if self.all_but else those, self.both_ways):
            threading.Event().wait(self.seconds)


@dataclasses.dataclass(frozen=True)
class Stop(Fault):
    """SIGTERM; the scheduler starts it again."""

    restart: Restart
    # With another fault at the same time it may end in any way.
    alone: bool = True

    @property
    def may_lose(self):
        return not self.alone and "master" in self.roles

    @property
    def details(self):
        return str(self.restart)

    def beside_others(self):
        return dataclasses.replace(self, alone=False)

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
        try:
            if self.newcomer_first:
                # Where everything dies meanwhile, it waits for the old one's data (COLD_START_WAIT).
                wait_for(lambda: new.log_lines("event=serving"), 2 * PATIENCE, f"{new.name}: its start")
        finally:
            if self.newcomer_first:
                self._end(old)
            fleet.replace(old, new)

    def _end(self, old):
        if self.gently:
            old.stop(within=STOP_PATIENCE)
        else:
            send(signal.SIGKILL, pids_of(old, "both"))


@dataclasses.dataclass(frozen=True)
class Both(Fault):
    """Two faults, the second some seconds after the first has begun, on who plays its role then."""

    first: Fault
    second: Fault
    delay: float
    patience = 2 * PATIENCE

    @property
    def cuts(self):
        return self.first.cuts or self.second.cuts

    @property
    def touches(self):
        # Each of the two remembers its own.
        return ()

    @property
    def spares_a_copy(self):
        return self.first.spares_a_copy and self.second.spares_a_copy

    def describe(self, fleet):
        return f"{self.first.describe(fleet)}; {self.delay:.1f} s later {self.second.kind}"

    def apply(self, fleet):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(self.first.inflict, fleet), pool.submit(self._inflict_second, fleet)]:
                done.result()

    def _inflict_second(self, fleet):
        threading.Event().wait(self.delay)
        now = fleet.cast_again()
        fleet.note(self.second.describe(now))
        self.second.inflict(now)
