"""The watcher's commands, which ask a running watcher: status, events, failover, explain."""

import contextlib
import http.server
import json
import os
import pty
import re
import signal
import subprocess
import threading

import pytest

from background import Background
from cluster import LOOPBACK, Cluster, free_port, wait_for
from test_status import API, await_calm, check, status_of

TOKEN = "a-token-that-nobody-sees-4711"


def ask(watcher, *words, **env):
    """(exit code, stdout, stderr) of a command that is asked beside the watcher, with its environment."""
    ended = subprocess.run([watcher.argv[0], *map(str, words)], cwd=watcher.directory, env={**watcher.env, **env},
                           capture_output=True, text=True, timeout=60)
    assert ended.stderr.count("\n") == (ended.stderr != "")
    return ended.returncode, ended.stdout, ended.stderr.strip()


def on_terminal(watcher, *words, **env):
    """What a command writes to a terminal of 80 columns."""
    leader, follower = pty.openpty()
    asked = subprocess.Popen([watcher.argv[0], *words], cwd=watcher.directory,
                             env={**watcher.env, "TERM": "xterm", **env}, stdin=follower, stdout=follower)
    os.close(follower)
    text = b""
    with contextlib.suppress(OSError):  # how Linux says that nobody is left at the other end
        while piece := os.read(leader, 65536):
            text += piece
    os.close(leader)
    asked.wait(10)
    return text.decode().replace("\r\n", "\n")


