"""./run demo, behind its build: what it shows, and that nothing of it stays."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import pytest

from cluster import ROOT, processes_in, wait_for


@pytest.fixture
def demo():
    """Starts it in a temporary directory of its own; returns (process, the file it writes to, that directory)."""
    with tempfile.TemporaryDirectory(prefix="redis-zk-demo.") as directory:
        output = pathlib.Path(directory) / "output"
        running = []

        def start(*arguments):
            with open(output, "wb") as file:
                running.append(subprocess.Popen([sys.executable, ROOT / "tests/demo/demo.py", *arguments], stdout=file,
                                                stderr=file, env={**os.environ, "TMPDIR": directory}))
            return running[0], output, pathlib.Path(directory)

        yield start
        for process in running:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def left_behind(directory):
    return processes_in(directory) + list(directory.glob("redis-zk.*"))


@pytest.mark.parametrize("arguments", [[], ["--tls"]], ids=["plain", "tls"])
def test_shows_a_failover_and_cleans_up(demo, arguments):
    process, output, directory = demo(*arguments)
    assert process.wait(60) == 0, output.read_text()
    text = output.read_text()
    for line in [r"redis-wrapper-\d +127\.0\.0\.1:\d+ +\d+ +MASTER of 2 replicas",
                 r"kill -9 redis-wrapper-\d and its redis-server",
                 r"\+\d\.\d+ s  the application writes again",
                 r"\+\d\.\d+ s  the record /redis/master in ZooKeeper says 127\.0\.0\.1 \d+",
                 r"of (\d+) acknowledged writes \d+ are there",
                 r"Everything is stopped and cleaned up\."]:
        assert re.search(line, text), (line, text)
    assert left_behind(directory) == []


def test_keeps_running_until_it_is_told_to_stop(demo):
    process, output, directory = demo("--keep")
    wait_for(lambda: "Ctrl-C" in output.read_text(), within=60, what="the end of the show")
    assert process.poll() is None and left_behind(directory)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, output.read_text()
    assert left_behind(directory) == []
