"""marathon/*.json in the hands of a small Marathon: real containers, upgrades under load, and what goes wrong.

Nothing of the definitions is changed but the images' tag and the address of ZooKeeper.
"""

import copy
import json
import math
import os
import pathlib
import shutil
import time

import jsonschema
import kazoo.exceptions
import pytest
import redis

from authority import Authority
from cluster import (GROUP, Cluster, RedisWrapper, SentinelWrapper, Server, Watcher, wait_for, write_until_ok,
                     zookeeper_mode)
from engine import ZOOKEEPER
from marathon import Marathon
from writer import Writer

HERE = pathlib.Path(__file__).resolve().parent
DEFINITIONS = HERE.parents[1] / "marathon"
REDIS, SENTINEL, WATCHER = "/redis-zk/redis", "/redis-zk/sentinel", "/redis-zk/watcher"
FILES = {REDIS: "redis.json", SENTINEL: "sentinel.json", WATCHER: "watcher.json"}
# Where redis-zk-secure.json has them in the containers.
SECRETS = "/run/redis-zk"


def definition(name):
    return json.loads((DEFINITIONS / name).read_text())


# --- the files alone


@pytest.mark.smoke
@pytest.mark.parametrize("name", [*FILES.values(), "redis-persistent.json"])
def test_a_definition_is_valid(name):
    schema = json.loads((HERE / "marathon-app.schema.json").read_text())
    jsonschema.Draft4Validator(schema).validate(definition(name))


@pytest.mark.smoke
def test_the_secure_group_is_valid_and_the_same_but_for_the_secrets():
    schema = json.loads((HERE / "marathon-app.schema.json").read_text())
    secure = definition("redis-zk-secure.json")
    for app in secure["apps"]:
        jsonschema.Draft4Validator(schema).validate(app)
        (volume,) = app["container"].pop("volumes")
        assert (volume["containerPath"], volume["mode"]) == (SECRETS, "RO")
        wanted = {"ZK_USERNAME": "redis-zk", "STRICT_SECRETS": "on", "ZK_PASSWORD_FILE": f"{SECRETS}/zookeeper",
                  "REDIS_PASSWORD_FILE": f"{SECRETS}/redis", "SENTINEL_PASSWORD_FILE": f"{SECRETS}/sentinel",
                  "REDIS_TLS": "on", "REDIS_TLS_CA_CERT_FILE": f"{SECRETS}/ca.pem",
                  "REDIS_TLS_CERT_FILE": f"{SECRETS}/node.crt", "REDIS_TLS_KEY_FILE": f"{SECRETS}/node.key"}
        if app["id"] == WATCHER:
            wanted |= {"ADMIN_TOKEN_FILE": f"{SECRETS}/admin", "HTTP_TLS_CERT_FILE": f"{SECRETS}/watcher.crt",
                       "HTTP_TLS_KEY_FILE": f"{SECRETS}/watcher.key"}
            (check,) = app["healthChecks"]
            assert check["protocol"] == "MESOS_HTTPS"
            check["protocol"] = "MESOS_HTTP"
        assert {name: app["env"].pop(name) for name in wanted} == wanted
    assert secure == definition("redis-zk.json")


@pytest.mark.smoke
def test_the_group_holds_the_three_files():
    group = definition("redis-zk.json")
    assert group == {"id": "/redis-zk", "apps": [definition(name) for name in FILES.values()]}


@pytest.mark.smoke
@pytest.mark.parametrize("name, counts", [("redis.json", (3, 4, 5)), ("sentinel.json", (3, 4, 5)),
                                          ("watcher.json", (2,)), ("redis-persistent.json", (3,))])
def test_an_upgrade_stops_one_at_a_time(name, counts):
    """As marathon.py and docs/deploy/marathon.md count."""
    strategy = definition(name)["upgradeStrategy"]
    assert strategy["maximumOverCapacity"] == 0
    for instances in counts:
        assert instances - math.ceil(instances * strategy["minimumHealthCapacity"]) == 1


