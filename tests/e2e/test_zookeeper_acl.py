"""ZooKeeper with credentials: a stranger changes nothing of ours, and an open tree is closed while it is in use."""

import json
import pathlib
import re
import signal
import subprocess

import pytest
from kazoo.exceptions import NoAuthError, NoNodeError, NotEmptyError
from kazoo.security import make_acl, make_digest_acl

from background import Background
from cluster import FORGOTTEN, GROUP, LOOPBACK, alive, children, wait_for

USER, PASSWORD = "redis-zk", "zoo secret: #4711"
KNOWN = {"ZK_USERNAME": USER, "ZK_PASSWORD": PASSWORD}
CONFIG, UNAVAILABLE = 78, 69
KINDS = ["redis", "sentinel", "watcher"]


def secure(cluster, *words, **env):
    """(exit code, lines on stdout, lines on stderr) of the command."""
    ended = subprocess.run([cluster.binaries / "watcher", "secure-zookeeper", *words], cwd=cluster.directory,
                           env=cluster.env(**env), capture_output=True, text=True, timeout=60)
    assert PASSWORD not in ended.stdout + ended.stderr
    return ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines()


def insider(cluster):
    """A client that knows the password, and ends with the cluster."""
    cluster.add_env(**KNOWN)
    return cluster.kazoo


def tree(client, path="/redis"):
    """All paths, the root's own first; what vanishes meanwhile may be among them."""
    paths = [path]
    for parent in paths:
        try:
            paths += [f"{parent}/{name}" for name in client.get_children(parent)]
        except NoNodeError:
            pass
    return paths


def try_everything(stranger, paths):
    """[(what, path), ...] that the stranger could do."""
    done = []
    for path in paths:
        for what, act in (("set", lambda: stranger.set(path, b"evil 1")),
                          ("create", lambda: stranger.create(f"{path}/evil", b"")),
                          ("lock", lambda: stranger.create(f"{path}/{'0' * 32}__lock__", b"", ephemeral=True,
                                                           sequence=True)),
                          ("open", lambda: stranger.set_acls(path, [make_acl("world", "anyone", all=True)])),
                          ("delete", lambda: stranger.delete(path))):
            try:
                act()
                done.append((what, path))
            except (NoAuthError, NoNodeError, NotEmptyError):
                pass
    return done


class Stranger(Background):
    """Tries everything at every znode of ours that there is at the moment, again and again."""

    every = 0

    def __init__(self, cluster):
        super().__init__()
        self._insider = cluster.open_kazoo(USER, PASSWORD)
        self._stranger = cluster.open_kazoo()
        self.tried = set()
        self.succeeded = []

    def step(self):
        paths = tree(self._insider)
        self.succeeded += try_everything(self._stranger, paths)
        self.tried.update(paths)

    def stop(self):
        super().stop()
        for client in self._insider, self._stranger:
            client.stop()
            client.close()


@pytest.fixture(params=["in an open root", "in a closed chroot"])
def closed(request, make_cluster):
    """A cluster with credentials and an empty ZooKeeper."""
    cluster = make_cluster(**KNOWN)
    cluster.start_zookeeper()
    if request.param == "in a closed chroot":
        with_password = cluster.open_kazoo(USER, PASSWORD)
        with_password.create("/closed", acl=[make_digest_acl(USER, PASSWORD, all=True)])
        with_password.stop()
        cluster.zookeeper_hosts += "/closed"
    return cluster


