"""One process dies, is stopped or cannot start: what is left of it, and with which code it ends."""

import os
import signal
import time

import pytest

from cluster import FORGOTTEN, GROUP, alive, children, processes_in, wait_for
from variants import in_full

WRAPPERS = ["redis", "sentinel"]
DAEMONS = [*WRAPPERS, "watcher"]
REGISTRATIONS = {"redis": f"/redis/members/{GROUP}", "sentinel": "/redis/sentinels"}


def make_script(cluster, text):
    script = cluster.directory / "server"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return script


def start(cluster, kind, **env):
    """A daemon of this kind that serves, with the master that it may need."""
    if kind == "sentinel":
        cluster.redis().await_serving()
    process = getattr(cluster, kind)(**env)
    process.wait_log(" serving ")
    return process


def registered(cluster, kind, process):
    return any(process.record in cluster.record(f"{REGISTRATIONS[kind]}/{name}")
               for name in cluster.listed(REGISTRATIONS[kind]))


# --- a wrapper dies


@pytest.mark.parametrize("kind", WRAPPERS)
def test_killed_wrapper_takes_its_child_and_its_znodes_along(cluster, kind):
    process = start(cluster, kind)
    child = process.child
    wait_for(lambda: registered(cluster, kind, process), what="its registration")
    process.kill()
    wait_for(lambda: not alive(child), within=1, what="the end of its child")
    wait_for(lambda: not registered(cluster, kind, process), within=FORGOTTEN, what="the end of its registration")
    assert processes_in(process.directory) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, *in_full(signal.SIGSEGV)])
@pytest.mark.parametrize("kind", WRAPPERS)
def test_wrapper_ends_as_its_child_did(cluster, kind, number):
    process = start(cluster, kind)
    os.kill(process.child, number)
    assert process.wait() == 128 + number
    assert process.log_lines(f"exited unexpectedly, code {128 + number}")
    assert not registered(cluster, kind, process)
    assert processes_in(process.directory) == []


def started_by(process, script):
    """As if by a shell that has made these settings."""
    process.argv = ["sh", "-c", f'{script}; exec "$0"', *process.argv]
    return process.start()


def test_child_is_reaped_although_a_parent_ignored_that_children_end(cluster):
    node = started_by(cluster.redis(start=False), "trap '' CHLD")
    node.await_serving()
    node.kill_child()
    assert node.wait(within=5) == 128 + signal.SIGKILL


@pytest.mark.parametrize("kind", DAEMONS)
def test_starts_without_standard_streams(cluster, kind):
    if kind == "sentinel":
        cluster.redis().await_serving()
    process = started_by(getattr(cluster, kind)(start=False), "exec <&- >&- 2>&-")
    if kind == "watcher":
        wait_for(lambda: process.get("/healthz"), what="its answer")
    else:
        wait_for(lambda: registered(cluster, kind, process), what="its registration")
        wait_for(lambda: process.ask("PING"), what="its server's answer")
    for descriptor in range(3):
        assert os.readlink(f"/proc/{process.pid}/fd/{descriptor}") == "/dev/null"
    assert process.stop() == 0


# --- a stop


@pytest.mark.parametrize("number", [signal.SIGTERM, *in_full(signal.SIGINT)])
@pytest.mark.parametrize("kind", DAEMONS)
def test_stops_when_asked_and_leaves_nothing(cluster, kind, number):
    process = start(cluster, kind)
    process.signal(number)
    assert process.wait() == 0
    assert processes_in(process.directory) == []
    if kind in REGISTRATIONS:
        assert not registered(cluster, kind, process)
    assert cluster.listed("/redis/master") == [], "no place in the lock's queue"


def test_stops_while_it_waits_for_the_lock(cluster):
    with cluster.kazoo.Lock("/redis/master"):
        node = cluster.redis()
        node.wait_log("another node of the group holds the start lock")
        assert node.stop() == 0
        assert len(cluster.listed("/redis/master")) == 1


def test_stops_while_it_waits_for_a_master(cluster):
    sentinel = cluster.sentinel()
    sentinel.wait_log("waiting for a master")
    assert sentinel.stop() == 0


