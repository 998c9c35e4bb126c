"""Faults that overlap: they arrive at random moments, in any group, whatever has become of those before.

In each group one linked copy of the data always lives and is not hit, for that is what the promise asks for.
"""

import concurrent.futures
import dataclasses
import random
import threading
import time

from catalogue import FAULTS
from cluster import PATIENCE
from faults import Cut, Fault, Kill, Replace

# How many faults may be under way at the same time.
AT_ONCE = 24
# How many bytes of the stream of writes a copy may lack: less than half a second of what is written to a group.
LAG = 2000


@dataclasses.dataclass(frozen=True)
class Storm(Fault):
    seed: int
    seconds: float
    mean: float  # between two faults
    cutting: bool
    patience = 2 * PATIENCE

    @property
    def details(self):
        return f"seed {self.seed}, {self.seconds:g} s, a fault every {self.mean:g} s"

    def schedule(self, groups):
        """[(when, [group, ...], fault)]: the same for the same seed. Now and then it hits all groups at once."""
        rng = random.Random(self.seed)
        when, drawn = 0.0, []
        while (when := when + rng.expovariate(1 / self.mean)) < self.seconds:
            hit = list(range(groups)) if rng.random() < 0.1 else [rng.randrange(groups)]
            fault = rng.choice(FAULTS)(rng).beside_others()
            if self.cutting or not fault.cuts:
                drawn.append((when, hit, fault))
        return drawn

    def apply(self, fleet):
        groups = [Shelter(each) for each in fleet.siblings]
        busy = set()  # processes to which something happens
        began, playing = time.monotonic(), []
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for when, hit, fault in self.schedule(len(groups)):
                threading.Event().wait(max(0.0, began + when - time.monotonic()))
                for group in (groups[number] for number in hit):
                    playing += _admit(fault, group, busy, pool)
        for played in playing:
            played.result()
        fleet.note(f"the storm is over, {len(playing)} faults")


def _admit(fault, group, busy, pool):
    """Lets a fault happen, where it may: what to wait for."""
    fleet = group.cast()
    spared = group.spared(fleet, fault.touches)
    # A link may be cut of whatever else something happens to.
    if not isinstance(fault, Cut):
        spared |= {role for role in fault.roles if fleet.who(role) in busy}
    if spared and isinstance(fault, Kill):
        fault = fault.sparing(spared)
    elif spared:
        return []
    if not fault:
        return []
    victims = set() if isinstance(fault, Cut) else {fleet.who(role) for role in fault.roles}
    touched = group.touch(fleet, fault.touches)
    busy |= victims
    fleet.note(f"{fleet.name}: {fault.describe(fleet)}")

    def play():
        try:
            fault.inflict(fleet)
        except (TimeoutError, AssertionError) as failure:
            # A newcomer may find no master to follow for as long as the storm lasts.
            if isinstance(fault, Replace):
                fleet.note(str(failure))
            else:
                fleet.blame(f"what was hit runs again: {fault.describe(fleet)}", str(failure))
        finally:
            busy.difference_update(victims)
            group.release(touched)

    return [pool.submit(play)]


class Shelter:
    """Knows which nodes of a group have its data, and spares the last."""

    def __init__(self, fleet):
        self._fleet = fleet
        self._touched = []  # nodes to which something happens; as often as it does
        self._complete = set(fleet.nodes)
        self._master = None

    def cast(self):
        """The roles of the moment; looks who has the data."""
        well = [node for node in self._fleet.nodes if node not in self._touched]
        masters = [node for node in well if node.running and node.role == "master"]
        recorded = [node for node in masters if node.record == self._fleet.records.record]
        if recorded and len(masters) == 1:
            (self._master,) = recorded
            written = self._master.info().get("master_repl_offset", 0)
            self._complete = {node for node in well if node is self._master or self._has(node, written)}
        if self._master not in self._fleet.nodes:
            self._master = self._fleet.nodes[0]
        return self._fleet.cast(self._master)

    def _has(self, node, written):
        """Whether it follows the master closely: after a cut nothing comes for seconds on a link that counts as up."""
        info = node.info()
        return node.is_linked(info, self._master) and info.get("slave_repl_offset", 0) >= written - LAG

    def spared(self, fleet, roles):
        """Of these roles the one that must not be hit, for no other node would have the data."""
        victims = {fleet.who(role): role for role in roles if role != "clients" and fleet.who(role) in self._complete}
        if not victims or self._complete - victims.keys():
            return set()
        # Rather the successor than the master.
        return {sorted(victims.values())[-1]}

    def touch(self, fleet, roles):
        """From now on these do not count, until release() and a look at them."""
        nodes = [fleet.who(role) for role in roles if role != "clients" and fleet.who(role) in self._fleet.nodes]
        self._touched += nodes
        self._complete -= set(nodes)
        return nodes

    def release(self, nodes):
        for node in nodes:
            self._touched.remove(node)
