"""A simulation of N-MNIST: drawn digits before an event camera that makes three saccades.

A pixel follows the logarithm of the brightness that it sees: it emits an ON event at each rise by a
threshold and an OFF event at each fall (sigma-delta encoding). The camera moves along the sides of
a triangle, one after the other, as fast as in the recordings: 3.5 and 7 pixels across and down
within 105 ms, then up, then back. Events are jittered, and some come at random.
"""

from __future__ import annotations

import numpy as np

from ...checks import check_whole_number
from ...events.chunks import count_kept, join
from ...events.dataset import EventDataset
from ...events.ordering import order_by_time
from ...events.sigma_delta import sigma_delta
from ..labelled_events import LabelledEvents
from ..mnist.simulate import SIDE, generate_digits
from .data import CLASS_NAMES, DURATION, FIRST_SACCADE, SENSOR_SIZE

#: Corners of the triangle, (4, 2): places of an image's corner [pixels] (x, y), the first twice.
_CORNERS = np.array([(-0.5, -0.5), (3.0, 6.5), (6.5, -0.5), (-0.5, -0.5)])
#: Time between two frames [ms].
_INTERVAL = 7.5
#: Brightness of the dark screen, of which the bright one is 1.
_DARK = 0.15
#: Change of the logarithm of brightness per event.
_THRESHOLD = 0.7
#: Standard deviations between recordings: of the image's place [pixels], and of the threshold.
_PLACE_SD, _CONTRAST_SD = 0.5, 0.1
#: Standard deviation of each event's time [ms], and rate of events that mean nothing [1/s].
_JITTER, _NOISE_RATE = 1.0, 0.5
#: Recordings that are made at a time: bounds the memory of the frames.
_AT_ONCE = 50
#: Pixels around the sensor, from which images come into it.
_MARGIN = 10


def generate_nmnist(num_per_class: int = 60, seed: int = 0) -> dict[str, LabelledEvents]:
    """A set in the form of N-MNIST.

    Args:
        num_per_class: examples of each digit to train with; a third of it, to test with.
        seed: of the random numbers.

    Returns:
        part (``"train"``, ``"test"``) -> its examples, classes in turn.

    Raises:
        ValueError, TypeError: ``num_per_class`` is no whole number of at least 1.
    """
    check_whole_number(num_per_class, "num_per_class", minimum=1)
    sizes = {"train": num_per_class, "test": -(-num_per_class // 3)}
    made = {}
    for index, (part, size) in enumerate(sizes.items()):
        images, labels = generate_digits(size, len(sizes) * seed + index)
        rng = np.random.default_rng([seed, index, 1])
        pieces = [slice(i, i + _AT_ONCE) for i in range(0, len(labels), _AT_ONCE)]
        made[part] = LabelledEvents(
            events=join([record(images[piece], rng) for piece in pieces]),
            labels=labels,
            class_names=CLASS_NAMES,
            duration=DURATION,
            kind="synthetic",
            source={
                "dataset": "synthetic",
                "description": "drawn digits before a simulated event camera, in the form of "
                "N-MNIST",
                "seed": seed,
                "num_per_class": num_per_class,
            },
        )
    return made


def record(images: np.ndarray, rng: np.random.Generator) -> EventDataset:
    """What the camera makes of images, (examples, 28, 28) uint8, bright on dark."""
    width, height, polarities = SENSOR_SIZE
    places = rng.normal(0.0, _PLACE_SD, (len(images), 2))
    contrast = np.exp(rng.normal(0.0, _CONTRAST_SD, len(images)))
    frames = np.stack([_frame(images, place, places) for place in _path()], axis=1)
    signals = np.log(_DARK + (1.0 - _DARK) * frames.reshape(*frames.shape[:2], -1))
    on_off = sigma_delta(signals * contrast[:, np.newaxis, np.newaxis], _THRESHOLD, _INTERVAL)
    pixels = width * height
    # ON is polarity 1
    channels = polarities * (on_off.channels % pixels) + (on_off.channels < pixels)
    times = on_off.times + rng.normal(0.0, _JITTER, len(on_off.times))

    noise_events = _NOISE_RATE * DURATION / 1000.0 * SENSOR_SIZE.num_channels
    noisy = np.repeat(np.arange(len(images)), rng.poisson(noise_events, len(images)))
    return _collect(
        np.concatenate((on_off.trials, noisy)),
        np.concatenate((times, rng.uniform(0.0, 3 * FIRST_SACCADE, len(noisy)))),
        np.concatenate((channels, rng.integers(0, SENSOR_SIZE.num_channels, len(noisy)))),
        len(images),
    )


def _path() -> np.ndarray:
    """Places of the images' corner, one per frame, (frames, 2) [pixels]."""
    steps = round(FIRST_SACCADE / _INTERVAL)
    along = np.arange(3 * steps + 1) / steps
    return np.stack([np.interp(along, range(4), corner) for corner in _CORNERS.T], axis=1)


def _frame(images: np.ndarray, place: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Brightness of all pixels of the sensor from 0 to 1, (examples, height, width).

    Args:
        images: (examples, 28, 28) uint8
        place: of the images' corners [pixels], (2,)
        places: of each in addition, (examples, 2)
    """
    width, height, _ = SENSOR_SIZE
    seen = np.zeros((len(images), height + 2 * _MARGIN, width + 2 * _MARGIN))
    for example, (image, (x, y)) in enumerate(zip(images, place + places)):
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = x - column, y - row
        # between pixels, brightness is interpolated
        for share, r, c in (
            ((1.0 - right) * (1.0 - down), row, column),
            (right * (1.0 - down), row, column + 1),
            ((1.0 - right) * down, row + 1, column),
            (right * down, row + 1, column + 1),
        ):
            rows = slice(_MARGIN + r, _MARGIN + r + SIDE)
            columns = slice(_MARGIN + c, _MARGIN + c + SIDE)
            seen[example, rows, columns] += share / 255.0 * image
    return seen[:, _MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width]


def _collect(
    examples: np.ndarray, times: np.ndarray, channels: np.ndarray, size: int
) -> EventDataset:
    """Events in the trial, in order."""
    by_example = np.argsort(examples, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(examples, minlength=size))))
    times, channels = times[by_example], channels[by_example]
    kept = (times >= 0.0) & (times < DURATION)
    offsets, times = count_kept(offsets, kept), times[kept].astype(np.float32)
    order = order_by_time(offsets, times)
    neurons = channels[kept].astype(np.uint16)[order]
    return EventDataset.adopt(offsets, times[order], neurons, SENSOR_SIZE.num_channels)
