"""An engine is found or started, and the images are built, once."""

import pytest

from engine import some_engine


@pytest.fixture(scope="session")
def engine():
    """An engine with all images."""
    with some_engine() as engine, engine.images():
        yield engine
