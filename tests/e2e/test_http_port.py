"""The watcher's port under clients that are many, slow, old or malicious, and behind proxies."""

import concurrent.futures
import contextlib
import http.client
import io
import re
import resource
import socket
import ssl
import statistics
import threading
import time

import pytest

from authority import Authority, http_context
from cluster import LOOPBACK, Cluster, Server, free_port, wait_for
from variants import in_full

HEAD = b"GET /sentinels HTTP/1.1\r\nHost: watcher\r\n\r\n"
MIB = 1024 * 1024


@pytest.fixture(scope="module", autouse=True)
def many_descriptors():
    """Of this process; the watcher raises its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module", params=["plain", *in_full("tls")])
def watcher(request):
    """One that nobody changes."""
    with Cluster() as cluster:
        if request.param == "tls":
            authority = Authority(cluster.directory / "authority")
            authority.certify("watcher")
            cluster.add_env(**authority.http_options("watcher"))
        _, _, (watcher,) = cluster.bring_up(redis=1)
        watcher.followed()
        yield watcher


def connect(watcher, timeout=10):
    connection = socket.create_connection((watcher.host, watcher.port), timeout=timeout)
    context = http_context(watcher.env)
    return context.wrap_socket(connection) if context else connection


def http_client(watcher, timeout=10):
    context = http_context(watcher.env)
    if context:
        return http.client.HTTPSConnection(watcher.host, watcher.port, timeout=timeout, context=context)
    return http.client.HTTPConnection(watcher.host, watcher.port, timeout=timeout)


def exchange(watcher, request, half_close=False):
    """All that comes until the watcher closes."""
    with connect(watcher) as connection:
        connection.sendall(request)
        if half_close:
            # That of a connection with TLS would forget TLS.
            socket.socket.shutdown(connection, socket.SHUT_WR)
        return read_all(connection)


def read_all(connection):
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


def health_times(watcher, seconds):
    times = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.monotonic()
        assert watcher.request("/healthz")[0] == 200
        times.append(time.monotonic() - started)
        wait_for(lambda: time.monotonic() > started + 0.05, what="the next question", every=0.01)
    return times


class Crowd(threading.Thread):
    """`count` connections, of which each sends the next of `pieces` once in a while."""

    def __init__(self, watcher, count, every, pieces, connect=connect):
        super().__init__(daemon=True)
        self.watcher, self.count, self.every, self.pieces, self.connect = watcher, count, every, pieces, connect
        self.stopped = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join()

    def run(self):
        turns = [(self.connect(self.watcher), 0) for _ in range(self.count)]
        pause = self.every / self.count
        while not self.stopped.is_set():
            for index, (connection, turn) in enumerate(turns):
                try:
                    connection.sendall(self.pieces[turn % len(self.pieces)])
                    connection.setblocking(False)
                    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                        connection.recv(65536)
                    connection.setblocking(True)
                    turns[index] = (connection, turn + 1)
                except OSError:
                    connection.close()
                    turns[index] = (self.connect(self.watcher), 0)
                if self.stopped.wait(pause):
                    break
        for connection, _ in turns:
            connection.close()


@pytest.mark.parametrize("name, every, pieces", [
    ("keep-alive clients that ask once a second", 1, [HEAD]),
    ("clients that send a byte every 2 s", 2, [HEAD[at:at + 1] for at in range(len(HEAD))]),
])
def test_crowd_starves_nobody(watcher, figure, name, every, pieces):
    with Crowd(watcher, 600, every, pieces):
        times = health_times(watcher, 8)
    figure(f"600 {name}: /healthz takes ms: {1000 * statistics.median(times):.1f}, worst {1000 * max(times):.0f}")
    assert statistics.median(times) < 0.05
    assert max(times) < 1


def test_flood_of_bytes_takes_no_memory(cluster, figure):
    """Endless headers, request lines and bodies, and as many connections as there may be."""
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")

    def flood(beginning, piece):
        sent = 0
        with connect(watcher) as connection, contextlib.suppress(OSError):
            connection.sendall(beginning)
            while sent < 16 * MIB:
                connection.sendall(piece)
                sent += len(piece)

    begin = b"POST /pause HTTP/1.1\r\nHost: watcher\r\n"
    for beginning, piece in [(begin, b"X: " + b"y" * 1000 + b"\r\n"), (begin + b"X: ", b"y" * 1000),
                             (b"GET /", b"x" * 1000), (begin + b"Content-Length: 99999999\r\n\r\n", b"x" * 1000),
                             (begin + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n")]:
        flood(beginning, piece)
    with contextlib.ExitStack() as crowd:
        for number in range(4000):
            connection = crowd.enter_context(connect(watcher))
            connection.sendall(begin if number % 2 else HEAD)
        assert watcher.request("/healthz")[0] == 200
        status = open(f"/proc/{watcher.pid}/status").read()
        peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    # Requests that would all be allowed by themselves: 300 of almost 64 KiB each.
    with contextlib.ExitStack() as crowd:
        for _ in range(300):
            connection = crowd.enter_context(connect(watcher))
            with contextlib.suppress(OSError):
                connection.sendall(begin + b"Content-Length: 65000\r\n\r\n" + b"x" * 64000)
        assert watcher.request("/healthz")[0] == 200
    status = open(f"/proc/{watcher.pid}/status").read()
    held = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    figure(f"RSS of a flooded watcher MiB: {peak:.1f}, with 300 bodies {held:.1f}")
    assert peak <= 24 and held <= 32


def test_slow_request_is_refused(watcher):
    started = time.monotonic()
    answer = exchange(watcher, b"GET /sentinels HTTP/1.1\r\nHost: wat")
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n"), answer
    assert 4.5 < time.monotonic() - started < 7


POST = b"POST /pause HTTP/1.1\r\nHost: watcher\r\n"


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: watcher\r\n" + b"X: y\r\n" * 65 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: watcher\r\nX: " + b"y" * 17000 + b"\r\n\r\n", 431),
    (POST + b"Content-Length: 70000\r\n\r\n", 413),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    (POST + b"Content-Length : 3\r\n\r\nabc", 400),
    (POST + b"X: y\r\n Content-Length: 3\r\n\r\nabc", 400),
    (POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", 417),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\nHost: watcher\n\n", 400),
    (b"BREW / HTTP/1.1\r\nHost: watcher\r\n\r\n", 501),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
])
def test_refusals_say_why_and_end_the_connection(watcher, request_bytes, status):
    answer = exchange(watcher, request_bytes + HEAD)
    head, _, text = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert text and b"\n" not in text and b"HTTP/1.1 200" not in answer
    assert b"\r\nConnection: close" in head and b"\r\nDate: " in head and b"Content-Length: %d" % len(text) in head


def test_pipelined_requests_are_answered_in_order(watcher):
    paths = ["/master", "/healthz", "/status", "/nothing", "/masters"] * 20
    requests = b"".join(f"GET {path} HTTP/1.1\r\nHost: watcher\r\n\r\n".encode() for path in paths)
    last = b"POST /pause HTTP/1.1\r\nHost: watcher\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    answers = io.BytesIO(exchange(watcher, requests + last))
    for path in [*paths, "/pause"]:
        status = int(answers.readline().split()[1])
        assert status == {"/nothing": 404, "/pause": 403}.get(path, 200), path
        headers = http.client.parse_headers(answers)
        assert headers["Date"] and "Keep-Alive" not in headers
        text = answers.read(int(headers["Content-Length"])).decode()
        assert (text == "ok") == (path == "/healthz"), path
        assert text.startswith("{") == (path == "/status"), path
    assert answers.read() == b""




def test_half_closed_client_gets_its_answers(watcher):
    answer = exchange(watcher, HEAD * 3, half_close=True)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    version = watcher.request("/master")[1]["ETag"].removeprefix('W/"').removesuffix('"')
    started = time.monotonic()
    waits = f"GET /master?since={version}&wait=30s HTTP/1.1\r\nHost: watcher\r\n\r\n".encode()
    assert exchange(watcher, waits, half_close=True).startswith(b"HTTP/1.1 200 OK")
    assert time.monotonic() - started < 5, "who says no more is told what there is"


@pytest.mark.parametrize("more, kept", [(b"", False), (b"Connection: keep-alive\r\n", True)])
def test_http_10(watcher, more, kept):
    with connect(watcher) as connection:
        connection.sendall(b"GET /master HTTP/1.0\r\n" + more + b"\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200 and answer.headers["Connection"] == ("keep-alive" if kept else "close")
        assert answer.read()
        if kept:
            connection.sendall(b"GET /master HTTP/1.0\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 200") == kept


def test_events_over_http_10_have_no_chunks(watcher):
    answer = exchange(watcher, b"GET /events?since=0&wait=0s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head, _, text = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head and b"\r\nConnection: close" in head and b"\r\nX-Accel-Buffering: no" in head
    assert text.startswith(b"retry: 1000\n\n") and text.endswith(b"\n\n")


def test_connection_goes_on_after_events_that_end(watcher):
    connection = http_client(watcher)
    for _ in range(2):
        connection.request("GET", "/events?since=0&wait=0s")
        answer = connection.getresponse()
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.read().startswith(b"retry: 1000\n\n")
    connection.request("HEAD", "/sentinels")
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["Accept-Ranges"]) == (200, b"", None)


def test_waits_hold_no_thread(watcher):
    """More than there were ever threads for, and each is told at its time."""
    version = watcher.request("/master")[1]["ETag"].removeprefix('W/"').removesuffix('"')
    with contextlib.ExitStack() as crowd:
        waiting = [crowd.enter_context(connect(watcher, timeout=30)) for _ in range(750)]
        started = time.monotonic()
        for connection in waiting:
            connection.sendall(f"GET /master?since={version}&wait=4s HTTP/1.1\r\nHost: watcher\r\n"
                               "Connection: close\r\n\r\n".encode())
        streams = [crowd.enter_context(connect(watcher, timeout=30)) for _ in range(150)]
        for connection in streams:
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: watcher\r\n\r\n")
        assert watcher.request("/healthz")[0] == 200
        threads = int(re.search(r"Threads:\s+(\d+)", open(f"/proc/{watcher.pid}/status").read())[1])
        assert threads < 20
        for connection in waiting:
            assert read_all(connection).startswith(b"HTTP/1.1 200 OK")
        assert 4 <= time.monotonic() - started < 8


def test_client_that_reads_nothing_is_left(cluster):
    """It asks and asks; what it is not yet told does not pile up."""
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(1)
        connection.connect((watcher.host, watcher.port))
        request = b"GET /metrics HTTP/1.1\r\nHost: watcher\r\n\r\n"
        ended = []

        def ask():
            try:
                connection.sendall(request * 100)
            except TimeoutError:
                pass
            except OSError:
                ended.append(True)
            return ended

        wait_for(ask, 40, "the end of the connection")
    assert watcher.request("/healthz")[0] == 200
    assert int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{watcher.pid}/status").read())[1]) < 24 * 1024


def test_few_descriptors(cluster):
    """They run out: a newcomer takes the place of an idle client, and the record still follows a failover."""
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
    resource.prlimit(watcher.pid, resource.RLIMIT_NOFILE, (256, 256))
    master = cluster.master(nodes)
    with contextlib.ExitStack() as crowd:
        for _ in range(600):
            crowd.enter_context(connect(watcher)).sendall(HEAD)
        assert watcher.request("/healthz")[0] == 200
        master.kill_all()
        (survivor,) = [node for node in nodes if node is not master]
        wait_for(lambda: watcher.get("/master") == survivor.record, 30, "the failover")


def test_hosts(cluster):
    watcher = cluster.watcher(HTTP_ALLOWED_HOSTS="watcher.example,10.0.0.1")
    watcher.wait_log("event=http-listening")
    for host, status in [("watcher.example", 200), ("Watcher.Example:8080", 200), ("10.0.0.1:80", 200),
                         (watcher.address, 200), ("localhost", 200), ("10.0.0.2:31000", 200), ("evil.example", 421)]:
        assert watcher.request("/healthz", headers={"Host": host})[0] == status, host


NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream watcher { server %(watcher)s; keepalive 8; }
  server { listen %(listen)s; location / { proxy_pass http://watcher; proxy_http_version 1.1;
           proxy_set_header Connection ""; } }
}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5000
    timeout client 50000
    timeout server 50000
listen watcher
    bind %(listen)s
    server watcher %(watcher)s
"""


