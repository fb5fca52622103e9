"""Whether two checkouts of the package give the same results, bit for bit.

    python benchmarks/same_results.py --against PATH_OF_OTHER_CHECKOUT
    python benchmarks/same_results.py --against PATH --backend cpu genn:cpu --json same.json
    python benchmarks/same_results.py --against PATH --only recurrent sparse

For work that is to change nothing but the code. Both checkouts train the same small networks
(`same_results_cases.py`), at the same time, each in a process and with a code cache of its own:
about a minute on two cores. Both run these very files, which use what users use and no more.

Compared are, for each network and number of threads: gradients of a batch; initial and trained
weights and delays; loss, validation loss and metric of every epoch; spikes, and the variables of
neurons and their adjoints, in all of training; the same of predictions, after saving and loading;
and a training that is stopped in mid-epoch, saved, loaded into a new network and resumed, which
must end as the one that was not stopped. A case fails, too, where a population is silent, or
where parameters that are learned stay as they are or others change.

Exit status: 0 if all is equal, 1 if anything differs or is missing, 2 for bad arguments.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from same_results_cases import CASES
from same_results_training import Arrays, difference, run

import mlgenn_delays

#: Numbers of threads by backend.
THREADS = {"cpu": (1, 2), "genn:cpu": (1,), "genn:cuda": (1,)}


def write(path: Path, checkout: Path, names: Sequence[str], backend: str) -> None:
    """Run cases and write their results; leave out those that fail.

    Raises:
        SystemExit: the package that is imported is not that of the checkout
    """
    package = Path(mlgenn_delays.__file__).resolve()
    if not package.is_relative_to(checkout):
        raise SystemExit(f"{package} was imported in place of the package in {checkout}")
    arrays: dict[str, Any] = {}
    for name in names:
        only = CASES[name].backend
        try:
            for threads in (1,) if only else THREADS[backend]:
                with tempfile.TemporaryDirectory() as folder:
                    found = run(CASES[name].make, only or backend, threads, Path(folder))
                arrays |= {f"{name}/{threads} thread(s), {key}": v for key, v in found.items()}
        except Exception:
            print(f"case {name}, {package}:\n{traceback.format_exc()}", file=sys.stderr)
            arrays = {k: v for k, v in arrays.items() if not k.startswith(f"{name}/")}
    np.savez(path, **arrays)


def start(checkout: Path, folder: Path, names: Sequence[str], backend: str) -> subprocess.Popen:
    """This file at work in a process of its own, on the package of a checkout."""
    folder.mkdir(parents=True)
    paths = [str(checkout), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "MLGENN_DELAYS_CACHE": str(folder / "cache"),
    }
    command = [sys.executable, str(Path(__file__).resolve()), "--write", "results.npz"]
    command += ["--against", str(checkout), "--backend", backend, "--only", *names]
    return subprocess.Popen(command, cwd=folder, env=environment)


def read(folder: Path) -> dict[str, Arrays]:
    """Results by case; none where the process has crashed."""
    cases: dict[str, Arrays] = {}
    if not (folder / "results.npz").exists():
        return cases
    with np.load(folder / "results.npz") as file:
        for key in file.files:
            name, _, item = key.partition("/")
            cases.setdefault(name, {})[item] = file[key]
    return cases


def compare(checkouts: Sequence[Path], names: Sequence[str], backend: str) -> list[dict[str, Any]]:
    """A row of the table for each case."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / which for which in ("here", "there")]
        processes = [start(c, f, names, backend) for c, f in zip(checkouts, folders)]
        for process in processes:
            process.wait()
        here, there = map(read, folders)
    rows = []
    for case in names:
        missing = [side for side, found in (("here", here), ("there", there)) if case not in found]
        result = f"failed {' and '.join(missing)}, see above"
        if not missing:
            result = difference(here[case], there[case]) or "equal"
        count = len(here.get(case, {}))
        row = {"case": case, "backend": CASES[case].backend or backend, "arrays": count}
        rows.append({**row, "result": result, "covers": CASES[case].covers})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", type=Path, metavar="PATH", required=True, help="the other checkout"
    )
    # of the processes that are started: where to write the results of --against
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--backend", nargs="+", metavar="NAME", choices=THREADS, default=["cpu"],
        help=f"of {', '.join(THREADS)} (cpu)",
    )  # fmt: skip
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=CASES, default=list(CASES),
        help=f"of {', '.join(CASES)} (all)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="file for the table")
    options = parser.parse_args()
    other = options.against.resolve()
    if options.write:
        write(options.write, other, options.only, options.backend[0])
        return
    if not (other / "mlgenn_delays" / "__init__.py").is_file():
        parser.error(f"--against: {options.against} is no checkout of mlgenn_delays")
    missing = [name for name in ("pygenn", "ml_genn") if importlib.util.find_spec(name) is None]
    if set(options.backend) != {"cpu"} and missing:
        parser.error(f"--backend: GeNN needs {' and '.join(missing)}")

    from common import report  # not in the processes: it imports more of the package

    checkouts = Path(__file__).resolve().parents[1], other
    rows = []
    for backend in options.backend:
        # cases with an engine of their own run along with the default one
        if names := [n for n in options.only if CASES[n].backend is None or backend == "cpu"]:
            rows += compare(checkouts, names, backend)
    if not rows:
        parser.error(f"--only: {' '.join(options.only)} runs with --backend cpu only")
    report("Results here and there, bit for bit", rows, options.json)
    if any(row["result"] != "equal" for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
