"""
5. A scaling study and its figure
=================================

How many neurons does a task need, and how many fewer with delays? One network says little: another
seed gives another accuracy. A *study* trains all combinations of sizes, kinds of networks and
seeds, goes on where it was stopped, and knows what is a difference and what is luck. We make one of
24 small networks on the Yin-Yang task (Kriener et al. 2022), in which a point's class, yin, yang or
dot, must be read from the times of five spikes.

As a command, it would be

.. code-block:: shell

   mlgenn-delays scaling yin_yang --sizes 2 4 8 16 --seeds 0-2 \\
       --variants feedforward-none feedforward-learned --limit 1000 --epochs 20

and the same in Python, where the results are values that we can go on with:
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from mlgenn_delays.studies import ExecutorSettings, Study, StudyProgress, get_task, run_study
from mlgenn_delays.studies.reports.grouping import compare_variants, group_rows

# %%
# What is asked for
# -----------------
#
# A task of the package has published settings, data and a network; of these, a study changes what
# it names. ``"feedforward-none"`` and ``"feedforward-learned"`` are the same network without delays
# and with learned ones. ``settings`` holds for all runs: here fewer points and epochs than
# published, so that this page is made within seconds.

study = Study(
    get_task("yin_yang"),
    sizes=((2,), (4,), (8,), (16,)),
    variants=("feedforward-none", "feedforward-learned"),
    seeds=(0, 1, 2),
    settings={"limit": 1000, "epochs": 20},
)

# %%
# Running it
# ----------
#
# ``run_study`` gives the runs to processes of this machine, one per processor, or with
# ``ExecutorSettings("dask")`` and ``ExecutorSettings("slurm")`` to a cluster. It returns a record
# for each run. Whatever happens (Ctrl-C, a crash, the end of a time limit), the same call goes on
# with what is missing, so keep the folder; this page throws it away.
#
# The processes import the script that starts them. What they are not to do themselves, above all to
# start the study again, depends on ``__name__ == "__main__"``.


class Counting(StudyProgress):
    """Says how far the study is, once for every six runs."""

    def __init__(self):
        self.done = 0

    def on_record(self, run, record):
        self.done += 1
        if self.done % 6 == 0:
            print(f"{self.done} runs are done")


def run_in_passing():
    """The records of all runs; their folder is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return run_study(study, Path(folder), ExecutorSettings(jobs=2), progress=Counting())


records = run_in_passing() if __name__ == "__main__" else []
for record in records[:2]:
    hidden, seed = record.config.network.hidden[0], record.config.seed
    print(f"{hidden} hidden neurons, seed {seed}: test accuracy {record.test_accuracy:.1%}")

# %%
# Means and their uncertainty
# ---------------------------
#
# ``record.row()`` is a flat dictionary (``pandas.DataFrame(r.row() for r in records)`` makes a
# table), and ``group_rows`` gathers those that differ in their seed alone. ``estimate`` gives the
# mean over seeds and its 95 % interval: with three seeds Student's t, with five or more a bootstrap
# (Efron & Tibshirani 1993).

groups = group_rows([record.row() for record in records])
for group in groups:
    accuracy = group.estimate("test_accuracy")
    print(
        f"{group.variant:20} {group.size:>3} hidden, {group.mean('n_parameters'):4.0f} parameters:"
        f" {accuracy.mean:.1%} [{accuracy.low:.1%}, {accuracy.high:.1%}]"
    )

# %%
# Intervals of three seeds are wide, and this is as it should be. Differences between kinds of
# networks are better known than either, because runs of the same seed share their data and the
# order of their samples: ``compare_variants`` pairs them.

for comparison in compare_variants(groups):
    for size, difference in comparison.by_size.items():
        print(
            f"{size:>3} hidden: learned delays gain {100 * difference.mean:+.1f} points "
            f"[{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"
        )

# %%
# The figure
# ----------
#
# Delays are parameters, too: these networks have twice as many when they learn them. So there are
# two questions, with two answers. At equal numbers of *neurons* (what a chip or a brain pays for),
# delays help, most in the smallest network. At equal numbers of *parameters* the curves lie on top
# of each other, as far as three seeds can tell: on this task, a delay is worth about as much as a
# weight. (``match_parameters=True`` makes a study of networks of equal numbers of parameters.)


def draw(axis, column, label):
    """Test accuracy over a column of the table, a curve for each variant."""
    looks = {
        "feedforward-none": ("s--", "no delays", 0.97),
        "feedforward-learned": ("o-", "learned delays", 1.03),
    }
    ticks = set()
    for variant, (style, name, aside) in looks.items():  # a little apart, to see all
        of_variant = [g for g in groups if g.variant == variant]
        x = np.array([g.mean(column) for g in of_variant])
        estimates = [g.estimate("test_accuracy") for g in of_variant]
        mean = np.array([100.0 * e.mean for e in estimates])
        bars = [[100.0 * (e.mean - e.low), 100.0 * (e.high - e.mean)] for e in estimates]
        line, *_ = axis.errorbar(aside * x, mean, np.transpose(bars), fmt=style, capsize=2)
        line.set_label(name)
        for place, group in zip(aside * x, of_variant):
            each = [100.0 * row["test_accuracy"] for row in group.rows]
            axis.plot(np.full(len(each), place), each, ".", color=line.get_color(), alpha=0.4)
        ticks |= set(x)
    axis.set(xscale="log", xlabel=label)
    axis.set_xticks(sorted(ticks), [f"{tick:.0f}" for tick in sorted(ticks)])
    axis.minorticks_off()


if records:
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.4), sharey=True, layout="constrained")
    draw(left, "n_hidden", "Hidden neurons")
    draw(right, "n_parameters", "Learned parameters")
    left.set_ylabel("Test accuracy (%)")
    left.legend(frameon=False, loc="lower right")
    plt.show()

# %%
# Points are single networks, bars 95 % intervals of the mean. The command line draws this figure
# and others (differences, spikes, delays, time) into the folder of the study, as PNG and PDF, with
# a report in words; ``report_study(folder)`` of ``mlgenn_delays.studies.reports.study_results``
# does the same from Python. For a paper, take the whole data set, at least five seeds, and sizes
# far enough apart.
#
# *L. Kriener, J. Göltz & M. A. Petrovici, The Yin-Yang dataset, NICE 2022,
# doi 10.1145/3517343.3517380. B. Efron & R. J. Tibshirani, An Introduction to the Bootstrap, 1993.*
