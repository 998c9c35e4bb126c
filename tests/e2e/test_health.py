"""The command `healthcheck`, which container engines and schedulers ask."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from cluster import LOOPBACK, state_of, wait_for

WRAPPERS = ["redis", "sentinel"]


def health(process, *args, **env):
    """(exit code, the line it prints), asked as an engine does: beside the daemon, with its environment."""
    asked = subprocess.run([process.argv[0], "healthcheck", *args], cwd=process.directory, env={**process.env, **env},
                           capture_output=True, text=True, timeout=10)
    assert asked.stderr == "" and asked.stdout.count("\n") == 1, asked
    return asked.returncode, asked.stdout.strip()


def await_health(process, code, text=""):
    def find():
        found = health(process)
        return found if found[0] == code and text in found[1] else None

    return wait_for(find, what=f"{process.name}: health {code}, {text}", every=0.1)[1]


@pytest.mark.parametrize("kind", [*WRAPPERS, "watcher"])
def test_of_a_daemon_that_does_not_run(cluster, kind):
    process = getattr(cluster, kind)(start=False)
    code, line = health(process)
    assert code == 1
    assert str(process.port) in line and ("no wrapper runs here" in line or "no watcher answers" in line)


@pytest.mark.parametrize("kind", WRAPPERS)
def test_of_a_wrapper_that_was_killed(cluster, kind):
    """What it said last says nothing any more."""
    master = cluster.redis()
    await_health(master, 0)
    process = master if kind == "redis" else cluster.sentinel()
    await_health(process, 0)
    process.kill()
    assert "no wrapper runs here" in await_health(process, 1)


@pytest.mark.parametrize("what", [pathlib.Path.unlink, lambda path: path.write_text("")])
def test_file_of_a_wrapper_is_made_anew(cluster, what):
    """Somebody tidies up in WORK_DIR."""
    redis = cluster.redis()
    line = await_health(redis, 0)
    (file,) = redis.directory.glob("health*")
    what(file)
    assert await_health(redis, 0) == line


@pytest.mark.parametrize("kind", WRAPPERS)
def test_needs_no_more_options_than_it_uses(cluster, kind):
    process = getattr(cluster, kind)()
    wait_for(lambda: "no wrapper" not in health(process)[1], what="a word of it")
    assert "no wrapper" not in health(process, ZK_ROOT="nonsense", CONFIG_FILE="/nonexistent")[1]


def test_of_a_group_from_its_start_to_its_end(cluster):
    sentinel = cluster.sentinel()
    await_health(sentinel, 1, "waiting for a master")
    master = cluster.redis()
    assert await_health(master, 0) == f"ready: master at {master.address}"
    replica = cluster.redis()
    assert await_health(replica, 0) == f"ready: replica of {master.address} at {replica.address}"
    assert await_health(sentinel, 0) == f"ready: Sentinel of master1 at {sentinel.address}"
    watcher = cluster.watcher()
    assert await_health(watcher, 0) == "ok"
    assert health(replica, "--port0", "1")[0] == 1, "flags count, too"

    for process in watcher, sentinel, master, replica:
        process.stop()
        assert health(process)[0] == 1
        assert not [path for path in process.directory.iterdir() if path.name.startswith("health")]


def test_of_a_wrapper_that_waits_for_the_lock(cluster):
    cluster.kazoo.ensure_path("/redis/master")
    with cluster.kazoo.Lock("/redis/master", "somebody else"):
        redis = cluster.redis()
        assert "another node of the group holds the start lock" in await_health(redis, 1, "lock")
        assert redis.running
    await_health(redis, 0)


def test_replica_is_ready_once_it_has_the_data_and_remains_so(cluster):
    """An upgrade must not go on before; and nobody may kill copies of the data because their master is gone."""
    master = cluster.redis()
    master.await_serving()
    master.ask("CONFIG", "SET", "repl-diskless-sync", "yes", "repl-diskless-sync-delay", "3600")
    replica = cluster.redis()
    replica.await_serving()
    assert "the link to the master is down" in await_health(replica, 1, "replica of")
    master.ask("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    await_health(replica, 0)
    master.kill_all()
    assert "the link to the master is down" in await_health(replica, 0, "link")


@pytest.mark.parametrize("kind", WRAPPERS)
def test_of_a_server_that_is_frozen(cluster, kind):
    master = cluster.redis()
    await_health(master, 0)
    process = master if kind == "redis" else cluster.sentinel()
    await_health(process, 0)
    os.kill(process.child, signal.SIGSTOP)
    assert f"redis-{'server' if kind == 'redis' else 'sentinel'} is unreachable" in await_health(process, 1)
    os.kill(process.child, signal.SIGCONT)
    await_health(process, 0)


@pytest.mark.parametrize("kind", WRAPPERS)
def test_of_a_wrapper_that_stands_still(cluster, kind):
    master = cluster.redis()
    await_health(master, 0)
    process = master if kind == "redis" else cluster.sentinel()
    await_health(process, 0)
    process.signal(signal.SIGSTOP)
    (file,) = [path for path in process.directory.iterdir() if path.name.startswith("health")]
    # As if a minute had passed.
    wait_for(lambda: state_of(process.pid) == "T", what="the freeze")
    minute_ago = time.time() - 60
    os.utime(file, (minute_ago, minute_ago))
    code, line = health(process)
    assert code == 1 and "no heartbeat from the wrapper for 6" in line and "last status: ready: " in line
    process.signal(signal.SIGCONT)
    await_health(process, 0)


def test_of_a_watcher_that_is_frozen(cluster):
    watcher = cluster.watcher(BIND_IP=None)
    await_health(watcher, 0)
    watcher.signal(signal.SIGSTOP)
    assert f"no watcher answers at {LOOPBACK}:{watcher.port}" in await_health(watcher, 1)
    watcher.signal(signal.SIGCONT)
    await_health(watcher, 0)


def test_without_zookeeper_nobody_is_ill(make_cluster):
    cluster = make_cluster()
    cluster.start_zookeeper()
    nodes, sentinels, watchers = cluster.bring_up(redis=2, sentinels=1)
    everybody = [*nodes, *sentinels, *watchers]
    for process in everybody:
        await_health(process, 0)
    cluster.zookeeper.kill()
    for process in everybody:
        process.wait_log("ZooKeeper", within=20)
        assert health(process)[0] == 0, process.name


@pytest.mark.parametrize("kind", WRAPPERS)
def test_wrong_options_are_named(cluster, kind):
    process = getattr(cluster, kind)(start=False)
    asked = subprocess.run([process.argv[0], "healthcheck", "--nonsense"], env=process.env, capture_output=True,
                           text=True)
    assert asked.returncode == 64 and "--nonsense" in asked.stderr
