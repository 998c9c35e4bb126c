"""Sentinels that know no replica although one lives, and Sentinels whose settings were changed."""

import os
import signal
import time

import pytest

from cluster import GROUP, wait_for, write_until_ok

DOWN_AFTER = 1.5
INFO_PERIOD = 500
# How long the wrapper of a Sentinel takes to notice a changed INFO period: it looks every five seconds.
REPAIRED = 10
# The longest time without a master while a copy lives.
RECOVERED = 30


def info_period(sentinel):
    """How often it asks for INFO, in milliseconds; None while it does not answer."""
    answer = sentinel.ask("SENTINEL", "DEBUG")
    return int(dict(zip(*[iter(answer)] * 2))["INFO-PERIOD"]) if answer else None


def await_info_period(sentinel, expected=INFO_PERIOD, within=REPAIRED):
    wait_for(lambda: info_period(sentinel) == expected, within, f"{sentinel.name}: an INFO period of {expected}")


def replace(cluster, node, nodes, **env):
    """A new node instead of one that was killed."""
    successor = cluster.redis(**env)
    nodes[nodes.index(node)] = successor
    return successor


def test_info_period(cluster):
    nodes = [cluster.redis()]
    nodes[0].await_serving()
    sentinels = [cluster.sentinel(), cluster.sentinel(SENTINEL_INFO_PERIOD="2s")]
    for sentinel, period in zip(sentinels, (INFO_PERIOD, 2000)):
        sentinel.await_serving()
        await_info_period(sentinel, period, within=2)
    sentinel = sentinels[0]
    # Its Sentinel dies, its wrapper with it; a scheduler starts both again.
    sentinel.kill_child()
    assert sentinel.wait() != 0
    sentinel.start().await_serving()
    await_info_period(sentinel, within=2)
    assert len(sentinel.log_lines("INFO period set to 500 ms")) == 1
    sentinel.ask("SENTINEL", "DEBUG", "INFO-PERIOD", "10000")
    assert info_period(sentinel) == 10000
    await_info_period(sentinel)
    # One line for a change of what it should be, none for a repair.
    assert len(sentinel.log_lines("event=info-period-set")) == 1
    # A replica is known long before Sentinel's own ten seconds.
    nodes.append(cluster.redis())
    wait_for(lambda: nodes[1].follows(nodes[0]), what="replication")
    wait_for(lambda: sentinel.view()["num-slaves"] == 1, within=2, what="a replica in Sentinel's table")


def test_old_sentinel_without_the_command(cluster):
    """Redis 6 has no SENTINEL DEBUG."""
    nodes = [cluster.redis()]
    nodes[0].await_serving()
    script = cluster.directory / "old-sentinel"
    script.write_text('#!/bin/sh\nsed -i "s/^user default .*/& -sentinel|debug/" "$1"\nexec redis-sentinel "$@"\n')
    script.chmod(0o755)
    sentinel = cluster.sentinel(SENTINEL_SERVER_BIN=script)
    sentinel.await_serving()
    sentinel.wait_log("INFO period")
    # Later looks do not repeat it.
    nodes.append(cluster.redis())
    wait_for(lambda: sentinel.view()["num-slaves"] == 1, what="a replica in Sentinel's table")
    (line,) = sentinel.log_lines("INFO period")
    assert " warn " in line


def test_old_sentinel_without_users(cluster):
    """Redis before 6.2 refuses the lines about them."""
    nodes = [cluster.redis()]
    nodes[0].await_serving()
    script = cluster.directory / "old-sentinel"
    script.write_text('#!/bin/sh\nif grep -q sentinel-user "$1"; then exit 1; fi\nexec redis-sentinel "$@"\n')
    script.chmod(0o755)
    sentinels = [cluster.sentinel(SENTINEL_SERVER_BIN=script) for _ in range(2)]
    for sentinel in sentinels:
        sentinel.await_serving()
        (line,) = sentinel.log_lines("event=sentinel-user-refused")
        assert " warn " in line
    for sentinel in sentinels:
        wait_for(lambda: sentinel.view()["num-other-sentinels"] == 1, what="its peer")
        sentinel.wait_log("registered as")
        assert not sentinel.log_lines("event=peer-announcement-failed")


def test_sentinel_that_never_starts_ends_its_wrapper(cluster):
    cluster.redis().await_serving()
    script = cluster.directory / "no-sentinel"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    sentinel = cluster.sentinel(SENTINEL_SERVER_BIN=script)
    assert sentinel.wait() == 1
    assert len(sentinel.log_lines("before it answered")) == 2


