"""All that is written of a study once runs are there: table, figures and report."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import plotting
from ...files import atomic_write
from .delay_figures import Histograms, delay_figure
from .figures import HIDDEN, PARAMETERS, accuracy_figure, difference_figure, measure_figure
from .grouping import Comparison, Group, group_rows
from .markdown import titled
from .method_comparisons import compare_all
from .report_text import StudyText
from .table import Row, family, write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LIBRARIES = (
    "pandas",
    "pyarrow.parquet",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
)

#: Formats of figures: for reports and for papers.
FORMATS = ("png", "pdf")


def import_libraries() -> None:
    """Import what reports are written and drawn with, as far as it is installed. That takes longer
    than a small report, so that it is best done while there is something to wait for."""
    for name in _LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    # they stay: to look for garbage among them takes 0.3 s when the process ends
    gc.freeze()


def write_study_report(
    folder: Path,
    rows: Sequence[Row],
    delays: Histograms | None = None,
    *,
    axes: Sequence[str] = (),
    title: str = "",
    commands: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    matched_to: str | None = None,
    matched_axes: Mapping[str, Any] | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    pool: Sequence[str] = (),
    left_out: Sequence[tuple[str, str]] = (),
    formats: Sequence[str] = FORMATS,
) -> list[Path]:
    """Write ``runs.csv``, ``runs.parquet``, figures and ``report.md``; files of an earlier report
    are replaced, each only once the new one is complete.

    Args:
        folder: of the study.
        rows: one for each run that ended, finished or not, see :mod:`.table`. With
            ``matched_to``, a column ``size`` says the size that ``hidden`` stands for.
        delays: ``row["folder"]`` -> entry ``delay_statistics`` of the summary of this run.
        axes: columns that were varied besides variant, size and seed, e.g. ``("tau_mem",)``.
        title: of the report and the figures; ``""``: the task.
        commands: that made the study, as typed.
        settings: that all runs have in common; None: columns of ``rows`` that are not listed in
            :mod:`.table` and have one value.
        matched_to: variant whose number of parameters the others have as nearly as they can.
        matched_axes: values of axes that it has there, such as its method.
        pairs: (variant, reference) to compare; None: those of :data:`.PAIRS` that are there.
        pool: those of ``axes`` whose values are replications, such as the speaker that was left
            out, not conditions to compare: runs of one seed are averaged over them, so that means
            and intervals are over seeds.
        left_out: folders whose runs are not in ``rows``, and why: the report names them.
        formats: of figures; without any, none is drawn.

    Returns:
        the files, the report last.

    Raises:
        OSError: a file cannot be written.
        ValueError: an axis is there twice or has the name of another column, or ``pool`` has one
            that is no axis; nothing is written then.
    """
    for column in pool:
        if column not in axes:
            raise ValueError(f"pool has {column!r}, allowed are axes: {', '.join(axes) or 'none'}")
    conditions = [axis for axis in axes if axis not in pool]
    note = write_table(folder, rows, axes)
    written = [folder / name for name in ("runs.csv", *(() if note else ("runs.parquet",)))]
    groups = group_rows(rows, conditions)
    title = title or (str(rows[0].get("task")) if rows else "")
    pictures: dict[str, str] = {}
    if formats and groups:
        comparisons = compare_all(groups, conditions, pairs, pool)
        for name, caption, draw in _figures(
            groups, comparisons, delays or {}, conditions, titled(title, rows)
        ):
            figure = draw()
            if figure is None:
                continue
            for suffix in formats:
                written.append(folder / f"{name}.{suffix}")
                plotting.save_figure(figure, written[-1])
            pictures[f"{name}.{formats[0]}"] = caption
    text = StudyText(
        rows,
        axes,
        title,
        commands,
        settings,
        matched_to,
        matched_axes or {},
        pairs,
        pictures,
        notes=[note] if note else [],
        pool=pool,
        left_out=left_out,
    )
    written.append(folder / "report.md")
    with atomic_write(written[-1], "w") as file:
        file.write(text.markdown())
    return written


def _figures(
    groups: Sequence[Group],
    comparisons: Sequence[Comparison],
    delays: Histograms,
    axes: Sequence[str],
    title: str,
) -> Iterator[tuple[str, str, Callable[[], Figure | None]]]:
    """Name, caption, and what draws a figure, None where there are no data for it."""
    rows = [row for group in groups for row in group.rows]
    layers = family(rows, "spikes_per_neuron")
    spikes = {f"spikes_per_neuron_{n}": n if len(layers) > 1 else "" for n in layers}
    measure = partial(measure_figure, groups, axes=axes, title=title)
    yield (
        "accuracy_hidden",
        "Test accuracy against the number of hidden neurons.",
        partial(accuracy_figure, groups, axes, HIDDEN, title),
    )
    yield (
        "accuracy_parameters",
        "Test accuracy against the number of parameters that are learned.",
        partial(accuracy_figure, groups, axes, PARAMETERS, title),
    )
    yield (
        "differences",
        "Paired differences of test accuracy: same seed, same data.",
        partial(difference_figure, comparisons, title),
    )
    yield (
        "spikes",
        "Spikes per neuron and test trial in each hidden layer.",
        partial(measure, spikes or {"spikes_per_neuron": ""}, "Spikes per neuron and trial"),
    )
    yield (
        "delays",
        "Learned delays by size, all seeds together; grey: before training.",
        partial(delay_figure, groups, delays, axes, title),
    )
    yield (
        "time",
        "Time per epoch, training and validation.",
        partial(measure, {"seconds_per_epoch": ""}, "Time per epoch (s)", logarithmic=True),
    )
