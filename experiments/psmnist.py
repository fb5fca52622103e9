"""Permuted sequential MNIST: handwritten digits, a pixel per timestep, in a fixed shuffled order.

A recurrent network must remember what it saw over 784 timesteps; delays are what it can do it with.
--no-recurrent-delays leaves those of recurrent connections out, --delays none all of them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
from typing import Any

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported

import numpy as np

from mlgenn_delays.datasets import print_synthetic_notice, stratified_split
from mlgenn_delays.datasets.mnist import CLASS_NAMES, ENCODINGS, Mnist, encode_pixels, load_mnist
from mlgenn_delays.experiments.common import Experiment, ExperimentData, Options, Part, main
from mlgenn_delays.models import ClassifierNetwork, ClassifierSettings
from mlgenn_delays.models.psmnist import DURATION, THRESHOLDS, PSMNISTSettings, build_network

#: Shares of training, validation and test where there is one set of images only, and of training
#: and validation where there is another one to test with.
SPLIT, SPLIT_TRAIN = (0.75, 0.0625, 0.1875), (11 / 12, 1 / 12, 0.0)
#: Seed of the order of the pixels, the same for all trainings.
ORDER_SEED = 0
#: Drawn images of each digit, and with --quick.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 300, 24
#: Images for validation and for the test with --quick.
NUM_TESTED_QUICK = 54


def _add_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--encoding",
        choices=ENCODINGS,
        default="levels",
        help="events of a threshold; crossings: where brightness rises to it (ON) or falls below "
        "it (OFF); levels: at every pixel that is at it or above",
    )
    group.add_argument(
        "--thresholds",
        type=_threshold,
        nargs="+",
        default=list(THRESHOLDS),
        metavar="N",
        help="of brightness, from 1 to 255",
    )


def _threshold(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if not 1 <= value <= 255:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed are whole numbers from 1 to 255")
    return value


def pixel_order() -> np.ndarray:
    """The order in which pixels are read, (784,) int64."""
    return np.random.default_rng(ORDER_SEED).permutation(28 * 28)


def _load(options: Options, settings: ClassifierSettings) -> ExperimentData:
    mnist = load_mnist(
        options.data,
        options.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if options.quick else NUM_SYNTHETIC,
        fetch=not options.quick,
    )
    train, validation, test = _split(mnist)
    tested = NUM_TESTED_QUICK if options.quick else None
    parts = [
        _encode(mnist, indices, options)
        for indices in (train[: options.limit], validation[:tested], test[:tested])
    ]
    return ExperimentData(
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        class_names=CLASS_NAMES,
        num_channels=parts[0].events.num_neurons,
        duration=DURATION,
        kind=mnist.kind,
        source={
            **mnist.source,
            "encoding": options.own["encoding"],
            "thresholds": options.own["thresholds"],
            "order": _describe_order(),
        },
        notice=lambda: _print_notice(mnist),
    )


def _split(mnist: Mnist) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of images for training, validation and test, the same for all trainings."""
    if not 0 < mnist.num_train < len(mnist):
        train, validation, test = stratified_split(mnist.labels, SPLIT)
        return train, validation, test
    train, validation, _ = stratified_split(mnist.labels[: mnist.num_train], SPLIT_TRAIN)
    return train, validation, np.arange(mnist.num_train, len(mnist))


def _encode(mnist: Mnist, indices: np.ndarray, options: Options) -> Part:
    events = encode_pixels(
        mnist.images[indices], options.own["thresholds"], pixel_order(), options.own["encoding"]
    )
    return Part(events, mnist.labels[indices])


def _describe_order() -> dict[str, Any]:
    """What the order of the pixels is, for files of results."""
    order = pixel_order()
    return {
        "seed": ORDER_SEED,
        "first_pixels": order[:8].tolist(),
        "blake2b": hashlib.blake2b(order.astype("<i8").tobytes(), digest_size=8).hexdigest(),
    }


def _print_notice(mnist: Mnist) -> None:
    if mnist.kind == "synthetic":
        print_synthetic_notice(
            "These are drawn digits, not the handwritten ones of MNIST. Results are not results "
            "on the real data.",
            mnist.fallback_reason,
        )


def _build(
    options: Options, settings: ClassifierSettings, data: ExperimentData
) -> ClassifierNetwork:
    return build_network(
        settings, data.num_channels, options.hidden, options.recurrent, options.delays
    )


EXPERIMENT = Experiment(
    name="psmnist",
    description=__doc__,
    settings=lambda options: PSMNISTSettings(),
    load=_load,
    build=_build,
    add_arguments=_add_arguments,
    same_source=("encoding", "thresholds", "order"),
)


if __name__ == "__main__":
    sys.exit(main(EXPERIMENT))
