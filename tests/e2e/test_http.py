"""What applications see of the watcher."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import time

import pytest

from cluster import Cluster, wait_for


@pytest.fixture(scope="module")
def fleet():
    """(cluster, master, sentinels, watcher) that nobody changes."""
    with Cluster() as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
        watcher.followed()
        yield cluster, cluster.master(nodes), sentinels, watcher


def connections(watcher):
    """How many there are to its port."""
    table = open("/proc/net/tcp").read().splitlines()[1:]
    port = f":{watcher.port:04X}"
    return len([row for row in table if row.split()[1].endswith(port) and row.split()[3] == "01"])


@pytest.fixture
def watcher(fleet):
    return fleet[-1]


def addresses(sentinels):
    return sorted(sentinel.address for sentinel in sentinels)


def test_sentinels(fleet):
    _, _, sentinels, watcher = fleet
    status, headers, text = watcher.request("/sentinels")
    assert status == 200
    assert headers.get_content_type() == "text/plain"
    assert headers["Age"] is None
    assert sorted(text.split(",")) == addresses(sentinels)


def test_sentinels_as_json(fleet):
    _, _, sentinels, watcher = fleet
    status, headers, text = watcher.request("/sentinels", accept="application/json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    listed = json.loads(text)["sentinels"]
    assert sorted(entry["address"] for entry in listed) == addresses(sentinels)
    assert all(entry["address"] == f"{entry['host']}:{entry['port']}" for entry in listed)


def test_sentinel_is_any_of_them(fleet):
    _, _, sentinels, watcher = fleet
    assert {watcher.get("/sentinel") for _ in range(100)} == {sentinel.record for sentinel in sentinels}
    answer = json.loads(watcher.request("/sentinel", accept="application/json")[2])
    assert f"{answer['sentinel']['host']} {answer['sentinel']['port']}" in {each.record for each in sentinels}


def test_master(fleet):
    _, master, _, watcher = fleet
    assert watcher.get("/master") == master.record
    answer = json.loads(watcher.request("/master", accept="application/json")[2])
    assert answer["name"] == "master1"
    assert answer["master"] == {"host": master.host, "port": master.port, "address": master.address}
    assert isinstance(answer["epoch"], int)


def test_masters(fleet):
    _, master, _, watcher = fleet
    assert watcher.get("/masters") == f"master1 {master.record}"
    assert watcher.get("/masters/master1") == master.record
    assert watcher.request("/masters/nobody")[0] == 404
    listed = json.loads(watcher.request("/masters", accept="application/json")[2])["masters"]
    assert [entry["name"] for entry in listed] == ["master1"]


def test_is_master(fleet):
    cluster, master, _, watcher = fleet
    assert watcher.request(f"/masters/master1/is-master?addr={master.address}")[0] == 200
    status, _, text = watcher.request("/masters/master1/is-master?addr=127.0.0.1:1")
    assert (status, text) == (503, f"{master.address} is the master")
    assert watcher.request("/masters/master1/is-master")[0] == 400
    assert watcher.request("/masters/nobody/is-master?addr=127.0.0.1:1")[0] == 404


@pytest.mark.parametrize("path", ["/sentinels", "/master", "/masters", "/masters/master1"])
def test_what_is_known_already_is_not_sent_again(watcher, path):
    connection = http.client.HTTPConnection(watcher.host, watcher.port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    etag, text = answer.headers["ETag"], answer.read()
    assert text and etag.startswith('W/"')
    connection.request("GET", path, headers={"If-None-Match": etag})
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["ETag"]) == (304, b"", etag)
    connection.request("GET", path, headers={"If-None-Match": 'W/"other"'})
    assert connection.getresponse().read() == text


@pytest.mark.parametrize("path", ["/sentinels", "/master", "/masters", "/masters/master1"])
def test_text_is_not_taken_for_json(watcher, path):
    """A cache that holds one of them asks with its tag, whichever is asked for."""
    text, json_tag = (watcher.request(path, accept=accept)[1]["ETag"] for accept in ("text/plain", "application/json"))
    assert text != json_tag
    assert watcher.request(path, accept="application/json", headers={"If-None-Match": text})[0] == 200
    for known in (json_tag, json_tag.removeprefix("W/"), f'"other", {json_tag}', f"{text},{json_tag}", "*"):
        assert watcher.request(path, accept="application/json", headers={"If-None-Match": known})[0] == 304, known
    version = text.removeprefix('W/"').removesuffix('"')
    assert json.loads(watcher.request(path, accept="application/json")[2])["version"] == version, "for since"


@pytest.mark.parametrize("ranges", ["0-3", "0-0,-1", "100000-", ",".join(["0-"] * 2695)])
def test_range_is_ignored(watcher, ranges):
    whole = watcher.request("/sentinels")
    status, headers, text = watcher.request("/sentinels", headers={"Range": f"bytes={ranges}"})
    assert (status, headers["Content-Range"], text) == (200, None, whole[2])
    assert headers.get_content_type() == "text/plain"


def test_waits_until_something_changes(cluster):
    """A client that waits hears of a failover at once, and of the first master that there is."""
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    with concurrent.futures.ThreadPoolExecutor() as waiting:
        first = waiting.submit(watcher.request, "/master?since=none&wait=30s", timeout=40)
        nodes = [cluster.redis(), cluster.redis()]
        assert first.result()[0] == 200
        sentinels = [cluster.sentinel() for _ in range(2)]
        master = cluster.await_agreement(nodes, sentinels, [watcher])

        version = json.loads(watcher.request("/master", accept="application/json")[2])["version"]
        started = time.monotonic()
        assert watcher.get(f"/master?since={version}&wait=300ms") == master.record, "nothing changed"
        assert time.monotonic() - started >= 0.3
        assert watcher.get("/master?since=something-else&wait=30s") == master.record, "what is news is told at once"

        changed = waiting.submit(watcher.request, f"/master?since={version}&wait=30s", timeout=40)
        several = [waiting.submit(watcher.request, f"/master?since={version}&wait=30s", timeout=40) for _ in range(8)]
        master.kill_all()
        (survivor,) = [node for node in nodes if node is not master]
        assert changed.result()[2] == survivor.record
        assert {each.result()[2] for each in several} == {survivor.record}


def test_whoever_waits_does_not_keep_the_watcher_from_ending(cluster):
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    with concurrent.futures.ThreadPoolExecutor() as waiting:
        asked = waiting.submit(watcher.request, "/sentinels?since=none&wait=1m", timeout=70)
        wait_for(lambda: connections(watcher) > 0, what="the question")
        assert watcher.stop(within=5) == 0
        assert asked.exception() or asked.result()[0] == 503


@pytest.mark.parametrize("wait", ["x", "-1s", "61s", "1d"])
def test_wrong_waits_are_named(watcher, wait):
    status, _, text = watcher.request(f"/master?since=x&wait={wait}")
    assert status == 400 and text.startswith(f'wait: found "{wait}", expected a duration')


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/sentinels?group=master1", "/master?"])
def test_paths_that_there_are(watcher, path):
    status, _, text = watcher.request(path)
    assert status == 200
    assert text and "\n" not in text


@pytest.mark.parametrize("path", ["/nothing", "/sentinels/", "/SENTINELS", "//", "/../etc/passwd", "/sentinels%00",
                                  "/" + "x" * 4000])
def test_paths_that_there_are_not(watcher, path):
    status, _, text = watcher.request(path)
    assert status == 404
    assert text == "no such path; / lists the paths"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods_that_there_are_not(watcher, method):
    status, headers, text = watcher.request("/sentinels", method=method)
    assert status == 405
    assert headers["Allow"] == "GET, HEAD"
    assert text == "only GET and HEAD"


@pytest.mark.parametrize("path", ["/", "/sentinels", "/master", "/nothing"])
def test_head_is_get_without_the_text(watcher, path):
    status, headers, text = watcher.request(path)
    head_status, head_headers, head_text = watcher.request(path, method="HEAD")
    assert (head_status, head_text) == (status, "")
    assert head_headers["Content-Type"] == headers["Content-Type"]
    if path != "/sentinel":
        assert head_headers["Content-Length"] == headers["Content-Length"] == str(len(text))


@pytest.mark.parametrize("accept, content_type", [
    ("*/*", "text/plain"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain"),
    ("application/json, text/plain, */*", "application/json"),
    ("application/json;q=0.9", "application/json"),
    ("text/plain, application/json", "text/plain"),
    ("application/jsonp", "text/plain"),
    ("Application/JSON", "application/json"),
    (",;,", "text/plain"),
])
def test_first_type_that_there_is_decides(watcher, accept, content_type):
    assert watcher.request("/sentinels", accept=accept)[1].get_content_type() == content_type


@pytest.mark.parametrize("garbage", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET /sentinels\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"*1\r\n$4\r\nPING\r\n",
    b"POST /sentinels HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nx",
    b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
])
def test_garbage_harms_nobody_else(watcher, garbage):
    with socket.create_connection((watcher.host, watcher.port), timeout=5) as connection:
        try:
            connection.sendall(garbage)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it heard enough
        assert watcher.get("/sentinels")
    assert watcher.running


@pytest.mark.parametrize("body, status", [(b"Content-Length: 3\r\n\r\nabc", 400),
                                          (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 501)])
def test_question_with_a_body_is_refused(watcher, body, status):
    """It is not read: what follows would be taken for the next question."""
    with socket.create_connection((watcher.host, watcher.port), timeout=5) as connection:
        connection.sendall(b"GET /sentinels HTTP/1.1\r\nHost: watcher\r\n" + body)
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 %d " % status) and answer.count(b"HTTP/1.1 ") == 1, answer


def test_flood_of_slow_clients_holds_up_neither_the_record_nor_the_end(cluster):
    nodes, _, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    with contextlib.ExitStack() as flood:
        for _ in range(700):
            connection = flood.enter_context(socket.create_connection((watcher.host, watcher.port), timeout=5))
            connection.sendall(b"GET /sentinels HTTP/1.1\r\nHost: wat")
        cluster.kazoo.set("/redis/master", b"garbage")
        wait_for(lambda: cluster.record() == master.record, what="the record to be mended")
        assert watcher.stop(within=10) == 0


def test_idle_connections_starve_nobody(watcher):
    idle = [socket.create_connection((watcher.host, watcher.port)) for _ in range(64)]
    try:
        for connection in idle[::2]:
            connection.sendall(b"GET /sentinels HTTP/1.1\r\nHost: watcher\r\n\r\n")
        newcomer = http.client.HTTPConnection(watcher.host, watcher.port, timeout=10)
        newcomer.connect()
        started = time.monotonic()
        newcomer.request("GET", "/sentinels")
        assert newcomer.getresponse().read()
        assert time.monotonic() - started < 1
        newcomer.close()
    finally:
        for connection in idle:
            connection.close()


def test_one_connection_serves_many_requests(watcher):
    connection = http.client.HTTPConnection(watcher.host, watcher.port, timeout=10)
    started = time.monotonic()
    for _ in range(200):
        connection.request("GET", "/sentinels")
        assert connection.getresponse().read()
    connection.close()
    # With Nagle's algorithm each answer would wait 40 ms for the client's acknowledgement.
    assert time.monotonic() - started < 4


def test_nothing_to_tell_yet(cluster):
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    for path, why in [("/sentinels", "no Sentinel is registered"), ("/sentinel", "no Sentinel is registered"),
                      ("/master", "no master is recorded"), ("/readyz", "no Sentinel is registered")]:
        assert watcher.request(path)[::2] == (503, why)
        status, _, text = watcher.request(path, accept="application/json")
        assert (status, json.loads(text)) == (503, {"error": why})
    assert watcher.request("/")[0] == watcher.request("/healthz")[0] == 200


def test_port_is_not_shared(fleet):
    cluster, *_, watcher = fleet
    second = cluster.watcher(port=watcher.port)
    assert second.wait() == 75
    assert f"cannot listen on {watcher.address}: Address already in use" in second.log()
