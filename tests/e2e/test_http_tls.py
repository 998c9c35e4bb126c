"""TLS on the watcher's own port: HTTP_TLS_*, and the commands that ask over it."""

import contextlib
import http.client
import json
import select
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import time

import pytest

from authority import Authority, http_context
from cluster import LOOPBACK, Cluster, free_port, wait_for
from network import Network
from test_cli import Command, ask
from test_http_port import HEAD, Crowd, connect, health_times, http_client, many_descriptors, read_all

CONFIG = 78
TOKEN = "a-token-that-nobody-sees-4711"
SAYS_HTTPS = b"this port speaks HTTPS"

__all__ = ["many_descriptors"]


@pytest.fixture
def authority(tmp_path):
    authority = Authority(tmp_path / "authority")
    authority.certify("watcher", LOOPBACK)
    authority.certify("client")
    return authority


def serving(cluster, **env):
    watcher = cluster.watcher(**env)
    watcher.wait_log("event=http-listening")
    return watcher


@pytest.fixture
def watcher(cluster, authority):
    return serving(cluster, **authority.http_options("watcher"))


@pytest.fixture(scope="module")
def steady():
    """One that nobody changes, and its authority."""
    with Cluster() as cluster:
        authority = Authority(cluster.directory / "authority")
        authority.certify("watcher", LOOPBACK)
        cluster.add_env(**authority.http_options("watcher"))
        _, _, (watcher,) = cluster.bring_up(redis=1, sentinels=1)
        watcher.followed()
        yield watcher, authority