@pytest.fixture
def proxy(request, cluster):
    """(start, watcher)."""

    def start(name, config, argv, watcher):
        port = free_port()
        directory = cluster.directory / name
        directory.mkdir()
        (directory / "conf").write_text(config % {"watcher": watcher.address, "listen": f"{LOOPBACK}:{port}"})
        server = Server(name, argv, directory, LOOPBACK, port)
        cluster.processes.append(server)
        server.start()
        return server

    return start


@pytest.mark.parametrize("name, config, argv", [
    ("nginx", NGINX, ["nginx", "-p", ".", "-c", "conf", "-e", "error.log"]),
    ("haproxy", HAPROXY, ["haproxy", "-db", "-f", "conf"]),
])
def test_behind_a_proxy_with_its_defaults(cluster, proxy, name, config, argv):
    """It cuts neither the longest wait nor events."""
    watcher = cluster.watcher()
    watcher.wait_log("event=http-listening")
    server = proxy(name, config, argv, watcher)

    def ask(path, timeout=90):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def up():
        try:
            return ask("/healthz")[0] == 200
        except OSError:
            return False

    wait_for(up, what="the proxy")
    stream = http.client.HTTPConnection(server.host, server.port, timeout=30)
    stream.request("GET", "/events")
    events = stream.getresponse()
    assert events.readline() == b"retry: 1000\n", "at once"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, "/sentinels?since=none&wait=1m")
        assert waiting.result() == (503, "no Sentinel is registered")
    until = time.monotonic() + 10
    comments = 0
    while time.monotonic() < until:
        comments += events.readline() == b":\n"
    assert comments >= 3
    # The proxy keeps its connections to the watcher; none of them ends under a request.
    for _ in range(50):
        assert ask("/healthz") == (200, "ok")
