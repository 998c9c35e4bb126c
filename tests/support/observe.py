"""Witnesses of a failover: every Sentinel's +switch-master and every change of the record, on one clock."""

import threading
import time

import redis

from cluster import GROUP, wait_for


class FailoverObserver:
    """Subscribes to all Sentinels and watches the record, until the `with` block is left."""

    def __init__(self, cluster, sentinels):
        self._cluster = cluster
        self._sentinels = sentinels
        self._lock = threading.Lock()
        self._switches = []  # (when, the old master's record, the new one's)
        self._records = []  # (when, text)
        self._listeners = []
        self._leaving = False

    def __enter__(self):
        for sentinel in self._sentinels:
            self._listeners.append(self._listen(sentinel))
        self._read_record(None)
        return self

    def __exit__(self, *_):
        self._leaving = True
        for listener in self._listeners:
            listener.stop()
        for listener in self._listeners:
            listener.join()

    def _listen(self, sentinel):
        def heard(message):
            now = time.monotonic()
            group, old_host, old_port, host, port = message["data"].split()
            if group == GROUP:
                with self._lock:
                    self._switches.append((now, f"{old_host} {old_port}", f"{host} {port}"))

        def lost(error, pubsub, thread):
            if not isinstance(error, redis.RedisError):
                raise error
            thread.stop()

        pubsub = sentinel.client(socket_timeout=None).pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(**{"+switch-master": heard})
        return pubsub.run_in_thread(sleep_time=0.5, daemon=True, exception_handler=lost)

    def _read_record(self, _event):
        if self._leaving:
            return
        text = self._cluster.kazoo.get("/redis/master", watch=self._read_record)[0].decode()
        with self._lock:
            self._records.append((time.monotonic(), text))

    def records(self):
        """What the record has said, in order."""
        with self._lock:
            return [text for _, text in self._records]

    def record_lag(self, since, dead):
        """Seconds from the first +switch-master away from `dead`, on any Sentinel, until the record says the same.

        Only what happened after `since` counts. Negative when the watcher knew before Sentinel announced it.
        """

        def first(events, matches):
            with self._lock:
                return next((event for event in events if event[0] >= since and matches(event)), None)

        switched, _, master = wait_for(lambda: first(self._switches, lambda event: event[1] == dead.record),
                                       what="+switch-master")
        recorded, _ = wait_for(lambda: first(self._records, lambda event: event[1] == master),
                               what=f"\"{master}\" in the record")
        return recorded - switched
