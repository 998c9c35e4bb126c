"""What must hold: the record moves only forward, one Redis is the master, acknowledged writes stay.

Two samplers look all the time; `judge_losses` is asked after every round, when everybody agrees again.
"""

import dataclasses
import json
import re
import time

from kazoo.exceptions import KazooException, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError

from background import Background
from cluster import GROUP

# Replication is asynchronous: what was acknowledged this long before a fault may still be on its way.
REPLICATION_WINDOW = 1.0
# A master that was frozen learns a moment after it goes on that it is none any more: its wrapper's patience, and
# the moment.
FENCE_WINDOW = 2.0 + 1.0


class RecordSampler(Background):
    """Reads the record and its lineage, as often as a change could matter."""

    every = 0.02

    def __init__(self, kazoo, note, blame):
        super().__init__()
        self._kazoo = kazoo
        self._note = note
        self._blame = blame
        self._seen = {}  # path: text
        self.record = ""
        self.epoch = 0
        self.changes = 0

    def step(self):
        try:
            judges = {f"/redis/lineage/{GROUP}": self._judge_lineage, "/redis/master": self._judge_record}
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
            self._blame(f"the record's epoch, which was {self.epoch}, never decreases", text)
        self.epoch = epoch

    def _judge_record(self, text):
        self._note(f"the record says {text}")
        self.changes += 1
        self.record = text
        if not re.fullmatch(r"\S+ \d+", text):
            self._blame('the record says "host port"', f'"{text}"')


class RoleSampler(Background):
    """Asks every Redis for its role."""

    every = 0.1

    def __init__(self, fleet):
        super().__init__()
        self._fleet = fleet
        self._since = {}  # node: when it was first heard as master, and always since
        # How long two acted as master at the same time, at most.
        self.longest_overlap = 0.0

    def step(self):
        masters = self._fleet.acting_masters()
        now = time.monotonic()
        self._since = {node: self._since.get(node, now) for node in masters}
        if len(masters) > 1:
            self.longest_overlap = max(self.longest_overlap, now - sorted(self._since.values())[1])

    def master_since(self, node):
        """When a node was promoted, or answered again after it had been frozen."""
        return self._since.get(node)


@dataclasses.dataclass
class Window:
    """When acknowledged writes may have been lost: from the fault until the old master knows that it is none."""

    start: float
    end: float

    def __contains__(self, write):
        return self.start <= write.when <= self.end


def loss_window(fault, began, promoted):
    """The fault's window; None when it may lose nothing."""
    return Window(began - REPLICATION_WINDOW, max(began, promoted) + FENCE_WINDOW) if fault.may_lose else None


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