def curl(watcher, path, *words):
    """(exit code, what it prints)."""
    ended = subprocess.run(["curl", "-sS", "--max-time", "10", *map(str, words), f"https://{watcher.address}{path}"],
                           capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def plain_connection(watcher):
    return socket.create_connection((watcher.host, watcher.port), timeout=10)


def plainly(watcher, words):
    """What comes back for words without TLS."""
    with plain_connection(watcher) as connection:
        connection.sendall(words)
        return read_all(connection)


def presented(watcher):
    """The serial number of the certificate that new connections get."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with plain_connection(watcher) as raw, context.wrap_socket(raw) as connection:
        return hash(connection.getpeercert(binary_form=True))


def hello():
    """The bytes with which a client begins."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="watcher").do_handshake()
    return outgoing.read()


# --- who is who


def test_clients_verify_the_watcher(steady):
    watcher, authority = steady
    ca = authority.certificate
    assert curl(watcher, "/healthz", "--cacert", ca) == (0, "ok")
    assert curl(watcher, "/healthz")[0] == 60, "no authority of this system has signed it"
    for version in ("--tlsv1.3", "--tls-max 1.2"):
        assert curl(watcher, "/healthz", "--cacert", ca, *version.split()) == (0, "ok")
    code, answer = curl(watcher, "/sentinels", "--cacert", ca, "-i", "--http2")
    assert code == 0 and answer.startswith("HTTP/1.1 200 ")
    assert curl(watcher, "/healthz", "--cacert", ca, "-I")[1].startswith("HTTP/1.1 200 OK")


@pytest.mark.parametrize("demands, takes_none", [("optional", True), ("required", False)])
def test_client_certificates(cluster, authority, demands, takes_none):
    foreign = Authority(cluster.directory / "foreign")
    foreign.certify("client")
    watcher = serving(cluster, **authority.http_options("watcher"), HTTP_TLS_CA_CERT_FILE=authority.certificate,
                      HTTP_TLS_VERIFY_CLIENT=demands)
    ca = ("--cacert", authority.certificate)
    code, told = curl(watcher, "/healthz", *ca)
    assert (code == 0) == takes_none, told
    if not takes_none:
        assert "certificate required" in told or "handshake failure" in told, told
        watcher.wait_log("TLS handshake failed: ")
    assert curl(watcher, "/healthz", *ca, "--cert", authority.directory / "client.pem") == (0, "ok")
    code, told = curl(watcher, "/healthz", *ca, "--cert", foreign.directory / "client.pem")
    assert code != 0 and "unknown ca" in told, told
    # The commands beside it present its own certificate.
    code, told, errors = ask(watcher, "healthcheck")
    assert (code, told, errors) == (0, "ok\n", "")
    assert ask(watcher, "status")[0] in (0, 1)


# --- files


def test_files_that_cannot_be_used_end_a_start(cluster, authority):
    noise = cluster.directory / "noise.pem"
    noise.write_text("noise\n")
    good = {**authority.http_options("watcher"), "HTTP_TLS_CA_CERT_FILE": authority.certificate,
            "HTTP_TLS_VERIFY_CLIENT": "optional"}
    for wrong, option, said in [
            ({"HTTP_TLS_CERT_FILE": "/nowhere/a.crt"}, "HTTP_TLS_CERT_FILE", "/nowhere/a.crt: No such file"),
            ({"HTTP_TLS_CERT_FILE": noise}, "HTTP_TLS_CERT_FILE", "noise.pem: found no usable certificate, expected"),
            ({"HTTP_TLS_CERT_FILE": None}, "HTTP_TLS_CERT_FILE", "found none, expected a file with"),
            ({"HTTP_TLS_KEY_FILE": "/nowhere/a.key"}, "HTTP_TLS_KEY_FILE", "/nowhere/a.key: No such file"),
            ({"HTTP_TLS_KEY_FILE": noise}, "HTTP_TLS_KEY_FILE", "noise.pem: found no usable private key, expected"),
            ({"HTTP_TLS_KEY_FILE": authority.directory / "client.key"}, "HTTP_TLS_KEY_FILE", "is not the key of the"),
            ({"HTTP_TLS_KEY_FILE": None}, "HTTP_TLS_KEY_FILE", "found none, expected a file with"),
            ({"HTTP_TLS_CA_CERT_FILE": noise}, "HTTP_TLS_CA_CERT_FILE", "noise.pem: found no usable certificate"),
            ({"HTTP_TLS_CA_CERT_FILE": None}, "HTTP_TLS_CA_CERT_FILE", "found none, expected a file with"),
            ({"HTTP_TLS_VERIFY_CLIENT": "none"}, "HTTP_TLS_VERIFY_CLIENT", "found none, expected optional or required")]:
        process = cluster.watcher(**{**good, **wrong})
        assert process.wait() == CONFIG, (wrong, process.log())
        (line,) = process.log().splitlines()
        assert line.startswith(f"watcher: {option}: ") and said in line, line


def test_key_that_others_can_read(cluster, authority):
    key = authority.directory / "watcher.key"
    key.chmod(0o644)
    watcher = serving(cluster, **authority.http_options("watcher"))
    (line,) = watcher.log_lines("event=secret-file-open")
    assert "HTTP_TLS_KEY_FILE" in line and "watcher.crt" not in line
    strict = cluster.watcher(**authority.http_options("watcher"), STRICT_SECRETS="on")
    assert strict.wait() == CONFIG and "HTTP_TLS_KEY_FILE" in strict.log()


def test_certificates_rotate_under_open_connections(watcher, authority):
    before = presented(watcher)
    kept = http_client(watcher)
    kept.connect()
    stream = http_client(watcher, timeout=30)
    stream.request("GET", "/events")
    events = stream.getresponse()
    assert events.readline() == b"retry: 1000\n"
    authority.certify("watcher", LOOPBACK)
    wait_for(lambda: presented(watcher) != before, what="the new certificate")
    watcher.wait_log("event=certificates-reloaded")
    comments = 0
    while comments < 2:
        comments += events.readline() == b":\n"
    kept.request("GET", "/healthz")
    assert kept.getresponse().read() == b"ok"
    # The same files once more, at once.
    watcher.signal(signal.SIGHUP)
    wait_for(lambda: len(watcher.log_lines("event=certificates-reloaded")) == 2, what="a reload at SIGHUP")
    kept.request("GET", "/healthz")
    assert kept.getresponse().read() == b"ok"


def test_a_pair_that_does_not_fit_changes_nothing(watcher, authority):
    before = presented(watcher)
    certificate, key = (authority.directory / f"watcher.{kind}" for kind in ("crt", "key"))
    kept = certificate.read_text()
    shutil.copy(authority.directory / "client.crt", certificate)
    line = watcher.wait_log("event=certificates-rejected")
    assert " error " in line and "watcher.key: is not the key of the certificate in" in line
    key_text = key.read_text()
    key.unlink()
    watcher.signal(signal.SIGHUP)
    wait_for(lambda: watcher.log_lines("watcher.key: No such file"), what="a line about the key")
    assert presented(watcher) == before
    assert len(watcher.log_lines("event=certificates-rejected")) == 2
    key.write_text(key_text)
    certificate.write_text(kept)
    watcher.wait_log("event=certificates-reloaded")
    assert presented(watcher) == before


# --- a health check must not end a watcher that serves


def demanding(authority, demands):
    if demands == "none":
        return authority.http_options("watcher")
    return {**authority.http_options("watcher"), "HTTP_TLS_CA_CERT_FILE": authority.certificate,
            "HTTP_TLS_VERIFY_CLIENT": demands}


@pytest.mark.parametrize("demands", ["none", "optional", "required"])
def test_health_check_outlives_an_expired_certificate(cluster, authority, demands):
    authority.certify("watcher", LOOPBACK, days=-1)
    watcher = serving(cluster, **demanding(authority, demands))
    assert ask(watcher, "healthcheck") == (0, "ok\n", "")
    code, text, error = ask(watcher, "status")
    assert (code, text) == (69, "") and "has expired" in error, error
    line = watcher.wait_log("event=certificate-expired")
    assert " error " in line and "the certificate CN=watcher in " in line and "expired 24 hours ago" in line, line


@pytest.mark.parametrize("demands", ["none", "optional", "required"])
def test_health_check_outlives_files_that_are_half_replaced(cluster, authority, demands):
    watcher = serving(cluster, **demanding(authority, demands))
    # The next pair of another authority, whose key is still to come.
    foreign = Authority(cluster.directory / "foreign")
    foreign.certify("watcher", LOOPBACK)
    shutil.copy(foreign.directory / "watcher.crt", authority.directory / "watcher.crt")
    watcher.wait_log("event=certificates-rejected")
    files = [authority.directory / f"watcher.{kind}" for kind in ("crt", "key")]
    for present in (True, False):
        code, told, errors = ask(watcher, "healthcheck")
        assert (code, errors) == (0, ""), told
        if demands == "required":
            assert "is up, and rejected the client certificate of this check: " in told
        else:
            assert told == "ok\n"
        assert ask(watcher, "status")[0] in (69, 78), "commands verify"
        if present:
            for file in files:
                file.unlink()


def test_health_check_with_a_pair_that_the_watcher_has_not_loaded(cluster, authority):
    watcher = serving(cluster, **demanding(authority, "required"))
    foreign = Authority(cluster.directory / "foreign")
    foreign.certify("watcher", LOOPBACK)
    other = foreign.http_options("watcher")
    code, told, errors = ask(watcher, "healthcheck", **other)
    assert (code, errors) == (0, "") and "rejected the client certificate of this check: " in told, told
    assert ask(watcher, "status", **other)[0] == 69
    assert ask(watcher, "healthcheck", PORT0=str(free_port()))[0] == 1


def test_health_check_sees_a_watcher_that_stands_still(cluster, authority):
    watcher = serving(cluster, **demanding(authority, "required"))
    watcher.signal(signal.SIGSTOP)
    code, told, _ = ask(watcher, "healthcheck")
    watcher.signal(signal.SIGCONT)
    assert code == 1 and "no TLS handshake with the watcher at" in told, told


# --- those that do not speak TLS, or slowly


@pytest.mark.parametrize("words", [HEAD, b"POST /pause HTTP/1.1\r\n", b"DELETE /masters/x HTTP/1.1\r\n\r\n", b"G"])
def test_http_without_tls_is_told(steady, words):
    answer = plainly(steady[0], words)
    head, _, text = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"\r\nConnection: close" in head
    assert text.startswith(SAYS_HTTPS) and len(text) < 60


@pytest.mark.parametrize("words", [b"\0", b"\x80\x2e\x01\x03\x01", b"get / http", b"\xff" * 70000])
def test_garbage_closes(steady, words):
    started = time.monotonic()
    with contextlib.suppress(ConnectionError):
        assert plainly(steady[0], words) == b""
    assert time.monotonic() - started < 2
    assert steady[0].request("/healthz")[0] == 200


def test_broken_handshake_gets_an_alert(steady):
    answer = plainly(steady[0], hello()[:9] + b"\xff" * 600)
    assert answer[:1] == b"\x15" and b"HTTP" not in answer


def test_slow_handshake_is_closed(steady):
    started = time.monotonic()
    with plain_connection(steady[0]) as connection:
        connection.sendall(hello()[:50])
        assert read_all(connection) == b""
    assert 4.5 < time.monotonic() - started < 7


def test_handshakes_that_drip_starve_nobody(steady, figure):
    watcher = steady[0]
    begun = hello()
    with Crowd(watcher, 600, 2, [begun[at:at + 1] for at in range(len(begun))], connect=plain_connection):
        times = health_times(watcher, 8)
        threads = int(open(f"/proc/{watcher.pid}/status").read().split("Threads:")[1].split()[0])
    figure(f"600 clients that send a byte of a TLS handshake every 2 s: /healthz takes ms: "
           f"{1000 * statistics.median(times):.1f}, worst {1000 * max(times):.0f}")
    assert threads < 20
    assert statistics.median(times) < 0.05
    assert max(times) < 1


def readable(connections):
    """Those of which something has come, or the end."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    return {fd for fd, _ in poll.poll(0)}


def test_requests_are_answered_before_handshakes(steady):
    watcher = steady[0]
    begun = hello()
    kept = http_client(watcher)
    kept.request("GET", "/healthz")
    assert kept.getresponse().read() == b"ok"
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(plain_connection(watcher)) for _ in range(250)]
        assert watcher.request("/healthz")[0] == 200, "those before it are accepted, too"
        watcher.signal(signal.SIGSTOP)
        try:
            for connection in crowd:
                connection.sendall(begun)
            kept.request("GET", "/healthz")
        finally:
            watcher.signal(signal.SIGCONT)
        assert kept.getresponse().read() == b"ok"
        watcher.signal(signal.SIGSTOP)
        answered = len(readable(crowd))
        watcher.signal(signal.SIGCONT)
        assert answered < 125, "the request came last, and was not answered last"
        for connection in crowd:
            assert connection.recv(1) == b"\x16", "all have their turn"
    kept.close()


def test_a_loop_of_handshakes_holds_up_no_request(steady, figure):
    watcher = steady[0]
    with Crowd(watcher, 300, 0.5, [hello(), b"\0" * 9], connect=plain_connection):
        times = health_times(watcher, 8)
    figure(f"300 clients that begin a TLS handshake every 0.5 s: /healthz takes ms: "
           f"{1000 * statistics.median(times):.1f}, worst {1000 * max(times):.0f}")
    assert statistics.median(times) < 0.1
    assert max(times) < 1


def resident(watcher):
    """MiB."""
    status = open(f"/proc/{watcher.pid}/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_silent_connections_cost_what_plain_ones_cost(watcher, figure):
    assert watcher.request("/healthz")[0] == 200
    before = resident(watcher)
    with contextlib.ExitStack() as crowd:
        for _ in range(900):
            crowd.enter_context(plain_connection(watcher))
        assert watcher.request("/healthz")[0] == 200
        grown = resident(watcher) - before
    figure(f"900 silent connections to the TLS port take MiB: {grown:.1f}")
    assert grown < 3


@pytest.mark.parametrize("begun", [hello(), hello()[:-1]], ids=["whole hello", "part of it"])
def test_memory_of_unfinished_handshakes(watcher, figure, begun):
    """They have five seconds."""
    assert watcher.request("/healthz")[0] == 200
    before = resident(watcher)
    with contextlib.ExitStack() as crowd:
        connections = [crowd.enter_context(plain_connection(watcher)) for _ in range(900)]
        for connection in connections:
            connection.sendall(begun)
        assert watcher.request("/healthz")[0] == 200
        grown = resident(watcher) - before
    figure(f"900 unfinished TLS handshakes take MiB: {grown:.1f}")
    assert before + grown < 64


def test_connections_with_tls_are_fewer(watcher):
    assert watcher.request("/healthz")[0] == 200
    with contextlib.ExitStack() as crowd:
        connections = [crowd.enter_context(plain_connection(watcher)) for _ in range(1024)]
        assert watcher.request("/healthz")[0] == 200
        assert 64 <= len(readable(connections)) <= 66, "closed for newer ones"
        assert not readable(connections[-500:])


def test_memory_of_many_connections(watcher, figure):
    with contextlib.ExitStack() as crowd:
        connections = [crowd.enter_context(connect(watcher)) for _ in range(900)]
        for connection in connections:
            connection.sendall(HEAD)
            assert connection.recv(65536).startswith(b"HTTP/1.1 503")
        held = resident(watcher)
        assert watcher.request("/healthz")[0] == 200
    figure(f"RSS of a watcher with 900 idle TLS connections MiB: {held:.1f}")
    assert held < 64


# --- admin requests


def test_admin_requests_from_other_machines(make_cluster, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    authority = Authority(tmp_path / "authority")
    with Network() as network:
        authority.certify("watcher")
        cluster = make_cluster(network=network, ADMIN_TOKEN_FILE=token)
        cluster.start_zookeeper()
        plain = serving(cluster)
        watcher = serving(cluster, **authority.http_options("watcher"))
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        status, _, text = plain.request("/pause", method="POST", headers=bearer)
        assert (status, "need TLS" in text) == (403, True), text
        assert watcher.request("/pause", method="POST", headers={"Authorization": "Bearer wrong"})[0] == 401
        assert watcher.request("/pause", method="POST", headers=bearer)[0] == 200
        assert plainly(watcher, b"POST /pause HTTP/1.1\r\nHost: watcher\r\nAuthorization: Bearer "
                       + TOKEN.encode() + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")


# --- commands


def test_commands_over_https(steady):
    watcher, authority = steady
    ca = authority.certificate
    url = f"https://{watcher.address}"
    for words, env in [(["status"], {}), (["status", "--url", url], {"WATCHER_CA_CERT_FILE": ca}),
                       (["status", "--watcher-url", f"{url}/", "--watcher-ca-cert-file", ca], {}),
                       (["status", "--url", url], {"WATCHER_CA_CERT_FILE": watcher.env["HTTP_TLS_CERT_FILE"]})]:
        code, text, errors = ask(watcher, *words, **env)
        assert code in (0, 1) and errors == "" and text, (words, errors)
    json.loads(ask(watcher, "status", "--json")[1])
    assert ask(watcher, "healthcheck") == (0, "ok\n", "")
    assert ask(watcher, "explain", "--url", url, WATCHER_CA_CERT_FILE=ca)[0] == 0
    assert ask(watcher, "events", "--url", url, WATCHER_CA_CERT_FILE=ca)[0] == 0
    with Command(watcher, "events", "--follow") as command:
        command.wait_for("is followed")
        command.process.send_signal(signal.SIGTERM)
        assert command.process.wait(10) == 0


def test_commands_verify_the_watcher(steady, tmp_path):
    watcher, authority = steady
    foreign = Authority(tmp_path / "foreign")
    ca = authority.certificate
    port = watcher.port
    for url, env, said in [
            (f"https://{watcher.address}", {}, "is not signed by an authority in this system's list"),
            (f"https://{watcher.address}", {"WATCHER_CA_CERT_FILE": foreign.certificate},
             f"is not signed by an authority in {foreign.certificate}"),
            (f"https://localhost:{port}", {"WATCHER_CA_CERT_FILE": ca}, "is for another name"),
            (f"https://127.0.0.2:{free_port()}", {"WATCHER_CA_CERT_FILE": ca}, "no watcher answers at")]:
        code, text, error = ask(watcher, "status", "--url", url, **env)
        assert (code, text) == (69, "") and said in error, error
    code, text, error = ask(watcher, "status", "--url", f"http://{watcher.address}")
    assert (code, text) == (2, "") and SAYS_HTTPS.decode() in error
    code, text, error = ask(watcher, "status", "--url", f"https://{watcher.address}", WATCHER_CA_CERT_FILE="/nowhere/ca")
    assert (code, text) == (78, "") and "/nowhere/ca: No such file" in error


def test_https_to_a_watcher_without_tls(cluster):
    watcher = serving(cluster)
    code, text, error = ask(watcher, "status", "--url", f"https://{watcher.address}")
    assert (code, text) == (69, "") and "no TLS handshake with the watcher at" in error and "version" in error, error


def test_commands_without_the_certificate_that_is_demanded(cluster, authority):
    watcher = serving(cluster, **authority.http_options("watcher"), HTTP_TLS_CA_CERT_FILE=authority.certificate,
                      HTTP_TLS_VERIFY_CLIENT="required")
    code, text, error = ask(watcher, "status", "--url", f"https://{watcher.address}", HTTP_TLS_VERIFY_CLIENT="none",
                            WATCHER_CA_CERT_FILE=authority.certificate)
    assert (code, text) == (69, "") and "certificate required" in error, error
    context = http_context(watcher.env)
    context.load_cert_chain(authority.directory / "client.pem")
    connection = http.client.HTTPSConnection(watcher.host, watcher.port, timeout=10, context=context)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"ok"
