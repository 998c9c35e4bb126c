"""Which faults there are. They are drawn as values, without a look at the run: the same seed draws the same faults in the
same order.
"""

import itertools
import random

from faults import Both, Cut, Freeze, Kill, Replace, Stop, possessive
from fleet import REDIS, SENTINELS, WATCHERS, ZOOKEEPERS, Restart


# What a master may be cut from.
OTHERS = (ZOOKEEPERS[0], *REDIS[1:], *SENTINELS, *WATCHERS)


def restart(rng):
    return Restart(rng.uniform(0.1, 3), rng.random() < 0.5)


def kill(rng, role, *parts):
    part = rng.choice(parts)
    return Kill(f"kill -9 {possessive(role, part)}", (role,), part, (restart(rng),))


def kill_all(rng, whom, roles):
    return Kill(f"kill -9 {whom}", roles, "both", tuple(restart(rng) for _ in roles))


def mass_death(rng):
    whom, roles = rng.choice((("everything but zookeeper", (*REDIS, *SENTINELS, *WATCHERS)), ("all redis", REDIS),
                              ("all sentinels", SENTINELS)))
    return kill_all(rng, whom, roles)


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


def cut_from_master(rng):
    return cut(rng, "master", rng.choice(OTHERS))


def cut_one_way(rng):
    """What a node says is not heard, by anybody or by one; or it does not hear one."""
    one, other = rng.sample(("master", rng.choice(OTHERS)), 2)
    return rng.choice((lambda: cut_off(rng, "master", both_ways=False), lambda: cut(rng, one, other, False)))()


def fail_zookeeper(rng):
    """Its leader, another server or all; for longer than a session lives, too. It does not move: the daemons would not hear of it."""
    whom, roles = rng.choice((("zookeeper's leader", ZOOKEEPERS[:1]), ("a zookeeper", ZOOKEEPERS[1:2]),
                              ("all zookeepers", ZOOKEEPERS)))
    return rng.choice((
        lambda: Kill(f"kill -9 {whom}", roles, "wrapper", tuple(Restart(rng.uniform(1, 15), False) for _ in roles)),
        lambda: Freeze(f"freeze {whom}", roles, "wrapper", rng.uniform(1, 8)),
        lambda: Cut(f"cut off {whom}", roles, (), True, rng.uniform(1, 12))))()


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
    lambda rng: rng.choice((kill, freeze))(rng, rng.choice(WATCHERS), "wrapper"),
    lambda rng: freeze(rng, "master", "server", "both", "wrapper"),
    lambda rng: freeze(rng, rng.choice((*REDIS[1:], *SENTINELS)), "wrapper", "server"),
    fail_zookeeper,
    lambda rng: cut_off(rng, "master", but=rng.choice(((), ("clients",)))),
    lambda rng: cut_off(rng, "master", *rng.choice(((), (rng.choice(REDIS[1:]),))), rng.choice(SENTINELS),
                        but=("clients",)),
    lambda rng: cut_off(rng, rng.choice((*REDIS[1:], *SENTINELS, *WATCHERS))),
    lambda rng: rng.choice((cut_from_master, cut_one_way))(rng),
    lambda rng: stop(rng, "master"),
    lambda rng: stop(rng, *REDIS[1:], *SENTINELS),
    lambda rng: rng.choice((replace(rng, *REDIS[1:]), replace(rng, *SENTINELS))),
)

FAULTS = (*SINGLE, mass_death)


def both(kind, first, second, delay):
    return Both(kind, first.roles + second.roles, first.beside_others(), second.beside_others(), delay)


def two(rng):
    first, second = (deal(rng) for deal in rng.sample(SINGLE, 2))
    return both("two faults at once", first, second, rng.uniform(0, 1))


def kill_everything_around_zookeeper(rng):
    """ZooKeeper fails, too: before the rest dies, while it starts, or when a master is about to be recorded."""
    everything = kill_all(rng, "everything but zookeeper", (*REDIS, *SENTINELS, *WATCHERS))
    first, second = rng.sample((everything, fail_zookeeper(rng)), 2)
    return both("kill -9 everything, and zookeeper fails", first, second, rng.uniform(0, 6))


# What happens once before anything happens again: the deck that is shuffled.
DECK = (*FAULTS, mass_death, two, two, two, two, kill_everything_around_zookeeper)

# The seconds between two faults of a pair.
APART = (0.0, 0.5, 2.0, 8.0)


def pairs(seed, part, parts):
    """[(number, fault)]: each fault of the catalogue followed by each other one, or every `parts`th of these pairs.

    The order is always the same; the seed draws the details.
    """
    drawn = list(itertools.product(itertools.permutations(FAULTS, 2), APART))
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
