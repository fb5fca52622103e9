"""Generated sets in the form of SHD and SSC: patterns like speech, told apart by timing alone.

A stand-in where the recordings (Cramer et al. 2022, 10.1109/TNNLS.2020.3044364) can be neither
found nor fetched, and for tests. The 700 channels are cut into five bands. In every word each band
is active once: a track of activity, like a formant, sweeps over it from one end to the other
within 60 ms. A class is an order of the five tracks, which begin 110 ms apart, and a direction, up
or down, of each. So each channel has the same expected number of events in all classes, and so has
each moment of time; what differs is which channel is active when. Between two tracks there is a
pause, so that a neuron whose memory is some 20 ms long sees them together only if delays make it.

Speakers differ in how high and how fast they speak. Repetitions of a word differ in onset, speed
and in the loudness of each track, which keeps the mean of an output over time from telling when
tracks came; events are jittered, and some come at random. Test parts have speakers of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from ...checks import check_whole_number
from ...events.chunks import join
from ...events.dataset import EventDataset
from ..labelled_events import LabelledEvents
from ..splits import alternating
from .data import DURATION, NUM_CHANNELS, keep_events

NUM_BANDS = 5

#: Words that are made at a time.
_AT_ONCE = 256


@dataclass(frozen=True)
class WordForm:
    """How words are spoken (``_sd``: standard deviations). Times in ms."""

    num_classes: int
    track_events: float = 640.0  #: mean number of events of a track
    spacing: float = 110.0  #: between the beginnings of two tracks
    sweep: float = 60.0  #: length of a track
    onset: float = 40.0  #: earliest beginning of the first track
    onset_range: float = 120.0  #: by which a word may begin later
    width: float = 12.0  #: channels over which a track spreads (standard deviation)
    jitter: float = 6.0  #: of each event
    wobble: float = 8.0  #: standard deviation of the beginning of each track
    loudness_sd: float = 0.5  #: relative, of each track
    noise_events: float = 250.0  #: mean number of events that mean nothing
    voice_sd: float = 12.0  #: of speakers, channels by which they are higher
    pace_sd: float = 0.08  #: of speakers, relative
    speed_sd: float = 0.04  #: of repetitions, relative


@dataclass(frozen=True)
class Speakers:
    """Who speaks in a part, and how often."""

    speakers: tuple[int, ...]
    num_per_class: int


SHD_FORM = WordForm(num_classes=20)
SSC_FORM = WordForm(num_classes=35, noise_events=500.0, voice_sd=16.0, pace_sd=0.1, jitter=8.0)


def generate_shd(num_per_class: int = 60, seed: int = 0) -> dict[str, LabelledEvents]:
    """A set in the form of SHD: 20 classes, 12 speakers, two of them in the test part only.

    Args:
        num_per_class: examples of each class to train with; a third of it, to test with.
        seed: of the random numbers.

    Returns:
        part (``"train"``, ``"test"``) -> its examples, in an order in which classes alternate.

    Raises:
        ValueError, TypeError: ``num_per_class`` is no whole number of at least 1.
    """
    check_whole_number(num_per_class, "num_per_class", minimum=1)
    tested = -(-num_per_class // 3)
    parts = {
        "train": Speakers((0, 1, 2, 3, 6, 7, 8, 9, 10, 11), num_per_class),
        "test": Speakers(tuple(range(12)), tested),
    }
    return _generate(SHD_FORM, parts, seed, "SHD", num_per_class)


def generate_ssc(num_per_class: int = 60, seed: int = 0) -> dict[str, LabelledEvents]:
    """A set in the form of SSC: 35 classes, many speakers, each of them in one part only.

    Args:
        num_per_class: examples of each class to train with; for validation a sixth, for the test
            a third of it.
        seed: of the random numbers.

    Returns:
        part (``"train"``, ``"valid"``, ``"test"``) -> its examples, in an order in which classes
        alternate.

    Raises:
        ValueError, TypeError: ``num_per_class`` is no whole number of at least 1.
    """
    check_whole_number(num_per_class, "num_per_class", minimum=1)
    parts = {
        "train": Speakers(tuple(range(60)), num_per_class),
        "valid": Speakers(tuple(range(60, 70)), -(-num_per_class // 6)),
        "test": Speakers(tuple(range(70, 90)), -(-num_per_class // 3)),
    }
    return _generate(SSC_FORM, parts, seed, "SSC", num_per_class)


def class_patterns(num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """What makes a class: place of each band's track in the order, and its direction.

    Classes have different orders; two of them agree in the places of as few tracks as possible.

    Args:
        num_classes: up to 120

    Returns:
        places (classes, 5) int from 0 to 4, directions (classes, 5) int, 1 (up) or -1
    """
    orders = np.array(list(permutations(range(NUM_BANDS))))
    chosen = [0]
    while len(chosen) < num_classes:
        same_places = (orders[:, np.newaxis] == orders[chosen]).sum(axis=2)
        # the closest of those chosen matters most, then all of them
        cost = same_places.max(axis=1) * 1000 + same_places.sum(axis=1)
        cost[chosen] = np.iinfo(cost.dtype).max
        chosen.append(int(np.argmin(cost)))
    bits = (np.arange(num_classes)[:, np.newaxis] * 11 + 5) >> np.arange(NUM_BANDS)
    return orders[chosen], np.where(bits % 2 == 0, 1, -1)


def speak(
    labels: np.ndarray, speakers: np.ndarray, form: WordForm, rng: np.random.Generator, seed: int
) -> EventDataset:
    """Words, one after the other.

    Args:
        labels: class of each, (examples,) int.
        speakers: who says it, (examples,) int; the same number is the same voice in all parts.
        form: how words are spoken.
        rng: source of what differs between repetitions.
        seed: of the voices.
    """
    places, directions = class_patterns(form.num_classes)
    height, pace = _voices(int(speakers.max(initial=0)) + 1, form, seed)
    size = len(labels)
    speed = pace[speakers] * np.exp(rng.normal(0.0, form.speed_sd, size))
    onset = form.onset + rng.uniform(0.0, form.onset_range, size)
    begins = places[labels] * form.spacing + rng.normal(0.0, form.wobble, (size, NUM_BANDS))
    loudness = np.exp(rng.normal(0.0, form.loudness_sd, (size, NUM_BANDS)))
    counts = rng.poisson(form.track_events * loudness / loudness.mean(axis=1, keepdims=True))

    examples, bands = np.divmod(np.repeat(np.arange(size * NUM_BANDS), counts.ravel()), NUM_BANDS)
    progress = rng.random(len(examples))  # from the beginning to the end of the track
    times = begins[examples, bands] + form.sweep * progress
    times = onset[examples] + times / speed[examples]
    times += rng.normal(0.0, form.jitter, len(times))
    band = NUM_CHANNELS / NUM_BANDS
    rising = directions[labels[examples], bands] > 0
    channels = band * (bands + np.where(rising, progress, 1.0 - progress))
    channels += height[speakers[examples]] + rng.normal(0.0, form.width, len(channels))

    noisy = np.repeat(np.arange(size), rng.poisson(form.noise_events, size))
    return _collect(
        np.concatenate((examples, noisy)),
        np.concatenate((times, rng.uniform(0.0, DURATION, len(noisy)))),
        np.floor(np.concatenate((channels, rng.uniform(0.0, NUM_CHANNELS, len(noisy))))),
        size,
    )


def _voices(number: int, form: WordForm, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Height [channels] and pace (1: medium) of the first ``number`` speakers."""
    rng = np.random.default_rng([seed, 0x50EA4])
    deviations = rng.standard_normal((1000, 2))[:number]
    return form.voice_sd * deviations[:, 0], np.exp(form.pace_sd * deviations[:, 1])


