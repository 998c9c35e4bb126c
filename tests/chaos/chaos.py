"""Random faults against a real fleet, with clients that write all the time: ./run chaos [--minutes N] [--seed S].

Three redis-wrappers, three sentinel-wrappers and two watchers around three ZooKeeper servers, each on a machine of its
own: a network namespace, which takes root; without it all share the loopback, and no links are cut. Round by round
something is killed, frozen, cut off, stopped or replaced, or everything dies at once; a scheduler starts it again, as
Marathon does, often on another port. A round may be one fault, two of them (--pairs: each after each other one) or a
storm of faults in three groups at once (--storm). While it lasts, the record's epoch must never fall, two masters must
not accept writes for longer than the fence allows, and no server may outlive its wrapper. After it there has to be a
master that takes writes, and everybody has to agree, within a bound; no acknowledged write may be missing that
asynchronous replication does not excuse. Ends with 1 when a promise was broken.

The same seed draws the same faults in the same order; what becomes of them is up to the machine. Which there are is in
catalogue.py and storm.py, what they do in faults.py, what must hold in checker.py.
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

from catalogue import draw, pairs
from checker import Ledger, OrphanSampler, RecordSampler, WriteSampler, loss_windows
from cluster import PATIENCE, Cluster, wait_for
from fleet import ZOOKEEPERS, LeftPorts, Scheduler, bring_up
from network import Network
from storm import Storm
from writer import WHOSE, Writer

# Of all groups together. Two hundred writes a second, so that looking for all of them again stays quick.
WRITERS = 3
WRITE_EVERY = 0.015
# Writes of each writer that have to go through, without a change of mind, before a round is over.
CALM_WRITES = 60
# How long a Sentinel does nothing after it stood still for two seconds.
TILT = 30
# Within which there is a master that takes writes, where a copy of the data has always lived.
HEALED = 30


def say(text=""):
    print(text, flush=True)


@dataclasses.dataclass
class Outcome:
    fault: object
    lasted: float
    writable: float  # seconds from its end until there was a master
    agreed: float  # and until everybody agreed
    paused: float  # the longest time without an acknowledged write
    lost: int

    @property
    def healed(self):
        return self.lasted + self.agreed


class Unhealed(Exception):
    """The fleet did not recover; further rounds with it would tell nothing."""


class Chaos:
    def __init__(self, seed, keep, memory_only, passwords):
        self.seed = seed
        self.keep = keep
        self.memory_only = memory_only
        self.passwords = passwords
        self.round = 0
        self.outcomes = []
        self.violations = []
        self.unhealed = 0
        self.counted = collections.Counter()  # of all fleets
        self.reused = False  # whether addresses are, by the others
        self.strangers = collections.defaultdict(set)  # by fleet: keys of others that were found there
        self.longest_overlap = 0.0
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

    def say_logs(self):
        for cluster in self.clusters:
            say(cluster.tails())

    # --- a run

    def run(self, opened, groups, rounds):
        """Plays rounds on a new fleet, until there are no more, or it does not heal."""
        with contextlib.ExitStack() as running:
            self.reused = len(opened) > 1
            scheduler = Scheduler(self.note, LeftPorts() if self.reused else None)
            self.clusters, self.fleets = [], []
            for cluster in opened:
                self._bring_up(running.enter_context(cluster), scheduler, groups)
            running.enter_context(scheduler)
            for cluster in self.clusters:
                running.enter_context(OrphanSampler(cluster, self.blame))
            for fleet in self.fleets:
                self._observe(fleet, running, max(1, WRITERS // len(self.fleets)))
            self.beginning = time.monotonic()
            try:
                self.await_calm(PATIENCE)
                for name, fault in rounds:
                    self.play(name, fault)
            except Unhealed:
                self.unhealed += 1
            self._count()

    def _bring_up(self, cluster, scheduler, groups):
        cluster.kept = self.keep
        if self.keep:
            say(f"logs: {cluster.directory}/*/log")
        if self.memory_only:
            with open(cluster.directory / "redis.conf", "a", encoding="ascii") as conf:
                conf.write('appendonly no\nsave ""\n')
        if self.passwords:
            number = len(self.clusters) + 1
            cluster.add_env(REDIS_PASSWORD=f"redis-{number}", SENTINEL_PASSWORD=f"sentinel-{number}")
        if not self.clusters:
            cluster.start_zookeepers(len(ZOOKEEPERS))
        else:
            # Whose root is another one.
            cluster.use_zookeeper(self.clusters[0].zookeepers)
            cluster.zookeeper_hosts += f"/deployment{len(self.clusters) + 1}"
            cluster.suffix = f" of deployment {len(self.clusters) + 1}"
        self.clusters.append(cluster)
        self.fleets += bring_up(cluster, scheduler, self.note, self.blame, groups)

    def _observe(self, fleet, running, writers):
        fleet.siblings = self.fleets
        fleet.records = running.enter_context(RecordSampler(fleet))
        fleet.writes = running.enter_context(WriteSampler(fleet))
        secrets = [fleet.cluster.env().get(name) for name in ("REDIS_PASSWORD", "SENTINEL_PASSWORD")]
        whose = fleet.name if self.reused else None
        if whose and not Cluster.master(fleet.nodes).ask("SET", WHOSE, whose):
            raise TimeoutError(f"{fleet.name}: its master does not take a write")
        fleet.writers = [running.enter_context(Writer(fleet.known_sentinels, f"w:{fleet.name}:{number}", WRITE_EVERY,
                                                      fleet.group, *secrets, whose))
                         for number in range(writers)]
        fleet.ledger = Ledger(fleet.writers)

    def play(self, name, fault):
        """One round."""
        self.round += 1
        before = len(self.violations)
        self._events.clear()
        for fleet in self.fleets:
            fleet.hits.clear()
        fleet = self.fleets[0].cast(Cluster.master(self.fleets[0].nodes))
        text = name + fault.describe(fleet)
        began = time.monotonic()
        self.note(text)
        try:
            fault.inflict(fleet)
            over = time.monotonic()
            self.note("the fault is over")
            patience = fault.patience + (TILT if fleet.tilted() else 0)
            writable = self.await_masters(over, HEALED if fault.spares_a_copy else patience)
            agreed = self.await_calm(patience)
        except (TimeoutError, AssertionError) as failure:
            self.blame(f"it heals after: {text}", str(failure))
            self.say_events()
            self.say_logs()
            raise Unhealed from None
        lost = sum(self.judge_losses(fault, began, each) for each in self.fleets)
        for each in self.fleets:
            self.judge_strangers(each)
        paused = max(min(end - start for start, end in (writer.longest_pause(began - 1) for writer in each.writers))
                     for each in self.fleets)
        outcome = Outcome(fault, over - began, writable - over, agreed - over, paused, lost)
        self.outcomes.append(outcome)
        say(f"round {self.round:3}  {began - self.beginning:+7.1f} s  {text}  "
            f"healed in {outcome.healed:.2f} s, a master {outcome.writable:.2f} s after its end, "
            f"writes paused {paused:.2f} s, {lost} lost")
        if len(self.violations) > before:
            self.say_events()
            self.say_logs()

    # --- what must hold

    def await_masters(self, over, patience):
        """Waits until each group has one master and takes writes; when the last of them did."""
        first = {}

        def takes_writes(fleet):
            if fleet not in first and len(fleet.acting_masters()) == 1:
                found = [writer.first_after(over) for writer in fleet.writers]
                if all(found):
                    first[fleet] = max(found)
            return fleet in first

        # Each is asked: `all` would stop at the first that does not.
        def heal():
            return all([takes_writes(fleet) for fleet in self.fleets])

        try:
            wait_for(heal, patience, "one master that takes writes", every=0.05)
        except TimeoutError as failure:
            missing = ", ".join(fleet.name for fleet in self.fleets if fleet not in first)
            raise TimeoutError(f"{failure} after the fault: {missing}") from None
        return max(first.values())

    def disagreement(self):
        return next(filter(None, (fleet.disagreement() for fleet in self.fleets)), "")

    def await_calm(self, patience):
        """Waits until everybody agrees, and still does after every writer got on; when they agreed."""
        deadline = time.monotonic() + patience
        writers = [writer for fleet in self.fleets for writer in fleet.writers]
        why = [""]

        def agree():
            why[0] = self.disagreement()
            return not why[0]

        def counts():
            return [len(writer.acknowledged) for writer in writers]

        while True:
            left = max(0, deadline - time.monotonic())
            try:
                wait_for(agree, left, "agreement", every=0.05)
            except TimeoutError:
                raise TimeoutError(f"no agreement within {patience} s: {why[0]}") from None
            agreed, masters = time.monotonic(), [Cluster.master(fleet.nodes) for fleet in self.fleets]
            enough = [count + CALM_WRITES for count in counts()]
            wait_for(lambda: all(count >= goal for count, goal in zip(counts(), enough)),
                     max(PATIENCE, deadline - time.monotonic()), "progress of the writers")
            if agree() and [Cluster.master(fleet.nodes) for fleet in self.fleets] == masters:
                return agreed
            self.note(f"agreement did not last: {why[0] or 'another master'}")

    def judge_losses(self, fault, began, fleet):
        master = Cluster.master(fleet.nodes)
        try:
            lost = fleet.ledger.newly_lost(master)
        except redis.RedisError as error:
            self.blame(f"{master.name} answers after everybody has agreed on it", str(error))
            return 0
        windows = loss_windows(fleet.hits, fleet.writes.reigns)
        unexcused = [entry for entry in lost if not any(entry[1] in window for window in windows)]
        if unexcused:
            (first, write), (last, until) = unexcused[0], unexcused[-1]
            excused = ", ".join(f"{window.start - began:+.2f} to {window.end - began:+.2f} s" for window in windows)
            self.blame(f"{fault.kind}: acknowledged writes stay (excused: {excused or 'never'})",
                       f"{len(unexcused)} of {len(lost)} lost without excuse, {first} ({write.when - began:+.2f} s, "
                       f"{write.server}) to {last} ({until.when - began:+.2f} s, {until.server}), on {master.name}")
        return len(lost)

    def judge_strangers(self, fleet):
        """Where several deployments share addresses, none has another's data."""
        if not self.reused:
            return
        for node in fleet.nodes:
            with node.client() as client:
                foreign = {key for key in client.scan_iter("w:*", count=10000)
                           if not key.startswith(f"w:{fleet.name}:")}
            # Those of earlier rounds were told then.
            if new := foreign - self.strangers[fleet.name]:
                self.blame(f"{node.name} of {fleet.name} has only that group's keys",
                           f"{len(new)} others, as {min(new)}")
            self.strangers[fleet.name] |= new

    # --- the end

    def _count(self):
        for fleet in self.fleets:
            self.counted += collections.Counter(acknowledged=fleet.ledger.acknowledged, lost=fleet.ledger.lost,
                                                changes=fleet.records.changes)
            self.longest_overlap = max(self.longest_overlap, fleet.writes.longest_overlap)

    def say_summary(self):
        by_kind = collections.defaultdict(list)
        for outcome in self.outcomes:
            by_kind[outcome.fault.kind].append(outcome)
        say(f"\n{'fault':<70}{'rounds':>7}{'healed, s: median':>19}{'max':>7}"
            f"{'a master after it, s: median':>30}{'max':>7}{'writes paused, s: max':>23}{'lost':>7}")
        for kind, outcomes in sorted(by_kind.items()):
            healed = [outcome.healed for outcome in outcomes]
            writable = [outcome.writable for outcome in outcomes]
            say(f"{kind:<70}{len(outcomes):>7}{statistics.median(healed):>19.2f}{max(healed):>7.2f}"
                f"{statistics.median(writable):>30.2f}{max(writable):>7.2f}"
                f"{max(outcome.paused for outcome in outcomes):>23.2f}{sum(outcome.lost for outcome in outcomes):>7}")
        say(f"\n{len(self.outcomes)} rounds healed, {self.unhealed} did not, {self.counted['acknowledged']} writes "
            f"acknowledged, {self.counted['lost']} lost; the record changed {self.counted['changes']} times; two "
            f"accepted writes for {self.longest_overlap:.1f} s at most")

    def verdict(self):
        self.say_summary()
        for violation in self.violations:
            say(f"VIOLATION  {violation}")
        kept = "all promises kept" if not self.violations else f"{len(self.violations)} violations"
        say(f"chaos, seed {self.seed}: {kept}")
        return 1 if self.violations or not self.outcomes else 0


