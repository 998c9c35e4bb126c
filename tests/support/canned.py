"""A watcher that says what the test wants: the page of the built one, and made-up answers to what it asks for.

    with Canned([*well(30), down("cache")]) as watcher:
        driver.get(watcher.url)
        watcher.tell("master-down", "cache", "cache: Sentinel ...")
"""

import copy
import http.server
import json
import os
import pathlib
import queue
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SENTINELS = [("10.0.1.1", 26379), ("10.0.1.2", 26379), ("10.0.1.3", 26379)]


def built_page():
    """(the page, its Content-Security-Policy), as they stand in the watcher's binary."""
    binaries = pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))
    program = (binaries / "watcher").read_bytes()
    start = program.index(b"<!doctype html>")
    policy = program.index(b"default-src 'none'")
    return (program[start:program.index(b"</html>", start) + len(b"</html>")],
            program[policy:program.index(b"\0", policy)].decode())


def milliseconds():
    return int(time.time() * 1000)


def address(host, port):
    return {"host": host, "port": port, "address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}


def server(host, role, **more):
    return {**address(host, 6379), "level": "good", "state": "answers" if role == "master" else "in step",
            "details": "7 keys, 1.5 MB", "answers": True, "role": role, "run_id": "r" * 40, "loading": False, "keys": 7,
            "used_memory_bytes": 1_500_000, "max_memory_bytes": 0, "replication_id": "i" * 40, "offset": 5000,
            "append_only": True, "unsaved_changes": 0, **more}


def silent(of, ms):
    """The same server, which does not answer."""
    return {**{key: of[key] for key in ("host", "port", "address")}, "level": "bad", "state": f"silent for {ms // 1000} s",
            "details": "Connection refused", "answers": False, "silent_ms": ms, "error": "Connection refused"}


def group(name, number=1):
    """A group that is well."""
    master, *replicas = (f"10.{1 + number // 250}.{number % 250}.{node}" for node in (1, 2, 3))
    follows = {"follows": address(master, 6379), "link_up": True, "attached": True, "link_down_ms": 0,
               "synchronising": False, "priority": 100, "lag_bytes": 0}
    believes = {"master": address(master, 6379), "epoch": 3, "master_down": False, "failover_in_progress": False,
                "quorum": 2, "down_after_ms": 1500, "replicas": 2, "other_sentinels": 2}
    return {"name": name, "record": {"master": address(master, 6379), "epoch": 3, "reason": "a Sentinel has seen epoch 3"},
            "summary": f"master {master}:6379, 2 of 2 replicas attached, 3 of 3 Sentinels agree",
            "state": {"severity": "well", "writable": True, "for_ms": 7_200_000, "at_least": False,
                      "sentence": "the master answers, and a replica could take over"},
            "master": server(master, "master"), "replicas": [server(host, "replica", **follows) for host in replicas],
            "waiting": [], "waits": [], "paused": None,
            "sentinels": [{**address(*sentinel), "level": "good", "state": "agrees",
                           "details": "quorum 2, 2 replicas, 2 peers", "believes": believes} for sentinel in SENTINELS],
            "warnings": [], "failover": None, "failovers": []}


def well(count):
    return [group(f"group-{number:03}", number) for number in range(1, count + 1)]


def spoilt(of, severity, sentence, warnings=None, **state):
    return {**copy.deepcopy(of), "warnings": warnings or [sentence],
            "state": {"severity": severity, "writable": severity != "down", "for_ms": 12_000, "at_least": False,
                      "sentence": sentence, **state}}


def lagging(of):
    found = spoilt(of, "trouble", f"replica {of['replicas'][0]['address']} is 12.0 MB behind")
    found["replicas"][0].update(level="bad", state="12.0 MB behind", lag_bytes=12_000_000)
    return found


def at_risk(of):
    return spoilt(of, "at-risk", "the quorum of 2 cannot be reached: 1 of 3 Sentinels answer")


def step(name, sentence, ago):
    return {"time": milliseconds() - ago, "step": name, "sentinel": address(*SENTINELS[0]),
            "sentence": f"Sentinel 10.0.1.1:26379 {sentence}"}


def down(of, steps=()):
    master = of["master"]["address"]
    found = spoilt(of, "down", f"the master {master} does not answer",
                   [f"the recorded master {master} has not answered for 12 s"])
    found["master"] = silent(of["master"], 12_000)
    for replica in found["replicas"]:
        replica.update(level="bad", state="no link for 12 s", link_up=False, attached=False, link_down_ms=12_000)
    for sentinel in found["sentinels"]:
        sentinel.update(level="bad", state="reports it as down")
        sentinel["believes"]["master_down"] = True
    if steps:
        found["failover"] = {"steps": list(steps)}
    return found


def failing_over(of):
    """A failover that has come as far as the choice of a replica."""
    master, replica = of["master"]["address"], of["replicas"][0]["address"]
    return down(of, [step("+sdown", f"reports the master {master} as down (s_down)", 1400),
                     step("+odown", f"has the quorum to report the master {master} as down (o_down)", 1330),
                     step("+try-failover", f"asks to lead a failover of the master {master}", 1320),
                     step("+elected-leader", "was elected to lead the failover", 1250),
                     step("+selected-slave", f"selected the replica {replica} for promotion", 1200)])


def failed_over(of):
    """A minute ago, from the first replica to the master."""
    found = copy.deepcopy(of)
    old, new = found["replicas"][0], found["master"]
    began = 62_000
    found["failovers"] = [{
        "id": "1764000000000-9", "time": milliseconds() - began + 1900, "epoch": 3, "outage_ms": 1900,
        "from": {key: old[key] for key in ("host", "port", "address")},
        "to": {key: new[key] for key in ("host", "port", "address")}, "reason": "Sentinel 10.0.1.1:26379 has promoted it",
        "sentence": f"the master is {new['address']}, before {old['address']}, after an outage of 1.9 s",
        "steps": [step("+sdown", f"reports the master {old['address']} as down (s_down)", began),
                  step("+odown", "has the quorum", began - 80), step("+elected-leader", "was elected", began - 210),
                  step("+promoted-slave", f"promoted the replica {new['address']}", began - 1200),
                  step("+switch-master", f"names the new master {new['address']}", began - 1950)]}]
    return found


def status(groups, **more):
    return {"version": 1, "time": milliseconds(),
            "watcher": {"version": "0.2.0", "name": "host-1:4711", "running_ms": 10_000_000, "default_group": "master1"},
            "zookeeper": {"connected": True, "age_ms": 0}, "following": address(*SENTINELS[0]), "observed_age_ms": 300,
            "observed": "as of 0.3 s ago", "warnings": [], "waits": [], "behaviors": [], "versions": {}, "wrappers": [], "paused": None,
            "groups": sorted(groups, key=lambda each: each["name"]), "history": [], **more}


class Canned:
    """`groups` and `more` may be replaced while it runs; the page asks again soon."""

    def __init__(self, groups, **more):
        self.groups = groups
        self.more = more
        self.asked = 0        # for /status
        self.answers = True   # False: it hangs up
        self._streams = []
        self._events = 0
        page, policy = built_page()
        canned = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path.partition("?")[0]
                if path == "/":
                    self._say("text/html; charset=utf-8", page, ("Content-Security-Policy", policy))
                elif path == "/status" and canned.answers:
                    canned.asked += 1
                    self._say("application/json", json.dumps(status(canned.groups, **canned.more)).encode())
                elif path == "/events":
                    self._stream()
                else:
                    self.close_connection = True

            def _say(self, kind, body, *headers):
                self.send_response(200)
                for name, value in (("Content-Type", kind), ("Content-Length", len(body)), *headers):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def _stream(self):
                told = queue.Queue()
                canned._streams.append(told)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    while (text := told.get()) is not None:
                        self.wfile.write(text.encode())
                        self.wfile.flush()
                except OSError:
                    pass  # the browser has left

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        for stream in self._streams:
            stream.put(None)
        self._server.shutdown()
        self._server.server_close()

    def now(self, groups=None, answers=True):
        """Something has changed, and an event makes the page ask at once."""
        self.groups = self.groups if groups is None else groups
        self.answers = answers
        self.tell("clean-up", "", "something happened")

    def tell(self, kind, about, sentence):
        """An event, to all that listen."""
        self._events += 1
        event = {"version": 1, "id": f"1764000000000-{self._events}", "key": str(self._events), "time": milliseconds(),
                 "kind": kind, "group": about, "fields": {}, "sentence": sentence}
        for stream in self._streams:
            stream.put(f"id: {event['id']}\nevent: {kind}\ndata: {json.dumps(event)}\n\n")
