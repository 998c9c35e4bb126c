"""What Debian 12 is tested with outside, on Debian 13: another compiler, other libraries, another Redis."""

import pytest

from engine import BUILT_WITHIN, ROOT

TESTS = "redis-zk/tests"


@pytest.fixture(scope="module")
def run(engine):
    """Runs a command where the sources were built."""
    build = ["build", "-f", ROOT / "docker/Dockerfile", "--target", "build", "-t", "redis-zk/build", ROOT]
    engine.docker(*build, within=BUILT_WITHIN)
    engine.docker("build", "-f", ROOT / "tests/containers/tests.Dockerfile", "-t", TESTS, ROOT, within=BUILT_WITHIN)
    ipv6 = ["--sysctl", "net.ipv6.conf.all.disable_ipv6=0"]
    return lambda *words: engine.run("run", "--rm", "--init", *ipv6, TESTS, *words, check=False, within=900)


@pytest.mark.parametrize("binary", ["unit_tests", "integration_tests"])
def test_passes(run, binary):
    ended = run(f"build/release/bin/{binary}", "--gtest_brief=1")
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]


def test_hands_over_with_its_redis(run):
    ended = run("python3", "-m", "pytest", "tests/e2e/test_bootstrap.py", "tests/e2e/test_planned_stop.py")
    assert ended.returncode == 0, ended.stdout[-8000:]
