"""Passwords: they work everywhere, and they show up nowhere."""

import json
import pathlib
import stat
import subprocess

import pytest
import redis

from cluster import ROOT, processes_in, wait_for, write_until_ok

REDIS_PASSWORD = "re dis \"quoted\" 'and' \\slashed #$% ü"
SENTINEL_PASSWORD = "sentinel\\x41{};*"


def command_lines(cluster):
    return "".join(pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
                   for pid in processes_in(cluster.directory))


def seen_in(cluster, secret):
    """The files of the cluster that tell the secret, beside those that are there to keep it."""
    return [path for path in cluster.directory.rglob("*")
            if path.is_file() and path.suffix not in (".secret", ".conf") and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("given", ["in files", "in the environment"])
def test_passwords_through_a_failover(make_cluster, given):
    cluster = make_cluster(LOG_LEVEL="trace")
    secrets = {"REDIS_PASSWORD": REDIS_PASSWORD, "SENTINEL_PASSWORD": SENTINEL_PASSWORD}
    env = secrets
    if given == "in files":
        env = {f"{name}_FILE": cluster.directory / f"{name}.secret" for name in secrets}
        for name, secret in secrets.items():
            (cluster.directory / f"{name}.secret").write_text(f"{secret}\nsecond line\n")
    confs = {}
    for name in ("redis", "sentinel"):
        conf = cluster.directory / f"{name}.conf"
        conf.write_text((ROOT / f"conf/{name}.conf").read_text() + "loglevel debug\n")
        confs[conf] = conf.read_bytes()
        env = {**env, f"{name.upper()}_CONF": conf}
    cluster.add_env(**env)

    nodes, sentinels, (watcher,) = cluster.bring_up()
    client = cluster.sentinel_client(watcher, REDIS_PASSWORD, SENTINEL_PASSWORD)
    write_until_ok(client, "key", "before")
    master = cluster.master(nodes)
    lines = command_lines(cluster)
    master.kill_all()
    write_until_ok(client, "key", "after")
    master.start()
    cluster.await_agreement(nodes, sentinels, [watcher])
    lines += command_lines(cluster)

    for node in nodes + sentinels:
        with pytest.raises(redis.AuthenticationError), node.client(password=None) as stranger:
            stranger.ping()
    def observed():
        text = watcher.get("/status")
        answers = [entry.get("answers") for group in json.loads(text)["groups"]
                   for entry in [group["master"], *group["replicas"]]]
        return answers == [True] * len(nodes) and text

    status = wait_for(observed, what="answers to the watcher's questions", every=0.1)
    for secret in secrets.values():
        assert secret not in lines
        assert secret not in status
        assert seen_in(cluster, secret) == []
        assert all(secret not in process.log() for process in cluster.processes)
    assert {conf: conf.read_bytes() for conf in confs} == confs, "the user's files are never written to"
    # Sentinel has made them rewrite their configuration meanwhile.
    for wrapper in nodes + sentinels:
        (conf,) = wrapper.directory.glob("*-wrapper-*.conf")
        assert stat.S_IMODE(conf.stat().st_mode) == 0o600


@pytest.mark.parametrize("daemon", ["redis-wrapper", "sentinel-wrapper", "watcher"])
def test_password_typed_as_a_flag_is_not_repeated(cluster, daemon):
    for args in (["--redis-password", REDIS_PASSWORD], [f"--redis-password={REDIS_PASSWORD}"]):
        ended = subprocess.run([cluster.binaries / daemon, *args], capture_output=True, text=True, env=cluster.env())
        assert ended.returncode == 64
        assert "--redis-password" in ended.stderr and REDIS_PASSWORD not in ended.stderr


def test_wrong_password_is_told_without_telling_it(cluster):
    node = cluster.redis(REDIS_PASSWORD="right")
    node.await_serving()
    for process in (cluster.redis(REDIS_PASSWORD="wrong-secret", MASTER_WAIT_TIMEOUT="2s", start=False),
                    cluster.sentinel(REDIS_PASSWORD="wrong-secret", start=False)):
        process.start()
    replica, sentinel = cluster.processes[-2:]
    assert replica.wait() == 75
    sentinel.await_serving()
    for process in cluster.processes:
        assert "wrong-secret" not in process.log()
