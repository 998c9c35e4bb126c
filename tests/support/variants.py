"""Which variants of a test wait for `./run test --full`."""

import pytest


def in_full(*values):
    """For pytest.mark.parametrize: variants that only `./run test --full` takes; another one of their kind always runs."""
    return [pytest.param(*(value if isinstance(value, tuple) else [value]), marks=pytest.mark.full) for value in values]