class Command(Background):
    """A command that goes on; lines are those that it has printed."""

    every = 0

    def __init__(self, watcher, *words):
        super().__init__()
        self.process = subprocess.Popen([watcher.argv[0], *words], cwd=watcher.directory, env=watcher.env,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []

    def step(self):
        if line := self.process.stdout.readline():
            self.lines.append(line.rstrip("\n"))
        else:
            self._stop_asked.set()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        super().stop()

    def wait_for(self, text):
        return wait_for(lambda: [line for line in self.lines if text in line], what=f"the line \"{text}\"")


def keys_seen(watcher):
    """How many keys the watcher saw last on each server of the first group."""
    group = status_of(watcher)["groups"][0]
    return [server["keys"] for server in (group["master"], *group["replicas"])]


@pytest.fixture(scope="module")
def fleet():
    """(cluster, nodes, sentinels, watcher) that nobody changes."""
    with Cluster() as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        with cluster.master(nodes).client() as client:
            client.set("key", "x")
        await_calm(watcher)
        wait_for(lambda: keys_seen(watcher) == [1, 1, 1], what="a look at the key")
        yield cluster, nodes, sentinels, watcher


def test_status_of_a_healthy_group(fleet):
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    for words in ["status"], ["status", "master1"], ["status", "--url", f"http://{watcher.address}/"]:
        code, text, errors = ask(watcher, *words)
        assert (code, errors) == (0, ""), text
        table, _, history = text.partition("\n\n")
        first, *lines = table.splitlines()
        assert history.startswith("event log in ZooKeeper") and f"the master is {master.address}" in history
        assert first.startswith("master1, epoch 0, writable for ") and not any(line.strip().startswith("!") for line in lines)
        rows = [line.split()[:2] for line in lines]
        assert rows[0] == ["master", master.address]
        assert {(role, address) for role, address in rows} == {
            ("master", master.address), *(("replica", node.address) for node in nodes if node is not master),
            *(("Sentinel", sentinel.address) for sentinel in sentinels)}
    code, text, _ = ask(watcher, "status", "--json")
    check("Status", json.loads(text))
    assert code == 0 and text.count("\n") == 1
    assert [group["name"] for group in json.loads(ask(watcher, "status", "master1", "--json")[1])["groups"]] == [
        "master1"]
    assert "\x1b" not in text


def test_status_on_a_terminal(fleet):
    watcher = fleet[-1]
    shown = on_terminal(watcher, "status")
    assert "\x1b[32m" in shown
    plain = on_terminal(watcher, "status", NO_COLOR="1")
    assert "\x1b" not in plain and re.sub(r"\x1b\[\d*m", "", shown).split()[:4] == plain.split()[:4]
    assert max(map(len, plain.splitlines())) <= 80 and "Sentinel" in plain


def test_explains_a_healthy_group(fleet):
    cluster, nodes, sentinels, watcher = fleet
    code, text, errors = ask(watcher, "explain")
    assert (code, errors) == (0, "") and max(map(len, text.splitlines())) <= 80
    assert text == ask(watcher, "explain", "master1")[1] or "behind" in text
    told = json.loads(ask(watcher, "explain", "--json")[1])
    check("Explanations", told)
    (group,) = told["groups"]
    assert {node["node"] and node["node"]["address"]: node["role"] for node in group["nodes"]} == {
        **{node.address: "master" if node is cluster.master(nodes) else "replica" for node in nodes},
        **{sentinel.address: "Sentinel" for sentinel in sentinels}, None: "watcher"}
    assert "a failover needs 2 of 3 known Sentinels (quorum 2), and 2 would be left" in group["if"]["sentinel_dies"]
    assert "about 2.7 s after the death" in group["if"]["master_dies"]
    assert "their offsets are about equal" in group["if"]["everything_dies"]


def test_events_that_were(fleet):
    watcher = fleet[-1]
    code, text, errors = ask(watcher, "events")
    assert (code, errors) == (0, "")
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (-|master1) +\S", line) for line in text.splitlines())
    assert "is followed" in text
    events = [json.loads(line) for line in ask(watcher, "events", "--json")[1].splitlines()]
    assert len(events) == len(text.splitlines())
    for event in events:
        check("Event", event)


@pytest.mark.parametrize("words", [["status"], ["events"], ["events", "--follow"], ["explain"],
                                   ["failover", "master1"]])
def test_without_a_watcher(fleet, words):
    port = free_port()
    code, text, error = ask(fleet[-1], *words, "--url", f"http://{LOOPBACK}:{port}")
    assert (code, text) == (69, "")
    assert error == f"watcher: no watcher answers at {LOOPBACK}:{port}"


@pytest.mark.parametrize("words, code, says", [
    (["status", "nobody"], 2, "no such group"),
    (["explain", "nobody"], 2, "no such group"),
    (["failover"], 64, "expected GROUP after it"),
    (["failover", "a/b"], 64, 'GROUP: found "a/b"'),
    (["failover", "master1", "--to", "nowhere"], 64, '--to: found "nowhere"'),
    (["status", "--url", "ftp://x:1"], 64, '--url: found "ftp://x:1", expected http://HOST:PORT or https://HOST:PORT'),
    (["status", "one", "two"], 64, "a word that is no flag"),
    (["events", "--json", "--nonsense"], 64, '"--nonsense"'),
])
def test_what_is_wrong_is_said_in_a_line(fleet, words, code, says):
    ended = ask(fleet[-1], *words)
    assert ended[:2] == (code, "") and says in ended[2]


def test_commands_are_hindered_only_by_what_they_use(fleet):
    watcher = fleet[-1]
    assert ask(watcher, "status", ZK_ROOT="nonsense", ADMIN_TOKEN_FILE="/nonexistent")[0] == 0
    assert ask(watcher, "status", PORT0="nonsense")[0] == 78
    assert ask(watcher, "status", WATCHER_URL="nonsense")[0] == 78
    assert ask(watcher, "status", WATCHER_URL=f"http://{LOOPBACK}:{free_port()}")[0] == 69
    assert ask(watcher, "status", "--url", f"http://{watcher.address}", WATCHER_URL=f"http://{LOOPBACK}:1")[0] == 0


@pytest.mark.parametrize("command", ["status", "events", "failover", "explain"])
def test_help_has_an_example(fleet, command):
    code, text, _ = ask(fleet[-1], command, "--help")
    assert code == 0 and text.startswith(f"Usage: watcher {command}") and f"\nExample: watcher {command}" in text
    assert f"\n  {command}" in ask(fleet[-1], "--help")[1]


@pytest.mark.parametrize("command", ["status", "explain", "events", "events --follow", "events --follow --json"])
def test_closed_pipe_ends_it_without_noise(fleet, command):
    watcher = fleet[-1]
    ended = subprocess.run(["bash", "-c", f"{watcher.argv[0]} {command} | head -n 1; echo ${{PIPESTATUS[0]}}"],
                           cwd=watcher.directory, env=watcher.env, capture_output=True, text=True, timeout=20)
    assert ended.stderr == "" and ended.stdout.splitlines()[-1] == "0" and len(ended.stdout.splitlines()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_a_stream(fleet, number):
    with Command(fleet[-1], "events", "--follow") as command:
        command.wait_for("is followed")
        command.process.send_signal(number)
        assert command.process.wait(10) == 0
        assert command.process.stderr.read() == ""


def test_failover_that_was_told(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    await_calm(watcher)
    master = cluster.master(nodes)
    with Command(watcher, "events", "--follow") as follower:
        follower.wait_for("is followed")
        (group,) = json.loads(ask(watcher, "explain", "--json")[1])["groups"]
        promised = group["if"]["master_dies"].split(" would")[0]
        assert promised in [node.address for node in nodes if node is not master]
        master.kill_all()
        wait_for(lambda: cluster.record() != master.record, what="the failover's record")
        successor = cluster.await_agreement([node for node in nodes if node is not master], sentinels, [watcher])
        assert successor.address == promised
        (line,) = follower.wait_for(f"the master is {successor.address}, before {master.address}")
        assert "  master1   the master is" in line

        # The watcher is started again, and has another history.
        watcher.stop()
        watcher.start()
        wait_for(lambda: watcher.get("/master") == successor.record, what="the watcher's return")
        master.start()
        follower.wait_for(f"replica {master.address} answers")
        assert len(follower.lines) == len(set(follower.lines))
    cluster.await_agreement(nodes, sentinels, [watcher])


def test_status_with_the_dead(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    await_calm(watcher)
    dead = sentinels[0]
    dead.kill_all()

    def warned():
        code, text, _ = ask(watcher, "status")
        return text if code == 1 and f"! Sentinel {dead.address} does not answer" in text else None

    text = wait_for(warned, what="the warning", every=0.2)
    assert re.search(rf"Sentinel +{dead.address} +does not answer", text)
    explained = json.loads(ask(watcher, "explain", "--json")[1])["groups"][0]["if"]["sentinel_dies"]
    assert explained.startswith("no failover would be possible until a new Sentinel takes its identity")


def test_member_that_waits_is_told(cluster):
    # The watcher's loop then never turns without an event.
    cluster.add_env(OBSERVE_INTERVAL="500ms")
    nodes, _, (watcher,) = cluster.bring_up(redis=2)
    await_calm(watcher)
    replica = next(node for node in nodes if node is not cluster.master(nodes))
    replica.kill_all()
    master = cluster.master([node for node in nodes if node is not replica])
    # Nobody may be followed who cannot be asked, and nobody begins empty beside one that may hold data.
    os.kill(master.child, signal.SIGSTOP)
    waiting = cluster.redis()

    def rows():
        groups = json.loads(ask(watcher, "status", "--json")[1])["groups"]
        check("Group", groups[0])
        return waiting.port in [member["port"] for member in groups[0]["waiting"]]

    wait_for(rows, what="the member that waits", every=0.2)
    wait_for(lambda: f"waiting   {waiting.address}" in ask(watcher, "explain")[1], what="the same of explain",
             every=0.2)
    wait_for(lambda: f"! redis-wrapper {waiting.address} has waited for" in ask(watcher, "status")[1],
             within=60, what="the warning", every=0.5)
    wait_for(lambda: f"! redis-wrapper {master.address} hangs for" in ask(watcher, "status")[1],
             what="the warning of the one that hangs", every=0.5)
    assert f"hanging   {master.address}" in ask(watcher, "explain")[1]
    os.kill(master.child, signal.SIGCONT)
    waiting.await_serving()
    wait_for(lambda: "  waiting " not in ask(watcher, "status")[1], what="its end", every=0.2)


# --- a failover that is asked for; the watcher's answers stand here


class AdminDone(http.server.BaseHTTPRequestHandler):
    status, body = 200, ""
    seen = []

    def do_POST(self):
        AdminDone.seen.append((self.path, self.headers["Authorization"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def admin_api():
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), AdminDone)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    AdminDone.seen = []
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


DONE = {"took_ms": 1300, "paused_ms": 212, "epoch": 5, "sentence": "handed over"}


def test_failover_is_asked_for(fleet, admin_api, tmp_path):
    secret = tmp_path / "token"
    secret.write_text(f"alice:{TOKEN}\nbob:a-token-that-is-not-sent\n")
    AdminDone.status, AdminDone.body = 200, json.dumps(DONE)
    words = ["failover", "master1", "--to", "10.0.0.2:6379", "--url", admin_api]
    assert ask(fleet[-1], *words, "--admin-token-file", secret) == (
        0, "master1: handed over\n", "")
    code, text, _ = ask(fleet[-1], *words, "--json", ADMIN_TOKEN_FILE=str(secret))
    assert code == 0 and json.loads(text) == DONE
    assert AdminDone.seen == [("/masters/master1/failover?to=10.0.0.2%3A6379", f"Bearer {TOKEN}")] * 2
    code, text, error = ask(fleet[-1], *words, ADMIN_TOKEN_FILE=str(tmp_path / "nothing"))
    assert (code, text) == (78, "") and "ADMIN_TOKEN_FILE" in error


@pytest.mark.parametrize("status, line", [(401, "the token is wrong"), (403, "the admin API is off"), (404, "no such group"),
                                          (409, "a failover runs"), (503, "no replica can take over"), (504, "")])
def test_failover_that_is_refused(fleet, admin_api, status, line):
    AdminDone.status, AdminDone.body = status, line
    code, text, error = ask(fleet[-1], "failover", "master1", "--url", admin_api)
    assert (code, text) == (2, "")
    assert error == f"watcher: {line or f'the watcher answered {status} without a reason'}"


def test_failover_of_today_or_tomorrow(fleet):
    """Whatever the watcher itself answers without a token, nothing happens and the line is shown."""
    code, text, error = ask(fleet[-1], "failover", "master1")
    assert (code, text) == (2, "") and error.startswith("watcher: ")
    assert "/explain" in API["paths"]
