"""Machines of their own on one machine: network namespaces around a switch, between which links can be cut.

    with Network() as network:
        one, other = network.host(), network.host()
        subprocess.Popen([*one.prefix, "redis-server", "--bind", one.address])
        with network.cut([one], [other]):
            ...

A cut link loses what is sent over it and tells nobody, as a pulled cable does. It takes root, and iproute2.
"""

import collections
import contextlib
import dataclasses
import itertools
import os
import random
import socket
import subprocess
import threading

# Nobody has this Ethernet address: what is sent there arrives nowhere.
NOWHERE = "02:00:00:00:00:01"


def _reserve():
    """A number that no other run on this machine has now, and the socket that holds it."""
    for number in random.sample(range(250), 250):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0redis-zk-net-{number}")
            return number, reservation
        except OSError:
            reservation.close()
    raise RuntimeError("250 networks of this kind are in use on this machine")


@dataclasses.dataclass(frozen=True)
class Host:
    # Of its network namespace; empty: the one we are in.
    namespace: str
    address: str
    interface: str

    @property
    def prefix(self):
        """The words before a command that is to run there."""
        return ["ip", "netns", "exec", self.namespace] if self.namespace else []


class Network:
    """Up to 250 hosts. The first is `outside`, the namespace we are in, where clients and tests are."""

    def __init__(self):
        number, self._reservation = _reserve()
        self._name = f"redis-zk-{os.getpid()}-{number}"
        self._net = f"10.201.{number}"
        self._switch = f"{self._name}-switch"
        self._hosts = []
        self._lock = threading.Lock()
        self._cut = collections.Counter()  # (from, to): how many cuts of it are under way
        self.outside = Host("", f"{self._net}.1", f"rzk{number}")

    def __enter__(self):
        try:
            # In a namespace of its own no firewall rule of this machine comes between.
            self._add_namespace(self._switch)
            _ip(self._switch, "link add switch type bridge", "link set switch up")
            self._plug_in(self.outside)
        except subprocess.CalledProcessError:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for namespace in [*(host.namespace for host in self._hosts if host.namespace), self._switch]:
            subprocess.run(["ip", "netns", "del", namespace], check=False, stderr=subprocess.DEVNULL)
        self._hosts.clear()
        self._reservation.close()

    def host(self):
        number = len(self._hosts) + 1
        host = Host(f"{self._name}-{number}", f"{self._net}.{number}", "eth0")
        self._add_namespace(host.namespace)
        self._plug_in(host)
        return host

    @staticmethod
    def _add_namespace(name):
        subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True, text=True)

    def _plug_in(self, host):
        port = f"port{len(self._hosts) + 1}"
        _ip(host.namespace, f"link add {host.interface} type veth peer name {port} netns {self._switch}",
            f"addr add {host.address}/24 dev {host.interface}", f"link set {host.interface} up",
            *(["link set lo up"] if host.namespace else []))
        _ip(self._switch, f"link set {port} master switch up")
        self._hosts.append(host)

    # --- links

    @contextlib.contextmanager
    def cut(self, these, those, both_ways=True):
        """Until the `with` block is left nothing passes from `these` to `those`, nor, where cut both ways, back."""
        pairs = {pair for one, other in itertools.product(these, those) if one is not other
                 for pair in ((one, other), (other, one))[:1 + both_ways]}
        with self._lock:
            self._change(pairs - self._cut.keys(), lambda other: f"replace {other.address} lladdr {NOWHERE} nud permanent")
            self._cut.update(pairs)
        try:
            yield
        finally:
            with self._lock:
                self._cut.subtract(pairs)
                # Another cut of the same link may last longer.
                self._cut = +self._cut
                self._change(pairs - self._cut.keys(), lambda other: f"del {other.address}")

    def others(self, hosts):
        return [host for host in self._hosts if host not in hosts]

    @staticmethod
    def _change(pairs, words):
        for host in {one for one, _ in pairs}:
            _ip(host.namespace, *(f"neigh {words(other)} dev {host.interface}" for one, other in pairs if one is host))


def _ip(namespace, *lines):
    where = ["-n", namespace] if namespace else []
    subprocess.run(["ip", *where, "-batch", "-"], input="".join(line + "\n" for line in lines), check=True,
                   capture_output=True, text=True)