def test_a_stranger_changes_nothing_whatever_happens(closed):
    cluster = closed
    with Stranger(cluster) as stranger:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        master = cluster.master(nodes)
        # A session expires.
        session = cluster.owner(f"/redis/members/{GROUP}/{cluster.listed(f'/redis/members/{GROUP}')[0]}")
        for process in nodes + sentinels:
            process.signal(signal.SIGSTOP)
        wait_for(lambda: cluster.listed(f"/redis/members/{GROUP}") == [], within=3 * FORGOTTEN,
                 what="the end of their sessions")
        for process in nodes + sentinels:
            process.signal(signal.SIGCONT)
        wait_for(lambda: len(cluster.listed(f"/redis/members/{GROUP}")) == 3, what="their new registrations")
        assert session not in [cluster.owner(f"/redis/members/{GROUP}/{name}")
                               for name in cluster.listed(f"/redis/members/{GROUP}")]
        cluster.await_agreement(nodes, sentinels, [watcher])
        # A failover, and a stop that hands over.
        master = cluster.master(nodes)
        master.kill_all()
        master.start()
        cluster.await_agreement(nodes, sentinels, [watcher])
        cluster.master(nodes).stop()
    assert stranger.succeeded == []
    kinds = {re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}__lock__\d{10}|127\.0\.0\.1:\d+", "*", path)
             for path in stranger.tried}
    assert {"/redis", "/redis/master", "/redis/masters/master1", "/redis/sentinels/*", f"/redis/members/{GROUP}/*",
            "/redis/identities/*", "/redis/identities/*/taken", "/redis/events"} <= kinds, kinds
    assert any("__lock__" in path for path in stranger.tried), "it met a contender for the lock"


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_or_no_credentials(cluster, kind):
    cluster.add_env(**KNOWN)
    cluster.redis().await_serving()
    for env in ({"ZK_PASSWORD": "wrong-secret"}, {"ZK_USERNAME": "another"},
                {"ZK_USERNAME": None, "ZK_PASSWORD": None}):
        node = getattr(cluster, kind)(**env)
        assert node.wait() == CONFIG
        (line,) = node.log_lines(" error ")
        assert "cannot use ZK_ROOT /redis: permission denied" in line and "ZK_USERNAME and ZK_PASSWORD" in line
        assert "wrong-secret" not in node.log() and PASSWORD not in node.log()


def test_a_znode_of_another_user_is_named(cluster):
    cluster.add_env(**KNOWN)
    node = cluster.redis()
    node.await_serving()
    watcher = cluster.watcher()
    wait_for(lambda: watcher.get("/master") == node.record, what="the watcher's answer")
    cluster.kazoo.set_acls("/redis/master", [make_digest_acl("another", "x", all=True)])
    for name in "refresh-failed", "registry-read-failed":
        process = node if name == "refresh-failed" else watcher
        # It reads again when something changes.
        cluster.kazoo.create("/redis/masters/nudge")
        line = process.wait_log(f"event={name}")
        assert "/redis/master" in line and "permission denied" in line and "ZK_USERNAME and ZK_PASSWORD" in line
        cluster.kazoo.delete("/redis/masters/nudge")
    assert node.running and watcher.running and node.role == "master"
    late = cluster.redis()
    line = late.wait_log(" error ")
    assert "/redis/master" in line and "permission denied" in line and "wait=zookeeper-request" in line
    assert late.running, "an administrator mends it while it waits"
    other = cluster.open_kazoo("another", "x")
    other.set_acls("/redis/master", [make_digest_acl(USER, PASSWORD, all=True)])
    other.stop()
    late.await_serving()


def test_an_open_root_is_a_warning_of_a_daemon_that_closes_what_it_creates(cluster):
    cluster.redis().await_serving()
    for kind in KINDS:
        late = getattr(cluster, kind)(**KNOWN)
        line = late.wait_log("event=zookeeper-root-open")
        assert " warn " in line and "world:anyone:cdrwa" in line and "ZK_ACL=open" in line


def test_readable(cluster):
    cluster.add_env(**KNOWN, ZK_ACL="readable")
    node, sentinel, watcher = cluster.redis(), cluster.sentinel(), cluster.watcher()
    for wrapper in node, sentinel:
        wrapper.await_serving()
    wait_for(lambda: watcher.get("/sentinels") == sentinel.address, what="the watcher's answer")
    stranger = cluster.open_kazoo()
    try:
        assert stranger.get("/redis/master")[0].decode() == node.record
        paths = tree(stranger)
        assert any(path.startswith("/redis/sentinels/") for path in paths)
        assert try_everything(stranger, paths) == []
    finally:
        stranger.stop()


