"""The options that all experiments share, by group of ``--help``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlgenn_delays.datasets.fetching import DATA_CHOICES
from mlgenn_delays.engines.create import BACKENDS
from mlgenn_delays.models.classifier import DELAY_MODES

from .experiment import Experiment
from .number_types import number, whole


def add_data_options(group: argparse._ArgumentGroup, experiment: Experiment) -> None:
    """Options that say which data."""
    group.add_argument(
        "--data",
        choices=DATA_CHOICES,
        help="real: recorded data, found or fetched; synthetic: simulated stand-in; "
        "auto: real if they can be had, otherwise synthetic",
    )
    group.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with real data (default: $MLGENN_DELAYS_DATA, then the user's cache)",
    )
    experiment.add_arguments(group)
    group.add_argument(
        "--limit",
        type=whole(1),
        metavar="N",
        help="train on at most N samples (default: all)",
    )
    group.add_argument(
        "--validate-on-test",
        action="store_true",
        help="choose the best network, and when to stop, on the test part, for comparison with "
        "papers that did: the test accuracy is then too good; results say so",
    )


def add_network_options(group: argparse._ArgumentGroup) -> None:
    """Options that say the network."""
    group.add_argument(
        "--hidden",
        type=whole(1),
        nargs="+",
        metavar="N",
        help="neurons of the hidden layer; several numbers make several layers",
    )
    group.add_argument(
        "--recurrent",
        action=argparse.BooleanOptionalAction,
        help="connect each hidden layer to itself",
    )
    group.add_argument(
        "--delays",
        choices=DELAY_MODES,
        help="learned: trained together with the weights; fixed: drawn at random and kept; "
        "none: no delays",
    )
    group.add_argument(
        "--recurrent-delays",
        action=argparse.BooleanOptionalAction,
        help="delays from a hidden layer to itself, too; otherwise only between layers",
    )
    group.add_argument(
        "--max-delay", type=number(minimum=0.0), metavar="MS", help="longest delay in ms"
    )
    group.add_argument("--dt", type=number(above=0.0), metavar="MS", help="timestep in ms")


def add_training_options(group: argparse._ArgumentGroup) -> None:
    """Options that say how it is trained."""
    group.add_argument("--epochs", type=whole(1), metavar="N", help="passes over the samples")
    group.add_argument(
        "--batch-size", type=whole(1), metavar="N", help="samples per step of the optimiser"
    )
    group.add_argument(
        "--lr", type=number(minimum=0.0), metavar="X", help="learning rate of weights (Adam)"
    )
    group.add_argument(
        "--delay-lr",
        type=number(minimum=0.0),
        metavar="MS",
        help="learning rate of delays (Adam) in ms",
    )
    group.add_argument(
        "--patience",
        type=whole(0),
        metavar="N",
        help="end training after N epochs without better validation accuracy, 0: never",
    )
    group.add_argument(
        "--seed",
        type=whole(0),
        metavar="N",
        help="of initial weights and delays and of the order of samples; the split into "
        "training, validation and test is the same for all seeds",
    )
    group.add_argument(
        "--seeds",
        type=whole(0),
        nargs="+",
        metavar="N",
        help="several seeds, one run after the other, in the folders seed-N of --out; with an "
        "--out that is there, finished runs are kept and interrupted ones continued",
    )


def add_run_options(group: argparse._ArgumentGroup, experiment: Experiment) -> None:
    """Options that say where and with what."""
    group.add_argument(
        "--threads",
        type=whole(1),
        metavar="N",
        help="threads of the CPU engine (default: all processors this process may use)",
    )
    group.add_argument(
        "--backend",
        choices=BACKENDS,
        help="engine; auto: cpu; reference: event-driven in double precision, slow; genn: GeNN "
        "(needs PyGeNN and ml_genn), on a GPU where there is one, genn:cpu and genn:cuda say which",
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"results folder, new or empty (default: results/{experiment.name}-DATE-TIME)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out, with its options; a larger --epochs makes it longer",
    )
    group.add_argument(
        "--evaluate",
        type=Path,
        metavar="CHECKPOINT",
        help="no training: test accuracy of a checkpoint, written to summary.json in --out; "
        "the network is that of the checkpoint",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help="smoke test: a small network and few samples for seconds; nothing is fetched",
    )