def part(text):
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"found {text}, expected K/N, as 3/10")
    return int(found[1]), int(found[2])


def arguments():
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--minutes", type=float, help="no round starts later than this (2; no limit for the others)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="draws the faults (random)")
    parser.add_argument("--only", type=re.compile, default="", metavar="REGEX",
                        help="of the drawn faults only those whose name, as in the table, matches")
    parser.add_argument("--keep", action="store_true", help="keep the directory with all logs")
    parser.add_argument("--storm", type=int, default=0, metavar="N",
                        help="instead: N storms of faults that overlap, with the seeds from --seed on")
    parser.add_argument("--seconds", type=float, default=45, help="how long a storm lasts (45)")
    parser.add_argument("--mean", type=float, default=1, help="seconds between two faults of a storm (1)")
    parser.add_argument("--groups", type=int, default=3, help="how many groups a storm hits (3)")
    parser.add_argument("--deployments", type=int, default=1, metavar="D",
                        help="so many times these groups, which take one another's ports (1)")
    parser.add_argument("--passwords", action="store_true", help="each deployment has passwords of its own")
    parser.add_argument("--memory-only", action="store_true", help="nothing is on disk: what restarts is empty")
    parser.add_argument("--pairs", action="store_true", help="instead: each fault followed by each other one")
    parser.add_argument("--part", type=part, default=(1, 1), metavar="K/N", help="of the pairs the Kth of N parts (1/1)")
    parser.add_argument("--fleets", type=int, default=1, help="how many fleets share the pairs (1)")
    return parser.parse_args()


