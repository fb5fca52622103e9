"""Attacks are slow tests; each has random numbers of its own and a tally."""

import importlib.util
import zlib

import numpy as np
import pytest
from run_server import RunServer
from tally import Tally

# a Python that has GeNN need not have it
if importlib.util.find_spec("hypothesis") is None:
    collect_ignore_glob = ["test_properties_*.py"]


def pytest_itemcollected(item):
    item.add_marker(pytest.mark.slow)


@pytest.fixture
def rng(request):
    """Random numbers that depend on ``--attack-seed`` and the name of the test alone."""
    seed = request.config.getoption("--attack-seed")
    return np.random.default_rng([seed, zlib.crc32(request.node.name.encode())])


@pytest.fixture
def attempts(request):
    """``attempts(full, short)``: how many attacks to try, by ``--attacks``."""
    kind = request.config.getoption("--attacks")
    return lambda full, short: full if kind == "full" else short


@pytest.fixture
def tally(request, record_property):
    """Counts attacks; the test fails at its end if the package did not survive all of them."""
    counts = Tally()
    yield counts
    record_property("tally", f"{counts.tried} tried, {counts.tried - len(counts.lost)} survived")
    counts.check()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Starts runs quickly."""
    server = RunServer(tmp_path_factory.mktemp("said"))
    yield server
    server.close()


@pytest.fixture
def attack_seed(request):
    """A seed that depends on ``--attack-seed`` and the name of the test alone, for hypothesis."""
    seed = request.config.getoption("--attack-seed")
    return zlib.crc32(f"{seed} {request.node.name}".encode())
