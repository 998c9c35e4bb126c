"""Random faults against a real fleet, with clients that write all the time: ./run chaos [--minutes N] [--seed S].

Three redis-wrappers, three sentinel-wrappers and two watchers around a ZooKeeper, each on a machine of its own: a
network namespace, which takes root; without it all share the loopback, and no links are cut. Round by round something
is killed, frozen, cut off, stopped or replaced, or everything dies at once; a scheduler starts it again, as Marathon
does, often on another port. After each round everybody has to agree again within a bound, the writers have to get on,
and no acknowledged write may be missing that asynchronous replication does not excuse. Ends with 1 when a promise was
broken.

The same seed draws the same faults in the same order; what becomes of them is up to the machine. What can go wrong is
in faults.py, what must hold in checker.py.
"""

import argparse
import collections
import contextlib
import dataclasses
import itertools
import logging
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import redis

from checker import Ledger, RecordSampler, RoleSampler, loss_window
from cluster import PATIENCE, Cluster, wait_for
from faults import draw
from fleet import Fleet, Scheduler
from network import Network
from storm import storms
from writer import Writer

# Two hundred writes a second, so that looking for all of them again stays quick.
WRITERS = 3
WRITE_EVERY = 0.015
# Writes of each writer that have to go through, without a change of mind, before a round is over.
CALM_WRITES = 60
# How long a Sentinel does nothing after it stood still for two seconds.
TILT = 30


def say(text=""):
    print(text, flush=True)


@dataclasses.dataclass
class Outcome:
    fault: object
    healed: float  # seconds from the fault's beginning
    paused: float  # the longest time without an acknowledged write
    lost: int


class Unhealed(Exception):
    """The fleet did not recover; further rounds would tell nothing."""


class Chaos:
    def __init__(self, cluster, seed):
        self.beginning = time.monotonic()
        self.seed = seed
        self.cluster = cluster
        self.round = 0
        self.outcomes = []
        self.violations = []
        self._events = []  # of the current round: (when, text)

    # --- telling

    def note(self, text):
        self._events.append((time.monotonic(), text))

    def blame(self, expected, found):
        text = f"seed {self.seed}, round {self.round}: expected: {expected}; found: {found}"
        self.violations.append(text)
        self.note(f"VIOLATION: {found}")
        say(f"VIOLATION  {text}")

    def say_events(self):
        for when, text in list(self._events):
            say(f"    {when - self.beginning:+9.3f} s  {text}")

    # --- a run

    def run(self, deadline, wanted):
        with contextlib.ExitStack() as running:
            scheduler = Scheduler(self.note)
            self.fleet = Fleet(self.cluster, scheduler, self.note, self.blame)
            running.enter_context(scheduler)
            self.records = running.enter_context(RecordSampler(self.cluster.kazoo, self.note, self.blame))
            self.roles = running.enter_context(RoleSampler(self.fleet))
            self.writers = [running.enter_context(Writer(self.fleet.known_sentinels, f"w:{number}", WRITE_EVERY))
                            for number in range(WRITERS)]
            self.ledger = Ledger(self.writers)
            try:
                master, _ = self.await_calm(PATIENCE)
                for fault in filter(wanted, draw(self.seed)):
                    if time.monotonic() >= deadline:
                        break
                    self.round += 1
                    master = self.play(fault, master)
            except Unhealed:
                pass
            self.say_summary()

    def play(self, fault, master):
        """One round; the master after it."""
        before = len(self.violations)
        self._events.clear()
        self.fleet.cast(master)
        text = fault.describe(self.fleet)
        began = time.monotonic()
        self.note(text)
        try:
            fault.apply(self.fleet)
            self.note("the fault is over")
            patience = fault.patience + (TILT if self.fleet.tilted() else 0)
            successor, agreed = self.await_calm(patience)
        except (TimeoutError, AssertionError) as failure:
            self.blame(f"everybody agrees again after: {text}", str(failure))
            self.say_events()
            say(self.cluster.tails())
            raise Unhealed from None
        promoted = wait_for(lambda: self.roles.master_since(successor), what=f"{successor.name} in the role of master")
        window = loss_window(fault, began, promoted)
        losses = self.judge_losses(fault, began, window, successor)
        paused = min(end - start for start, end in (writer.longest_pause(began - 1) for writer in self.writers))
        self.outcomes.append(Outcome(fault, agreed - began, paused, losses))
        change = "" if successor is master else f", {successor.name} is the master"
        say(f"round {self.round:3}  {began - self.beginning:+7.1f} s  {text}  "
            f"healed in {agreed - began:.2f} s{change}, writes paused {paused:.2f} s, {losses} lost")
        self.judge_orphans()
        if len(self.violations) > before:
            self.say_events()
            say(self.cluster.tails())
        return successor

    # --- what must hold

    def await_calm(self, patience):
        """Waits until everybody agrees, and still does after every writer got on; (the master, when they agreed)."""
        deadline = time.monotonic() + patience
        why = [""]

        def agree():
            why[0] = self.fleet.disagreement()
            return not why[0]

        def counts():
            return [len(writer.acknowledged) for writer in self.writers]

        while True:
            left = max(0, deadline - time.monotonic())
            try:
                wait_for(agree, left, "agreement", every=0.05)
            except TimeoutError:
                raise TimeoutError(f"no agreement within {patience} s: {why[0]}") from None
            agreed, master = time.monotonic(), self.cluster.master(self.fleet.nodes)
            enough = [count + CALM_WRITES for count in counts()]
            wait_for(lambda: all(count >= goal for count, goal in zip(counts(), enough)),
                     max(PATIENCE, deadline - time.monotonic()), "progress of the writers")
            if agree() and self.cluster.master(self.fleet.nodes) is master:
                return master, agreed
            self.note(f"agreement did not last: {why[0] or 'another master'}")

    def judge_losses(self, fault, began, window, successor):
        try:
            lost = self.ledger.newly_lost(successor)
        except redis.RedisError as error:
            self.blame(f"{successor.name} answers after everybody has agreed on it", str(error))
            return 0
        unexcused = [entry for entry in lost if not window or entry[1] not in window]
        if unexcused:
            (first, write), (last, until) = unexcused[0], unexcused[-1]
            excuse = f"{window.start - began:+.2f} to {window.end - began:+.2f} s" if window else "never"
            self.blame(f"{fault.kind}: acknowledged writes stay (excused: {excuse})",
                       f"{len(unexcused)} of {len(lost)} lost without excuse, {first} ({write.when - began:+.2f} s, "
                       f"{write.server}) to {last} ({until.when - began:+.2f} s, {until.server}), on {successor.name}")
        return len(lost)

    def judge_orphans(self):
        orphans = self.fleet.orphans()
        if orphans:
            self.blame("no server outlives its wrapper", f"pids {orphans}")

    # --- the end

    def say_summary(self):
        by_kind = collections.defaultdict(list)
        for outcome in self.outcomes:
            by_kind[outcome.fault.kind].append(outcome)
        say(f"\n{'fault':<34}{'rounds':>7}{'healed, s: median':>19}{'max':>7}{'writes paused, s: max':>23}{'lost':>7}")
        for kind, outcomes in sorted(by_kind.items()):
            healed = [outcome.healed for outcome in outcomes]
            paused = max(outcome.paused for outcome in outcomes)
            say(f"{kind:<34}{len(outcomes):>7}{statistics.median(healed):>19.2f}{max(healed):>7.2f}{paused:>23.2f}"
                f"{sum(outcome.lost for outcome in outcomes):>7}")
        known = [sentinel.view().get("num-other-sentinels") for sentinel in self.fleet.sentinels]
        say(f"\n{len(self.outcomes)} rounds, {self.ledger.acknowledged} writes acknowledged, {self.ledger.lost} lost; "
            f"the record changed {self.records.changes} times, to epoch {self.records.epoch}; "
            f"two acted as master for {self.roles.longest_overlap:.1f} s at most; "
            f"the Sentinels know {known} others")

    def verdict(self):
        for violation in self.violations:
            say(f"VIOLATION  {violation}")
        kept = "all promises kept" if not self.violations else f"{len(self.violations)} violations"
        say(f"chaos, seed {self.seed}: {kept}")
        return 1 if self.violations or not self.outcomes else 0


