"""Behaviors: commands and webhooks that follow from events, and what a bad one may not do to the rest."""

import contextlib
import http.server
import json
import pathlib
import signal
import ssl
import subprocess
import threading
import time

import pytest

from cluster import ROOT, alive, free_port, processes_in, wait_for
from test_status import check, status_of

RECORDER = """#!/usr/bin/env python3
import json, os, sys
with open(sys.argv[1], "a") as record:
    record.write(json.dumps({"words": sys.argv[2:], "env": dict(os.environ), "stdin": sys.stdin.read(),
                             "descriptors": sorted(os.listdir("/proc/self/fd"))}) + "\\n")
"""


class Hook(contextlib.AbstractContextManager):
    """An HTTP server that notes what is posted, and answers as it is told: statuses and headers, the last for ever."""

    def __init__(self, *answers, certificate=None):
        self.requests = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.requests.append((time.monotonic(), self.path, dict(self.headers), json.loads(body)))
                status, headers = answers[min(len(hook.requests), len(answers)) - 1]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = "127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def await_requests(self, count):
        return wait_for(lambda: len(self.requests) >= count and list(self.requests), what=f"{count} requests")


class Dripper(contextlib.AbstractContextManager):
    """Takes a request and answers it with a byte now and then, for ever."""

    def __init__(self):
        self._ended = threading.Event()
        self.connections = 0
        dripper = self

        class Handler(http.server.socketserver.StreamRequestHandler):
            def handle(self):
                dripper.connections += 1
                with contextlib.suppress(OSError):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                    while not dripper._ended.wait(0.05):  # pylint: disable=protected-access
                        self.wfile.write(b"x")

        self._server = http.server.socketserver.ThreadingTCPServer(("127.0.0.1", free_port()), Handler)
        self._server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


def script(cluster, name, text):
    path = cluster.directory / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def section(name, do, on=("*",), **keys):
    lines = [f"[behavior.{name}]", f"on = {json.dumps(list(on))}", f'do = "{do}"']
    return "\n".join(lines + [f"{key} = {json.dumps(value)}" for key, value in keys.items()]) + "\n"


def shell(cluster, name, text, on=("*",), **keys):
    return section(name, "exec", on, command=[str(script(cluster, f"{name}.sh", "#!/bin/sh\n" + text))], **keys)


def configure(cluster, *sections):
    path = cluster.directory / "watcher.toml"
    path.write_text("\n".join(sections))
    return path


def behavior(watcher, name):
    (found,) = [entry for entry in status_of(watcher)["behaviors"] if entry["name"] == name]
    return found


def await_behavior(watcher, name, **wanted):
    """Waits until its status says so."""
    return wait_for(lambda: wanted.items() <= (found := behavior(watcher, name)).items() and found,
                    what=f"{name}: {wanted}", every=0.05)


