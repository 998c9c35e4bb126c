"""Admin a fleet through a watcher's HTTP: failovers, pauses, the end of a group; the token, and
the history that stays in ZooKeeper."""

import concurrent.futures
import json
import os
import signal
import time

import pytest
import redis

from cluster import FORGOTTEN, GROUP, wait_for
from test_status import check
from writer import Writer

TOKEN = "correct-horse-battery-staple"
# A failover takes two seconds, with a wish twelve more at worst.
LONG = 60


@pytest.fixture
def fleet(make_cluster):
    """(cluster, nodes, sentinels, watchers): two watchers, which can be admin_api."""
    cluster = make_cluster()
    allow_admin(cluster)
    nodes, sentinels, watchers = cluster.bring_up(watchers=2)
    return cluster, nodes, sentinels, watchers


def allow_admin(cluster):
    token = cluster.directory / "token"
    token.write_text(TOKEN + "\n")
    cluster.add_env(ADMIN_TOKEN_FILE=token)
    return token


def ask(watcher, method, path, token=TOKEN, **options):
    """(status, text)."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status, _, text = watcher.request(path, method=method, headers=headers, timeout=LONG, **options)
    return status, text


def fail_over(watcher, to=None):
    return ask(watcher, "POST", f"/masters/{GROUP}/failover" + (f"?to={to.address}" if to else ""))


def status_of(watcher):
    status = json.loads(watcher.get("/status"))
    check("Status", status)
    return status


def history_of(watcher, kind):
    return [event for event in status_of(watcher)["history"] if event["kind"] == kind]


def priorities(nodes):
    return [node.ask("CONFIG", "GET", "replica-priority")[1] for node in nodes]


def changes(watcher, base=0):
    return len(history_of(watcher, "master-changed")) - base


def test_failover_loses_nothing(fleet, figure):
    """With writers at full speed, three times."""
    cluster, nodes, sentinels, watchers = fleet
    writers = [Writer(watchers[0].sentinels, name=f"w{number}", every=0.001) for number in range(3)]
    for writer in writers:
        writer.start()
    told = []
    for _ in range(3):
        old = cluster.await_agreement(nodes, sentinels, watchers)
        before = changes(watchers[1])
        for writer in writers:
            writer.await_more()
        code, text = fail_over(watchers[0])
        assert code == 200, text
        answer = json.loads(text)
        check("FailedOver", answer)
        assert answer["from"]["address"] == old.address
        new = cluster.await_agreement(nodes, sentinels, watchers)
        assert answer["to"]["address"] == new.address
        assert answer["epoch"] == cluster.lineage()["epoch"] == new_epoch(sentinels)
        assert answer["took_ms"] < 15000 and answer["paused_ms"] <= answer["took_ms"]
        assert old.follows(new)
        # Told once, by the watcher that wrote it, and shown by both.
        for watcher in watchers:
            wait_for(lambda: changes(watcher) == before + 1, what="the change of the master in the history")
        told.append(answer)
        for writer in writers:
            writer.await_more()
    for writer in writers:
        writer.stop()
    with cluster.master(nodes).client() as client:
        lost = sum(len(writer.missing(client)) for writer in writers)
    written = sum(len(writer.acknowledged) for writer in writers)
    figure(f"failovers asked for: {len(told)}, {written} writes, {lost} lost, paused ms: "
           + " ".join(str(answer["paused_ms"]) for answer in told)
           + ", took ms: " + " ".join(str(answer["took_ms"]) for answer in told))
    assert lost == 0
    asked = history_of(watchers[1], "failover-requested")
    assert len(asked) == 3
    assert all(event["from"].startswith("127.0.0.1:") and "handed over" in event["sentence"] for event in asked)


def new_epoch(sentinels):
    return max(sentinel.view()["config-epoch"] for sentinel in sentinels)


def test_to_each_replica(fleet, figure):
    cluster, nodes, sentinels, watchers = fleet
    times = []
    for number in range(3):
        master = cluster.await_agreement(nodes, sentinels, watchers)
        # The one that Sentinel would not take by itself: the priorities are equal, and so are offsets; each in turn.
        target = [node for node in nodes if node is not master][number % 2]
        code, text = fail_over(watchers[0], to=target)
        assert code == 200, text
        assert json.loads(text)["to"]["address"] == target.address
        times.append(json.loads(text)["took_ms"])
        assert cluster.await_agreement(nodes, sentinels, watchers) is target
        assert priorities(nodes) == ["100"] * 3
    for sentinel in sentinels:
        assert dict(zip(*[iter(sentinel.ask("SENTINEL", "DEBUG"))] * 2))["INFO-PERIOD"] == "500"
    figure("failovers to a named replica, took ms: " + " ".join(map(str, times)))


def test_refused(fleet):
    cluster, nodes, sentinels, watchers = fleet
    watcher = watchers[0]
    master = cluster.master(nodes)
    replicas = [node for node in nodes if node is not master]
    epoch = new_epoch(sentinels)
    for path, code, why in [
            ("/masters/nobody/failover", 404, "no such group"),
            (f"/masters/{GROUP}/failover?to=x", 400, "to: found"),
            (f"/masters/{GROUP}/failover?to={master.address}", 409, "is the master"),
            (f"/masters/{GROUP}/failover?to=127.0.0.1:1", 409, "is not an attached replica"),
    ]:
        found, text = ask(watcher, "POST", path)
        assert (found, why in text) == (code, True), text
    replicas[0].ask("CONFIG", "SET", "replica-priority", "0")
    found, text = fail_over(watcher, to=replicas[0])
    assert (found, "cannot be promoted: its replica-priority is 0" in text) == (409, True), text
    replicas[0].ask("CONFIG", "SET", "replica-priority", "100")
    # One that is frozen never catches up; the writes are not paused for it.
    os.kill(replicas[1].child, signal.SIGSTOP)
    try:
        found, text = fail_over(watcher)
        assert found == 409 and replicas[1].address in text, text
        assert write(master)
    finally:
        os.kill(replicas[1].child, signal.SIGCONT)
    for replica in replicas:
        replica.kill_all()
    wait_for(lambda: master.info().get("connected_slaves") == 0, what="the end of the replicas")
    assert fail_over(watcher) == (409, "no replica is attached")
    master.kill_all()
    found, text = fail_over(watcher)
    assert (found, "Sentinel fails over by itself" in text) == (409, True), text
    assert new_epoch(sentinels) >= epoch


def test_failover_that_does_not_get_on(fleet, figure):
    """The replicas refuse to be promoted: the failover is ended before anybody may write again."""
    cluster, nodes, sentinels, watchers = fleet
    master = cluster.master(nodes)
    for replica in [node for node in nodes if node is not master]:
        replica.ask("ACL", "SETUSER", "default", "-slaveof", "-replicaof")
    with Writer(watchers[0].sentinels, every=0.002) as writer:
        writer.await_more()
        asked_at = time.monotonic()
        code, text = fail_over(watchers[0])
        assert (code, "the failover was cancelled; " in text) == (504, True), text
        assert text.endswith(f"{master.address} accepts writes again")
        writer.await_more()
    begin, end = writer.longest_pause(asked_at)
    figure(f"failover that does not get on, longest pause of writes ms: {1000 * (end - begin):.0f}")
    assert end - begin < 12
    assert master.role == "master"
    assert not writer.missing(master.client())
    for sentinel in sentinels:
        assert sentinel.view()["failover-timeout"] == 10000


def write(node):
    try:
        with node.client(socket_timeout=1) as client:
            return client.set("key", "value")
    except redis.RedisError:
        return False


def test_zookeeper_away(fleet):
    cluster, nodes, _, watchers = fleet
    cluster.zookeeper.kill()
    wait_for(lambda: not status_of(watchers[0])["zookeeper"]["connected"], what="the watcher noticing")
    assert fail_over(watchers[0])[0] == 503
    assert ask(watchers[0], "POST", "/pause")[0] == 503
    assert write(cluster.master(nodes))


def test_two_at_once(fleet):
    """Through two watchers: one master change, and the other one is told why not."""
    cluster, nodes, sentinels, watchers = fleet
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(fail_over, watchers))
    assert sorted(code for code, _ in answers) == [200, 409], answers
    cluster.await_agreement(nodes, sentinels, watchers)
    assert new_epoch(sentinels) == 1
    wait_for(lambda: changes(watchers[0]) == 1, what="the change in the history")


@pytest.mark.parametrize("moment", [0.1, 0.2, 0.3, 0.5, 1])
def test_watcher_killed_in_the_middle(fleet, moment, figure):
    cluster, nodes, sentinels, watchers = fleet
    writer = Writer(watchers[1].sentinels, every=0.002)
    with writer:
        writer.await_more()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(broken_off, watchers[0])
            # Not a wait for anything: the moment is what is tested.
            asked_at = time.monotonic()
            wait_for(lambda: time.monotonic() - asked_at >= moment, what="the moment", every=0.01)
            watchers[0].kill()
            asked.result()
        killed = time.monotonic()
        wait_for(lambda: writer.first_after(killed + 1), 60, "writes again")
        cluster.await_agreement(nodes, sentinels, watchers[1:])
        writer.await_more()
    begin, end = writer.longest_pause(asked_at)
    figure(f"watcher killed {moment} s into a failover, longest pause of writes ms: {1000 * (end - begin):.0f}")
    assert end - begin < 35
    assert not writer.missing(cluster.master(nodes).client())


def broken_off(watcher):
    try:
        return fail_over(watcher)
    except OSError:
        return None


def test_watcher_stopped_in_the_middle(fleet):
    """It comes to an end, and so does the watcher."""
    cluster, nodes, sentinels, watchers = fleet
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(broken_off, watchers[0])
        watchers[0].signal(signal.SIGTERM)
        assert watchers[0].wait(within=40) == 0
        asked.result()
    master = cluster.await_agreement(nodes, sentinels, watchers[1:])
    assert write(master)


def test_token(cluster):
    """Who may, who may not, and that the token is nowhere to be read."""
    cluster.start_zookeeper()
    cluster.redis().await_serving()
    off = cluster.watcher()
    off.wait_log("event=http-listening")
    for method, path in [("POST", "/pause"), ("POST", "/resume"), ("POST", f"/masters/{GROUP}/failover"),
                         ("DELETE", f"/masters/{GROUP}")]:
        code, text = ask(off, method, path)
        assert (code, text) == (403, "the admin API is off; ADMIN_TOKEN_FILE switches it on")
    token = allow_admin(cluster)
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    for wrong in [None, "x", TOKEN[:-1], TOKEN + "x", " " + TOKEN]:
        status, headers, text = watcher.request("/pause", method="POST",
                                                headers={} if wrong is None else {"Authorization": f"Bearer {wrong}"})
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), wrong
        assert TOKEN not in text
    assert watcher.request("/pause", method="POST", headers={"Authorization": TOKEN})[0] == 401
    # That address has guessed five times.
    status, headers, text = watcher.request("/pause", method="POST", headers={"Authorization": "Bearer x"})
    assert (status, text) == (429, "too many wrong admin tokens from this address; retry later")
    assert 50 <= int(headers["Retry-After"]) <= 60
    assert 'redis_zk_http_requests_total{code="401"} 6' in watcher.get("/metrics")
    assert 'redis_zk_http_requests_total{code="429"} 1' in watcher.get("/metrics")
    watcher.stop()
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    assert status_of(watcher)["paused"] is None
    assert ask(watcher, "POST", "/pause")[0] == 200
    # Another one from SIGHUP on; a bad file changes nothing.
    token.write_text("short\n")
    watcher.signal(signal.SIGHUP)
    watcher.wait_log("event=admin-token-reload-rejected")
    assert ask(watcher, "POST", "/resume")[0] == 200
    token.write_text("another-token-altogether\n")
    watcher.signal(signal.SIGHUP)
    watcher.wait_log("event=admin-token-reloaded")
    assert ask(watcher, "POST", "/pause")[0] == 401
    assert ask(watcher, "POST", "/pause", token="another-token-altogether")[0] == 200
    for method, path, allowed in [("GET", "/pause", "POST"), ("DELETE", "/pause", "POST"),
                                  ("GET", f"/masters/{GROUP}/failover", "POST"),
                                  ("POST", f"/masters/{GROUP}", "GET, HEAD, DELETE")]:
        status, headers, _ = watcher.request(path, method=method)
        assert (status, headers["Allow"]) == (405, allowed)
    assert len(watcher.log_lines("event=admin-request-rejected")) < 5
    everything = watcher.tail(100000) + watcher.get("/status") + watcher.get("/metrics")
    for secret in [TOKEN, "another-token-altogether"]:
        assert secret not in everything
        assert secret not in cluster.record("/redis/events") + cluster.record("/redis/pauses")


def test_each_token_has_a_name(cluster):
    """Which name a request had stands in the log, in the event log and at the pause; the file is read anew at SIGHUP."""
    cluster.start_zookeeper()
    cluster.redis().await_serving()
    allow_admin(cluster).write_text(f"alice:{TOKEN}\nbob:the-token-of-the-other-one\n")
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    # A name is no token, neither alone nor before it.
    for wrong in ["alice", f"alice:{TOKEN}"]:
        assert ask(watcher, "POST", "/pause", token=wrong)[0] == 401
    assert ask(watcher, "POST", "/pause?reason=why", token="the-token-of-the-other-one")[0] == 200
    assert ask(watcher, "POST", "/resume")[0] == 200
    wait_for(lambda: history_of(watcher, "resumed"), what="the request in the event log")
    (paused,), (resumed,) = history_of(watcher, "paused"), history_of(watcher, "resumed")
    assert (paused["who"], resumed["who"]) == ("bob", "alice")
    assert f"requested by bob ({paused['from']}): " in paused["sentence"]
    lines = watcher.log_lines("event=admin-request ")
    assert ["who=bob" in line for line in lines] == [True, False] and "who=alice" in lines[1]
    # Bob's is withdrawn, Carol's is added.
    (cluster.directory / "token").write_text(f"alice:{TOKEN}\ncarol:the-token-of-somebody-new\n")
    watcher.signal(signal.SIGHUP)
    assert "they are of alice, carol" in watcher.wait_log("event=admin-token-reloaded")
    assert ask(watcher, "POST", "/pause", token="the-token-of-the-other-one")[0] == 401
    assert ask(watcher, "POST", "/pause", token="the-token-of-somebody-new")[0] == 200
    wait_for(lambda: status_of(watcher)["paused"], what="the pause")
    assert status_of(watcher)["paused"]["who"] == "carol"
    assert any(" by carol (" in warning for warning in status_of(watcher)["warnings"])
    for bad, found in [("alice:short\n", "line 1 has a token of 5 characters"),
                       (f"alice:{TOKEN}\nbob:{TOKEN}\n", "line 2 has the token of line 1")]:
        (cluster.directory / "token").write_text(bad)
        watcher.signal(signal.SIGHUP)
        wait_for(lambda: any(found in line for line in watcher.log_lines("event=admin-token-reload-rejected")),
                 what="the line about the file")
        assert ask(watcher, "POST", "/pause", token="the-token-of-somebody-new")[0] == 200
    everything = watcher.tail(100000) + watcher.get("/status") + cluster.record("/redis/events")
    for secret in [TOKEN, "the-token-of-the-other-one", "the-token-of-somebody-new"]:
        assert secret not in everything


def test_bodies_are_ignored(cluster):
    """One with a body is answered, and so is the next on the same connection."""
    allow_admin(cluster)
    cluster.start_zookeeper()
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    assert ask(watcher, "POST", "/pause", body=b"GET /sentinels HTTP/1.1\r\n\r\n")[0] == 200
    assert ask(watcher, "POST", "/resume", body=b"x" * 70000)[0] == 413
    assert watcher.request("/" + "x" * 8000, method="POST", body=b"x")[0] == 404
    wait_for(lambda: status_of(watcher)["paused"], what="the pause that was asked for")


def test_pause_keeps_every_watcher_from_cleaning_up(cluster):
    allow_admin(cluster)
    cluster.add_env(CLEANUP="on", CLEANUP_PATIENCE="1s")
    nodes, sentinels, watchers = cluster.bring_up(watchers=2)
    code, text = ask(watchers[0], "POST", "/pause?reason=the+network+is+mended&for=2h")
    assert code == 200 and text.startswith("automatic changes of all groups paused until "), text
    assert text.endswith(": the network is mended")
    for watcher in watchers:
        wait_for(lambda: status_of(watcher)["paused"], what="the pause being seen")
        status = status_of(watcher)
        assert status["paused"]["until"] - status["paused"]["since"] == 7_200_000
        assert status["groups"][0]["paused"] == status["paused"]
        assert any("automatic changes of all groups are paused until" in warning for warning in status["warnings"])
        assert f'redis_zk_paused{{group="{GROUP}"}} 1' in watcher.get("/metrics")
        assert watcher.wait_log("event=paused")
    dead = next(node for node in nodes if node.role == "slave")
    dead.kill_all()
    for sentinel in sentinels:
        wait_for(lambda: any("s_down" in replica["flags"] for replica in sentinel.replicas()), what="its death")
    # Many times the patience, during which a watcher that is not paused would have acted.
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 8, what="the time in which it would be forgotten", every=0.5)
    assert not any(watcher.log_lines("SENTINEL RESET") for watcher in watchers)
    assert ask(watchers[1], "POST", "/resume") == (200, "automatic changes of all groups resumed")
    assert ask(watchers[1], "POST", "/resume") == (200, "automatic changes of all groups were not paused")
    wait_for(lambda: any(watcher.log_lines("SENTINEL RESET") for watcher in watchers), FORGOTTEN + 30, "a RESET")
    for watcher in watchers:
        wait_for(lambda: not status_of(watcher)["paused"], what="the end of the pause being seen")
        assert watcher.wait_log("event=resumed")
    assert len(history_of(watchers[0], "paused")) == 1
    assert len(history_of(watchers[0], "resumed")) == 2


def test_pause_stops_what_the_wrappers_do_by_themselves(cluster):
    """Sentinels without a quorum do not act, and recovery does only when the pause is over."""
    allow_admin(cluster)
    cluster.add_env(SENTINEL_QUORUM="4", RECOVERY_PATIENCE="2s")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    others = [node for node in nodes if node is not master]
    code, text = ask(watcher, "POST", f"/pause?group={GROUP}&reason=by+hand")
    assert code == 200 and text.startswith(f"automatic changes of {GROUP} paused until "), text
    for daemon in [*nodes, *sentinels]:
        daemon.wait_log("event=paused")
    paused = wait_for(lambda: status_of(watcher)["groups"][0]["paused"], what="the pause in /status")
    assert status_of(watcher)["paused"] is None and paused["reason"] == "by hand"
    # A setting that somebody has changed by hand stays, too.
    sentinels[0].ask("SENTINEL", "SET", GROUP, "failover-timeout", "77000")
    master.kill_all()
    for node in others:
        node.wait_log("not promoting this node: automatic changes are paused until")
    # A record that somebody has written stays.
    cluster.kazoo.set("/redis/master", others[0].record.encode())
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 12, what="the time in which it would be recovered", every=0.5)
    assert [node.role for node in others] == ["slave", "slave"]
    assert cluster.record() == others[0].record
    assert sentinels[0].view()["failover-timeout"] == 77000
    cluster.kazoo.set("/redis/master", master.record.encode())
    assert ask(watcher, "POST", f"/resume?group={GROUP}")[0] == 200
    wait_for(lambda: [node for node in others if node.role == "master"], 30, "a recovery")
    wait_for(lambda: sentinels[0].view()["failover-timeout"] != 77000, 60, "the setting being restored")


def test_a_pause_ends_by_itself(cluster):
    allow_admin(cluster)
    nodes, _, (watcher,) = cluster.bring_up(redis=1, sentinels=1)
    assert ask(watcher, "POST", "/pause?for=2s")[0] == 200
    nodes[0].wait_log("event=paused")
    for daemon in [nodes[0], watcher]:
        daemon.wait_log("automatic changes of all groups resumed")
    wait_for(lambda: status_of(watcher)["paused"] is None, what="the end of the pause being seen")
    for wrong in ["0s", "8d", "x", "-1s", "169h"]:
        code, text = ask(watcher, "POST", f"/pause?for={wrong}")
        assert code == 400 and text.startswith(f'for: found "{wrong}", expected '), text
    assert ask(watcher, "POST", "/pause?group=nobody")[0] == 404
    # What somebody else writes there pauses nothing for ever.
    cluster.kazoo.set("/redis/pauses", b'{"*": {"until": 99999999999999}}')
    wait_for(lambda: ask(watcher, "POST", "/resume") == (200, "automatic changes of all groups were not paused"),
             what="that it is none")
    cluster.kazoo.set("/redis/pauses", b"nonsense")
    watcher.wait_log("event=pauses-unreadable")


def test_delete_of_an_empty_group_and_no_other(cluster):
    allow_admin(cluster)
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=1, sentinels=2)
    cache = cluster.redis(MASTER_NAME="cache")
    cache.await_serving()
    wait_for(lambda: all(sentinel.view("cache") for sentinel in sentinels), what="the group being monitored")
    assert ask(watcher, "DELETE", "/masters/nobody")[0] == 404
    for group, why in [(GROUP, "always create"), ("cache", "is still registered in cache")]:
        code, text = ask(watcher, "DELETE", f"/masters/{group}")
        assert (code, why in text) == (409, True), text
    cache.kill_all()
    wait_for(lambda: ask(watcher, "DELETE", "/masters/cache")[0] == 200, FORGOTTEN + 30, "the deletion", every=0.5)
    for parent in ["masters", "members", "lineage", "history", "datasets"]:
        assert "cache" not in cluster.listed(f"/redis/{parent}"), parent
    for sentinel in sentinels:
        wait_for(lambda: not sentinel.view("cache"), what="the group being dropped")
    wait_for(lambda: watcher.request("/masters/cache")[0] == 404, what="the watcher forgetting it")

    def done():
        events = history_of(watcher, "group-deleted")
        return [event["group"] for event in events if event["sentence"].endswith("deleted the group cache")]

    wait_for(lambda: done() == ["cache"], what="the deletion in the history")
    assert cluster.await_agreement(nodes, sentinels, [watcher])


def test_history_is_bounded_and_outlives_watchers(cluster):
    allow_admin(cluster)
    cluster.start_zookeeper()
    first = cluster.watcher()
    first.wait_log("event=http-listening")
    cluster.kazoo.set("/redis/events", b"nonsense")
    first.wait_log("/redis/events: found \"nonsense\"")
    assert status_of(first)["history"] == []
    for _ in range(60):
        assert ask(first, "POST", "/pause")[0] == 200
        assert ask(first, "POST", "/resume")[0] == 200
    wait_for(lambda: len(status_of(first)["history"]) == 100, what="a full history")
    # A watcher that stops has written everything down.
    first.stop()
    history = json.loads(cluster.record("/redis/events"))["events"]
    assert len(history) == 100 and history[-1]["kind"] == "resumed"
    assert [event["time"] for event in history] == sorted(event["time"] for event in history)
    assert len(cluster.record("/redis/events")) <= 65536
    second = cluster.watcher()
    second.wait_log("event=http-listening")
    history = [{"who": None, **event} for event in history]
    wait_for(lambda: status_of(second)["history"] == history, what="the same history")