@pytest.mark.parametrize("kind", DAEMONS)
def test_stops_while_it_waits_for_zookeeper(make_cluster, kind):
    process = getattr(make_cluster(ZK_HOSTS="127.0.0.1:1"), kind)()
    process.wait_log("ZooKeeper client: ")
    assert process.stop(within=5) == 0


def test_second_request_kills_a_server_that_does_not_stop(cluster):
    node = start(cluster, "redis", STOP_TIMEOUT="1h")
    os.kill(node.child, signal.SIGSTOP)
    node.signal(signal.SIGTERM)
    node.wait_log("stopping the server")
    # As schedulers do, until the task is gone.
    node.signal(signal.SIGTERM)
    wait_for(lambda: len(node.log_lines("stop requested by signal 15")) == 2, what="the second request")
    assert node.running and alive(node.child)
    node.signal(signal.SIGINT)
    assert node.wait(within=5) == 128 + signal.SIGKILL
    assert processes_in(node.directory) == []


def test_server_that_refuses_to_stop_is_asked_again(cluster):
    """As redis-server refuses while it writes its first append-only file."""
    binary = make_script(cluster, "trap 'trap - TERM' TERM\ntail -f /dev/null &\nwhile :; do wait; done")
    node = cluster.redis(REDIS_SERVER_BIN=binary)
    wait_for(lambda: node.child and len(processes_in(node.directory)) == 3, what="its server")
    assert node.stop(within=5) == 0


def test_server_that_does_not_stop_in_time_is_killed(cluster):
    node = start(cluster, "redis", STOP_TIMEOUT="200ms")
    os.kill(node.child, signal.SIGSTOP)
    assert node.stop(within=5) == 128 + signal.SIGKILL
    assert node.log_lines("did not exit within 200 ms")


# --- a start that fails


def fail(process, code, line, within=2):
    """The process ends with this code, says this in one line, and leaves nothing behind."""
    started = time.monotonic()
    process.start()
    assert process.wait() == code, process.log()
    assert time.monotonic() - started < within
    said = [each for each in process.log().splitlines() if " error " in each]
    assert len(said) == 1 and line in said[0], process.log()
    assert processes_in(process.directory) == []


BINARIES = {"redis": "REDIS_SERVER_BIN", "sentinel": "SENTINEL_SERVER_BIN"}


@pytest.mark.parametrize("name, code, line", [
    ("no-such-server", 127, '"no-such-server" not found in PATH'),
    ("/no/such/server", 127, '"/no/such/server" not found'),
    ("/etc/passwd", 126, '"/etc/passwd" is not an executable file'),
    ("/etc", 126, '"/etc" is not an executable file'),
    ("false", 1, "the server exited with code 1 before it answered"),
    ("true", 1, "the server exited with code 0 before it answered"),
])
@pytest.mark.parametrize("kind", WRAPPERS)
def test_server_cannot_be_started(cluster, kind, name, code, line):
    if kind == "sentinel":
        cluster.redis().await_serving()
    fail(getattr(cluster, kind)(start=False, **{BINARIES[kind]: name}), code, line)
    assert cluster.record() == "" or kind == "sentinel", "who never served is not recorded"


def test_executable_of_another_kind(cluster):
    binary = cluster.directory / "server"
    binary.write_bytes(b"\x7fELF of no machine\n")
    binary.chmod(0o755)
    fail(cluster.redis(start=False, REDIS_SERVER_BIN=binary), 126, "cannot execute")


@pytest.mark.parametrize("kind", WRAPPERS)
def test_somebody_elses_server_is_not_taken_for_ours(cluster, kind):
    """It took the port in the moment of the start."""
    if kind == "sentinel":
        cluster.redis().await_serving()
    before = cluster.record()
    script = make_script(cluster, f'setsid redis-{"server" if kind == "redis" else "sentinel"} "$@" &\nexec sleep 1000')
    process = getattr(cluster, kind)(**{BINARIES[kind]: script})
    assert process.wait() == 78
    assert "instead of the launched process" in process.log_lines(" error ")[0]
    assert cluster.record() == before
    assert cluster.listed("/redis/sentinels") == []


