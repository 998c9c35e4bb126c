"""Passwords change while applications write: a file has the new one above the old one for as long as that takes."""

import contextlib
import pathlib
import re
import stat

import pytest
import redis

from background import Background
from cluster import GROUP, Watcher, processes_in, wait_for
from writer import Writer

NAMES = ("REDIS_PASSWORD", "SENTINEL_PASSWORD")
OLD, NEW = ({name: f"{name.lower()} {age} #4711" for name in NAMES} for age in ("old", "new"))
REFUSED = ("WRONGPASS", "NOAUTH", "invalid username-password pair", "Authentication required")


def is_refusal(error):
    return isinstance(error, redis.AuthenticationError) or any(text in str(error) for text in REFUSED)


class Files:
    """The password files of one host."""

    def __init__(self, directory, lines):
        directory.mkdir()
        self.paths = {name: directory / f"{name}.secret" for name in NAMES}
        self.write(*lines)

    def write(self, *ages):
        """One after the other, as a person or a tool does it: anew, under the same name."""
        for name, path in self.paths.items():
            draft = path.with_suffix(".draft")
            draft.write_text("".join(age[name] + "\n" for age in ages))
            draft.chmod(stat.S_IRUSR | stat.S_IWUSR)
            draft.rename(path)

    @property
    def env(self):
        return {f"{name}_FILE": path for name, path in self.paths.items()}


class Visitor(Background):
    """An application that logs in to every server anew all the time; a server that is away is no error."""

    def __init__(self, servers, passwords):
        super().__init__()
        self._servers = servers
        self._passwords = passwords
        self.refused = []
        self.rounds = 0

    def step(self):
        for server in self._servers:
            try:
                with server.client(password=self._passwords[server.password_option], socket_timeout=1) as client:
                    client.ping()
            except redis.RedisError as error:
                if is_refusal(error):
                    self.refused.append((server.name, str(error)))
        self.rounds += 1

    def await_round(self):
        seen = self.rounds
        wait_for(lambda: self.rounds >= seen + 2, what="a visit of all servers")


class FreshWriter(Writer):
    """One that connects anew for each write, and remembers what went wrong."""

    def __init__(self, watcher, passwords, name):
        super().__init__(watcher.sentinels, name=name, every=0.02, password=passwords["REDIS_PASSWORD"],
                         sentinel_password=passwords["SENTINEL_PASSWORD"])
        self.errors = []

    def _write(self, number):
        try:
            super()._write(number)
        except redis.RedisError as error:
            self.errors.append(str(error))
            raise
        self._client.connection_pool.disconnect()

    def refusals(self):
        return [error for error in self.errors if any(text in error for text in REFUSED)]


@pytest.fixture
def fleet(cluster):
    """([redis, ...], [sentinel, ...], watcher, {process name: its Files}), with the old passwords."""
    files = {}

    def on_a_host(make):
        own = Files(cluster.directory / f"host-{len(files)}", [OLD])
        process = make(**own.env)
        files[process.name] = own
        return process

    nodes = [on_a_host(cluster.redis) for _ in range(3)]
    for node in nodes:
        node.await_serving()
    wait_for(lambda: cluster.master(nodes).info()["connected_slaves"] == 2, what="replication")
    sentinels = [on_a_host(cluster.sentinel) for _ in range(3)]
    watcher = on_a_host(cluster.watcher)
    cluster.await_agreement(nodes, sentinels, [watcher])
    return nodes, sentinels, watcher, files


def accepts(server, passwords):
    with contextlib.suppress(redis.RedisError), \
            server.client(password=passwords[server.password_option]) as client:
        return client.ping()
    return False


def roll(processes, files, *ages):
    """Writes the files of one host after the other; each rolls over by itself."""
    for process in processes:
        seen = len(process.log_lines("event=passwords-reloaded"))
        files[process.name].write(*ages)

        def rolled(process=process, seen=seen):
            reloaded = len(process.log_lines("event=passwords-reloaded")) >= seen + len(NAMES)
            return reloaded and (isinstance(process, Watcher) or all(accepts(process, age) for age in ages))

        wait_for(rolled, what=f"new passwords of {process.name}")


def restart_a_replica(cluster, nodes, sentinels, watcher):
    replica = next(node for node in nodes if node.role == "slave")
    assert replica.stop() == 0
    replica.start()
    replica.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])


def restart_a_sentinel(cluster, nodes, sentinels, watcher):
    assert sentinels[0].stop() == 0
    sentinels[0].start()
    sentinels[0].await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])