def test_an_open_tree_is_closed_while_it_is_in_use(make_cluster):
    """The order that docs/operate/security.md gives."""
    cluster = make_cluster()
    cluster.start_zookeeper()
    nodes = [cluster.redis(), cluster.sentinel(), cluster.watcher()]
    node, sentinel, watcher = nodes
    for wrapper in node, sentinel:
        wrapper.await_serving()
    stranger = cluster.open_kazoo()
    assert stranger.set("/redis/master", node.record.encode())

    def restart(**env):
        for process in nodes:
            process.stop()
            process.env.update(env)
            process.start()
            if process is not watcher:
                process.await_serving()
        wait_for(lambda: watcher.get("/sentinels") == sentinel.address, what="the watcher's answer")

    def open_znodes():
        found = re.search(r"^redis_zk_zookeeper_open_znodes (\d+)$", watcher.get("/metrics"), re.M)
        return found and int(found[1])

    assert open_znodes() is None, "no watcher looks without credentials"
    restart(**KNOWN, ZK_ACL="open")
    assert wait_for(open_znodes, what="a look at the ACLs") > 5
    restart(**KNOWN, ZK_ACL="private")
    # What is new is closed already, what is old is not.
    assert wait_for(open_znodes, what="a look at the ACLs") > 5
    line = watcher.wait_log("event=znodes-open")
    assert "secure-zookeeper" in line and "/redis for one" in line
    (warning,) = [text for text in json.loads(watcher.get("/status"))["warnings"] if "secure-zookeeper" in text]
    assert watcher.request("/readyz")[0] == 200 and watcher.get("/readyz") == "ready, but " + warning

    cluster.add_env(**KNOWN)
    lock = stranger.create(f"/redis/master/{'0' * 32}__lock__", b"", ephemeral=True, sequence=True)
    code, listed, errors = secure(cluster, "--check")
    assert (code, errors) == (1, [])
    assert f"{lock} world:anyone:cdrwa" in listed and "/redis world:anyone:cdrwa" in listed
    assert listed[-1].endswith(" open")
    assert stranger.set("/redis/master", node.record.encode()), "a check changes nothing"
    code, changed, errors = secure(cluster)
    assert (code, errors) == (0, []) and sorted(changed[:-1]) == sorted(listed[:-1])
    code, (again,), _ = secure(cluster)
    assert code == 0 and again.startswith("0 of ") and again.endswith(" changed")
    code, left, _ = secure(cluster, "--check")
    assert code == 0 and len(left) == 1
    paths = tree(insider(cluster))
    assert lock in paths and try_everything(stranger, paths) == []
    stranger.stop()
    wait_for(lambda: open_znodes() == 0, what="a look that finds nothing", within=40)
    assert watcher.get("/readyz") == "ready"
    assert node.role == "master" and insider(cluster).get("/redis/master")[0].decode() == node.record
    # The way back, and the same way again with another password.
    restart(**KNOWN, ZK_ACL="open")
    assert secure(cluster, ZK_ACL="open")[0] == 0
    assert cluster.record() == node.record
    other = {**KNOWN, "ZK_PASSWORD": "another password"}
    restart(**other, ZK_ACL="open")
    restart(**other, ZK_ACL="private")
    assert secure(cluster, **other)[0] == 0
    assert secure(cluster, "--check", **other)[0] == 0
    assert secure(cluster, "--check")[0] != 0, "the old one is a stranger's"
    assert node.role == "master"


def test_secure_zookeeper_that_cannot(cluster):
    cluster.add_env(**KNOWN)
    code, lines, (error,) = secure(cluster)
    assert (code, lines) == (2, []) and "no znode /redis" in error
    cluster.redis().await_serving()
    code, lines, errors = secure(cluster, ZK_PASSWORD="wrong")
    assert code == 2 and "/redis" in errors[0] and "permission denied" in errors[0]
    assert lines == ["0 of 1 znode at and below /redis changed, 1 failed"]
    code, _, (error,) = secure(cluster, ZK_USERNAME=None, ZK_PASSWORD=None)
    assert code == CONFIG and "ZK_USERNAME" in error
    code, _, (error,) = secure(cluster, ZK_HOSTS=f"{LOOPBACK}:1", ZK_CONNECT_TIMEOUT="300ms")
    assert code == UNAVAILABLE and "ZK_HOSTS" in error


def test_a_kazoo_client_with_the_same_credentials_works_beside_us(cluster):
    """As the originals do, when they are given them."""
    cluster.add_env(**KNOWN)
    acl = make_digest_acl(USER, PASSWORD, all=True)
    original = cluster.kazoo
    original.ensure_path("/redis/master", acl=[acl])
    with original.Lock("/redis/master", "original"):
        node = cluster.redis()
        node.wait_log("another node of the group holds the start lock")
    node.await_serving()
    assert original.get("/redis/master")[0].decode() == node.record
    original.create("/redis/sentinels/original", b"127.0.0.1 1", makepath=True, ephemeral=True, acl=[acl])
    watcher = cluster.watcher()
    wait_for(lambda: "127.0.0.1:1" in watcher.get("/sentinels"), what="the original's Sentinel in the list")
    assert secure(cluster, "--check")[0] == 0


