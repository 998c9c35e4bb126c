"""An application that writes all the time and remembers what was acknowledged, when and by whom.

    writer = Writer(watcher.sentinels)
    writer.start()
    ...
    writer.stop()
    assert not writer.missing(master.client())
"""

import contextlib
import time
import typing

import redis
import redis.sentinel

from background import Background
from cluster import GROUP, wait_for

# As many keys are asked for at once when their presence is checked.
CHUNK = 1000

# The key that says whose data these are.
WHOSE = "whose"
WRITE_WHERE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('OTHERS these are the data of others') end
return redis.call('SET', KEYS[2], ARGV[2])
"""


class Acknowledged(typing.NamedTuple):
    when: float  # monotonic clock
    number: int
    server: tuple  # (host, port)


class Writer(Background):
    """Counts in Redis: <name>:1 = 1, <name>:2 = 2 and so on, without a gap.

    It asks `sentinels()` for [(host, port), ...] and those for the master, by way of redis-py; after an error it asks
    both again and repeats the write. `tls`: what redis-py needs beside, as of authority.client_options. With `whose` it
    writes only where the key of that name says so: an address may be another server's by now, which asks for no password
    either.
    """

    def __init__(self, sentinels, name="visit", every=0.01, group=GROUP, password=None, sentinel_password=None,
                 whose=None, tls=None):
        super().__init__()
        self.writes = name
        self.every = every
        self.group = group
        self._tls = tls or {}
        self.acknowledged = []
        self._sentinels = sentinels
        self._client = None
        self._password = password
        self._sentinel_password = sentinel_password
        self._whose = whose

    def _connect(self):
        sentinel = redis.sentinel.Sentinel(self._sentinels(), socket_timeout=0.5,
                                           sentinel_kwargs={"socket_timeout": 0.5,
                                                            "password": self._sentinel_password, **self._tls})
        return sentinel.master_for(self.group, socket_timeout=0.5, password=self._password, **self._tls)

    def _write(self, number):
        if self._whose is None:
            self._client.set(self.key(number), number)
        else:
            self._client.eval(WRITE_WHERE, 2, WHOSE, self.key(number), self._whose, number)

    def key(self, number):
        return f"{self.writes}:{number}"

    def step(self):
        number = len(self.acknowledged) + 1
        try:
            self._client = self._client or self._connect()
            self._write(number)
        except redis.RedisError:
            if self._client:
                self._client.connection_pool.disconnect()
            self._client = None
            return
        self.acknowledged.append(Acknowledged(time.monotonic(), number, self._client.connection_pool.master_address))

    def await_more(self, count=50):
        """Waits until so many more writes are acknowledged."""
        enough = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= enough, what=f"{count} more writes")

    def first_after(self, moment):
        """When a write was acknowledged after `moment` for the first time; None if none was."""
        # From the end: what is asked for is recent.
        first = None
        for write in reversed(self.acknowledged):
            if write.when <= moment:
                break
            first = write.when
        return first

    def first_at_another(self, server):
        """When a write was first acknowledged by another server than this one; None if none was."""
        return next((write.when for write in self.acknowledged if write.server != server), None)

    def longest_pause(self, since=0.0):
        """(from, to) of the longest time without an acknowledged write."""
        times = [write.when for write in self.acknowledged if write.when >= since]
        return max(zip(times, times[1:]), key=lambda pair: pair[1] - pair[0])

    def missing(self, client):
        """The acknowledged writes, as they are now, that a server does not have."""
        lost = []
        writes = list(self.acknowledged)
        for start in range(0, len(writes), CHUNK):
            chunk = writes[start:start + CHUNK]
            values = client.mget([self.key(write.number) for write in chunk])
            lost += [write for write, value in zip(chunk, values) if value is None or int(value) != write.number]
        return lost


class DirectWriter(Background):
    """An application that knows no Sentinel, and stays with the one Redis that it knows."""

    every = 0.005

    def __init__(self, node):
        super().__init__()
        self._client = node.client(socket_timeout=1)
        self.acknowledged = []  # when, on the monotonic clock, of write 0, 1, 2 and so on

    def step(self):
        number = len(self.acknowledged)
        with contextlib.suppress(redis.RedisError):
            self._client.set(f"direct:{number}", number)
            self.acknowledged.append(time.monotonic())

    def missing(self, node):
        """The numbers of the acknowledged writes that another Redis does not have."""
        numbers = range(len(self.acknowledged))
        with node.client() as client:
            values = client.mget([f"direct:{number}" for number in numbers])
        return [number for number, value in zip(numbers, values) if value is None]
