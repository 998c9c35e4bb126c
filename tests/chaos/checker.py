"""What must hold: the record moves only forward, one Redis takes writes, no server outlives its wrapper, acknowledged
writes stay.

The samplers look all the time; a `Ledger` is asked after every round, when everybody agrees again.
"""

import dataclasses
import json
import re
import time

from kazoo.exceptions import KazooException, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError

from background import Background
from cluster import alive, children, processes_in, record_path, state_of

# Replication is asynchronous: what was acknowledged this long before a fault may still be on its way.
REPLICATION_WINDOW = 1.0
# A master that was frozen learns a moment after it goes on that it is none any more: its wrapper's patience, and
# the moment.
FENCE_WINDOW = 2.0 + 1.0
# How long after a fault another master may be the consequence.
UNDECIDED = 10.0
# How long two masters may accept writes: the fence rises five seconds after a cut at the latest, and is seen with the
# next sample.
FENCED = 5.0 + 0.5


class RecordSampler(Background):
    """Reads the record and its lineage, as often as a change could matter."""

    every = 0.02

    def __init__(self, fleet):
        super().__init__()
        self._kazoo = fleet.cluster.kazoo
        self._note = fleet.note
        self._blame = fleet.blame
        self._group = fleet.group
        self._seen = {}  # path: text
        self.record = ""
        self.epoch = 0
        self.changes = 0

    def step(self):
        try:
            judges = {f"/redis/lineage/{self._group}": self._judge_lineage, record_path(self._group): self._judge_record}
            for path, judge in judges.items():
                text = self._read(path)
                if text != self._seen.get(path, ""):
                    self._seen[path] = text
                    judge(text)
        except (KazooException, KazooTimeoutError):
            pass  # ZooKeeper is away

    def _read(self, path):
        try:
            return self._kazoo.get_async(path).get(timeout=1)[0].decode(errors="replace")
        except NoNodeError:
            return ""

    def _judge_lineage(self, text):
        try:
            epoch = int(json.loads(text)["epoch"])
        except (ValueError, KeyError, TypeError):
            self._blame("the record's lineage is JSON with an epoch", f'"{text}"')
            return
        if epoch < self.epoch:
            self._blame(f"the epoch of {self._group}'s record, which was {self.epoch}, never decreases", text)
        self.epoch = epoch

    def _judge_record(self, text):
        self._note(f"the record of {self._group} says {text}")
        self.changes += 1
        self.record = text
        if not re.fullmatch(r"\S+ \d+", text):
            self._blame('the record says "host port"', f'"{text}"')


@dataclasses.dataclass
class Reign:
    """A time during which a node always accepted writes when it was asked."""

    node: object
    since: float
    until: float


class WriteSampler(Background):
    """Writes through every Redis of a group, with a key for each."""

    every = 0.1

    def __init__(self, fleet):
        super().__init__()
        self._fleet = fleet
        self._now = {}  # node: its reign
        self.reigns = []
        # How long two accepted writes at the same time, at most, and in the overlap of the moment.
        self.longest_overlap = 0.0
        self._blamed = None

    def step(self):
        reigns = {}
        for node in list(self._fleet.nodes):
            asked = time.monotonic()
            if accepts_writes(node):
                reign = self._now.get(node) or Reign(node, asked, asked)
                reign.until = time.monotonic()
                reigns[node] = reign
        self.reigns += [reign for node, reign in reigns.items() if node not in self._now]
        for node in self._now.keys() ^ reigns.keys():
            self._fleet.note(f"{node.name} accepts {'writes' if node in reigns else 'no writes any more'}")
        self._now = reigns
        if len(reigns) > 1:
            self._judge(sorted(reigns.values(), key=lambda reign: reign.since))

    def _judge(self, reigns):
        first, second = reigns[:2]
        overlap = min(first.until, second.until) - second.since
        self.longest_overlap = max(self.longest_overlap, overlap)
        if overlap > FENCED and self._blamed is not second:
            self._blamed = second
            self._fleet.blame(f"two masters of a group accept writes for {FENCED} s at most, until the fence",
                              f"{first.node.name} and {second.node.name} for {overlap:.1f} s")


def accepts_writes(node):
    # No fence rises while the wrapper is frozen: that is documented.
    if not node.running or state_of(node.pid) == "T":
        return False
    return node.ask("SET", f"probe:{node.name}", time.monotonic(), timeout=0.2) is True


class OrphanSampler(Background):
    """Looks for servers whose wrapper is gone."""

    every = 1

    def __init__(self, cluster, blame):
        super().__init__()
        self._cluster = cluster
        self._blame = blame
        self._suspects = set()
        self._blamed = set()

    def step(self):
        found = orphans(self._cluster)
        # What was found twice was not about to end.
        if new := found & self._suspects - self._blamed:
            self._blamed |= new
            self._blame("no server outlives its wrapper", f"pids {sorted(new)}")
        self._suspects = found


def orphans(cluster):
    running = processes_in(cluster.directory)
    known = set()
    for process in filter(lambda process: process.running, list(cluster.processes)):
        # A server that saves has a child, too.
        server = getattr(process, "child", None)
        known |= {process.pid, server, *(children(server) if server else [])}
    return {pid for pid in running if pid not in known and alive(pid)}


@dataclasses.dataclass
class Window:
    """When acknowledged writes may have been lost: from the fault until the old master knows that it is none."""

    start: float
    end: float

    def __contains__(self, write):
        return self.start <= write.when <= self.end


def loss_windows(hits, reigns):
    """Those of the faults that may have lost writes: of a master, whether the fault meant it or not."""
    return [_window(hit, reigns) for hit in hits
            if hit.may_lose or any(reign.node in hit.nodes and hit.began - REPLICATION_WINDOW <= reign.until
                                   and reign.since <= hit.over for reign in reigns)]


def _window(hit, reigns):
    later = [reign.since for reign in reigns if reign.since > hit.began]
    changes = [since for since in later if since <= hit.over + UNDECIDED] or later[:1]
    return Window(hit.began - REPLICATION_WINDOW, max([hit.over, *changes]) + FENCE_WINDOW)


class Ledger:
    """Acknowledged writes that were found to be lost."""

    def __init__(self, writers):
        self._writers = writers
        self._lost = set()

    def newly_lost(self, master):
        """Those that `master` does not have and that were there, or not yet written, at the last check."""
        with master.client() as client:
            missing = {(writer.key(write.number), write)
                       for writer in self._writers for write in writer.missing(client)}
        new = missing - self._lost
        self._lost |= new
        return sorted(new, key=lambda entry: entry[1].when)

    @property
    def acknowledged(self):
        return sum(len(writer.acknowledged) for writer in self._writers)

    @property
    def lost(self):
        return len(self._lost)
