"""The clients of other languages, each with its list from /sentinels, through what a group goes through."""

import os
import re
import signal
import time

import pytest

from application import PROGRAMS, Application, Missing, prepare
from authority import Authority
from cluster import ROOT, wait_for
from variants import in_full

PASSWORDS = {"REDIS_PASSWORD": "redis-secret-4711", "SENTINEL_PASSWORD": "sentinel-secret-4711"}
PAGE = ROOT / "docs/clients.md"

PLAIN, PASSWORD, TLS = "plain", "passwords", "TLS and passwords"
# docs/clients.md says why hiredis and go-redis v5 are not here.
SECURED = ["ioredis.mjs", "node_redis.mjs", "perl_redis.pl", "predis.php", "redis_py.py", "redis_py_asyncio.py",
           "redis_rb.rb"]
VARIANTS = [("redis_py_asyncio.py", PLAIN), ("go_redis_v5.go", PLAIN),
            *in_full(("hiredis.cpp", PLAIN), ("hiredis.cpp", PASSWORD),
                     *((program, PLAIN) for program in SECURED if program != "redis_py_asyncio.py"),
                     *((program, TLS) for program in SECURED))]


def options(variant, directory):
    """The environment of the daemons."""
    if variant != TLS:
        return PASSWORDS if variant == PASSWORD else {}
    authority = Authority(directory / "authority")
    authority.certify("node", "127.0.0.1")
    return {**authority.options("node"), **PASSWORDS}


@pytest.mark.parametrize("program, variant", VARIANTS)
def test_a_client_follows_its_group(make_cluster, tmp_path, figure, program, variant):
    try:
        command = prepare(program, tmp_path)
    except Missing as why:
        pytest.skip(str(why))
    cluster = make_cluster(**options(variant, tmp_path))
    nodes, sentinels, (watcher,) = cluster.bring_up()
    application = Application(cluster, watcher, command).start()
    application.await_more()
    if variant == TLS:
        foreign = Authority(tmp_path / "foreign")
        stranger = Application(cluster, watcher, command, ca=foreign.certificate).start()
        wait_for(lambda: stranger.log() or stranger.acknowledged, what="a refused certificate")
        stranger.kill()
        assert not stranger.acknowledged

    # The machine of the master dies: connections are refused.
    master = cluster.master(nodes)
    killed = time.monotonic()
    master.kill_all()
    application.await_more()
    master.start().await_serving()
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    at_kill = application.longest_pause(killed - 0.5)

    # The machine of the master stands still: nothing answers, and the client's own time limits count.
    frozen = time.monotonic()
    for pid in (master.pid, master.child):
        os.kill(pid, signal.SIGSTOP)
    application.await_more()
    safe = len(application.acknowledged)
    master.kill_all()
    master.start().await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    at_freeze = application.longest_pause(frozen - 0.5)

    # The scheduler moves all Sentinels: no address that the client was given is one of a Sentinel any more.
    moved = time.monotonic()
    for sentinel in sentinels:
        assert sentinel.stop() == 0
        sentinel.move()
        sentinel.start().await_serving()
        cluster.await_agreement(nodes, sentinels, [watcher])
    application.await_more()
    at_move = application.longest_pause(moved - 0.5)

    # A planned stop.
    master = cluster.master(nodes)
    asked = time.monotonic()
    assert master.stop() == 0 and master.log_lines("handed over to")
    application.await_more()
    master.start().await_serving()
    master = cluster.await_agreement(nodes, sentinels, [watcher])
    at_handover = application.longest_pause(asked - 0.5)

    application.kill()
    lost = application.missing(master, safe)
    figure(f"{program}, {variant}: {len(application.acknowledged)} writes, {len(lost)} lost after the failovers, "
           f"longest gap s: kill {at_kill:.1f}, freeze {at_freeze:.1f}, Sentinels moved {at_move:.1f}, "
           f"handover {at_handover:.1f}")
    assert not lost
    assert at_kill <= 10
    assert at_freeze <= 10
    assert at_move <= 5
    assert at_handover <= 5


def test_the_page_shows_what_is_run():
    """The snippet behind a link to a program is a part of it."""
    snippets = dict(re.findall(r"\(\.\./tests/e2e/clients/([\w.]+)\).*?^```\w+\n(.+?)^```$", PAGE.read_text(),
                               re.S | re.M))
    programs = {path.name: path.read_text() for path in PROGRAMS.iterdir() if path.suffix != ".json"}
    assert set(snippets) == set(programs)
    assert [name for name, snippet in snippets.items() if snippet not in programs[name]] == []
