"""TLS to ZooKeeper through stunnel, with the configuration that docs/operate/security.md gives and a server that speaks
nothing else and wants a certificate of each client."""

import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest
import yaml

from authority import Authority
from cluster import GROUP, LOOPBACK, ROOT, Server, alive, free_port, wait_for, zookeeper_mode

UNAVAILABLE = 69
KNOWN = {"ZK_USERNAME": "redis-zk", "ZK_PASSWORD": "zoo secret"}
# What stunnel says of a server's certificate, or was told of its own.
COMPLAINTS = {"authority": "CERT: (?!Subject)", "name": "CERT: Subject checks failed", "certificate": "alert"}
DROP_IN = ROOT / "packaging/systemd/stunnel@redis-zk.service.d/redis-zk.conf"

pytestmark = pytest.mark.skipif(shutil.which("stunnel4") is None, reason="no stunnel4")


def open_tunnel(cluster, to, certificate, authority, name=None):
    """conf/zookeeper-tunnel.conf, with these servers (ports of this machine) for zk1, zk2 and so on. `name`: that of all
    of them."""
    text = (ROOT / "conf/zookeeper-tunnel.conf").read_text()
    text = text.replace("/etc/stunnel/redis-zk.pem", str(certificate))
    text = text.replace("/etc/stunnel/redis-zk-ca.pem", str(authority))
    # The tests count connections.
    text = text.replace("debug = warning", "debug = notice")
    ports = [free_port() for _ in to]
    for number, (port, target) in enumerate(zip(ports, to), 1):
        text = text.replace(f"accept = 127.0.0.1:1218{number}\n", f"accept = {LOOPBACK}:{port}\n")
        text = text.replace(f"connect = zk{number}:2281\n", f"connect = {LOOPBACK}:{target}\n")
        if name:
            text = text.replace(f"checkHost = zk{number}\n", f"checkHost = {name}\n")
    # The sections that are left over.
    text = text.partition(f"[zk{len(to) + 1}]")[0]
    directory = cluster.directory / f"tunnel-{ports[0]}"
    tunnel = Server("tunnel", ["stunnel4", directory / "redis-zk.conf"], directory, LOOPBACK, ports[0])
    (directory / "redis-zk.conf").write_text(text)
    cluster.processes.append(tunnel)
    tunnel.start().wait_log("Configuration successful")
    return tunnel, [f"{LOOPBACK}:{port}" for port in ports]


class Site:
    """A cluster whose ZooKeeper is closed to all without a certificate, and a tunnel to it."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.authority = Authority(cluster.directory / "authority")
        self.certificate = self.authority.certify("client")
        self.authority.certify("zk1").rename(self.authority.directory / "server.pem")
        directory, port = cluster.directory / "zookeeper", free_port()
        self.zookeeper = Server("zookeeper", [ROOT / "tests/support/zookeeper", directory, port], directory, LOOPBACK,
                                port, {**os.environ, "ZOOKEEPER_TLS": str(self.authority.directory)})
        cluster.processes.append(self.zookeeper)
        self.tunnel, self.hosts = open_tunnel(cluster, [port], self.certificate, self.authority.certificate)
        self.start_zookeeper()
        cluster.use_zookeeper([self.zookeeper])
        cluster.zookeeper_hosts = ",".join(self.hosts)

    def start_zookeeper(self):
        self.zookeeper.start()
        wait_for(lambda: zookeeper_mode(LOOPBACK, self.tunnel.port), what="ZooKeeper's start")


@pytest.fixture
def site(make_cluster):
    return Site(make_cluster(**KNOWN))


def test_the_daemons_work_through_the_tunnel(site):
    cluster = site.cluster
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    children = [process.child for process in nodes + sentinels]
    # The tunnel dies, and is started again.
    site.tunnel.kill()
    for process in [*nodes, *sentinels, watcher]:
        process.wait_log("event=zookeeper-lost")
    site.tunnel.start()
    wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="all registrations")
    assert cluster.await_agreement(nodes, sentinels, [watcher]) is master
    assert [process.child for process in nodes + sentinels] == children
    # A failover and a handover.
    master.kill_all()
    wait_for(lambda: cluster.record() != master.record, what="a failover")
    master.start()
    cluster.await_agreement(nodes, sentinels, [watcher])
    cluster.master(nodes).stop()
    assert "zoo secret" not in site.tunnel.log_path.read_text()


def answered(port, context=None):
    """Whether ZooKeeper answers a question."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
            if context:
                connection = context.wrap_socket(connection)
            with connection:
                connection.sendall(b"srvr")
                return b"Mode: " in connection.makefile("rb").read()
    except OSError:
        return False


