"""What the end-to-end tests share. They run the built daemons (REDIS_ZK_BIN, default build/release/bin)."""

import contextlib
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from cluster import Cluster  # noqa: E402

_figures = []


def pytest_sessionstart():
    # A run that is asked to stop ends its servers and itself; SystemExit would only be the failure of one test.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("asked to stop"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.failed:
        report.sections += [("logs of the cluster", cluster.tails()) for cluster in Cluster.open]


def pytest_terminal_summary(terminalreporter):
    if _figures:
        terminalreporter.section("figures")
        for line in _figures:
            terminalreporter.write_line(line)


@pytest.fixture
def figure():
    """Notes a measured figure for the end of the run."""
    return _figures.append


@pytest.fixture
def make_cluster():
    """Makes clusters that end with the test."""
    with contextlib.ExitStack() as clusters:
        yield lambda **options: clusters.enter_context(Cluster(**options))


@pytest.fixture
def cluster(make_cluster):
    """A cluster with a ZooKeeper server and nothing else."""
    cluster = make_cluster()
    cluster.start_zookeeper()
    return cluster