def given_by_sentinels(sentinels, age):
    """Whether all Sentinels give these passwords, as their files say."""
    wanted = (rf'auth-pass "?{GROUP}"? "?{re.escape(age["REDIS_PASSWORD"])}"?$',
              rf'sentinel-pass "?{re.escape(age["SENTINEL_PASSWORD"])}"?$')
    for sentinel in sentinels:
        (conf,) = sentinel.directory.glob("sentinel-wrapper-*.conf")
        if not all(re.search(line, conf.read_text(), re.M) for line in wanted):
            return False
    return True


def test_passwords_rotate_without_an_error(cluster, fleet):
    """In the order of docs/operate/security.md."""
    nodes, sentinels, watcher, files = fleet
    servers = nodes + sentinels
    fleet_of = (cluster, nodes, sentinels, watcher)
    pids = {server.name: server.child for server in servers}
    with FreshWriter(watcher, OLD, "old") as old_writer, Visitor(servers, OLD) as old_visitor:
        old_writer.await_more()
        # 1. Both, everywhere, on one host after the other.
        roll([*nodes[:1], *sentinels[:1]], files, NEW, OLD)
        cluster.await_agreement(nodes, sentinels, [watcher])
        # What starts among servers that do not know the new one yet works.
        restart_a_replica(*fleet_of)
        restart_a_sentinel(*fleet_of)
        roll([watcher, *sentinels[1:], *nodes[1:]], files, NEW, OLD)
        cluster.await_agreement(nodes, sentinels, [watcher])
        wait_for(lambda: given_by_sentinels(sentinels, NEW), what="Sentinels that give the new passwords")
        # 2. The applications.
        with FreshWriter(watcher, NEW, "new") as writer, Visitor(servers, NEW) as visitor:
            for each in (old_writer, writer):
                each.await_more()
            assert not old_writer.errors and not writer.errors, (old_writer.errors, writer.errors)
            untouched = [server for server in servers if server.child == pids[server.name]]
            assert len(untouched) >= 4, "servers were restarted for it"
            # In the midst of it the master's machine dies, and returns.
            master = cluster.master(nodes)
            master.kill_all()
            wait_for(lambda: cluster.record() != master.record, what="a failover")
            for each in (old_writer, writer):
                each.await_more()
            master.start()
            master.await_serving()
            cluster.await_agreement(nodes, sentinels, [watcher])
            restart_a_replica(*fleet_of)
            restart_a_sentinel(*fleet_of)
            old_visitor.await_round()
            old_writer.stop()
            old_visitor.stop()
            assert not old_writer.refusals() and not old_visitor.refused, (old_writer.errors, old_visitor.refused)
            errors = len(writer.errors)
            stays = cluster.master(nodes).client(password=OLD["REDIS_PASSWORD"])
            stays.ping()
            # 3. The new one alone, on one host after the other.
            roll([*nodes[:1], *sentinels[:1]], files, NEW)
            restart_a_replica(*fleet_of)
            restart_a_sentinel(*fleet_of)
            roll([*nodes[1:], *sentinels[1:], watcher], files, NEW)
            writer.await_more()
            cluster.await_agreement(nodes, sentinels, [watcher])
            assert stays.ping(), "who was logged in stays"
            assert len(writer.errors) == errors, writer.errors[errors:]
            for server in servers:
                wait_for(lambda server=server: not accepts(server, OLD), what=f"{server.name}: the end of the old one")
                with pytest.raises(redis.RedisError, match="invalid username-password pair"), \
                        server.client(password=OLD[server.password_option]) as stranger:
                    stranger.ping()
            restart_a_replica(*fleet_of)
            restart_a_sentinel(*fleet_of)
            # No part of the fleet depends on what is gone.
            master = cluster.master(nodes)
            master.kill_all()
            wait_for(lambda: cluster.record() != master.record, what="a failover")
            master.start()
            master.await_serving()
            cluster.await_agreement(nodes, sentinels, [watcher])
            visitor.await_round()
        assert not writer.refusals() and not visitor.refused, (writer.errors, visitor.refused)
    client = cluster.master(nodes).client()
    assert not old_writer.missing(client) and not writer.missing(client)
    assert not [server.name for server in servers if accepts(server, OLD)]
    nowhere_told(cluster, watcher)


def nowhere_told(cluster, watcher):
    """Neither password stands in a log, in an answer, on a command line, or in a file that others can read."""
    status = watcher.get("/status")
    lines = "".join(pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
                    for pid in processes_in(cluster.directory))
    for secret in [*OLD.values(), *NEW.values()]:
        assert secret not in status and secret not in lines
        assert [path for path in cluster.directory.rglob("*")
                if path.is_file() and path.suffix not in (".secret", ".conf") and secret.encode() in path.read_bytes()] == []
    for conf in cluster.directory.rglob("*-wrapper-*.conf"):
        assert stat.S_IMODE(conf.stat().st_mode) == 0o600
