"""TRUSTED_NETWORKS: passwords go to no address outside, whoever registers it."""

import json
import socket
import threading

import pytest

from cluster import GROUP, LOOPBACK, free_port, wait_for, write_until_ok

OUTSIDE = "127.0.0.9"
SECRETS = {"REDIS_PASSWORD": "redis-secret-4711", "SENTINEL_PASSWORD": "sentinel-secret-4711"}
TRUSTED = f"{LOOPBACK}/32"


class Catcher:
    """A server of a stranger, outside: takes every password, is anything that one may want, and keeps what it hears."""

    def __init__(self):
        self.port = free_port()
        self.heard = b""
        self._listener = socket.create_server((OUTSIDE, self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection):
        with connection:
            while True:
                try:
                    words = connection.recv(65536)
                    if not words:
                        return
                    self.heard += words
                    # One answer to each command: an error is one to a login, too.
                    connection.sendall(b"+OK\r\n" * max(words.count(b"*"), 1))
                except OSError:
                    return

    def close(self):
        # An accept that waits is not ended by a close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def record(self):
        return f"{OUTSIDE} {self.port}"

    @property
    def secrets(self):
        return [secret for secret in SECRETS.values() if secret.encode() in self.heard]


@pytest.fixture
def catcher():
    catcher = Catcher()
    yield catcher
    catcher.close()


def register(cluster, catcher):
    """As a server of ours, of each kind, and as the master of another group."""
    cluster.kazoo.create("/redis/sentinels/of-a-stranger", catcher.record.encode(), ephemeral=True)
    member = {"endpoint": catcher.record, "node": "of-a-stranger", "serving": True}
    cluster.kazoo.create(f"/redis/members/{GROUP}/of-a-stranger", json.dumps(member).encode(), ephemeral=True)
    cluster.kazoo.create("/redis/masters/other", catcher.record.encode())


def test_without_them_a_stranger_hears_the_passwords(make_cluster, catcher):
    cluster = make_cluster(**SECRETS)
    cluster.bring_up(redis=2, sentinels=1)
    register(cluster, catcher)
    wait_for(lambda: len(catcher.secrets) == len(SECRETS), what="the passwords")


def test_no_password_goes_outside(make_cluster, catcher):
    cluster = make_cluster(TRUSTED_NETWORKS=TRUSTED, **SECRETS)
    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher, *SECRETS.values())
    write_until_ok(client, "key", "first")
    register(cluster, catcher)
    address = f"{OUTSIDE}:{catcher.port}"
    for process in [*sentinels, watcher]:
        said = process.wait_log("event=password-withheld")
        assert f"peer={address}" in said and "add its network" in said
    for sentinel in sentinels:
        assert "not monitoring other" in sentinel.wait_log("event=monitor-failed")
        assert not sentinel.view("other")

    # Those that start with it as their group's master wait for a person.
    for starting in (cluster.redis(MASTER_NAME="other"), cluster.sentinel(MASTER_NAME="other")):
        said = starting.wait_log("wait=trusted-networks")
        assert " error " in said and address in said
        assert starting.child is None

    # The group is none the worse.
    master = cluster.master(nodes)
    master.kill_all()
    write_until_ok(client, "key", "failed over")
    wait_for(lambda: cluster.record() not in (master.record, ""), what="the record of the failover")
    successor = cluster.master([node for node in nodes if node is not master])
    rest = [node for node in nodes if node not in (master, successor)]
    wait_for(lambda: rest[0].follows(successor), what="the link of the other replica")
    wait_for(lambda: catcher.heard, what="a question to the stranger")
    assert b"PING" in catcher.heard
    assert catcher.secrets == [] and b"AUTH" not in catcher.heard
    for process in [*nodes, *sentinels, watcher]:
        assert len(process.log_lines("event=password-withheld")) <= 1, "it is said once"

    # A server that is made its replica neither logs in there nor stays there. It has the password while it is linked to
    # its own master, and no longer.
    wait_for(lambda: rest[0].ask("CONFIG GET", "masterauth").get("masterauth") not in (None, SECRETS["REDIS_PASSWORD"]),
             what="the end of the password there")
    rest[0].ask("REPLICAOF", OUTSIDE, catcher.port)
    # Its wrapper, or a Sentinel that is quicker, leads it back.
    wait_for(lambda: rest[0].follows(successor), what="the link to the group's master")
    assert catcher.secrets == []
