"""Simulated recordings of a fingertip that slides over Braille letters.

A stand-in for the recordings of Müller-Cleve et al. 2022 (10.3389/fnins.2022.951164) where these
can be neither found nor fetched. One trial: the finger rests on the plate, slides sideways over
one Braille cell (15.5 mm at about 20 mm/s, as in the experiment) and rests again, for 1.3 s in all.
The taxels are read at 40 Hz in whole units (8 bits), and the readings are encoded into ON and OFF
events (:mod:`.events.sigma_delta`). Repetitions of a letter differ in the time at which the
motion starts, its speed, in place along and across the scan and in pressure; each reading has
white noise, slow drift, the relaxation of the skin after contact, and jerks that many taxels feel
at once. Trials of 'Space' have nothing but these.

Numbers are chosen such that at threshold 10 events per trial (about 42), their spread over
taxels and over time and the events at the other thresholds resemble the recordings. Which taxel
meets which dot, and with which sign, tells the letter together with the *times*: letters that
differ only by the column of a dot give each taxel much the same numbers of events.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...events.sigma_delta import sigma_delta
from .data import DURATION, BrailleData, check_threshold, flat_events
from .fingertip import BRAILLE_CLASSES, NUM_TAXELS, Fingertip, dot_patterns

#: Time between two readings [ms]: 40 Hz.
SAMPLE_INTERVAL = 25.0
#: Readings per trial; the last one is taken at 1300 ms.
NUM_SAMPLES = 53
#: Reading without any signal, in the middle of the sensor's range 0 to 255.
REST_READING = 100.0


@dataclass(frozen=True)
class Scan:
    """How a letter is scanned, and how much repetitions differ (``_sd``: standard deviations).

    Times in ms, lengths in mm, speed in mm/s, signals in units of the sensor.
    """

    fingertip: Fingertip = field(default_factory=Fingertip)
    speed: float = 20.0
    speed_sd: float = 0.045  #: relative
    travel: float = 15.5  #: distance between start and stop
    start: float = 250.0  #: time at which the finger starts to slide
    start_sd: float = 12.0
    ramp: float = 40.0  #: time over which the finger gains or loses speed
    wobble: float = 0.06  #: amplitude of deviations from uniform motion (stick-slip)
    along_sd: float = 0.15  #: place of the cell along the scan
    across_sd: float = 0.13  #: place of the cell across the scan
    pressure_sd: float = 0.13  #: relative
    onset: float = 8.0  #: rise of the signal while the skin settles on the plate
    onset_time: float = 200.0
    saturation: float = 100.0  #: the foam under the skin stiffens: signals stay within +- this
    relaxation: float = 30.0  #: time constant of the skin
    noise_sd: float = 0.95  #: white, per reading
    drift_sd: float = 4.0  #: of each taxel's reading over a trial
    jerk_rate: float = 4.0  #: mean number per trial
    jerk_size: float = 14.0  #: mean amplitude in a taxel that feels it
    jerk_share: float = 0.25  #: probability that a taxel feels it
    jerk_width: float = 14.0  #: median duration (standard deviation of its course)


def simulate_taxels(
    letters: np.ndarray, rng: np.random.Generator, scan: Scan | None = None
) -> np.ndarray:
    """Readings of the sensor.

    Args:
        letters: class of each trial, an index into ``BRAILLE_CLASSES``, (trials,) int.
        rng: source of all randomness.
        scan: settings, default ``Scan()``.

    Returns:
        (trials, 53, 12) uint8; sample i is taken at i * 25 ms.
    """
    scan = Scan() if scan is None else scan
    num_trials = len(letters)
    times = np.arange(NUM_SAMPLES) * SAMPLE_INTERVAL
    position = _positions(num_trials, times, rng, scan)
    offset = rng.normal(0.0, scan.across_sd, num_trials)
    pressure = np.exp(rng.normal(0.0, scan.pressure_sd, num_trials))[:, np.newaxis, np.newaxis]

    signals = pressure * scan.fingertip.response(dot_patterns(letters), position, offset)
    load = scan.fingertip.contact()[2]
    settling = 1.0 - np.exp(-times / scan.onset_time)
    signals += scan.onset * pressure * settling[:, np.newaxis] * load
    signals = scan.saturation * np.tanh(signals / scan.saturation)
    _relax(signals, scan.relaxation)

    drift = rng.normal(0.0, scan.drift_sd, (num_trials, 1, NUM_TAXELS))
    signals += drift * (times / times[-1])[:, np.newaxis]
    _add_jerks(signals, times, rng, scan)
    signals += rng.normal(0.0, scan.noise_sd, signals.shape)
    return np.clip(np.rint(REST_READING + signals), 0, 255).astype(np.uint8)


def generate_braille(
    num_per_class: int = 200, threshold: int = 10, seed: int = 0, scan: Scan | None = None
) -> BrailleData:
    """Simulated Braille data: ``num_per_class`` trials of each of the 27 classes, by class.

    Args:
        num_per_class: trials of each class, at least 1 (200 in the published recordings).
        threshold: of the encoding, 1, 2, 5 or 10 units; the same seed gives the same readings
            for all thresholds.
        seed: of the random numbers.
        scan: settings of the simulation, default ``Scan()``.

    Raises:
        ValueError: ``num_per_class`` below 1, or another threshold.
    """
    if num_per_class < 1:
        raise ValueError(f"num_per_class: {num_per_class}, allowed are numbers from 1")
    check_threshold(threshold)
    labels = np.repeat(np.arange(len(BRAILLE_CLASSES)), num_per_class)
    readings = simulate_taxels(labels, np.random.default_rng(seed), scan)
    events = sigma_delta(readings, threshold, SAMPLE_INTERVAL)
    return BrailleData(
        events=flat_events(events, len(labels), DURATION),
        labels=labels,
        class_names=BRAILLE_CLASSES,
        is_real=False,
        threshold=threshold,
        source={
            "dataset": "synthetic",
            "description": "simulated fingertip with 12 taxels sliding over Braille letters",
            "seed": seed,
            "num_per_class": num_per_class,
            "threshold": threshold,
        },
    )


def _positions(
    num_trials: int, times: np.ndarray, rng: np.random.Generator, scan: Scan
) -> np.ndarray:
    """Place of the finger relative to the middle of the cell [mm], (trials, samples)."""
    column = (num_trials, 1)
    speed = 1e-3 * scan.speed * np.exp(rng.normal(0.0, scan.speed_sd, column))
    start = scan.start + rng.normal(0.0, scan.start_sd, column)
    stop = start + scan.travel / speed
    # the integral of a speed that rises and falls as a logistic function
    ramps = np.logaddexp(0.0, (times - start) / scan.ramp)
    ramps -= np.logaddexp(0.0, (times - stop) / scan.ramp)
    position = speed * scan.ramp * ramps - scan.travel / 2.0
    position += rng.normal(0.0, scan.along_sd, column)

    moving = 1.0 / (1.0 + np.exp(-(times - start) / scan.ramp))
    for _ in range(2):
        frequency = rng.uniform(1e-3, 4e-3, column)  # 1 to 4 Hz, in 1/ms
        phase = rng.uniform(0.0, 2.0 * np.pi, column)
        position += scan.wobble * moving * np.sin(2.0 * np.pi * frequency * times + phase)
    return position


def _relax(signals: np.ndarray, time_constant: float) -> None:
    """First-order low pass over the samples (axis 1), in place."""
    keep = np.exp(-SAMPLE_INTERVAL / time_constant)
    for i in range(1, signals.shape[1]):
        signals[:, i] += keep * (signals[:, i - 1] - signals[:, i])


def _add_jerks(
    signals: np.ndarray, times: np.ndarray, rng: np.random.Generator, scan: Scan
) -> None:
    """Short pushes at random times, each felt by a random part of the taxels."""
    counts = rng.poisson(scan.jerk_rate, len(signals))
    trials = np.repeat(np.arange(len(signals)), counts)
    num_jerks = len(trials)
    centre = rng.uniform(0.0, times[-1], (num_jerks, 1))
    width = scan.jerk_width * np.exp(rng.normal(0.0, 0.4, (num_jerks, 1)))
    course = np.exp(-((times - centre) ** 2) / (2.0 * width**2))
    size = rng.exponential(scan.jerk_size, (num_jerks, NUM_TAXELS))
    size *= rng.random((num_jerks, NUM_TAXELS)) < scan.jerk_share
    # most push the finger down
    size *= np.where(rng.random((num_jerks, 1)) < 0.7, 1.0, -1.0)
    np.add.at(signals, trials, course[:, :, np.newaxis] * size[:, np.newaxis, :])