def open_network(opened):
    """A network of machines; None where there can be none, which is said."""
    try:
        return opened.enter_context(Network())
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", None) or str(error)).strip()
        say(f"no links are cut, for there can be no network namespaces here: {why}")
        return None


def rounds_of(chosen, cutting):
    """(what to call it, fault) for each round."""
    if chosen.storm:
        for seed in range(chosen.seed, chosen.seed + chosen.storm):
            yield "", Storm("storm", (), seed, chosen.seconds, chosen.mean, cutting)
        return
    numbered = pairs(chosen.seed, *chosen.part) if chosen.pairs else ((None, fault) for fault in draw(chosen.seed))
    for number, fault in numbered:
        if re.search(chosen.only, fault.kind) and (cutting or not fault.cuts):
            yield f"pair {number}: " if number else "", fault


def play_all(chosen):
    chaos = Chaos(chosen.seed, chosen.keep, chosen.memory_only, chosen.passwords)
    minutes = chosen.minutes or (None if chosen.pairs or chosen.storm else 2)
    deadline = time.monotonic() + 60 * minutes if minutes else float("inf")
    with contextlib.ExitStack() as opened:
        # Addresses are given out again on loopback alone.
        network = open_network(opened) if chosen.deployments == 1 else None
        rounds = itertools.takewhile(lambda _: time.monotonic() < deadline, rounds_of(chosen, network is not None))
        ahead = next(rounds, None)
        while ahead:
            chaos.run([Cluster(network=network) for _ in range(chosen.deployments)], chosen.groups if chosen.storm else 1,
                      itertools.chain([ahead], rounds))
            ahead = next(rounds, None)
    return chaos.verdict()