def test_a_client_without_a_certificate_is_refused(site):
    def context(certificate=None):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.load_verify_locations(site.authority.certificate)
        if certificate:
            made.load_cert_chain(certificate)
        return made

    foreign = Authority(site.cluster.directory / "foreign").certify("client")
    port = site.zookeeper.port
    assert answered(port, context(site.certificate))
    assert not answered(port), "without TLS"
    assert not answered(port, context())
    assert not answered(port, context(foreign))


@pytest.mark.parametrize("wrong", COMPLAINTS)
def test_a_tunnel_that_does_not_fit_says_why(site, wrong):
    cluster, authority, certificate = site.cluster, site.authority.certificate, site.certificate
    foreign = Authority(cluster.directory / "foreign")
    to = [site.zookeeper.port]
    if wrong == "authority":
        authority = foreign.certificate
    elif wrong == "certificate":
        certificate = foreign.certify("client")
    else:
        # Its certificate is zk1's.
        to = [free_port(), *to]
    tunnel, hosts = open_tunnel(cluster, to, certificate, authority)
    daemon = cluster.watcher(ZK_HOSTS=hosts[-1], ZK_CONNECT_TIMEOUT="3s")
    assert daemon.wait() == UNAVAILABLE
    assert f"ZooKeeper {hosts[-1]} unreachable" in daemon.log_lines(" error ")[-1]
    assert re.search(COMPLAINTS[wrong], tunnel.log()), tunnel.log()


def test_one_of_three_servers_is_there(site):
    """The tunnel takes connections for those that are not there, and closes them."""
    cluster = site.cluster
    tunnel, hosts = open_tunnel(cluster, [free_port(), site.zookeeper.port, free_port()], site.certificate,
                                site.authority.certificate, name="zk1")
    node = cluster.redis(ZK_HOSTS=",".join(hosts))
    node.await_serving()
    # Nothing is there: it tries again, and not as fast as it can.
    site.zookeeper.kill()
    node.wait_log("event=zookeeper-lost")
    before = tunnel.log().count("accepted connection")
    wait_for(lambda: tunnel.log().count("accepted connection") > before + 10, what="ten attempts")
    child = node.child
    site.start_zookeeper()
    wait_for(lambda: cluster.listed(f"/redis/members/{GROUP}"), what="its registration")
    assert node.child == child and alive(child)


def test_the_unit_of_the_tunnel(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd")
    shutil.copy("/lib/systemd/system/stunnel@.service", tmp_path)
    drop_in = tmp_path / "stunnel@redis-zk.service.d"
    drop_in.mkdir()
    shutil.copy(DROP_IN, drop_in)
    ended = subprocess.run(["systemd-analyze", "verify", "--man=no", "stunnel@redis-zk.service"], capture_output=True,
                           env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, text=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")
    assert re.search(r"^foreground = yes$", (ROOT / "conf/zookeeper-tunnel.conf").read_text(), re.M), \
        "the unit takes the end of the first process for its own"


def test_the_compose_file_of_the_tunnel(tmp_path):
    if shutil.which("docker-compose") is None:
        pytest.skip("no docker-compose")
    files = [word for name in ("host", "tunnel") for word in ("-f", ROOT / f"docker/docker-compose.{name}.yml")]
    ended = subprocess.run(["docker-compose", *files, "config"], capture_output=True, text=True, check=False,
                           env={**os.environ, "TUNNEL": str(tmp_path)})
    assert ended.returncode == 0, ended.stderr
    services = yaml.safe_load(ended.stdout)["services"]
    daemons = {name: service for name, service in services.items() if "PORT0" in service.get("environment", {})}
    assert len(daemons) == 7
    ports = re.findall(r"^accept = (.*)$", (ROOT / "conf/zookeeper-tunnel.conf").read_text(), re.M)
    for service in daemons.values():
        assert service["environment"]["ZK_HOSTS"] == ",".join(ports)
