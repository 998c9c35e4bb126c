"""What Prometheus reads: /metrics, the alert rules and the dashboard."""

import json
import re
import subprocess
import urllib.request

import pytest

from authority import Authority
from cluster import ROOT, wait_for

RULES = ROOT / "conf/prometheus-alerts.yml"
DASHBOARD = ROOT / "conf/grafana-dashboard.json"
NAME = re.compile(r"redis_zk_\w+")


@pytest.fixture
def fleet(cluster):
    return cluster.bring_up()


def metrics(watcher):
    with urllib.request.urlopen(f"http://{watcher.address}/metrics", timeout=5) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return answer.read().decode()


def samples(watcher):
    lines = [line.rpartition(" ") for line in metrics(watcher).splitlines() if line and not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


def await_samples(watcher, **wanted):
    """Waits until these of the group, or without one, have these values."""

    def find():
        found = samples(watcher)
        return all(value in (found.get(f'redis_zk_{name}{{group="master1"}}'), found.get(f"redis_zk_{name}"))
                   for name, value in wanted.items())

    wait_for(find, what=str(wanted), every=0.1)


def promtool(*words, text=None):
    ended = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_tell_of_a_group_and_its_failover(cluster, fleet):
    nodes, sentinels, (watcher,) = fleet
    await_samples(watcher, zookeeper_connected=1, sentinels_registered=3, following=1, master_recorded=1, master_up=1,
                  replicas=2, replicas_attached=2, sentinels_agreeing=3, sentinels_known=3, sentinel_quorum=2, keys=0,
                  record_changes_total=0, failover_duration_seconds_count=0)
    # The first such request comes after everything was read.
    wait_for(lambda: "redis_zk_zookeeper_request_seconds" in samples(watcher), what="a request to ZooKeeper, timed")
    found = samples(watcher)
    assert found["redis_zk_zookeeper_connections_total"] == 1
    assert 0 < found["redis_zk_zookeeper_request_seconds"] < 5
    assert found['redis_zk_events_total{kind="zookeeper-lost"}'] == 0
    master = cluster.master(nodes)
    master.client().set("key", "value")
    await_samples(watcher, keys=1)
    master.kill_all()
    await_samples(watcher, record_changes_total=1, failover_duration_seconds_count=1, master_up=1, replicas_attached=1)
    found = samples(watcher)
    assert 0 < found['redis_zk_failover_duration_seconds_sum{group="master1"}'] < 30
    assert found['redis_zk_failover_duration_seconds_bucket{group="master1",le="+Inf"}'] == 1
    assert found['redis_zk_events_total{kind="master-changed"}'] == 1
    assert found['redis_zk_config_epoch{group="master1"}'] >= 1
    assert found['redis_zk_http_requests_total{code="200"}'] > 0
    master.start()
    cluster.await_agreement(nodes, sentinels, [watcher])
    await_samples(watcher, replicas_attached=2)
    assert found['redis_zk_record_changes_total{group="master1"}'] == 1


def test_follow_the_conventions(fleet):
    _, _, (watcher,) = fleet
    assert promtool("check", "metrics", text=metrics(watcher)) == (0, "")


@pytest.mark.parametrize("path", [RULES, DASHBOARD, ROOT / "tests/prometheus/alerts_test.yml"])
def test_are_what_rules_and_dashboard_ask_for(cluster, path):
    """A name that nobody serves would never alert anybody."""
    # Without them no watcher looks at ACLs, and none knows of certificates.
    authority = Authority(cluster.directory / "authority")
    authority.certify("watcher")
    cluster.add_env(ZK_USERNAME="redis-zk", ZK_PASSWORD="secret", REDIS_TLS="on",
                    REDIS_TLS_CA_CERT_FILE=authority.certificate, REDIS_TLS_CERT_FILE=authority.directory / "watcher.crt",
                    REDIS_TLS_KEY_FILE=authority.directory / "watcher.key")
    _, _, (watcher,) = cluster.bring_up()
    asked = set(NAME.findall(path.read_text()))
    assert asked

    def missing():
        return asked - {NAME.match(series).group() for series in samples(watcher)}

    wait_for(lambda: not missing(), what=f"a metric of each name: {missing()}")


def test_alert_rules():
    assert promtool("check", "rules", str(RULES))[0] == 0
    code, said = promtool("test", "rules", "tests/prometheus/alerts_test.yml")
    assert code == 0, said


def test_dashboard_is_complete():
    dashboard = json.loads(DASHBOARD.read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert panel["title"] and panel["targets"] and panel["datasource"]["uid"] == "${datasource}"
