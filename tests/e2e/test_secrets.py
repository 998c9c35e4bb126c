"""Passwords: they work everywhere, and they show up nowhere."""

import json
import pathlib
import re
import stat
import subprocess

import pytest
import redis
import redis.sentinel

from cluster import FORGOTTEN, GROUP, LOOPBACK, ROOT, Server, free_port, processes_in, wait_for, write_until_ok

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
            (cluster.directory / f"{name}.secret").write_text(f"{secret}\n")
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


def documented_rules(heading):
    """{user: rule} of the page's section, with what the watcher needs for the admin API."""
    page = (ROOT / "docs/operate/security.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    block = re.search(r"^```\n(# redis-wrapper: .*?)^```$", section, re.S | re.M)[1]
    rules = {line.split()[1]: line for line in block.splitlines() if line.startswith("user ")}
    rules["watcher"] += " " + re.search(r"for admin also (.*)", block)[1]
    return rules


def write_rules(path, included, rules):
    path.write_text(f"include {included}\n" + "".join(rule.replace("PASSWORD", f"{user}-4711") + "\n"
                                                       for user, rule in rules.items()))
    return path


def denied(servers):
    """What the rules have denied, by server."""
    found = {}
    for server in servers:
        with server.client(username="auditor", password="auditor-4711") as auditor:
            entries = auditor.execute_command("ACL LOG")
        # A replica's guard against foreign copies logs in with a wrong password, on purpose.
        commands = [entry for entry in map(as_dict, entries) if entry["reason"] != "auth"]
        if commands:
            found[server.name] = commands
    return found


def as_dict(entry):
    return entry if isinstance(entry, dict) else dict(zip(*[iter(entry)] * 2))


def test_users_need_no_more_than_the_documented_rules(cluster):
    """A start, a planned stop, a failover that is asked for, a death, and a Sentinel that is replaced and cleaned up:
    no server denies anything to anybody."""
    rules = documented_rules("Redis with ACL users")
    assert sorted(rules) == ["default", "redis-node", "sentinel", "watcher"]
    rules["app"] = "user app on >PASSWORD ~* &* +@all"
    rules["auditor"] = "user auditor on >PASSWORD -@all +acl"
    of_sentinel = documented_rules("Sentinel with ACL users")
    assert sorted(of_sentinel) == ["app", "default", "redis-node", "sentinel", "watcher"]
    of_sentinel["auditor"] = rules["auditor"]
    token = cluster.directory / "token.secret"
    token.write_text("a-token-of-the-tests\n")
    cluster.add_env(REDIS_CONF=write_rules(cluster.directory / "users.conf", cluster.directory / "redis.conf", rules),
                    SENTINEL_CONF=write_rules(cluster.directory / "sentinel-users.conf", ROOT / "conf/sentinel.conf",
                                              of_sentinel),
                    ADMIN_TOKEN_FILE=token, CLEANUP_PATIENCE="2s")

    def as_user(name):
        return {"REDIS_USERNAME": name, "REDIS_PASSWORD": f"{name}-4711",
                "SENTINEL_USERNAME": name, "SENTINEL_PASSWORD": f"{name}-4711"}

    def write(key):
        # By way of the Sentinels, as an application does.
        by_sentinel = redis.sentinel.Sentinel(watcher.sentinels(), min_other_sentinels=len(sentinels) - 1,
                                              sentinel_kwargs={"username": "app", "password": "app-4711"})
        with by_sentinel.master_for(GROUP, username="app", password="app-4711") as app:
            app.set(key, key)
            assert app.execute_command("WAIT", 2, 5000) == 2

    nodes = [cluster.redis(**as_user("redis-node")) for _ in range(3)]
    for node in nodes:
        node.await_serving()
    wait_for(lambda: cluster.master(nodes).info()["connected_slaves"] == 2, what="replication")
    sentinels = [cluster.sentinel(**as_user("sentinel")) for _ in range(3)]
    watcher = cluster.watcher(**as_user("watcher"))
    seen = {}

    def agree():
        cluster.await_agreement(nodes, sentinels, [watcher])
        # The log goes with its server.
        seen.update(denied(nodes + sentinels))
        return cluster.master(nodes)

    master = agree()
    write("before")
    assert master.stop() == 0
    assert master.log_lines("handed over to")
    master.start()
    master = agree()
    # The one that Sentinel would not choose by itself, for one of them.
    target = next(node for node in nodes if node is not master)
    code, _, text = watcher.request(f"/masters/{GROUP}/failover?to={target.address}", method="POST",
                                    headers={"Authorization": "Bearer a-token-of-the-tests"}, timeout=60)
    assert code == 200, text
    master = agree()
    write("meanwhile")
    master.kill_all()
    wait_for(lambda: cluster.record() != master.record, what="a failover")
    master.start()
    master = agree()
    # Only its server: it comes back as a replica.
    master.kill_child()
    wait_for(lambda: cluster.record() != master.record, what="a failover")
    master.wait()
    master.start()
    agree()
    write("after")
    # A Sentinel dies for good, and another one comes, which has an identity of its own.
    newcomer = cluster.sentinel(**as_user("sentinel"))
    newcomer.await_serving()
    wait_for(lambda: all(len(sentinel.peers()) == 3 for sentinel in [*sentinels, newcomer]), what="a fourth Sentinel")
    sentinels.pop().kill_all()
    sentinels.append(newcomer)
    wait_for(lambda: all(len(sentinel.peers()) == 2 for sentinel in sentinels), FORGOTTEN + 90, "the clean-up")
    agree()
    write("at the end")
    assert seen == {}
    refused = [line for process in cluster.processes for line in process.log().splitlines() if "NOPERM" in line]
    assert refused == []


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


def test_error_of_a_server_that_repeats_the_password(cluster):
    """Without AUTH, Redis answers with all words of the command."""
    secret = "a-secret-that-is-repeated"
    directory = cluster.directory / "stranger"
    stranger = Server("stranger", ["redis-server", "--bind", LOOPBACK, "--save", "", "--rename-command", "AUTH", "",
                                   "--port", port := free_port()], directory, LOOPBACK, port).start()
    cluster.processes.append(stranger)
    stranger_answers = redis.Redis(LOOPBACK, port)
    wait_for(lambda: answers(stranger_answers), what="its start")
    with pytest.raises(redis.ResponseError, match=secret):
        stranger_answers.execute_command("AUTH", secret)
    cluster.kazoo.ensure_path("/redis/sentinels")
    cluster.kazoo.create("/redis/master", stranger.record.encode())

    cluster.add_env(REDIS_PASSWORD=secret, LOG_LEVEL="trace")
    node = cluster.redis(COLD_START_WAIT="1s")
    watcher = cluster.watcher()
    sentinel = cluster.sentinel()
    node.wait_log(f"{stranger.address} refused the password: ERR unknown command")
    # One whose own server would have no AUTH either is not started.
    conf = cluster.directory / "without-auth.conf"
    conf.write_text(f'include {cluster.directory}/redis.conf\nrename-command AUTH ""\n')
    other = cluster.redis(REDIS_CONF=conf, ZK_ROOT="/other")
    assert other.wait() == 78
    assert f"{conf}:2: rename-command AUTH cannot work" in other.log()
    status = wait_for(lambda: "refused the password" in watcher.get("/status") and watcher.get("/status"),
                      what="its error in /status")
    sentinel.await_serving()
    for text in [status, watcher.get("/explain"), watcher.get("/metrics"),
                 *(process.log() for process in cluster.processes)]:
        assert secret not in text
    assert seen_in(cluster, secret) == []


def answers(client):
    try:
        return client.ping()
    except redis.RedisError:
        return False


def test_servers_without_a_password_are_told(cluster):
    """At the start, in /status and in a metric, for as long as they live."""
    everywhere = {"BIND_IP": "0.0.0.0", "ANNOUNCE_IP": LOOPBACK}
    node = cluster.redis(**everywhere)
    node.await_serving()
    sentinel = cluster.sentinel(**everywhere)
    sentinel.await_serving()
    watcher = cluster.watcher()
    closed = cluster.sentinel()
    closed.await_serving()

    def warnings():
        return [warning for warning in json.loads(watcher.get("/status"))["warnings"] if "no password" in warning]

    told = wait_for(lambda: len(found := warnings()) == 2 and found, what="both in /status")
    assert told == [
        f"no password at {LOOPBACK}:{node.port}: any host on the network can read, change and delete all data, and "
        "take over the server; set REDIS_PASSWORD for all daemons, or close the port to other hosts",
        f"no password at {LOOPBACK}:{sentinel.port}: any host on the network can stop failovers, and move the master "
        "to another server; set SENTINEL_PASSWORD for all daemons, or close the port to other hosts"]
    for wrapper, line in zip((node, sentinel), told):
        (logged,) = wrapper.log_lines("event=server-open")
        assert line in logged
    assert closed.log_lines("event=server-open") == []
    for kind in ("redis", "sentinel"):
        assert f'redis_zk_open_servers{{kind="{kind}"}} 1\n' in watcher.get("/metrics")
    assert sentinel.stop() == 0
    wait_for(lambda: warnings() == told[:1], what="its end in /status")


# --- a password that does not fit


def test_a_wrong_password_is_named(make_cluster):
    """By each daemon that has it, once, and not as a server that is silent."""
    cluster = make_cluster(REDIS_PASSWORD="right", OBSERVE_INTERVAL="200ms")
    nodes, _, _ = cluster.bring_up(redis=2, sentinels=1)
    blind = cluster.watcher(REDIS_PASSWORD="wrong")
    newcomer = cluster.redis(REDIS_PASSWORD="wrong")
    sentinel = cluster.sentinel(REDIS_PASSWORD="wrong")
    assert " warn " in sentinel.wait_log("event=peer-refused")
    assert " error " in newcomer.wait_log("wait=credentials")
    for server in nodes:
        blind.wait_log(f"peer={server.address} event=server-refuses-watcher")
    ages = []

    def has_looked_again():
        ages.append(json.loads(blind.get("/status"))["observed_age_ms"])
        return sum(later < earlier for earlier, later in zip(ages, ages[1:])) > 5

    wait_for(has_looked_again, what="further looks")
    assert len(blind.log_lines("event=server-refuses-watcher")) == len(nodes)
    assert not blind.log_lines("event=foreign-sentinels-unknown")