def watch(cluster, *sections, **env):
    """A watcher, and a Sentinel's znode by which events are made at will: (watcher, make)."""
    watcher = cluster.watcher(CONFIG_FILE=configure(cluster, *sections), **env)
    watcher.wait_log("event=http-listening")
    made = []

    def make():
        number = len(made)
        made.append(cluster.kazoo.create(f"/redis/sentinels/made-{number}", f"127.0.0.9 {1000 + number}".encode(),
                                         makepath=True))

    wait_for(lambda: json.loads(watcher.get("/status"))["zookeeper"]["age_ms"] == 0, what="the first reading")
    return watcher, make


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_failover_runs_a_command_and_delays_no_record(cluster):
    record = cluster.directory / "record"
    passwords = {"REDIS_PASSWORD": "re-dis-secret", "SENTINEL_PASSWORD": "sen-secret"}
    command = [str(script(cluster, "recorder", RECORDER)), str(record), "--loud", "a b, c"]
    cluster.add_env(**passwords, CONFIG_FILE=None)
    configured = configure(cluster, section("page", "exec", ["master-changed"], command=command),
                           shell(cluster, "hangs", "exec sleep 1000\n", timeout="2s"),
                           shell(cluster, "spams", "yes spam | head -c 5000000\n"))
    nodes, sentinels, _ = cluster.bring_up(watchers=0)
    watcher = cluster.watcher(CONFIG_FILE=configured)
    cluster.await_agreement(nodes, sentinels, [watcher])
    await_behavior(watcher, "hangs", busy=True)
    assert records(record) == [], "what was so before the watcher came is no event"
    master = cluster.master(nodes)
    survivors = [node for node in nodes if node is not master]
    master.kill_all()
    successor = cluster.await_agreement(survivors, sentinels, [watcher])
    (heard,) = wait_for(lambda: records(record), what="the command")

    event = json.loads(heard["stdin"])
    check("Event", event)
    assert (event["kind"], event["fields"]["to"]["address"]) == ("master-changed", successor.address)
    version = cluster.kazoo.get("/redis/master")[1].version
    assert event["key"] == f"master1:{event['fields']['epoch']}:{version}"
    env, prefix = heard["env"], "REDIS_ZK_EVENT_"
    told = {name.removeprefix(prefix).lower(): value for name, value in env.items() if name.startswith(prefix)}
    whole = {name: event[name] for name in ("id", "key", "kind", "group", "time", "sentence")}
    assert told == {name: value["address"] if isinstance(value, dict) else str(value)
                    for name, value in {**whole, **event["fields"]}.items()}
    assert env["PATH"]
    assert heard["words"] == ["--loud", "a b, c"]
    # Two are the script's own: what it writes to, and the directory that is listed.
    assert set(heard["descriptors"]) <= {"0", "1", "2", "3", "4"}
    assert all(secret not in json.dumps(env) for secret in passwords.values())
    assert not {"REDIS_PASSWORD", "SENTINEL_PASSWORD"} & set(env)
    await_behavior(watcher, "page", done=1, failed=0, queued=0)
    assert watcher.wait_log("the command was killed after 2000 ms (timeout)")
    assert watcher.wait_log("more lines were left out").startswith("spams| ")
    spams = behavior(watcher, "spams")
    assert len(watcher.log_lines("spams| spam")) <= 50 * (1 + spams["done"] + spams["failed"])
    metrics = watcher.get("/metrics")
    assert 'redis_zk_behavior_events_total{behavior="page",result="done"} 1' in metrics
    assert 'redis_zk_behavior_queue_length{behavior="page"} 0' in metrics
    # While one hangs and another talks, the record is as quick as ever.
    master.start()
    cluster.await_agreement(nodes, sentinels, [watcher])
    master = cluster.master(nodes)
    master.kill_all()
    wait_for(lambda: any(sentinel.view().get("port") not in (None, master.port) for sentinel in sentinels),
             what="the failover")
    sentinel_knew = time.monotonic()
    wait_for(lambda: cluster.record() not in ("", master.record), what="the record")
    assert time.monotonic() - sentinel_knew < 2, "a few milliseconds, on a machine with nothing else to do"
    started = time.monotonic()
    assert watcher.stop() == 0
    assert time.monotonic() - started < 4
    assert processes_in(watcher.directory) == []


def test_command_that_hangs_is_ended_with_all_that_is_its_own(cluster):
    pids = cluster.directory / "pids"
    stubborn = (f"trap '' TERM\nsleep 1000 &\necho $$ $! > {pids}.new && mv {pids}.new {pids}\n"
                "while true; do sleep 1; done\n")
    watcher, make = watch(cluster, shell(cluster, "stubborn", stubborn, timeout="500ms"),
                          shell(cluster, "quick", "exit 0\n"))
    make()
    started = time.monotonic()
    await_behavior(watcher, "quick", done=1)
    wait_for(pids.exists, what="the stubborn one")
    both = [int(pid) for pid in pids.read_text().split()]
    await_behavior(watcher, "stubborn", failed=1, last_error="the command was killed after 500 ms (timeout)")
    assert time.monotonic() - started > 1.5, "it was asked first"
    wait_for(lambda: not any(map(alive, both)), what="their end")


@pytest.mark.parametrize("text, error", [
    ("exit 3\n", "the command exited with code 3"),
    ("kill -KILL $$\n", "the command exited with code 137"),
    ("exec /no/such/program\n", "the command exited with code 127"),
])
def test_command_that_fails_is_one_line(cluster, text, error):
    watcher, make = watch(cluster, shell(cluster, "fails", text))
    make()
    await_behavior(watcher, "fails", failed=1, done=0, last_error=error)
    assert len(watcher.log_lines("event=behavior-failed")) == 1


def test_stop_ends_what_runs(cluster):
    with Hook((500, {})) as hook:
        watcher, make = watch(cluster, shell(cluster, "hangs", "exec sleep 1000\n", timeout="1h"),
                              section("hook", "webhook", url=f"http://{hook.address}/", retry_for="1h"))
        make()
        await_behavior(watcher, "hangs", busy=True)
        hook.await_requests(1)
        assert len(processes_in(watcher.directory)) == 2
        started = time.monotonic()
        assert watcher.stop() == 0
        assert time.monotonic() - started < 4, "two seconds are for HTTP connections that idle"
        assert processes_in(watcher.directory) == []


