"""A group as its clients see it: what the watcher answers, and what Sentinels and Redis say at their addresses."""

import ssl
import urllib.request

import redis

from cluster import GROUP, wait_for
from writer import Writer


def ask(address, *command, password=None, tls=None):
    """A command's answer; {} when there is none."""
    try:
        with redis.Redis(*address, socket_timeout=1, decode_responses=True, password=password, **(tls or {})) as client:
            return client.execute_command(*command)
    except (redis.RedisError, OSError):
        return {}


class Outside:
    """`watcher` is "host:port", or says so when called: it may move."""

    def __init__(self, watcher, group=GROUP):
        self.watcher = watcher
        self._group = group
        self.password = None
        self.sentinel_password = None
        self._authority = None

    def use_tls(self, authority):
        """From now on with TLS; `authority`: a file with the certificate of the one that is trusted."""
        self._authority = str(authority)

    @property
    def _tls(self):
        """What redis-py needs beside."""
        return {"ssl": True, "ssl_ca_certs": self._authority} if self._authority else {}

    def get(self, path):
        """The watcher's answer; "" when there is none."""
        watcher = self.watcher() if callable(self.watcher) else self.watcher
        try:
            scheme, context = "http", None
            if self._authority:
                scheme, context = "https", ssl.create_default_context(cafile=self._authority)
            with urllib.request.urlopen(f"{scheme}://{watcher}{path}", timeout=2, context=context) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def sentinels(self):
        """[(host, port), ...], for redis-py."""
        pairs = [address.rpartition(":") for address in self.get("/sentinels").split(",") if address]
        return [(host.strip("[]"), int(port)) for host, _, port in pairs]

    def master(self):
        """(host, port) as recorded; None while there is none."""
        host, _, port = self.get("/master").rpartition(" ")
        return (host, int(port)) if host else None

    def client(self, **options):
        """redis-py's client of the recorded master."""
        return redis.Redis(*self.master(), **{"socket_timeout": 2, "decode_responses": True,
                                              "password": self.password, **self._tls, **options})

    def writer(self):
        return Writer(self.sentinels, group=self._group, password=self.password,
                      sentinel_password=self.sentinel_password, tls=self._tls)

    def ask(self, address, *command):
        """A command's answer of a Redis; {} when there is none."""
        return ask(address, *command, password=self.password, tls=self._tls)

    def ask_sentinel(self, address, *command):
        return ask(address, *command, password=self.sentinel_password, tls=self._tls)

    def disagreement(self, replicas, sentinels):
        """Why not everybody agrees; "" when all do."""
        master = self.master()
        if not master:
            return "no master is recorded"
        info = self.ask(master, "INFO", "replication")
        if info.get("role") != "master":
            return f"{master} is recorded and is {info.get('role', 'silent')}"
        online = [value for key, value in info.items() if key.startswith("slave") and value.get("state") == "online"]
        if len(online) != replicas:
            return f"{len(online)} replicas are online"
        listed = self.sentinels()
        if len(listed) != sentinels:
            return f"{len(listed)} Sentinels are listed"
        for sentinel in listed:
            view = self.ask_sentinel(sentinel, "SENTINEL MASTER", self._group)
            if (view.get("ip"), view.get("port"), view.get("flags")) != (*master, "master"):
                return f"Sentinel {sentinel} says {[view.get(field) for field in ('ip', 'port', 'flags')]}"
            if view["num-other-sentinels"] < sentinels - 1:
                return f"Sentinel {sentinel} does not know every Sentinel"
            good = [replica for replica in self.ask_sentinel(sentinel, "SENTINEL SLAVES", self._group) or []
                    if replica["flags"] == replica["role-reported"] == "slave"]
            if len(good) < replicas:
                return f"Sentinel {sentinel} knows {len(good)} good replicas"
        return ""

    def await_agreement(self, replicas=2, sentinels=3, within=90):
        """Waits for one master with so many replicas, on whom all agree; (host, port)."""
        why = [""]

        def agree():
            why[0] = self.disagreement(replicas, sentinels)
            return not why[0]

        try:
            wait_for(agree, within, "agreement", every=0.2)
        except TimeoutError as error:
            raise TimeoutError(f"{error}: {why[0]}") from None
        return self.master()