@pytest.mark.smoke
def test_a_stop_has_the_time_to_hand_over():
    defaults = 10 + 60  # HANDOVER_TIMEOUT and STOP_TIMEOUT
    for name in ("redis.json", "redis-persistent.json"):
        assert definition(name)["taskKillGracePeriodSeconds"] > defaults


# --- on an engine


class Fleet:
    """The tasks of a Marathon, as the other tests see daemons."""

    def __init__(self, marathon, cluster, zookeeper):
        self.marathon = marathon
        self.cluster = cluster
        cluster.use_zookeeper([Server("zookeeper", [], cluster.directory / "zookeeper", zookeeper, 2181)])

    def daemons(self, kind, app):
        return [kind(task.id, [], self.cluster.directory / task.id, task.agent.address, task.port, {})
                for task in self.marathon.app(app).active]

    @property
    def redis(self):
        return self.daemons(RedisWrapper, REDIS)

    @property
    def sentinels(self):
        return self.daemons(SentinelWrapper, SENTINEL)

    @property
    def watchers(self):
        return self.daemons(Watcher, WATCHER)

    def listed(self):
        """What a client application is told by the first watcher that answers."""
        for watcher in self.watchers:
            if sentinels := watcher.sentinels(timeout=1):
                return sentinels
        return []

    def agree(self, within=60):
        return self.cluster.await_agreement(self.redis, self.sentinels, self.watchers, within)

    def master_task(self):
        master = self.cluster.master(self.redis)
        (task,) = [task for task in self.marathon.app(REDIS).active if task.id == master.name]
        return task

    def master_or_any(self, tasks):
        masters = [node.name for node in self.redis if node.role == "master"]
        return max(tasks, key=lambda task: task.id in masters)

    def await_healthy(self, app, count, within=90):
        wait_for(lambda: len(self.marathon.app(app).healthy) == count, within, f"{count} healthy tasks of {app}")

    def events(self, app, since=0):
        return [event for event in self.marathon.events[since:] if event.app == app]


@pytest.fixture(scope="module")
def fleet(engine):
    """The group on five agents, three of which are enough for it."""
    with Marathon(engine, agents=5, tag="latest") as marathon, Cluster() as cluster:
        zookeeper, address = f"{marathon.network.name}-zookeeper", marathon.network.address()
        engine.docker("run", "-d", "--name", zookeeper, "--network", marathon.network.name, "--ip", address,
                      ZOOKEEPER)
        try:
            wait_for(lambda: zookeeper_mode(address, 2181), what="ZooKeeper's start")
            marathon.env["ZK_HOSTS"] = f"{address}:2181"
            fleet = Fleet(marathon, cluster, address)
            marathon.deploy_group(definition("redis-zk.json"))
            fleet.agree()
            yield fleet
        finally:
            engine.docker("rm", "-f", "-v", zookeeper)


def changed(name):
    """The same with another label: for Marathon a new version."""
    app = definition(name)
    app["labels"] = {"upgraded": "yes"}
    return app


def test_the_group_starts_in_order_and_announces_addresses(fleet):
    started = {app: min(event.when for event in fleet.events(app) if event.what == "started") for app in FILES}
    healthy = {app: max(event.when for event in fleet.events(app) if event.what == "healthy") for app in FILES}
    assert healthy[REDIS] < started[SENTINEL] and healthy[SENTINEL] < started[WATCHER]
    for app in (REDIS, SENTINEL):
        assert len({task.agent.name for task in fleet.marathon.app(app).active}) == 3
    agents = {agent.address for agent in fleet.marathon.agents}
    assert fleet.cluster.record().split()[0] in agents
    for watcher in fleet.watchers:
        assert watcher.port == 8080
        assert {host for host, _ in watcher.sentinels()} <= agents