def test_webhook_tries_again_with_the_same_key(cluster):
    header = cluster.directory / "header"
    header.write_text("Authorization: Bearer hunter2\n")
    with Hook((500, {}), (503, {"Retry-After": "2"}), (200, {})) as hook:
        watcher, make = watch(cluster, section("chat", "webhook", ["sentinel-came"], header_file=str(header),
                                               url=f"http://{hook.address}/hooks/redis?token=hunter2"))
        make()
        first, second, third = hook.await_requests(3)
        make()
        fourth = hook.await_requests(4)[3]
        for _, path, headers, event in (first, second, third):
            check("Event", event)
            assert path == "/hooks/redis?token=hunter2"
            assert event == first[3] and event["fields"]["sentinel"]["address"] == "127.0.0.9:1000"
            assert headers["Idempotency-Key"] == event["key"] == event["id"]
            assert headers["Content-Type"] == "application/json"
            assert headers["User-Agent"] == "redis-zk/0.2.0"
            assert headers["Authorization"] == "Bearer hunter2"
        assert third[0] - second[0] >= 2, "as the server asked"
        assert fourth[3]["fields"]["sentinel"]["address"] == "127.0.0.9:1001" and fourth[2]["Idempotency-Key"] == fourth[3]["id"]
        await_behavior(watcher, "chat", done=2, failed=0)
        assert watcher.wait_log(f"behavior chat: request failed: {hook.address}: answered 500; retrying")
    assert "hunter2" not in watcher.log() and "hooks/redis" not in watcher.log()
    assert "hunter2" not in watcher.get("/status") + watcher.get("/metrics")


def test_webhook_over_tls_knows_its_server(cluster):
    certificate = cluster.directory / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hook", "-days", "2",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate, "-out", f"{certificate}.crt"],
                   check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + pathlib.Path(f"{certificate}.crt").read_text())
    with Hook((200, {}), certificate=certificate) as hook:
        chat = section("chat", "webhook", url=f"https://{hook.address}/", retry_for="0s")
        trusting, make = watch(cluster, chat, SSL_CERT_FILE=f"{certificate}.crt")
        careful = cluster.watcher(CONFIG_FILE=cluster.directory / "watcher.toml")
        careful.wait_log("event=http-listening")
        wait_for(lambda: json.loads(careful.get("/status"))["zookeeper"]["age_ms"] == 0, what="the first reading")
        make()
        await_behavior(trusting, "chat", done=1, failed=0)
        assert "no answer (" in await_behavior(careful, "chat", done=0, failed=1)["last_error"]
        assert len(hook.requests) == 1


def test_webhook_gives_up(cluster):
    with Hook((404, {})) as refuses, Dripper() as drips:
        watcher, make = watch(
            cluster, section("refused", "webhook", url=f"http://{refuses.address}/"),
            section("dripping", "webhook", url=f"http://{drips.address}/", timeout="500ms", retry_for="4s"),
            section("nobody", "webhook", url=f"http://127.0.0.1:{free_port()}/", retry_for="1s"))
        make()
        await_behavior(watcher, "refused", failed=1, last_error=f"{refuses.address}: answered 404")
        await_behavior(watcher, "dripping", failed=1,
                       last_error=f"given up after 4000 ms (retry_for): {drips.address}: no answer within 500 ms")
        assert drips.connections >= 2
        assert "no answer (" in await_behavior(watcher, "nobody", failed=1)["last_error"]
        assert len(refuses.requests) == 1


def test_queue_is_bounded(cluster):
    go = cluster.directory / "go"
    watcher, make = watch(cluster, shell(cluster, "slow", f"while ! test -e {go}; do sleep 0.1; done\n", queue=2,
                                         timeout="1h", on=["sentinel-came"]))
    for number in range(6):
        make()
        # One event for each: what comes together in ZooKeeper is told together.
        wait_for(lambda address=f"127.0.0.9:{1000 + number}": address in watcher.get("/sentinels"), what="the znode")
        if number == 0:
            await_behavior(watcher, "slow", busy=True)
    await_behavior(watcher, "slow", queued=2, dropped=3, done=0)
    go.touch()
    await_behavior(watcher, "slow", queued=0, dropped=3, done=3)
    assert len(watcher.log_lines("behavior slow: dropped the 3 oldest events: its queue holds at most 2")) == 1