@pytest.mark.parametrize("given", ["in a file", "in the environment"])
def test_the_password_is_told_to_nobody(make_cluster, given):
    cluster = make_cluster(LOG_LEVEL="trace")
    cluster.start_zookeeper()
    env = KNOWN
    if given == "in a file":
        secret = cluster.directory / "zookeeper.secret"
        secret.write_text(f"{PASSWORD}\nsecond line\n")
        env = {"ZK_USERNAME": USER, "ZK_PASSWORD": None, "ZK_PASSWORD_FILE": secret}
    # A server overwrites the environment that /proc shows of it.
    for name in "redis-server", "redis-sentinel":
        script = cluster.directory / name
        script.write_text(f'#!/bin/sh\nenv >{script}.env\nexec {name} "$@"\n')
        script.chmod(0o755)
    env = {**env, "REDIS_SERVER_BIN": cluster.directory / "redis-server",
           "SENTINEL_SERVER_BIN": cluster.directory / "redis-sentinel"}
    node, sentinel, watcher = cluster.redis(**env), cluster.sentinel(**env), cluster.watcher(**env)
    for wrapper in node, sentinel:
        wrapper.await_serving()
    wait_for(lambda: watcher.get("/sentinels") == sentinel.address, what="the watcher's answer")
    told = watcher.get("/status") + watcher.get("/metrics") + watcher.get("/explain")
    for process in node, sentinel, watcher:
        told += process.log() + pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        for child in children(process.pid):
            told += pathlib.Path(f"/proc/{child}/cmdline").read_text()
    for name in "redis-server", "redis-sentinel":
        told += (cluster.directory / f"{name}.env").read_text()
    assert told.count("ZK_HOSTS=") == 2 and PASSWORD not in told
    for path in cluster.directory.rglob("*"):
        # ZooKeeper's own files have the hash.
        if path.is_file() and path.suffix != ".secret":
            assert PASSWORD.encode() not in path.read_bytes(), path


def test_a_zookeeper_that_takes_no_passwords(cluster):
    node = cluster.redis(**KNOWN)
    node.await_serving()
    cluster.zookeeper.stop()
    cluster.zookeeper.env["ZOOKEEPER_DIGEST"] = "false"
    cluster.start_zookeeper()
    line = node.wait_log("event=zookeeper-auth-failed")
    assert "ZK_USERNAME" in line
    for kind in KINDS:
        late = getattr(cluster, kind)(**KNOWN)
        assert late.wait() == CONFIG
        assert "takes no digest credentials" in late.log_lines(" error ")[-1]
    assert node.running and alive(node.child)
    # It tries again, and says so once; it is not connected for as long as its login is refused.
    assert len(node.log_lines("event=zookeeper-auth-failed")) == 1
    refused = node.log().index("event=zookeeper-auth-failed")
    assert "event=zookeeper-connected" not in node.log()[refused:]
    cluster.zookeeper.stop()
    cluster.zookeeper.env["ZOOKEEPER_DIGEST"] = "true"
    cluster.start_zookeeper()
    wait_for(lambda: insider(cluster).get_children(f"/redis/members/{GROUP}"),
             what="its registration")
    wait_for(lambda: node.role == "master", what="the master")


def test_a_zookeeper_that_takes_nothing_without_a_password(make_cluster, monkeypatch):
    monkeypatch.setenv("ZOOKEEPER_ENFORCE", "true")
    cluster = make_cluster(**KNOWN)
    cluster.start_zookeeper()
    nodes = [cluster.redis(), cluster.sentinel(), cluster.watcher()]
    for wrapper in nodes[:2]:
        wrapper.await_serving()
    wait_for(lambda: nodes[2].get("/sentinels") == nodes[1].address, what="the watcher's answer")
    for kind in KINDS:
        stranger = getattr(cluster, kind)(ZK_USERNAME=None, ZK_PASSWORD=None)
        assert stranger.wait() == CONFIG
        assert "set ZK_USERNAME and ZK_PASSWORD" in stranger.log_lines(" error ")[-1]
