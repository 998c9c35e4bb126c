"""The Debian package: what is in it, its units, and its watcher, started from where it was installed."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from cluster import LOOPBACK, ROOT, Watcher, free_port, wait_for

BUILD = pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin")).parent
DAEMONS = ("redis-wrapper", "sentinel-wrapper", "watcher")


def run(*words, **options):
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if shutil.which("dpkg-shlibdeps") is None:
        pytest.skip("no dpkg-dev")
    made = tmp_path_factory.mktemp("made")
    run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", made, cwd=made)
    (package,) = made.glob("*.deb")
    return package


@pytest.fixture(scope="module")
def installed(package, tmp_path_factory):
    """A root with nothing but the package."""
    root = tmp_path_factory.mktemp("root")
    run("dpkg-deb", "-x", package, root)
    return root


def test_content(package):
    files = {line.split()[-1]: line.split()[0] for line in run("dpkg-deb", "-c", package).splitlines()}
    for daemon in DAEMONS:
        assert files[f"./usr/bin/{daemon}"].startswith("-rwxr-xr-x")
        assert f"./usr/lib/systemd/system/redis-zk-{daemon}.service" in files
    for conf in ("redis.conf", "sentinel.conf", "watcher.toml"):
        assert f"./usr/share/redis-zk/{conf}" in files
        assert f"./etc/redis-zk/{conf}" in files
    for path in ("share/doc/redis-zk/README.md", "share/redis-zk/zookeeper-tunnel.conf",
                 "lib/systemd/system/stunnel@redis-zk.service.d/redis-zk.conf"):
        assert f"./usr/{path}" in files
    assert not [path for path in files if path.startswith("./etc/redis/")], "those are redis-server's"


def test_what_it_needs_and_keeps(package):
    fields = run("dpkg-deb", "-f", package)
    depends = re.search(r"^Depends: (.*)$", fields, re.M)[1]
    for library in ("libc6", "libhiredis", "libzookeeper-mt2"):
        assert library in depends
    control = run("dpkg-deb", "-I", package, "conffiles")
    assert sorted(control.split()) == [f"/etc/redis-zk/{name}" for name in
                                       ("common.env", "redis.conf", "sentinel.conf", "watcher.toml")]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_unit(installed, daemon, tmp_path):
    unit = installed / f"usr/lib/systemd/system/redis-zk-{daemon}.service"
    text = unit.read_text()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "DynamicUser=yes", f"StateDirectory=redis-zk/{daemon}",
                 "Restart=on-failure", "RestartPreventExitStatus=64 78"):
        assert line in text.splitlines()
    if shutil.which("systemd-analyze") is None:
        return
    # The program is looked for where the unit says, which is in the root.
    copy = tmp_path / unit.name
    copy.write_text(text.replace("ExecStart=/usr/bin/", f"ExecStart={installed}/usr/bin/"))
    ended = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    ours = [line for line in (ended.stdout + ended.stderr).splitlines() if unit.name in line]
    assert (ended.returncode, ours) == (0, [])


def test_dpkg_installs_and_removes_it(package, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("dpkg wants to be root")
    database = tmp_path / "var/lib/dpkg"
    (database / "info").mkdir(parents=True)
    (database / "updates").mkdir()
    (database / "status").touch()
    (tmp_path / "var/log").mkdir()
    # What it depends on is not in this root.
    dpkg = ["dpkg", f"--root={tmp_path}", "--force-depends", "--log=/dev/null"]
    run(*dpkg, "-i", package)
    assert (tmp_path / "usr/bin/watcher").exists()
    run(*dpkg, "-r", "redis-zk")
    assert not (tmp_path / "usr/bin/watcher").exists()
    assert (tmp_path / "etc/redis-zk/redis.conf").exists(), "configuration stays until a purge"
    run(*dpkg, "-P", "redis-zk")
    assert not (tmp_path / "etc/redis-zk").exists()


def test_installed_watcher_starts(cluster, installed):
    port = free_port()
    env = cluster.env(PORT0=port, CONFIG_FILE=installed / "etc/redis-zk/watcher.toml")
    watcher = Watcher("installed", [installed / "usr/bin/watcher"], cluster.directory / "installed", LOOPBACK, port, env)
    cluster.processes.append(watcher)
    watcher.start()
    wait_for(lambda: watcher.get("/healthz"), what="an answer of the installed watcher")
    assert watcher.stop() == 0
