"""The ends of the logs of all that runs, for the report of a test that fails (tests/conftest.py)."""

import contextlib

_sources = []


@contextlib.contextmanager
def shown(tails):
    """As long as this is open, tails() belongs to a failed test's report."""
    _sources.append(tails)
    try:
        yield
    finally:
        _sources.remove(tails)


def all_tails():
    return [tails() for tails in _sources]