def test_rolling_upgrade_of_redis_loses_no_write(fleet, figure, monkeypatch):
    """In the hardest of all orders: the master first, and whenever an old one leads."""
    monkeypatch.setattr(fleet.marathon, "choose", fleet.master_or_any)
    before = len(fleet.marathon.events)
    old = {task.id for task in fleet.marathon.app(REDIS).active}
    with Writer(fleet.listed) as writer:
        writer.await_more()
        fleet.marathon.deploy(changed("redis.json"))
        master = fleet.agree()
        writer.await_more()
    assert not writer.missing(master.client())
    events = fleet.events(REDIS, before)
    assert {event.task for event in events if event.what == "killed"} == old
    assert min(event.healthy for event in events) >= 2
    for task in fleet.marathon.app(REDIS).tasks:
        assert task.id not in old or task.exit_code == 0
    start, end = writer.longest_pause()
    handovers = [task for task in fleet.marathon.app(REDIS).tasks if "handed over to" in fleet.marathon.log(task)]
    assert handovers
    figure(f"rolling upgrade of Redis: {len(handovers)} handovers, {len(writer.acknowledged)} acknowledged writes, "
           f"0 lost, longest pause {end - start:.2f} s, {events[-1].when - events[0].when:.0f} s in all")


def test_rolling_upgrade_of_the_sentinels_keeps_failover_possible(fleet, figure):
    before = len(fleet.marathon.events)
    old = {task.id for task in fleet.marathon.app(SENTINEL).active}
    with Writer(fleet.listed) as writer:
        writer.await_more()
        fleet.marathon.deploy(changed("sentinel.json"))
        master = fleet.agree()
    assert not writer.missing(master.client())
    start, end = writer.longest_pause()
    assert end - start < 1
    events = fleet.events(SENTINEL, before)
    assert {event.task for event in events if event.what == "killed"} == old
    assert min(event.healthy for event in events) >= 2
    figure(f"rolling upgrade of the Sentinels: longest pause {end - start:.2f} s, "
           f"{events[-1].when - events[0].when:.0f} s in all")

    # Nobody is left of those who saw the group begin.
    lost = fleet.master_task()
    lost.crash()
    client = fleet.cluster.sentinel_client(fleet.watchers[0])
    write_until_ok(client, "after", "the upgrade")
    fleet.await_healthy(REDIS, 3)
    assert lost.port not in {task.port for task in fleet.marathon.app(REDIS).active}
    assert fleet.agree().client().get("after") == "the upgrade"


def test_scaled_to_five_and_back_with_the_master_among_those_that_go(fleet, figure):
    """Marathon stops the youngest, all at once: the master, and a replica that it must not hand over to."""
    for app in (REDIS, SENTINEL):
        fleet.marathon.scale(app, 5)
        fleet.await_healthy(app, 5)
    fleet.agree()
    youngest = fleet.redis[-1]
    followed = fleet.sentinels[0]
    for node in fleet.redis:
        node.client().config_set("replica-priority", 1 if node.name == youngest.name else 100)
    wait_for(lambda: any(int(replica["slave-priority"]) == 1 for replica in followed.replicas()), what="its preference")
    followed.client().execute_command("SENTINEL FAILOVER", GROUP)
    wait_for(lambda: fleet.agree().name == youngest.name, what="the youngest as master")
    with Writer(fleet.listed) as writer:
        writer.await_more()
        before = len(fleet.marathon.events)
        for app in (REDIS, SENTINEL):
            fleet.marathon.scale(app, 3)
        wait_for(lambda: all(sum(not task.ended for task in fleet.marathon.app(app).tasks) == 3
                             for app in (REDIS, SENTINEL)), within=90, what="the end of those that were too many")
        master = fleet.agree()
        writer.await_more()
    assert not writer.missing(master.client())
    gone = {event.task for event in fleet.events(REDIS, before) if event.what == "killed"}
    assert youngest.name in gone and len(gone) == 2
    assert all(task.exit_code == 0 for task in fleet.marathon.app(REDIS).tasks if task.id in gone)
    start, end = writer.longest_pause()
    figure(f"Marathon: five to three, the master among them: {len(writer.acknowledged)} acknowledged writes, 0 lost, "
           f"longest pause {end - start:.2f} s")