@pytest.mark.parametrize("peers_known", [False, True])
def test_reset_everywhere_then_the_master_dies(cluster, figure, peers_known):
    nodes, sentinels, watchers = cluster.bring_up(redis=2)
    client = cluster.sentinel_client(watchers[0])
    write_until_ok(client, "key", "before")
    master = cluster.master(nodes)
    (replica,) = [node for node in nodes if node is not master]
    wait_for(lambda: replica.ask("GET", "key") == "before", what="replication")
    for sentinel in sentinels:
        # As slow as without the command, so that the replicas are not found again at once.
        sentinel.ask("SENTINEL", "DEBUG", "INFO-PERIOD", "10000")
    for sentinel in sentinels:
        sentinel.ask("SENTINEL", "RESET", "*")
    if peers_known:
        wait_for(lambda: all(sentinel.view()["num-other-sentinels"] == 2 for sentinel in sentinels), what="hellos",
                 within=4)
    known = [sentinel.view()["num-slaves"] for sentinel in sentinels]
    master.kill_all()
    killed = time.monotonic()
    written = write_until_ok(client, "key", "after", within=RECOVERED)
    figure(f"RESET everywhere (replicas known then: {known}), master killed, kill to write, "
           f"ms: {1000 * (written - killed):.0f}")
    assert written - killed <= RECOVERED
    assert replica.role == "master"
    assert not any(sentinel.log_lines("restarting redis-sentinel") for sentinel in sentinels)
    # Later the machine returns, and follows.
    master.start()
    cluster.await_agreement(nodes, sentinels, watchers, within=60)
    assert master.ask("GET", "key") == "after"


def test_blind_sentinels_of_whom_one_is_frozen(cluster, figure):
    nodes, sentinels, watchers = cluster.bring_up(redis=2)
    client = cluster.sentinel_client(watchers[0])
    write_until_ok(client, "key", "before")
    wait_for(lambda: all(node.ask("GET", "key") == "before" for node in nodes), what="replication")
    for sentinel in sentinels:
        sentinel.ask("SENTINEL", "DEBUG", "INFO-PERIOD", "10000")
    for sentinel in sentinels:
        sentinel.ask("SENTINEL", "RESET", "*")
    # Nobody knows what it knows, and it may act as soon as it wakes.
    os.kill(sentinels[0].child, signal.SIGSTOP)
    cluster.master(nodes).kill_all()
    killed = time.monotonic()
    written = write_until_ok(client, "key", "after", within=RECOVERED)
    figure(f"RESET everywhere and one Sentinel frozen, master killed, kill to write, ms: {1000 * (written - killed):.0f}")
    os.kill(sentinels[0].child, signal.SIGCONT)
    cluster.await_agreement([node for node in nodes if node.role == "master"], sentinels, watchers, within=60)


def test_killed_as_soon_as_the_replacement_is_linked(cluster, figure):
    nodes, sentinels, watchers = cluster.bring_up(redis=2)
    client = cluster.sentinel_client(watchers[0])
    gaps = []
    for number in range(5):
        write_until_ok(client, "key", number)
        master = cluster.master(nodes)
        (replica,) = [node for node in nodes if node is not master]
        wait_for(lambda node=replica, value=str(number): node.ask("GET", "key") == value, what="replication")
        master.kill_all()
        killed = time.monotonic()
        gaps.append(write_until_ok(client, "key", f"{number} after", within=60) - killed)
        successor = replace(cluster, master, nodes)
        wait_for(lambda node=successor, leader=replica: node.follows(leader), what="a linked replacement")
    figure("master killed as soon as its replacement's replacement was linked, kill to write, ms: "
           + " ".join(f"{1000 * gap:.0f}" for gap in gaps))
    assert max(gaps) <= DOWN_AFTER + 5
    cluster.await_agreement(nodes, sentinels, watchers)
    assert cluster.master(nodes).ask("GET", "key") == "4 after"


def test_settings_left_behind_are_repaired(cluster):
    conf = cluster.directory / "sentinel.conf"
    conf.write_text(f"sentinel failover-timeout {GROUP} 20000\n")
    nodes = [cluster.redis()]
    nodes[0].await_serving()
    sentinel = cluster.sentinel(SENTINEL_CONF=conf)
    sentinel.await_serving()
    # What a watcher leaves that is killed while it ends a failover, and more.
    for setting, value in [("failover-timeout", 1), ("parallel-syncs", 3), ("quorum", 1)]:
        assert sentinel.ask("SENTINEL", "SET", GROUP, setting, value)
    wait_for(lambda: sentinel.view()["failover-timeout"] == 20000, within=60, what="the repair")
    wait_for(lambda: sentinel.view()["parallel-syncs"] == 1, what="the repair")
    wait_for(lambda: sentinel.view()["quorum"] == 2, what="the repair")
    (line,) = sentinel.log_lines("set failover-timeout of redis-sentinel back")
    assert " warn " in line and "back to 20000: it stayed at 1 " in line


def test_settings_of_an_included_file_are_kept(cluster):
    common, conf = cluster.directory / "common.conf", cluster.directory / "sentinel.conf"
    common.write_text(f"sentinel failover-timeout {GROUP} 8000\nsentinel parallel-syncs {GROUP} 2\n")
    conf.write_text(f"include {common}\n")
    nodes = [cluster.redis()]
    nodes[0].await_serving()
    sentinel = cluster.sentinel(SENTINEL_CONF=conf)
    sentinel.await_serving()
    sentinel.wait_log("registered as")
    view = sentinel.view()
    assert (view["failover-timeout"], view["parallel-syncs"]) == (8000, 2)
    assert sentinel.ask("SENTINEL", "SET", GROUP, "failover-timeout", 1)
    # Sooner than other settings, for without a failover nothing needs it.
    wait_for(lambda: sentinel.view()["failover-timeout"] == 8000, within=15, what="the repair")
    sentinel.wait_log("event=setting-repaired")
    (line,) = sentinel.log_lines("event=setting-repaired")
    assert "back to 8000: it stayed at 1 " in line
