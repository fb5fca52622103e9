"""Permuted sequential MNIST: handwritten digits, a pixel per timestep, in a fixed shuffled order.

A recurrent network must remember what it saw over 784 timesteps; delays are what it can do it with.
--no-recurrent-delays leaves those of recurrent connections out, --delays none all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np

from mlgenn_delays.datasets import mnist_notice, stratified_split
from mlgenn_delays.datasets.mnist import CLASS_NAMES, Mnist, encode_pixels, load_mnist
from mlgenn_delays.models.psmnist import DURATION, THRESHOLDS, build_network, psmnist_settings
from mlgenn_delays.models.settings import Range

from ..config import RecordedDataSettings
from ..task import Part, Task, TaskData

#: Shares of training, validation and test where there is one set of images only, and of training
#: and validation where there is another one to test with.
SPLIT, SPLIT_TRAIN = (0.75, 0.0625, 0.1875), (11 / 12, 1 / 12, 0.0)
#: Seed of the order of the pixels, the same for all trainings.
ORDER_SEED = 0
#: Drawn images of each digit, and in quick runs.
NUM_SYNTHETIC, NUM_SYNTHETIC_QUICK = 300, 24
#: Images for validation and for the test of quick runs.
NUM_TESTED_QUICK = 54


@dataclass(frozen=True)
class PSMNISTDataSettings(RecordedDataSettings):
    """Which data."""

    #: which events a threshold gives; crossings: where brightness rises to it (ON) or falls below
    #: it (OFF); levels: at every pixel that is at it or above
    encoding: Literal["crossings", "levels"] = "levels"
    #: thresholds of brightness, rising numbers from 1 to 255
    thresholds: tuple[Annotated[int, Range(minimum=1, maximum=255)], ...] = THRESHOLDS


def pixel_order() -> np.ndarray:
    """The order in which pixels are read, (784,) int64."""
    return np.random.default_rng(ORDER_SEED).permutation(28 * 28)


def _load(wanted: PSMNISTDataSettings) -> TaskData:
    mnist = load_mnist(
        wanted.kind,
        wanted.data_dir,
        num_per_class=NUM_SYNTHETIC_QUICK if wanted.quick else NUM_SYNTHETIC,
        fetch=not wanted.quick,
    )
    train, validation, test = _split(mnist)
    tested = NUM_TESTED_QUICK if wanted.quick else None
    parts = [
        _encode(mnist, indices, wanted)
        for indices in (train[: wanted.limit], validation[:tested], test[:tested])
    ]
    return TaskData(
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        class_names=CLASS_NAMES,
        num_channels=parts[0].events.num_neurons,
        duration=DURATION,
        kind=mnist.kind,
        source={
            **mnist.source,
            "encoding": wanted.encoding,
            "thresholds": list(wanted.thresholds),
            "order": _describe_order(),
        },
        notice=mnist_notice(mnist),
    )


def _split(mnist: Mnist) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of images for training, validation and test, the same for all trainings."""
    if not 0 < mnist.num_train < len(mnist):
        train, validation, test = stratified_split(mnist.labels, SPLIT)
        return train, validation, test
    train, validation, _ = stratified_split(mnist.labels[: mnist.num_train], SPLIT_TRAIN)
    return train, validation, np.arange(mnist.num_train, len(mnist))


def _encode(mnist: Mnist, indices: np.ndarray, wanted: PSMNISTDataSettings) -> Part:
    events = encode_pixels(mnist.images[indices], wanted.thresholds, pixel_order(), wanted.encoding)
    return Part(events, mnist.labels[indices])


def _describe_order() -> dict[str, Any]:
    """What the order of the pixels is, for files of results."""
    order = pixel_order()
    return {
        "seed": ORDER_SEED,
        "first_pixels": order[:8].tolist(),
        "blake2b": hashlib.blake2b(order.astype("<i8").tobytes(), digest_size=8).hexdigest(),
    }


TASK = Task(
    name="psmnist",
    description=__doc__,
    settings=lambda config: psmnist_settings(),
    load=_load,
    build=lambda settings, data: build_network(settings, data.num_channels),
    data=PSMNISTDataSettings(),
    same_source=("encoding", "thresholds", "order"),
)