def test_everything_dies_and_returns_on_other_ports(fleet, figure):
    tasks = {app: fleet.marathon.app(app).active for app in FILES}
    ports = {task.port for app in (REDIS, SENTINEL) for task in tasks[app]}
    for task in sum(tasks.values(), []):
        task.crash()
    died = time.monotonic()
    wait_for(lambda: all(task.ended for task in sum(tasks.values(), [])), what="the end of all")
    for app in FILES:
        fleet.await_healthy(app, len(tasks[app]), within=150)
    fleet.agree()
    figure(f"Marathon: everything dies, until all agree on other ports: {time.monotonic() - died:.0f} s")
    assert {task.port for app in (REDIS, SENTINEL) for task in fleet.marathon.app(app).active}.isdisjoint(ports)
    with Writer(fleet.listed) as writer:
        writer.await_more()


def test_an_agent_that_is_cut_off_is_replaced_and_its_return_does_no_harm(fleet):
    lost = fleet.master_task().agent
    with Writer(fleet.listed) as writer:
        fleet.marathon.lose(lost)
        fleet.await_healthy(REDIS, 3)
        fleet.await_healthy(SENTINEL, 3)
        master = fleet.agree()
        first = len(writer.acknowledged)
        fleet.marathon.find(lost)
        behind = [task for app in FILES for task in fleet.marathon.app(app).tasks if task.agent is lost]
        wait_for(lambda: all(task.ended for task in behind), what="the end of the tasks that were left behind")
        assert fleet.agree().name == master.name
        writer.await_more()
    acknowledged_since = {write.number for write in writer.acknowledged[first:]}
    assert not acknowledged_since & {write.number for write in writer.missing(master.client())}


def test_with_persistent_volumes_the_data_survive_the_death_of_all(fleet):
    app = definition("redis-persistent.json")
    app["id"] = "/lasting/redis"
    app["env"]["ZK_ROOT"] = "/lasting"
    app["healthChecks"][0]["delaySeconds"] = 0
    fleet.marathon.deploy(app)
    tasks = fleet.marathon.app(app["id"]).active
    (master,) = [node for node in fleet.daemons(RedisWrapper, app["id"]) if node.role == "master"]
    master.client().set("key", "value")
    # From then on it is on the disk, too.
    assert master.client().execute_command("WAIT", 2, 5000) == 2
    wait_for(lambda: master.ask("INFO", "persistence")["aof_pending_bio_fsync"] == 0, what="the disk")
    for task in tasks:
        task.crash()
    wait_for(lambda: all(task.ended for task in tasks), what="the end of all")
    fleet.await_healthy(app["id"], 3)
    nodes = fleet.daemons(RedisWrapper, app["id"])
    assert {task.agent.name for task in fleet.marathon.app(app["id"]).active} == {task.agent.name for task in tasks}
    assert {node.port for node in nodes}.isdisjoint(task.port for task in tasks)
    assert [node.client().get("key") for node in nodes] == ["value"] * 3
    fleet.marathon.stop(app["id"])


def test_a_start_that_waits_is_not_killed_by_its_health_check(fleet):
    """A Sentinel without a master, for many more checks than would be failures."""
    patient = definition("sentinel.json")
    patient.update(id="/waiting/sentinel", instances=1, dependencies=[])
    patient["env"]["ZK_ROOT"] = "/waiting"
    patient["healthChecks"][0]["delaySeconds"] = 0
    hasty = copy.deepcopy(patient)
    hasty["id"] = "/waiting/without-grace"
    hasty["healthChecks"][0]["gracePeriodSeconds"] = 0
    done = fleet.marathon.begin(patient)
    fleet.marathon.begin(hasty)()
    done()
    (task,) = wait_for(lambda: fleet.marathon.app(patient["id"]).active, what="a task")
    failures = patient["healthChecks"][0]["maxConsecutiveFailures"] + 2
    wait_for(lambda: task.failed_checks >= failures, what="failed checks")
    wait_for(lambda: fleet.marathon.app(hasty["id"]).tasks[0].killed, what="the end of the one without grace")
    assert task.active and not task.healthy
    fleet.marathon.stop(hasty["id"])

    first = definition("redis.json")
    first.update(id="/waiting/redis", instances=1)
    first["env"]["ZK_ROOT"] = "/waiting"
    first["healthChecks"][0]["delaySeconds"] = 0
    fleet.marathon.deploy(first)
    wait_for(done, what="the Sentinel's readiness")
    assert [task] == fleet.marathon.app(patient["id"]).tasks