def share(chosen):
    """Each fleet plays its part of the pairs in a process of its own."""
    number, parts = chosen.part
    kept = [word for option, value in (("--minutes", chosen.minutes), ("--only", getattr(chosen.only, "pattern", "")))
            if value for word in (option, str(value))]
    kept += [option for option, given in (("--keep", chosen.keep), ("--memory-only", chosen.memory_only)) if given]
    fleets = [subprocess.Popen([sys.executable, __file__, "--pairs", "--seed", str(chosen.seed), *kept, "--part",
                                f"{number + parts * fleet}/{parts * chosen.fleets}"])
              for fleet in range(chosen.fleets)]
    try:
        return max(fleet.wait() for fleet in fleets)
    finally:
        for fleet in fleets:
            fleet.terminate()
        for fleet in fleets:
            fleet.wait()


def main():
    chosen = arguments()
    # Nothing is left running, however it is asked to end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # ZooKeeper's absence is no news here.
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    if not any(re.search(chosen.only, fault.kind) for fault in itertools.islice(draw(chosen.seed), 1000)):
        say(f"chaos: no fault is called {chosen.only}")
        return 64
    say(f"chaos, seed {chosen.seed}")
    try:
        return share(chosen) if chosen.pairs and chosen.fleets > 1 else play_all(chosen)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
