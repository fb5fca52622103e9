"""Fixtures for all tests."""

import os
import shlex
import signal
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

#: Packages that tests with a marker need.
_NEEDED = {
    "genn": ("pygenn", "ml_genn"),
    "torch": ("torch",),
    "tonic": ("tonic",),
    "nir": ("nir", "h5py"),
    "docs": ("sphinx",),
    "mpi": ("mpi4py",),
}


def pytest_addoption(parser):
    parser.addoption(
        "--attacks",
        choices=("full", "short"),
        default="full",
        help="how many attacks tests/attacks tries (default: full, some minutes)",
    )
    parser.addoption(
        "--attack-seed", type=int, default=0, help="seed of the attacks (default: %(default)s)"
    )


def pytest_configure():
    """``python -m pytest`` finds the folder of a checkout first, which is not the whole package."""
    if find_spec("mlgenn_delays.models") is None:
        folder = Path(find_spec("mlgenn_delays").origin).parent
        raise pytest.UsageError(
            f"{folder} is not the package, only a part of it: install this checkout "
            "(pip install -e .), or test what is installed from another folder "
            "(python -m pytest -c CHECKOUT/pyproject.toml --rootdir CHECKOUT CHECKOUT/tests)"
        )
    _precompile_headers()


def _precompile_headers() -> None:
    """For networks that are compiled here and in all processes that tests start."""
    from precompiled_headers import precompiled

    from mlgenn_delays.engines import code_cache
    from mlgenn_delays.engines.cpu import CompilerError, toolchain

    if os.environ.get("CXX"):
        return
    with suppress(CompilerError):  # tests that need a compiler say so
        command = toolchain.find_compiler()
        added = precompiled(command, toolchain.flags(), code_cache.cache_dir())
        if added:
            os.environ["CXX"] = shlex.join([*command, *added])


def pytest_collection_modifyitems(items):
    """Tests that need packages which not everybody has carry a marker, and skip without them."""
    for marker, packages in _NEEDED.items():
        missing = [name for name in packages if find_spec(name) is None]
        if missing:
            skip = pytest.mark.skip(reason=f"{' and '.join(missing)} not installed")
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(skip)


def pytest_terminal_summary(terminalreporter):
    """What attacks were survived, and why tests were skipped, a line per reason."""
    # "" are teardowns that passed
    for report in [r for kind in ("", "error") for r in terminalreporter.stats.get(kind, [])]:
        for name, value in getattr(report, "user_properties", ()):
            if name == "tally":
                terminalreporter.write_line(f"{report.nodeid}: {value}")
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"{number} skipped: {reason}")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Python's own answer to Ctrl-C, which it lacks where tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