def arguments():
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=2, help="no round starts later than this (2)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="draws the faults (random)")
    parser.add_argument("--only", type=re.compile, default="", metavar="REGEX",
                        help="of the drawn faults only those whose name, as in the table, matches")
    parser.add_argument("--keep", action="store_true", help="keep the directory with all logs")
    parser.add_argument("--storm", type=int, default=0, metavar="N",
                        help="instead: N storms of faults that overlap, with the seeds from --seed on")
    parser.add_argument("--seconds", type=float, default=45, help="how long a storm lasts (45)")
    parser.add_argument("--mean", type=float, default=2.5, help="seconds between two faults of a storm (2.5)")
    return parser.parse_args()


def open_network(opened):
    """A network of machines; None where there can be none, which is said."""
    try:
        return opened.enter_context(Network())
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", None) or str(error)).strip()
        say(f"no links are cut, for there can be no network namespaces here: {why}")
        return None


def main():
    chosen = arguments()
    # Nothing is left running, however it is asked to end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # ZooKeeper's absence is no news here.
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    if chosen.storm:
        return storms(lambda: Cluster(down_after_ms=1000), chosen.seed, chosen.storm, chosen.seconds, chosen.mean, say)
    say(f"chaos, seed {chosen.seed}: {chosen.minutes:g} minutes")
    if not any(re.search(chosen.only, fault.kind) for fault in itertools.islice(draw(chosen.seed), 1000)):
        say(f"chaos: no fault is called {chosen.only}")
        return 64
    deadline = time.monotonic() + 60 * chosen.minutes
    try:
        with contextlib.ExitStack() as opened:
            network = open_network(opened)
            cluster = opened.enter_context(Cluster(network=network))
            cluster.kept = chosen.keep
            if chosen.keep:
                say(f"logs: {cluster.directory}/*/log")
            chaos = Chaos(cluster, chosen.seed)
            chaos.run(deadline, lambda fault: re.search(chosen.only, fault.kind) and (network or not fault.cuts))
    except KeyboardInterrupt:
        return 130
    return chaos.verdict()


if __name__ == "__main__":
    sys.exit(main())