def _collect(
    examples: np.ndarray, times: np.ndarray, channels: np.ndarray, size: int
) -> EventDataset:
    """Events in the trial and in the channels, in order."""
    by_example = np.argsort(examples, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(examples, minlength=size))))
    times, channels = times[by_example], channels[by_example]
    kept = (times >= 0.0) & (times < DURATION) & (channels >= 0) & (channels < NUM_CHANNELS)
    return keep_events(offsets, times, channels, kept)


def _generate(
    form: WordForm, parts: dict[str, Speakers], seed: int, name: str, num_per_class: int
) -> dict[str, LabelledEvents]:
    source = {
        "dataset": "synthetic",
        "description": f"generated patterns in the form of {name}, told apart by timing alone",
        "seed": seed,
        "num_per_class": num_per_class,
    }
    made = {}
    for index, (part_name, part) in enumerate(parts.items()):
        rng = np.random.default_rng([seed, index])
        labels = np.repeat(np.arange(form.num_classes), part.num_per_class)
        labels = labels[alternating(labels, seed)]
        voices = rng.permutation(np.resize(np.array(part.speakers), len(labels)))
        pieces = [slice(i, i + _AT_ONCE) for i in range(0, len(labels), _AT_ONCE)]
        made[part_name] = LabelledEvents(
            events=join([speak(labels[p], voices[p], form, rng, seed) for p in pieces]),
            labels=labels,
            class_names=tuple(f"word{i:02d}" for i in range(form.num_classes)),
            duration=DURATION,
            kind="synthetic",
            source=source,
            groups=voices,
        )
    return made
