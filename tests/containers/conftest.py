"""What the tests on a Docker Engine share. An engine is found or started, and the images are built, once."""

import contextlib
import pathlib
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from engine import some_engine  # noqa: E402

_figures = []
_stack = contextlib.ExitStack()


def pytest_sessionstart():
    # A run that is asked to stop ends its engine and itself.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("asked to stop"))


def pytest_sessionfinish():
    _stack.close()


def pytest_terminal_summary(terminalreporter):
    if _figures:
        terminalreporter.section("figures")
        for line in _figures:
            terminalreporter.write_line(line)


@pytest.fixture
def figure():
    """Notes a measured figure for the end of the run."""
    return _figures.append


@pytest.fixture(scope="session")
def engine():
    """An engine with all images."""
    engine = _stack.enter_context(some_engine())
    engine.make_images()
    return engine