def test_sighup_takes_over_what_changed(cluster):
    out = {name: cluster.directory / f"{name}.out" for name in ("kept", "changed", "removed", "added")}
    note = {name: shell(cluster, name, f"echo $REDIS_ZK_EVENT_SENTINEL >> {path}\n") for name, path in out.items()}
    held = shell(cluster, "held", "exec sleep 1000\n", timeout="1h")
    watcher, make = watch(cluster, note["kept"], note["changed"], note["removed"], held)
    make()
    for name in ("kept", "changed", "removed"):
        await_behavior(watcher, name, done=1)
    await_behavior(watcher, "held", busy=True)
    make()
    await_behavior(watcher, "held", busy=True, queued=1)

    configure(cluster, note["added"], note["kept"], note["changed"] + "queue = 7\n", held)
    watcher.signal(signal.SIGHUP)
    assert "behaviors: added added; changed changed; removed removed " in watcher.wait_log("event=behaviors-reloaded")
    assert [entry["name"] for entry in status_of(watcher)["behaviors"]] == ["added", "kept", "changed", "held"]
    await_behavior(watcher, "held", busy=True, queued=1)
    await_behavior(watcher, "kept", done=2)
    make()
    await_behavior(watcher, "kept", done=3)
    await_behavior(watcher, "changed", done=1)
    await_behavior(watcher, "added", done=1)
    assert out["added"].read_text() == "127.0.0.9:1002\n"
    assert "127.0.0.9:1002" not in out["removed"].read_text()

    configure(cluster, section("wrong", "mail"), section("kept", "exec", command=["relative"]))
    watcher.signal(signal.SIGHUP)
    watcher.wait_log('[behavior.kept] command: found "relative"')
    assert len(watcher.log_lines("event=reload-rejected")) == 2
    assert watcher.log_lines('[behavior.wrong] do: found "mail", expected "exec" or "webhook"')
    assert [entry["name"] for entry in status_of(watcher)["behaviors"]] == ["added", "kept", "changed", "held"]

    configure(cluster, held)
    watcher.signal(signal.SIGHUP)
    watcher.wait_log("behaviors: removed added, kept, changed")
    watcher.signal(signal.SIGHUP)
    watcher.wait_log("SIGHUP: behaviors unchanged")


def test_wrong_sections_end_the_start(cluster):
    path = configure(cluster, 'sentinel_timeout = "never"\n', section("a", "mail"),
                     section("b", "exec", ["no-such-event"], command=["page"], timeout="soon"),
                     section("c", "webhook", url="http://user:hunter2@h/", header="X: hunter2"))
    ended = subprocess.run([cluster.binaries / "watcher"], env=cluster.env(CONFIG_FILE=path, PORT0=free_port()),
                           capture_output=True, text=True, timeout=10, check=False)
    lines = ended.stderr.splitlines()
    assert ended.returncode == 78 and ended.stdout == ""
    parts = ["SENTINEL_TIMEOUT", "[behavior.a] do: ", "[behavior.b] on: ", "[behavior.b] timeout: ",
             "[behavior.b] command: ", "[behavior.c] url: ", '[behavior.c]: found "header"']
    for line, part in zip(lines, parts, strict=True):
        assert line.startswith("watcher: ") and part in line
    assert "hunter2" not in ended.stderr


def test_examples_of_the_config_file_are_accepted(cluster):
    """As they stand there, without the marks of the comments; the files that they name are others here."""
    text = (ROOT / "conf/watcher.toml").read_text()
    at = text.index("# [behavior.")
    lines = [line.removeprefix("# ") for line in text[at:].splitlines()]
    header = cluster.directory / "header"
    header.write_text("X: y\n")
    examples = "\n".join(lines).replace("/usr/local/bin/page", "/bin/true").replace("/run/secrets/chat", str(header))
    watcher, _ = watch(cluster, examples)
    assert [entry["name"] for entry in status_of(watcher)["behaviors"]] == ["page-on-call", "tell-chat"]


def test_watcher_that_only_observes_writes_no_record(cluster):
    nodes, sentinels, _ = cluster.bring_up(watchers=0)
    watcher = cluster.watcher(UPDATE_MASTER="observe")
    cluster.await_agreement(nodes, sentinels, [watcher])
    cluster.kazoo.set("/redis/master", b"127.0.0.1 1")
    line = watcher.wait_log("event=record-write-skipped")
    assert "(before: 127.0.0.1:1)" in line
    assert cluster.record() == "127.0.0.1 1" and watcher.get("/master") == "127.0.0.1 1"
    cluster.watcher()
    cluster.await_agreement(nodes, sentinels, [watcher])
