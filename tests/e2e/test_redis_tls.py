"""TLS to and between Redis and Sentinel: REDIS_TLS."""

import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest
import redis
import redis.sentinel

from authority import Authority, client_options
from cluster import GROUP, alive, wait_for, write_until_ok
from writer import Writer

CONFIG = 78


@pytest.fixture
def authority(tmp_path):
    authority = Authority(tmp_path / "authority")
    authority.certify("node")
    authority.certify("client")
    return authority


@pytest.fixture
def cluster(make_cluster, authority):
    """With ZooKeeper, and TLS for all that is started."""
    cluster = make_cluster(**authority.options("node"))
    cluster.start_zookeeper()
    return cluster


def presented(server, ca, client=None):
    """The serial number of the certificate that a server presents now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca)
    if client:
        context.load_cert_chain(client)
    with socket.create_connection((server.host, server.port), timeout=5) as raw, \
            context.wrap_socket(raw) as connection:
        return connection.getpeercert()["serialNumber"]


def speaks_without_tls(server):
    try:
        with redis.Redis(server.host, server.port, socket_timeout=1) as client:
            return client.ping()
    except redis.RedisError:
        return False


def encrypted_only(cluster, servers):
    """No server of the fleet listens on another port than its own."""
    told = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    listening = {(int(port), int(pid)) for port, pid in re.findall(r":(\d+)\s.*?pid=(\d+)", told)}
    for server in servers:
        assert {port for port, pid in listening if pid == server.child} == {server.port}, server.name


def test_a_fleet_with_tls(cluster, authority):
    """Start, replication, clients, a failover, a handover: nothing is said or taken without TLS."""
    nodes, sentinels, (watcher,) = cluster.bring_up()
    encrypted_only(cluster, nodes + sentinels)
    for server in nodes + sentinels:
        assert not speaks_without_tls(server), server.name
    tls = client_options(watcher.env)
    writer = Writer(watcher.sentinels, tls=tls)
    writer.start()
    writer.await_more(100)
    # The machine of the master dies.
    master = cluster.master(nodes)
    master.kill_all()
    wait_for(lambda: cluster.record() != master.record, what="a failover")
    writer.await_more(100)
    master.start()
    master.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    # A planned stop loses nothing.
    before = len(writer.acknowledged)
    leaving = cluster.master(nodes)
    assert leaving.stop() == 0
    assert leaving.log_lines("event=handover-done") or leaving.log_lines("handed over"), leaving.tail()
    writer.await_more(100)
    writer.stop()
    client = cluster.sentinel_client(watcher)
    for number in range(before, len(writer.acknowledged) + 1):
        assert client.get(writer.key(number)) is not None
    leaving.start()
    leaving.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    # All of them are well, for the watcher, too.
    status = json.loads(watcher.request("/status", accept="application/json")[2])
    assert not status["warnings"], status["warnings"]
    for server in [*nodes, *sentinels]:
        def is_ready(server=server):
            return subprocess.run([*server.argv, "healthcheck"], cwd=server.directory, env=server.env,
                                  capture_output=True, check=False).returncode == 0

        # Sentinels read the priority of a replica that has just copied half a second later.
        wait_for(is_ready, what=f"the health check of {server.name}")
        assert "certificate" not in "".join(server.log_lines(" error ")), server.tail()


def test_clients_by_way_of_the_watcher(cluster, authority):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    ca = str(authority.certificate)
    # No certificate of their own is needed.
    by_sentinel = redis.sentinel.Sentinel(watcher.sentinels(), sentinel_kwargs={"ssl": True, "ssl_ca_certs": ca})
    client = by_sentinel.master_for(GROUP, ssl=True, ssl_ca_certs=ca)
    write_until_ok(client, "key", "value")
    host, port = watcher.get("/master").split()
    cli = ["redis-cli", "--tls", "--cacert", ca]
    told = subprocess.run([*cli, "-h", host, "-p", port, "GET", "key"], capture_output=True, text=True, check=True)
    assert told.stdout == "value\n"
    host, port = sentinels[0].host, str(sentinels[0].port)
    told = subprocess.run([*cli, "-h", host, "-p", port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", GROUP],
                          capture_output=True, text=True, check=True)
    assert told.stdout.split() == [cluster.master(nodes).host, str(cluster.master(nodes).port)]
    # Another authority's server is none of theirs.
    foreign = Authority(cluster.directory / "foreign")
    with pytest.raises(redis.ConnectionError), \
            redis.Redis(host, int(port), ssl=True, ssl_ca_certs=str(foreign.certificate)) as stranger:
        stranger.ping()


def test_clients_need_a_certificate_where_the_user_says_so(cluster, authority):
    redis_conf = cluster.directory / "redis-auth.conf"
    redis_conf.write_text("tls-auth-clients yes\nrepl-diskless-sync-delay 0\n")
    sentinel_conf = cluster.directory / "sentinel-auth.conf"
    sentinel_conf.write_text("tls-auth-clients yes\n")
    cluster.add_env(REDIS_CONF=redis_conf, SENTINEL_CONF=sentinel_conf)
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    ca = str(authority.certificate)
    for server in nodes + sentinels:
        with pytest.raises(redis.ConnectionError), \
                redis.Redis(server.host, server.port, ssl=True, ssl_ca_certs=ca) as without:
            without.ping()
        assert server.ask("PING")
    # A watcher without one is told apart, and says what it lacks.
    blind = cluster.watcher(REDIS_TLS_CERT_FILE=None, REDIS_TLS_KEY_FILE=None)
    line = blind.wait_log("wants a client certificate, and none is configured")
    assert sentinels[0].address in line or nodes[0].address in line or nodes[1].address in line
    assert cluster.master(nodes)


def test_a_node_of_another_authority_is_refused_in_one_line(cluster, authority):
    nodes, _, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    foreign = Authority(cluster.directory / "foreign")
    foreign.certify("node")
    stranger = cluster.redis(**foreign.options("node"))
    line = stranger.wait_log("is not signed by an authority in")
    assert " its certificate is not signed by an authority in " in line and str(foreign.certificate) in line
    assert stranger.role != "master"
    # Nor does a daemon without TLS take part.
    plain = cluster.redis(REDIS_TLS=None, REDIS_TLS_CA_CERT_FILE=None, REDIS_TLS_CERT_FILE=None,
                          REDIS_TLS_KEY_FILE=None)
    plain.wait_log("event=waiting")
    assert plain.child is None
    assert watcher.get("/master") == cluster.master(nodes).record


@pytest.mark.parametrize("daemon", ["redis", "sentinel", "watcher"])
def test_files_that_cannot_be_used_end_a_start(cluster, authority, daemon):
    foreign = Authority(cluster.directory / "foreign")
    foreign.certify("node")
    noise = cluster.directory / "noise.pem"
    noise.write_text("noise\n")
    good = authority.options("node")
    rows = [({"REDIS_TLS_CA_CERT_FILE": "/nowhere/ca.pem"}, "REDIS_TLS: /nowhere/ca.pem: No such file"),
            ({"REDIS_TLS_CA_CERT_FILE": noise}, "noise.pem: found no usable certificate"),
            ({"REDIS_TLS_CA_CERT_FILE": None}, "REDIS_TLS_CA_CERT_FILE: found none"),
            ({"REDIS_TLS_CERT_FILE": noise}, "noise.pem: found no usable certificate"),
            ({"REDIS_TLS_CERT_FILE": None}, "REDIS_TLS_CERT_FILE: found none"),
            ({"REDIS_TLS_KEY_FILE": noise}, "noise.pem: found no usable private key"),
            ({"REDIS_TLS_KEY_FILE": None}, "REDIS_TLS_KEY_FILE: found none"),
            ({"REDIS_TLS_KEY_FILE": authority.directory / "client.key"}, "client.key: is not the key of"),
            ({"REDIS_TLS_CA_CERT_FILE": foreign.certificate}, "is not signed by an authority in"),
            ({"REDIS_TLS": "off"}, "REDIS_TLS: found off, expected on with"),
            ({"REDIS_TLS": "yes"}, "REDIS_TLS: found \"yes\" in the environment")]
    for wrong, said in rows:
        process = getattr(cluster, daemon)(**{**good, **wrong})
        assert process.wait() == CONFIG, (wrong, process.log())
        lines = process.log().splitlines()
        assert len(lines) == 1, lines
        if wrong != {"REDIS_TLS": "yes"}:
            assert said in lines[0], (said, lines)
        cluster.processes.remove(process)


# --- rotation


def rotate(authority):
    """The files are written anew, the certificate first: for a moment they do not fit together."""
    authority.certify("node")


def test_certificates_rotate_without_a_failover(cluster, authority):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    ca = authority.certificate
    old = {server.name: presented(server, ca) for server in nodes + sentinels}
    redis_pids = [node.child for node in nodes]
    sentinel_pids = {sentinel.name: sentinel.child for sentinel in sentinels}
    writer = Writer(watcher.sentinels, tls=client_options(watcher.env))
    writer.start()
    writer.await_more(50)
    rotate(authority)
    wait_for(lambda: all(presented(node, ca) != old[node.name] for node in nodes), what="new certificates of Redis")
    assert [node.child for node in nodes] == redis_pids, "no server was restarted"

    def all_restarted():
        # Never is more than one of them away.
        running = [sentinel for sentinel in sentinels if sentinel.ask("PING")]
        assert len(running) >= 2
        return all(sentinel.child not in (None, sentinel_pids[sentinel.name]) for sentinel in sentinels)

    wait_for(all_restarted, what="a restart of all Sentinels")
    wait_for(lambda: cluster.disagreement(nodes, sentinels, [watcher]) == "", what="agreement")
    assert all(presented(sentinel, ca) != old[sentinel.name] for sentinel in sentinels)
    assert cluster.master(nodes) is master
    writer.await_more(50)
    writer.stop()
    assert not writer.missing(cluster.sentinel_client(watcher))
    watcher.wait_log("event=certificates-reloaded")
    # What the fleet is there for still works.
    master.kill_all()
    wait_for(lambda: cluster.record() != master.record, what="a failover")


def test_a_pair_that_does_not_fit_changes_nothing(cluster, authority):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    ca = authority.certificate
    certificate = authority.directory / "node.crt"
    kept = certificate.read_text()
    old = presented(nodes[0], ca)
    shutil.copy(authority.directory / "client.crt", certificate)
    for process in [*nodes, *sentinels, watcher]:
        line = process.wait_log("event=certificates-rejected")
        assert "is not the key of the certificate in" in line and " error " in line
    # Our own client cannot use them either.
    for server in nodes + sentinels:
        assert server.client(ssl_certfile=None, ssl_keyfile=None).ping()
    assert presented(nodes[0], ca) == old
    # The same again, asked for.
    nodes[0].signal(1)
    wait_for(lambda: len(nodes[0].log_lines("event=certificates-rejected")) == 2, what="a second line")
    certificate.write_text(kept)
    for process in [*nodes, *sentinels, watcher]:
        process.wait_log("event=certificates-reloaded")
    cluster.await_agreement(nodes, sentinels, [watcher])


def test_sighup_reloads_at_once(cluster, authority):
    nodes, _, _ = cluster.bring_up(redis=1, sentinels=1)
    old = presented(nodes[0], authority.certificate)
    # Nothing has changed: it is done all the same.
    nodes[0].signal(1)
    nodes[0].wait_log("event=server-certificates-reloaded")
    assert presented(nodes[0], authority.certificate) == old
    assert alive(nodes[0].child)


def test_the_authority_rotates(cluster, authority):
    """A file with both, then certificates of the new one, then the new one alone."""
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    master = cluster.master(nodes)
    new = Authority(cluster.directory / "new-authority")
    new.certify("node")
    ca = authority.directory / "ca.pem"

    def settled(step):
        for process in [*nodes, *sentinels, watcher]:
            wait_for(lambda process=process: len(process.log_lines("event=certificates-reloaded")) >= step,
                     what=f"{process.name}: reload {step}")
        wait_for(lambda: all(len(node.log_lines("event=server-certificates-reloaded")) >= step for node in nodes),
                 what=f"Redis' reload {step}")
        wait_for(lambda: all(len(sentinel.log_lines("event=serving")) >= step + 1 for sentinel in sentinels),
                 what=f"restart {step} of the Sentinel")
        cluster.await_agreement(nodes, sentinels, [watcher])

    ca.write_text(ca.read_text() + new.certificate.read_text())
    settled(1)
    for suffix in ("crt", "key"):
        shutil.copy(new.directory / f"node.{suffix}", authority.directory / f"node.{suffix}")
    settled(2)
    shutil.copy(new.certificate, ca)
    settled(3)
    assert presented(master, new.certificate)
    assert cluster.master(nodes) is master


# --- dates


DATES = "redis_zk_certificate_expiry_timestamp_seconds"


def ends(watcher):
    """{(member, file name): days}, as the metrics say."""
    found = re.findall(DATES + r'\{member="([^"]*)",file="([^"]*)"\} (\S+)', watcher.get("/metrics"))
    return {(member, pathlib.Path(path).name): round((float(end) - time.time()) / 86400) for member, path, end in found}


def warnings(watcher):
    return [warning for warning in json.loads(watcher.get("/status"))["warnings"] if "certificate" in warning]


def test_a_certificate_that_expires_is_told_of_before(cluster, authority):
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=2, sentinels=1)
    members = [server.address for server in nodes + sentinels] + ["watcher"]
    good = {(member, file): 90 for member in members for file in ("ca.pem", "node.crt")}
    wait_for(lambda: ends(watcher) == good, what=f"the dates of all files: {ends(watcher)}")
    assert not warnings(watcher)
    for process in [*nodes, *sentinels, watcher]:
        assert not process.log_lines("event=certificate-"), process.tail()
    authority.certify("node", days=12)
    soon = {**good, **{(member, "node.crt"): 12 for member in members}}
    wait_for(lambda: ends(watcher) == soon, what=f"the new dates: {ends(watcher)}")
    wait_for(lambda: len(warnings(watcher)) == 1, what="a warning")
    assert f"{len(members)} certificates expire, the first in 11 days: " in warnings(watcher)[0]
    for process in [*nodes, *sentinels, watcher]:
        line = process.wait_log("event=certificate-expires")
        assert " warn " in line and "the certificate CN=node in " in line and "expires in 11 days" in line, line
    # The next one ends all that.
    authority.certify("node")
    wait_for(lambda: ends(watcher) == good and not warnings(watcher), what="the end of the warnings")
    cluster.await_agreement(nodes, sentinels, [watcher])
    # What a wrapper told goes with it.
    nodes[1].stop()
    wait_for(lambda: not any(member == nodes[1].address for member, _ in ends(watcher)), what="one node fewer")
    for process in [nodes[0], *sentinels, watcher]:
        assert len(process.log_lines("event=certificate-")) == 1, "once a day"
