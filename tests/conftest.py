"""What the end-to-end tests and those on a Docker Engine share."""

import signal

import pytest

from tails import all_tails

_figures = []


def pytest_sessionstart():
    # A run that is asked to stop ends its servers and itself; SystemExit would only be the failure of one test.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("asked to stop"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.failed:
        report.sections += [("the ends of all logs", text) for text in all_tails()]


def pytest_terminal_summary(terminalreporter):
    if _figures:
        terminalreporter.section("figures")
        for line in _figures:
            terminalreporter.write_line(line)


@pytest.fixture
def figure():
    """Notes a measured figure for the end of the run."""
    return _figures.append
