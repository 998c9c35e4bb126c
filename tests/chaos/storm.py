"""Faults that overlap: they arrive at random moments, whatever has become of those before, and then it is calm.

During a storm the record's epoch must never fall, no server may outlive its wrapper, and one copy of the data always
lives and is not hit: that is what the promise asks for. After the last fault one master has to take writes, with the
data, within HEALED seconds, and everybody has to agree within AGREED.
"""

import concurrent.futures
import contextlib
import dataclasses
import random
import statistics
import threading
import time

import redis

from checker import RecordSampler, RoleSampler
from cluster import wait_for, write_until_ok
from faults import REDIS, SENTINELS, WATCHERS, freeze, kill, kill_all, kill_zookeeper, replace, stop
from fleet import Fleet, Scheduler
from writer import Writer

HEALED = 30
AGREED = 60
MARKER = "storm"
# How many faults may be under way at the same time.
AT_ONCE = 8

DECK = (
    lambda rng: kill(rng, "master"),
    lambda rng: kill(rng, "master", rng.choice(("server", "wrapper"))),
    lambda rng: kill(rng, rng.choice(REDIS[1:]), rng.choice(("both", "server"))),
    lambda rng: kill(rng, rng.choice(SENTINELS), rng.choice(("both", "server"))),
    lambda rng: kill(rng, rng.choice(WATCHERS), "wrapper"),
    kill_zookeeper,
    lambda rng: kill_all(rng, "all sentinels", SENTINELS),
    lambda rng: freeze(rng, "master", rng.choice(("server", "both"))),
    lambda rng: freeze(rng, rng.choice(REDIS[1:]), rng.choice(("wrapper", "server"))),
    lambda rng: freeze(rng, rng.choice(SENTINELS), rng.choice(("wrapper", "server"))),
    lambda rng: stop(rng, "master"),
    lambda rng: stop(rng, rng.choice(REDIS[1:])),
    lambda rng: stop(rng, rng.choice(SENTINELS)),
    lambda rng: replace(rng, rng.choice(REDIS[1:])),
    lambda rng: replace(rng, rng.choice(SENTINELS)),
)


def schedule(seed, seconds, mean):
    """[(when, fault)]: the same for the same seed."""
    rng = random.Random(seed)
    when, drawn = 0.0, []
    while (when := when + rng.expovariate(1 / mean)) < seconds:
        fault = rng.choice(DECK)(rng)
        drawn.append((when, dataclasses.replace(fault, alone=False) if hasattr(fault, "alone") else fault))
    return drawn


class Storm:
    def __init__(self, cluster, seed, say):
        self.cluster = cluster
        self.seed = seed
        self.say = say
        self.beginning = time.monotonic()
        self.violations = []
        self.applied = 0
        self._lock = threading.Lock()
        self._hit = set()  # nodes with a fault under way
        self._events = []

    def note(self, text):
        self._events.append((time.monotonic() - self.beginning, text))

    def blame(self, expected, found):
        self.violations.append(f"seed {self.seed}: expected: {expected}; found: {found}")
        self.note(f"VIOLATION: expected: {expected}; found: {found}")

    def run(self, seconds, mean):
        """(seconds from the last fault to a write, and to everybody's agreement); None where it did not heal."""
        with contextlib.ExitStack() as running:
            scheduler = Scheduler(self.note)
            self.fleet = Fleet(self.cluster, scheduler, self.note, self.blame)
            write_until_ok(self.fleet.who("master").client(), MARKER, "data")
            wait_for(lambda: len(self._copies()) == len(self.fleet.nodes), what="replication")
            running.enter_context(scheduler)
            running.enter_context(RecordSampler(self.cluster.kazoo, self.note, self.blame))
            running.enter_context(RoleSampler(self.fleet))
            writer = running.enter_context(Writer(self.fleet.known_sentinels, "w", 0.02))
            self.beginning = time.monotonic()
            self._rage(schedule(self.seed, seconds, mean))
            over = time.monotonic()
            self.note("the storm is over")
            return self._await_calm(writer, over)

    def _rage(self, drawn):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for when, fault in drawn:
                threading.Event().wait(max(0.0, self.beginning + when - time.monotonic()))
                pool.submit(self._play, fault)

    def _play(self, fault):
        with self._lock:
            masters = self.fleet.acting_masters()
            if masters:
                self.fleet.cast(masters[0])
            victims = {self.fleet.who(role) for role in fault.roles}
            nodes = victims & set(self.fleet.nodes)
            if nodes & self._hit or (nodes and not self._copies() - self._hit - nodes):
                return
            self._hit |= nodes
            self.applied += 1
            self.note(fault.describe(self.fleet))
        try:
            # Another one may have been quicker.
            with contextlib.suppress(TimeoutError, AssertionError, ValueError, ProcessLookupError):
                fault.apply(self.fleet)
        finally:
            with self._lock:
                self._hit -= nodes

    def _copies(self):
        """The nodes that answer and have the data."""
        return {node for node in self.fleet.nodes if node.running and node.ask("EXISTS", MARKER, timeout=0.3) == 1}

    def _await_calm(self, writer, over):
        def heals():
            masters = self.fleet.acting_masters()
            return len(masters) == 1 and masters[0] in self._copies() and any(
                write.when > over for write in writer.acknowledged[-1:])

        try:
            wait_for(heals, HEALED, "one master with the data that takes writes", every=0.05)
            healed = time.monotonic() - over
            why = [""]

            def agree():
                why[0] = self.fleet.disagreement()
                return not why[0]

            wait_for(agree, AGREED - healed, "agreement", every=0.1)
        except (TimeoutError, redis.RedisError) as failure:
            self.blame(f"healed within {HEALED} s, and agreed within {AGREED} s", f"{failure} {self.fleet.disagreement()}")
            return None
        agreed = time.monotonic() - over
        if orphans := self.fleet.orphans():
            self.blame("no server outlives its wrapper", f"pids {orphans}")
        return healed, agreed

    def say_events(self):
        for when, text in self._events:
            self.say(f"    {when:+9.3f} s  {text}")


def storms(open_cluster, first_seed, count, seconds, mean, say):
    """One storm after the other, each with a fleet of its own; 1 when a promise was broken."""
    healed, agreed, violations = [], [], []
    for seed in range(first_seed, first_seed + count):
        with open_cluster() as cluster:
            storm = Storm(cluster, seed, say)
            calm = storm.run(seconds, mean)
            if calm:
                healed.append(calm[0])
                agreed.append(calm[1])
                say(f"storm, seed {seed}: {storm.applied} faults; a master {calm[0]:.1f} s after the last one, "
                    f"agreed after {calm[1]:.1f} s")
            if storm.violations:
                violations += storm.violations
                storm.say_events()
                say(cluster.tails())
                for violation in storm.violations:
                    say(f"VIOLATION  {violation}")
    if healed:
        say(f"{len(healed)} of {count} storms of {seconds:g} s, a fault every {mean:g} s, healed; to a master, s: "
            f"median {statistics.median(healed):.1f}, worst {max(healed):.1f}; to agreement: "
            f"median {statistics.median(agreed):.1f}, worst {max(agreed):.1f}")
    return 1 if violations else 0
