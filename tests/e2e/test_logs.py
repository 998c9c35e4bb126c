"""What the daemons say: their own lines and their servers', as text and as JSON, and the levels that SIGHUP changes."""

import json
import os
import re
import signal
import subprocess

import pytest

from cluster import ROOT, alive, wait_for

TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (trace|debug|info |warn |error) \S"
                  r"|redis-(server|sentinel)\| \S")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LEVELS = {"trace", "debug", "info", "warn", "error"}
FIELDS = ["group", "node", "peer", "epoch", "event"]
# More than a pipe holds.
PIPE = 1 << 20


def whole_run(cluster):
    """Start, failover, an absence of ZooKeeper, planned stop; returns the daemons."""
    nodes, sentinels, watchers = fleet = cluster.bring_up()
    master = cluster.master(nodes)
    master.kill_child()
    master.wait()
    cluster.await_agreement([node for node in nodes if node is not master], sentinels, watchers)
    master.start()
    cluster.await_agreement(*fleet)
    cluster.zookeeper.kill()
    for watcher in watchers:
        wait_for(lambda each=watcher: each.request("/readyz")[0] == 503, what="ZooKeeper's absence to be noticed")
    cluster.start_zookeeper()
    cluster.await_agreement(*fleet)
    daemons = [*nodes, *sentinels, *watchers]
    for daemon in [cluster.master(nodes), *daemons]:
        daemon.stop()
    return nodes, sentinels, watchers


def test_every_line_of_a_run_is_an_object(make_cluster):
    cluster = make_cluster(LOG_FORMAT="json")
    for daemons, loggers in zip(whole_run(cluster), (["redis-wrapper", "redis-server"],
                                                     ["sentinel-wrapper", "redis-sentinel"], ["watcher"])):
        for daemon in daemons:
            lines = [json.loads(line) for line in daemon.log_path.read_text(encoding="utf-8").splitlines()]
            assert {line["logger"] for line in lines} == set(loggers)
            for line in lines:
                keys = list(line)
                assert keys[:4] == ["time", "level", "logger", "message"]
                assert [key for key in keys if key in FIELDS] == [key for key in FIELDS if key in keys], line
                assert not line["logger"].endswith("-wrapper") or {"group", "node"} <= {*keys}, line
                assert TIME.fullmatch(line["time"]) and line["level"] in LEVELS and line["message"], line


def test_every_line_of_a_run_is_marked(cluster):
    for daemons in whole_run(cluster):
        for daemon in daemons:
            wrong = [line for line in daemon.log_path.read_text(encoding="utf-8").splitlines() if not TEXT.match(line)]
            assert not wrong, daemon.name


def test_last_words_come_before_the_end(cluster):
    node = cluster.redis(LOG_LEVEL="info")
    node.await_serving()
    assert node.stop() == 0
    lines = node.log().splitlines()
    assert "redis-server| " in lines[-2] and "bye bye" in lines[-2], node.tail()
    assert lines[-1].endswith("event=stopped") and "exited after the stop, code 0" in lines[-1]


def test_output_comes_at_once(cluster):
    node = cluster.redis(REDIS_CONF=talkative(cluster))
    node.await_serving()
    node.ask("DEBUG", "LOG", "a line of today")
    # A bound that a loaded machine holds; a tenth of it is usual.
    node.wait_log("a line of today", within=1)


def talkative(cluster):
    """A redis.conf with which DEBUG LOG writes lines."""
    path = cluster.directory / "talkative.conf"
    path.write_text(f"include {ROOT}/conf/redis.conf\nenable-debug-command local\n")
    return path


def say_a_lot(node):
    """More than two pipes hold. The server must go on answering."""
    line = "x" * 900
    with node.client() as client:
        for _ in range(2 * PIPE // 900):
            client.execute_command("DEBUG", "LOG", line)
        assert client.ping()


def test_frozen_wrapper_does_not_hold_its_server_up(cluster):
    node = cluster.redis(REDIS_CONF=talkative(cluster))
    node.await_serving()
    node.signal(signal.SIGSTOP)
    try:
        say_a_lot(node)
    finally:
        node.signal(signal.SIGCONT)
    node.ask("DEBUG", "LOG", "and so on")
    node.wait_log("and so on")
    assert node.stop() == 0


@pytest.mark.parametrize("form", ["text", "json"])
def test_reader_that_stands_still_holds_nobody_up(cluster, form):
    node = cluster.redis(start=False, REDIS_CONF=talkative(cluster), LOG_FORMAT=form)
    log_read, log_write = os.pipe()
    wrapper = subprocess.Popen(node.argv, cwd=node.directory, env=node.env, stdin=subprocess.DEVNULL, stdout=log_write,
                               stderr=log_write)
    os.close(log_write)
    try:
        wait_for(lambda: node.role == "master" and cluster.record() == node.record, what="the start")
        say_a_lot(node)
        wrapper.terminate()
        assert wrapper.wait(30) == 0
    finally:
        wrapper.kill()
        wrapper.wait()
        os.close(log_read)


# --- SIGHUP


@pytest.fixture
def node_with_file(cluster):
    path = cluster.directory / "redis-wrapper.toml"
    path.write_text("")
    node = cluster.redis(LOG_LEVEL=None, CONFIG_FILE=path)
    node.await_serving()
    return node, path


def test_sighup_reads_the_level_again(node_with_file):
    node, path = node_with_file
    server = node.child
    assert not node.log_lines(" debug ")
    path.write_text('log_level = "debug"\n')
    node.signal(signal.SIGHUP)
    node.wait_log(f"info  SIGHUP: LOG_LEVEL is debug now, info before: {path} sets it")
    path.write_text('log_level = "lo')
    node.signal(signal.SIGHUP)
    node.wait_log(" warn  SIGHUP: reload rejected, nothing changed: ")
    path.write_text('log_level = "info"\nno_such_key = 1\n')
    node.signal(signal.SIGHUP)
    node.wait_log('found the key "no_such_key", expected the options of --help')
    path.write_text("")
    node.signal(signal.SIGHUP)
    node.wait_log("LOG_LEVEL is info now, debug before: no config file sets it, and this is the default")
    assert node.child == server and alive(server)
    assert node.stop() == 0


def test_sighup_cannot_change_what_outranks_the_file(cluster):
    path = cluster.directory / "options.toml"
    path.write_text('log_level = "warn"\n')
    daemons = [cluster.redis(CONFIG_FILE=path, LOG_LEVEL="info"), cluster.watcher(CONFIG_FILE=path, LOG_LEVEL="info")]
    for daemon in daemons:
        daemon.wait_log("serving ")
        daemon.signal(signal.SIGHUP)
        daemon.wait_log("SIGHUP: LOG_LEVEL stays info: the environment outranks the config file")


def test_sighup_ends_no_start(cluster):
    node = cluster.redis()
    node.await_serving()
    cluster.zookeeper.signal(signal.SIGSTOP)
    waiting = cluster.sentinel()
    waiting.wait_log("event=starting")
    waiting.signal(signal.SIGHUP)
    waiting.wait_log("SIGHUP: LOG_LEVEL stays debug")
    cluster.zookeeper.signal(signal.SIGCONT)
    waiting.await_serving()
    server = waiting.child
    waiting.signal(signal.SIGHUP)
    wait_for(lambda: len(waiting.log_lines("SIGHUP: LOG_LEVEL stays debug")) == 2, what="the second SIGHUP")
    assert waiting.child == server and waiting.ask("PING")
