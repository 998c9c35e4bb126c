"""What operators see of the watcher: /status, /events, and whether they are what docs/openapi.yaml says."""

import contextlib
import gzip
import http.client
import json
import os
import re
import signal
import socket
import time
import urllib.request

import jsonschema
import pytest
import yaml

from background import Background
from cluster import ROOT, Cluster, wait_for

API = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())


def check(name, value):
    """Compares with a schema of the document."""
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": API["components"]},
                        cls=jsonschema.Draft202012Validator)


def status_of(watcher):
    code, headers, text = watcher.request("/status")
    assert (code, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/json", "no-store")
    status = json.loads(text)
    check("Status", status)
    return status


def group_of(watcher):
    (group,) = status_of(watcher)["groups"]
    return group


def await_calm(watcher):
    """Waits until nothing is wrong, and returns the group."""
    seen = {}

    def calm():
        seen.update(status_of(watcher))
        return not seen["warnings"] and not seen["groups"][0]["warnings"] and seen["observed_age_ms"] is not None

    try:
        wait_for(calm, what="an end of the warnings", every=0.1)
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {seen['warnings']}, {[group['warnings'] for group in seen['groups']]}") from None
    return seen["groups"][0]


class Listener(Background):
    """Reads /events: heard is [(when, event), ...]."""

    every = 0

    def __init__(self, watcher, last_id=None):
        super().__init__()
        connection = http.client.HTTPConnection(watcher.host, watcher.port, timeout=60)
        # Compressed, a stream would be held back until there is enough to compress.
        headers = {"Accept-Encoding": "gzip, br"} | ({"Last-Event-ID": last_id} if last_id else {})
        connection.request("GET", "/events", headers=headers)
        self._socket = connection.sock
        self._answer = connection.getresponse()
        assert self._answer.status == 200
        assert self._answer.headers["Content-Type"] == "text/event-stream"
        assert self._answer.headers["Cache-Control"] == "no-store"
        self.heard = []
        self.ended = False

    def step(self):
        lines = list(iter(lambda: self._answer.readline().decode().rstrip("\n"), ""))
        if not lines:
            self.ended = True
            self._stop_asked.set()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        if "data" in fields:
            event = json.loads(fields["data"])
            check("Event", event)
            assert (fields["id"], fields["event"]) == (event["id"], event["kind"])
            self.heard.append((time.monotonic(), event))

    def stop(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        super().stop()

    def events(self, kind):
        return [(when, event) for when, event in list(self.heard) if event["kind"] == kind]

    def wait_for(self, kind, **servers):
        """(when, event), of the first event of that kind whose fields name these addresses."""

        def find():
            return [(when, event) for when, event in self.events(kind)
                    if all(event["fields"][name]["address"] == address for name, address in servers.items())]

        return wait_for(find, what=f"the event {kind} {servers}")[0]


@pytest.fixture(scope="module")
def fleet():
    """(cluster, nodes, sentinels, watcher) that nobody changes."""
    with Cluster() as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        yield cluster, nodes, sentinels, watcher


@pytest.fixture
def watcher(fleet):
    return fleet[-1]


def test_status_tells_of_everybody(fleet):
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    with master.client() as client:
        for number in range(7):
            client.set(f"key-{number}", "x")
    await_calm(watcher)
    group = wait_for(lambda: (found := group_of(watcher))["replicas"][0]["keys"] == 7 and found, what="the keys")
    assert group["name"] == "master1" and group["failovers"] == []
    assert group["record"]["master"]["address"] == group["master"]["address"] == master.address
    assert group["record"]["epoch"] == cluster.lineage()["epoch"]
    assert group["record"]["reason"] == cluster.lineage()["reason"]
    assert (group["master"]["role"], group["master"]["keys"]) == ("master", 7)
    assert group["master"]["used_memory_bytes"] > 100_000
    assert sorted(replica["address"] for replica in group["replicas"]) == sorted(
        node.address for node in nodes if node is not master)
    for replica in group["replicas"]:
        assert (replica["role"], replica["link_up"], replica["synchronising"]) == ("replica", True, False)
        assert replica["follows"]["address"] == master.address
        assert replica["lag_bytes"] < 10_000
        assert replica["replication_id"] == group["master"]["replication_id"]
    assert sorted(sentinel["address"] for sentinel in group["sentinels"]) == sorted(
        sentinel.address for sentinel in sentinels)
    for sentinel in group["sentinels"]:
        believes = sentinel["believes"]
        assert believes["master"]["address"] == master.address
        assert (believes["quorum"], believes["replicas"], believes["other_sentinels"]) == (2, 2, 2)
        assert not believes["master_down"] and not believes["failover_in_progress"]
    status = status_of(watcher)
    assert status["zookeeper"] == {"connected": True, "age_ms": 0}
    assert status["observed_age_ms"] < 10_000
    assert status["following"]["address"] == watcher.followed()


def test_paths_are_those_that_are_documented(watcher):
    listed = {path.partition("?")[0].replace("NAME", "{name}") for path in re.findall(r"/\S*", watcher.get("/"))}
    assert listed | {"/"} == set(API["paths"])


def compare(method, path, code, headers, text):
    """An answer with what the document says of it."""
    response = API["paths"][path][method]["responses"][str(code)]
    if "$ref" in response:
        response = API["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content_type = headers.get_content_type()
    assert content_type in response["content"]
    if content_type == "application/json":
        check(response["content"][content_type]["schema"]["$ref"].rpartition("/")[2], json.loads(text))


def assert_is_refused(watcher, method, path, query, code):
    target = path.replace("{name}", "master1") + query
    for accept in ("application/json", "text/plain"):
        answer = watcher.request(target, accept=accept, method=method.upper())
        assert answer[0] == code, (target, answer[2])
        compare(method, path, *answer)
        assert answer[1].get_content_type() == accept or path == "/events"
        assert "\n" not in answer[2].strip()


@pytest.mark.parametrize("method, path, query, code", [
    ("get", "/sentinels", "?wait=x", 400),
    ("get", "/master", "?wait=61s", 400),
    ("get", "/masters", "?wait=-1", 400),
    ("get", "/masters/{name}", "?wait=1d", 400),
    ("get", "/masters/{name}/is-master", "", 400),
    ("get", "/masters/{name}/is-master", "?addr=127.0.0.1", 400),
    ("get", "/masters/{name}/is-master", "?addr=127.0.0.1:1", 503),
    ("get", "/status", "?group=nobody", 404),
    ("get", "/explain", "?group=nobody", 404),
    ("get", "/events", "?wait=x", 400),
    ("post", "/masters/{name}/failover", "", 403),
    ("post", "/pause", "", 403),
    ("post", "/resume", "", 403),
    ("delete", "/masters/{name}", "", 403),
])
def test_refusals_are_as_documented(watcher, method, path, query, code):
    assert_is_refused(watcher, method, path, query, code)


@pytest.mark.parametrize("path, code", [("/sentinels", 503), ("/sentinel", 503), ("/master", 503), ("/readyz", 503)])
def test_answers_of_a_lonely_watcher_are_as_documented(cluster, path, code):
    lonely = cluster.watcher()
    lonely.wait_log("event=http-listening")
    assert_is_refused(lonely, "get", path, "", code)


@pytest.mark.parametrize("path", [path for path, methods in API["paths"].items() if "get" in methods])
@pytest.mark.parametrize("name", ["master1", "nobody"])
@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
def test_answers_are_as_documented(fleet, path, name, accept):
    cluster, nodes, _, watcher = fleet
    if path == "/events":
        return  # it does not end; every event that is heard is compared
    query = f"?addr={cluster.master(nodes).address}" if path.endswith("/is-master") else ""
    code, headers, text = watcher.request(path.replace("{name}", name) + query, accept=accept)
    assert code == (404 if "{name}" in path and name == "nobody" else 200)
    compare("get", path, code, headers, text)
    head = watcher.request(path.replace("{name}", name) + query, accept=accept, method="HEAD")
    assert (head[0], head[2]) == (code, "")


def test_answers_are_compressed_for_those_who_ask(watcher):
    connection = http.client.HTTPConnection(watcher.host, watcher.port, timeout=5)
    connection.request("GET", "/status", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    check("Status", json.loads(gzip.decompress(body)))


def test_streams_are_bounded_and_starve_nobody(watcher):
    with contextlib.ExitStack() as streams:
        for _ in range(512):
            streams.enter_context(urllib.request.urlopen(f"http://{watcher.address}/events", timeout=10))
        code, _, text = watcher.request("/events")
        assert (code, text) == (503, "too many streams are open")
        started = time.monotonic()
        for _ in range(20):
            assert watcher.get("/sentinels") and watcher.get("/status")
        assert time.monotonic() - started < 2

    def room():
        with contextlib.suppress(AssertionError), Listener(watcher):
            return True

    wait_for(room, what="a place for another stream", every=0.1)


def test_failover_is_told(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    await_calm(watcher)
    master = cluster.master(nodes)
    survivors = [node for node in nodes if node is not master]
    with Listener(watcher) as listener:
        master.kill_all()
        wait_for(lambda: cluster.record() != master.record, what="the failover's record")
        recorded = time.monotonic()
        when, event = listener.wait_for("master-changed")
        assert when - recorded < 1
        assert event["group"] == "master1" and event["fields"]["from"]["address"] == master.address
        assert event["fields"]["reason"] == cluster.lineage()["reason"]
        # The observer may have looked at the master up to two seconds after its death.
        assert 0 < event["fields"]["outage_ms"] < 30_000
        successor = cluster.await_agreement(survivors, sentinels, [watcher])

        group = wait_for(lambda: (found := group_of(watcher))["warnings"] and found["master"]["answers"] and found,
                         what="a warning")
        (failover,) = group["failovers"]
        steps = failover.pop("steps")
        told = listener.events("master-down")[0][1]
        assert steps[0] == {"time": told["time"], **told["fields"], "sentence": told["sentence"].removeprefix("master1: ")}
        assert steps[0]["step"] == "+sdown" and steps[0]["sentinel"]["address"] == watcher.followed()
        assert failover == {"id": event["id"], "time": event["time"], **event["fields"],
                            "sentence": event["sentence"].removeprefix("master1: ")}
        assert failover["to"]["address"] == group["master"]["address"] == successor.address
        wait_for(lambda: any(warning.startswith(f"replica {master.address} has not answered for ")
                             for warning in group_of(watcher)["warnings"]), what="a warning of the dead one")

        master.start()
        cluster.await_agreement(nodes, sentinels, [watcher])
        listener.wait_for("replica-came", replica=master.address)
        await_calm(watcher)
    with Listener(watcher, last_id=event["id"]) as late:
        late.wait_for("replica-came", replica=master.address)
        assert not late.events("master-changed"), "what was heard is not told again"
    with Listener(watcher, last_id="of-another-life") as stranger:
        assert stranger.wait_for("master-changed")[1] == event


def test_frozen_redis_holds_nothing_up(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    await_calm(watcher)
    master = cluster.master(nodes)
    frozen, other = [node for node in nodes if node is not master]
    os.kill(frozen.child, signal.SIGSTOP)

    def told():
        return [replica["error"] for replica in group_of(watcher)["replicas"] if not replica["answers"]]

    (error,) = wait_for(told, what="the silence of the frozen replica")
    assert error == f"{frozen.address}: no answer within 500 ms"
    slowest = 0
    for _ in range(200):
        started = time.monotonic()
        assert watcher.get("/sentinels")
        slowest = max(slowest, time.monotonic() - started)
    assert slowest < 0.4, "nobody waits for the frozen one"
    master.kill_all()
    wait_for(lambda: cluster.record() == other.record, what="the failover's record")
    os.kill(frozen.child, signal.SIGCONT)
    cluster.await_agreement([frozen, other], sentinels, [watcher])


def test_zookeeper_and_sentinels_come_and_go(cluster):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=3)
    await_calm(watcher)
    with Listener(watcher) as listener:
        leaving = sentinels[0]
        assert leaving.stop() == 0
        listener.wait_for("sentinel-gone", sentinel=leaving.address)
        wait_for(lambda: any("knows 3 Sentinels, but 2 are registered" in warning
                             for warning in group_of(watcher)["warnings"]), what="a warning of the stale entry")
        leaving.start()
        listener.wait_for("sentinel-came", sentinel=leaving.address)
        cluster.await_agreement(nodes, sentinels, [watcher])

        cluster.zookeeper.kill()
        listener.wait_for("zookeeper-lost")
        status = status_of(watcher)
        assert not status["zookeeper"]["connected"]
        assert status["warnings"][0].startswith("ZooKeeper has been unreachable for ")
        cluster.start_zookeeper()
        listener.wait_for("zookeeper-back")
        await_calm(watcher)

        started = time.monotonic()
        assert watcher.stop() == 0
        assert time.monotonic() - started < 5
        wait_for(lambda: listener.ended, what="the stream's end")


def test_who_does_not_want_to_be_asked_is_not(cluster):
    watcher = cluster.watcher(OBSERVE_INTERVAL=0)
    master = cluster.redis()
    master.await_serving()
    wait_for(lambda: watcher.get("/master") == master.record, what="the record")
    status = status_of(watcher)
    assert status["observed_age_ms"] is None
    assert status["groups"][0]["master"]["state"] == "not asked yet" and status["groups"][0]["warnings"] == []
    assert status["groups"][0]["record"]["master"]["address"] == master.address
