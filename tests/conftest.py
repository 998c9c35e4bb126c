"""What the end-to-end tests and those on a Docker Engine share."""

import signal

import pytest

from tails import all_tails


def pytest_sessionstart():
    # A run that is asked to stop ends its servers and itself; SystemExit would only be the failure of one test.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("asked to stop"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.failed:
        report.sections += [("the ends of all logs", text) for text in all_tails()]


def pytest_terminal_summary(terminalreporter):
    lines = [value for reports in terminalreporter.stats.values() for report in reports
             for name, value in getattr(report, "user_properties", ()) if name == "figure"
             and getattr(report, "when", None) == "call"]
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture
def figure(record_property):
    """Notes a measured figure for the end of the run; it travels with the report of the test."""
    return lambda line: record_property("figure", line)


def pytest_make_parametrize_id(val):
    """A long value gets a short name: pytest puts the name into the environment of whatever the test starts."""
    return repr(val[:60]) if isinstance(val, (bytes, str)) and len(val) > 100 else None