def test_script_that_keeps_the_signals_for_itself(cluster):
    script = make_script(cluster, 'redis-server "$@"\nexit $?')
    fail(cluster.redis(start=False, REDIS_SERVER_BIN=script), 78, "a script must start the server by exec")
    assert cluster.record() == ""


def test_script_that_becomes_the_server(cluster):
    node = cluster.redis(REDIS_SERVER_BIN=make_script(cluster, 'exec redis-server "$@"'))
    node.await_serving()
    assert node.stop() == 0


def test_data_directory_of_another_node(cluster):
    first = cluster.redis()
    first.await_serving()
    fail(cluster.redis(start=False, WORK_DIR=first.directory, HANDOVER_TIMEOUT="0", STOP_TIMEOUT="500ms"), 75,
         "another running redis-wrapper uses the data directory")
    # Nothing of it is left when its owner is gone, however that went.
    first.kill_all()
    second = cluster.redis(WORK_DIR=first.directory)
    second.await_serving(within=FORGOTTEN + 5)


def test_data_directory_in_which_a_dead_server_is_still_saved(cluster):
    """The child that saves outlives a wrapper that is killed, and would replace what its successor has saved."""
    node = start(cluster, "redis")
    with node.client() as client:
        client.mset({f"key:{number}": number for number in range(200)})
        client.config_set("rdb-key-save-delay", 10_000)
        client.bgsave()
    (saving,) = wait_for(lambda: children(node.child), what="the child that saves")
    # Where it cannot tell its parent of the first of 1024 keys, it ends.
    wait_for(lambda: node.ask("INFO", "persistence").get("current_save_keys_processed"), what="its first report")
    node.kill()
    node.move()
    node.start()
    node.wait_log("waiting until that one exits")
    node.await_serving()
    assert not alive(saving)


def test_user_conf_that_redis_refuses(cluster):
    conf = cluster.directory / "broken.conf"
    conf.write_text("no-such-directive yes\n")
    node = cluster.redis(start=False, REDIS_CONF=conf)
    fail(node, 78, f"the server refuses its configuration: {conf}:1: no-such-directive")
    assert "no-such-directive" in node.log()


def test_server_that_never_answers(cluster):
    binary = make_script(cluster, "exec tail -f /dev/null")
    node = cluster.redis(start=False, REDIS_SERVER_BIN=binary, START_TIMEOUT="500ms")
    fail(node, 69, "the server did not answer within 500 ms (START_TIMEOUT)")
    assert cluster.record() == "" and cluster.listed("/redis/master") == []


@pytest.mark.parametrize("kind", DAEMONS)
def test_zookeeper_is_unreachable(make_cluster, kind):
    cluster = make_cluster(ZK_HOSTS="127.0.0.1:1,127.0.0.2:2", ZK_CONNECT_TIMEOUT="500ms")
    fail(getattr(cluster, kind)(start=False), 69, "ZooKeeper 127.0.0.1:1,127.0.0.2:2 unreachable for 500 ms")


@pytest.mark.parametrize("kind", DAEMONS)
def test_zookeeper_accepts_and_never_answers(cluster, kind):
    cluster.zookeeper.signal(signal.SIGSTOP)
    fail(getattr(cluster, kind)(start=False, ZK_CONNECT_TIMEOUT="500ms"), 69, "unreachable for 500 ms")


def test_no_zookeeper_name_resolves(make_cluster):
    cluster = make_cluster(ZK_HOSTS="no-such-host.invalid:2181", ZK_CONNECT_TIMEOUT="500ms")
    fail(cluster.watcher(start=False), 69, "ZooKeeper no-such-host.invalid:2181 unreachable")


def test_sentinel_finds_no_master_in_time(cluster):
    fail(cluster.sentinel(start=False, MASTER_WAIT_TIMEOUT="500ms"), 75,
         "no master within 500 ms (MASTER_WAIT_TIMEOUT): waiting for a master in /redis/master")


def test_redis_finds_no_master_in_time(cluster):
    cluster.kazoo.create("/redis/master", b"127.0.0.1 1", makepath=True)
    fail(cluster.redis(start=False, MASTER_WAIT_TIMEOUT="500ms"), 75,
         "no master within 500 ms (MASTER_WAIT_TIMEOUT): the record names 127.0.0.1:1 as master")
