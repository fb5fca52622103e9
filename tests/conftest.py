"""Fixtures for all tests."""

import signal

import pytest


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Python's own answer to Ctrl-C, which it lacks where tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