def test_the_secure_group_serves_and_is_closed_to_strangers(fleet):
    """Beside the other one, below a root of its own."""
    folder = fleet.marathon.directory("secrets")
    secrets = {name: f"{name}-of-the-tests-4711" for name in ("redis", "sentinel", "zookeeper", "admin")}
    for name, secret in secrets.items():
        (folder / name).write_text(secret + "\n")
    authority = Authority(fleet.marathon.directory("authority") / "files")
    authority.certify("node")
    authority.certify("watcher")
    for name in ("ca.pem", "node.crt", "node.key", "watcher.crt", "watcher.key"):
        shutil.copy(authority.directory / name, folder)
    for path in [*folder.iterdir(), folder]:
        path.chmod(0o500 if path == folder else 0o400)
        os.chown(path, 999, 999)
    folder.parent.chmod(0o755)
    group = json.loads((DEFINITIONS / "redis-zk-secure.json").read_text().replace('"/redis-zk/', '"/closed/'))
    for app in group["apps"]:
        app["env"]["ZK_ROOT"] = "/closed"
        app["container"]["volumes"][0]["hostPath"] = str(folder)
    fleet.marathon.deploy_group(group)

    passwords = {"REDIS_PASSWORD": secrets["redis"], "SENTINEL_PASSWORD": secrets["sentinel"]}
    tls = {**authority.options("node"), **authority.http_options("watcher")}

    def daemons(kind, app):
        return [kind(task.id, [], fleet.cluster.directory / task.id, task.agent.address, task.port, {**passwords, **tls})
                for task in fleet.marathon.app(app).active]

    def servers():
        return daemons(RedisWrapper, "/closed/redis"), daemons(SentinelWrapper, "/closed/sentinel")

    nodes, sentinels = servers()
    watchers = daemons(Watcher, "/closed/watcher")
    for server in nodes + sentinels:
        with pytest.raises(redis.AuthenticationError), server.client(password=None) as stranger:
            stranger.ping()
        with pytest.raises(redis.ConnectionError), redis.Redis(server.host, server.port) as stranger:
            stranger.ping()
    for attempt in (lambda: fleet.cluster.kazoo.get("/closed/master"),
                    lambda: fleet.cluster.kazoo.set("/closed/master", b"10.0.0.1 6379")):
        with pytest.raises(kazoo.exceptions.NoAuthError):
            attempt()
    assert 'redis_zk_open_servers{kind="redis"} 0' in watchers[0].get("/metrics")
    assert not any(" expire" in warning for warning in json.loads(watchers[0].get("/status"))["warnings"])
    events = ("server-open", "secret-file-open", "zookeeper-root-open")
    for app in ("redis", "sentinel", "watcher"):
        for task in fleet.marathon.app(f"/closed/{app}").active:
            log = fleet.marathon.log(task, 10000)
            assert not any(event in log for event in events)
            assert not any(secret in log for secret in secrets.values())

    (master,) = [node for node in nodes if node.role == "master"]
    (task,) = [task for task in fleet.marathon.app("/closed/redis").active if task.id == master.name]
    task.crash()
    client = fleet.cluster.sentinel_client(watchers[0], passwords["REDIS_PASSWORD"], passwords["SENTINEL_PASSWORD"])
    write_until_ok(client, "key", "value")
    fleet.await_healthy("/closed/redis", 3)
    for app in ("watcher", "sentinel", "redis"):
        fleet.marathon.stop(f"/closed/{app}")
