"""Which faults there are. They are drawn as values, without a look at the run: the same seed draws the same faults in the
same order.
"""

import itertools
import random

from faults import REDIS, SENTINELS, WATCHERS, Both, Cut, Freeze, Kill, Replace, Stop, possessive
from fleet import Restart


def restart(rng):
    return Restart(rng.uniform(0.1, 3), rng.random() < 0.5)


def kill(rng, role, *parts):
    part = rng.choice(parts)
    return Kill(f"kill -9 {possessive(role, part)}", (role,), part, (restart(rng),))


def kill_all(rng, whom, roles):
    return Kill(f"kill -9 {whom}", roles, "both", tuple(restart(rng) for _ in roles))


def kill_zookeeper(rng):
    """For longer than a session lives, too. It does not move: that is told to nobody."""
    return Kill("kill -9 zookeeper", ("zookeeper",), "wrapper", (Restart(rng.uniform(1, 15), False),))


def kill_everything(rng):
    return kill_all(rng, "everything but zookeeper", (*REDIS, *SENTINELS, *WATCHERS))


def freeze(rng, role, *parts):
    part = rng.choice(parts)
    return Freeze(f"freeze {possessive(role, part)}", (role,), part, rng.uniform(1, 8))


def cut_off(rng, *roles, but=(), both_ways=True):
    """From everybody; `but` can still reach them."""
    kind = (f"cut off {' and '.join(possessive(role, 'both') for role in roles)}" + (" but for clients" if but else "")
            + ("" if both_ways else ", one way"))
    return Cut(kind, roles, but, True, rng.uniform(1, 12), both_ways)


def cut(rng, role, other, both_ways=True):
    kind = f"cut {possessive(role, 'both')} from {possessive(other, 'both')}" + ("" if both_ways else ", one way")
    return Cut(kind, (role,), (other,), False, rng.uniform(1, 12), both_ways)


def cut_one_way(rng):
    """What a node says is not heard, by anybody or by one; or it does not hear one."""
    one, other = rng.sample(("master", rng.choice(("zookeeper", *REDIS[1:], *SENTINELS, *WATCHERS))), 2)
    return rng.choice((lambda: cut_off(rng, "master", both_ways=False), lambda: cut(rng, one, other, False)))()


def stop(rng, *roles):
    role = rng.choice(roles)
    return Stop(f"stop {possessive(role, 'both')}", (role,), restart(rng))


def replace(rng, *roles):
    role = rng.choice(roles)
    return Replace(f"replace {possessive(role, 'both')}", (role,), rng.random() < 0.5, rng.random() < 0.5)


# The faults: each is drawn with its details.
SINGLE = (
    lambda rng: kill(rng, "master", "both"),
    lambda rng: kill(rng, "master", "server", "wrapper"),
    lambda rng: kill(rng, rng.choice(REDIS[1:]), "both", "server"),
    lambda rng: kill(rng, rng.choice(SENTINELS), "both", "server"),
    kill_zookeeper,
    lambda rng: freeze(rng, "master", "server", "both", "wrapper"),
    lambda rng: freeze(rng, rng.choice(REDIS[1:]), "wrapper", "server"),
    lambda rng: freeze(rng, rng.choice(SENTINELS), "wrapper", "server"),
    lambda rng: rng.choice((kill, freeze))(rng, rng.choice(WATCHERS), "wrapper"),
    lambda rng: freeze(rng, "zookeeper", "wrapper"),
    lambda rng: cut_off(rng, "master", but=rng.choice(((), ("clients",)))),
    lambda rng: cut_off(rng, "master", *rng.choice(((), (rng.choice(REDIS[1:]),))), rng.choice(SENTINELS),
                        but=("clients",)),
    lambda rng: cut_off(rng, rng.choice((*REDIS[1:], *SENTINELS))),
    lambda rng: cut_off(rng, rng.choice(("zookeeper", *WATCHERS))),
    lambda rng: cut(rng, "master", rng.choice(("zookeeper", *REDIS[1:], *SENTINELS, *WATCHERS))),
    cut_one_way,
    lambda rng: stop(rng, "master"),
    lambda rng: stop(rng, *REDIS[1:], *SENTINELS),
    lambda rng: replace(rng, *REDIS[1:]),
    lambda rng: replace(rng, *SENTINELS),
)

MASS = (
    kill_everything,
    lambda rng: kill_all(rng, "all redis", REDIS),
    lambda rng: kill_all(rng, "all sentinels", SENTINELS),
)


def both(kind, first, second, delay):
    return Both(kind, first.roles + second.roles, first.beside_others(), second.beside_others(), delay)


def two(rng):
    first, second = (deal(rng) for deal in rng.sample(SINGLE, 2))
    return both("two faults at once", first, second, rng.uniform(0, 1))


def kill_everything_around_zookeeper(rng):
    """ZooKeeper fails, too: before the rest dies, while it starts, or when a master is about to be recorded."""
    everything = kill_everything(rng)
    zookeeper = rng.choice((kill_zookeeper(rng), freeze(rng, "zookeeper", "wrapper"), cut_off(rng, "zookeeper")))
    first, second = rng.sample((everything, zookeeper), 2)
    return both("kill -9 everything, and zookeeper fails", first, second, rng.uniform(0, 6))


# What happens once before anything happens again: the deck that is shuffled.
DECK = (*SINGLE, *MASS, two, two, two, two, kill_everything_around_zookeeper)

# The seconds between two faults of a pair.
APART = (0.0, 0.5, 2.0, 8.0)


def pairs(seed, part, parts):
    """[(number, fault)]: each fault of the catalogue followed by each other one, or every `parts`th of these pairs.

    The order is always the same; the seed draws the details.
    """
    drawn = list(itertools.product(itertools.permutations((*SINGLE, *MASS), 2), APART))
    random.Random(0).shuffle(drawn)
    return [(number, _pair(random.Random(f"{seed} {number}"), *which))
            for number, which in enumerate(drawn, 1) if number % parts == part % parts]


def _pair(rng, faults, delay):
    first, second = (deal(rng) for deal in faults)
    return both(f"{first.kind}, then another", first, second, delay)


def draw(seed):
    """Faults without end."""
    rng = random.Random(seed)
    while True:
        for fault in rng.sample(DECK, len(DECK)):
            yield fault(rng)
