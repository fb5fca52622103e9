"""One table and two pictures of many runs: mean and spread over seeds, grouped by what differs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported

from mlgenn_delays.files import atomic_write
from mlgenn_delays.studies.commands.command import run_command
from mlgenn_delays.studies.commands.program import shown
from mlgenn_delays.studies.errors import RunError
from mlgenn_delays.studies.reports.comparing import compare
from mlgenn_delays.studies.reports.comparing_text import draw_comparison, to_markdown, to_rows
from mlgenn_delays.studies.reports.gathering import gather
from mlgenn_delays.studies.reports.table import write_csv
from mlgenn_delays.studies.results import ResultsFolder

#: How long to wait for others that write to the same folder [s].
_WAIT = 10.0

_DETAILS = """\
RESULTS are searched, with all folders in them, for results folders of finished runs: those with
config.json and summary.json, of this version or an earlier one; the folder of a study is one of
them. Runs that differ in their seed alone are one row of the table; a column is a setting that
differs between runs. Runs that are damaged, not finished or there twice are named and left out.

Written to --out: report.md (the table as on the screen, the pictures, and the settings that all
runs have in common), report.csv, and for each experiment EXPERIMENT_hidden.png and
EXPERIMENT_parameters.png, test accuracy against the number of hidden neurons and of parameters
(all that is learned), one curve for each kind of network, with 95 % intervals of the mean
over seeds. With MLGENN_DELAYS_DEBUG=1 in the environment, errors come with a traceback.
"""


def make_parser() -> argparse.ArgumentParser:
    """Parser of the command line."""
    parser = argparse.ArgumentParser(
        prog=shown("report"),
        description=__doc__,
        epilog=_DETAILS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "results", nargs="+", type=Path, metavar="RESULTS", help="folders with results folders"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("report"),
        help="where to write; files of an earlier report are replaced (default: report)",
    )
    parser.add_argument(
        "--pictures",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw accuracy against size (default: yes)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Report on results folders.

    Args:
        argv: command line, None: that of the process.

    Returns:
        Exit code: 0, or one of those of :mod:`mlgenn_delays.studies.commands.command`.

    Raises:
        SystemExit: ``--help``, or a command line that cannot be parsed.
    """
    return run_command(shown("report"), partial(_main, argv))


def _main(argv: Sequence[str] | None) -> int:
    given = make_parser().parse_args(argv)
    write_report(given.results, given.out, given.pictures)
    return 0


def write_report(results: Sequence[Path], out: Path, pictures: bool = True) -> None:
    """Compare all runs in some folders; print the table and write it.

    Args:
        results: folders to search.
        out: folder to write to, made if it is not there.
        pictures: whether to draw, too.

    Raises:
        RunError: there are no finished runs, or ``out`` cannot be written.
        OSError: a file cannot be written.
    """
    runs, skipped = gather(results)
    comparisons = compare(runs)
    skipped = [*skipped, *(s for c in comparisons for s in c.repeated)]
    if not runs:
        reasons = "".join(f"\n  {s.folder}: {s.reason}" for s in skipped)
        raise RunError(
            f"argument RESULTS: no finished runs in {', '.join(map(str, results))}; skipped "
            f"folders: {len(skipped)}{reasons}"
        )
    folder = ResultsFolder(out)
    folder.prepare()
    with folder.locked(_WAIT):
        print(to_markdown(comparisons, skipped, settings=False), end="", flush=True)
        drawn = {c.task: draw_comparison(c, out) for c in comparisons} if pictures else {}
        write_csv(out / "report.csv", *to_rows(comparisons))
        with atomic_write(out / "report.md", "w") as file:
            file.write(to_markdown(comparisons, skipped, drawn))


if __name__ == "__main__":
    sys.exit(main())
