"""What the end-to-end tests share. They run the built daemons (REDIS_ZK_BIN, default build/release/bin)."""

import contextlib

import pytest

from cluster import Cluster
from small_disk import mounted


@pytest.fixture
def make_cluster():
    """Makes clusters that end with the test."""
    with contextlib.ExitStack() as clusters:
        yield lambda **options: clusters.enter_context(Cluster(**options))


@pytest.fixture
def disk(tmp_path):
    """A directory of 12 MiB."""
    with mounted(tmp_path / "disk") as directory:
        yield directory


@pytest.fixture
def cluster(make_cluster):
    """A cluster with a ZooKeeper server and nothing else."""
    cluster = make_cluster()
    cluster.start_zookeeper()
    return cluster
