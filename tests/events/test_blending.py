"""Blends of two examples of one class."""

from __future__ import annotations

import numpy as np
import pytest

from mlgenn_delays.events.blending import BlendExamples, centres_of_mass, draw_partners
from mlgenn_delays.events.dataset import EventDataset

DURATION = 1000.0
ALL = {"rate": 1.0, "probability": 1.0}


def dataset(*examples: tuple[list[float], list[int]], num_channels: int = 100) -> EventDataset:
    counts = [len(times) for times, _ in examples]
    return EventDataset(
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        np.array([t for times, _ in examples for t in times], np.float32),
        np.array([c for _, channels in examples for c in channels], np.uint16),
        num_channels,
    )


def random_events(size: int, each: int = 50) -> EventDataset:
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(300.0, 600.0, (size, each)), axis=1)
    channels = rng.integers(40, 60, (size, each))
    return dataset(*((t.tolist(), c.tolist()) for t, c in zip(times, channels, strict=True)))


def blend(
    events: EventDataset, labels: list[int] | np.ndarray, seed: int = 0, **settings: float
) -> EventDataset:
    augment = BlendExamples(DURATION, **settings)
    blended = augment(events, np.random.default_rng(seed), labels=np.asarray(labels))
    assert len(blended) == len(events)
    blended.check_structure("blended")
    assert (blended.times.dtype, blended.neurons.dtype) == (np.float32, np.uint16)
    return blended


def test_both_meet_half_way_between_their_centres() -> None:
    events = dataset(([100.0, 200.0], [10, 20]), ([300.0, 360.0], [50, 54]))
    # centres (150 ms, 15) and (330 ms, 52): they meet at (240 ms, 33.5)
    blended = blend(events, [0, 0], **ALL)
    for i in range(2):
        times, channels = blended.example(i)
        assert times.tolist() == [190.0, 210.0, 270.0, 290.0]
        assert channels.tolist() == [28, 32, 36, 38]
    assert centres_of_mass(blended)[0] == pytest.approx([240.0, 33.5])


def test_each_event_of_either_is_taken_with_its_probability() -> None:
    events = random_events(400)
    counts = np.diff(blend(events, np.zeros(400, int), rate=1.0).offsets)
    assert counts.mean() == pytest.approx(50.0, abs=1.0)
    assert counts.std() == pytest.approx(5.0, abs=0.7)
    few = np.diff(blend(events, np.zeros(400, int), rate=1.0, probability=0.2).offsets)
    assert few.mean() == pytest.approx(20.0, abs=1.0)


def test_classes_are_not_mixed() -> None:
    # channel and class are the same, so that a blend with another class would show
    labels = np.arange(60) % 3
    each = 20
    events = EventDataset(
        np.arange(61) * each,
        np.tile(np.linspace(400.0, 500.0, each, dtype=np.float32), 60),
        np.repeat(20 * labels + 10, each).astype(np.uint16),
        100,
    )
    blended = blend(events, labels, rate=1.0)
    examples = np.repeat(np.arange(60), np.diff(blended.offsets))
    np.testing.assert_array_equal(blended.neurons, 20 * labels[examples] + 10)


def test_rate_is_the_share_of_blends() -> None:
    events = random_events(1000, 20)
    for rate in (0.0, 0.3, 1.0):
        blended = blend(events, np.zeros(1000, int), rate=rate)
        same = [np.array_equal(blended.example(i)[0], events.example(i)[0]) for i in range(1000)]
        assert np.mean(same) == pytest.approx(1.0 - rate, abs=0.05)


def test_the_only_one_of_a_class_stays_as_it_is() -> None:
    events = random_events(3)
    blended = blend(events, [0, 1, 0], rate=1.0)
    np.testing.assert_array_equal(blended.example(1)[0], events.example(1)[0])
    np.testing.assert_array_equal(blended.example(1)[1], events.example(1)[1])


def test_examples_without_events_move_nothing() -> None:
    events = dataset(([100.0, 200.0], [10, 20]), ([], []))
    blended = blend(events, [0, 0], **ALL)
    for i in range(2):
        assert blended.example(i)[0].tolist() == [100.0, 200.0]
        assert blended.example(i)[1].tolist() == [10, 20]


def test_events_that_leave_trial_or_channels_are_left_out() -> None:
    early, late = ([0.0, 0.0, 300.0], [0, 0, 30]), ([700.0, 1000.0, 1000.0], [99, 69, 99])
    blended = blend(dataset(early, late), [0, 0], **ALL)
    # centres (100 ms, 10) and (900 ms, 89): the first goes up by 400 ms, the second down by it
    assert blended.example(0)[0].tolist() == [300.0, 400.0, 400.0, 600.0, 600.0, 700.0]
    wide = blend(dataset(([0.0] * 9 + [1000.0], [50] * 10), ([1000.0], [50])), [0, 0], **ALL)
    assert wide.example(0)[0].max() <= DURATION
    assert len(wide.example(0)[0]) == 10, "the last event of the first left the trial"


def test_large_sets_are_blended_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_events(50)
    labels = np.arange(50) % 2
    monkeypatch.setattr("mlgenn_delays.events.chunks.CHUNK_EVENTS", 170)
    pieces = blend(events, labels, **ALL)
    monkeypatch.undo()
    whole = blend(events, labels, **ALL)
    np.testing.assert_array_equal(pieces.offsets, whole.offsets)
    np.testing.assert_array_equal(pieces.times, whole.times)
    np.testing.assert_array_equal(pieces.neurons, whole.neurons)
    np.testing.assert_allclose(
        centres_of_mass(events), [np.mean(events.example(i), axis=1) for i in range(50)], rtol=1e-6
    )


def test_generator_decides() -> None:
    events = random_events(20)
    one, same, other = (blend(events, np.zeros(20, int), seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.times, same.times)
    assert len(one.times) != len(other.times) or np.any(one.times != other.times)


def test_partners() -> None:
    labels = np.array([3, 1, 3, 3, 7, 1, 3])
    seen: dict[int, set[int]] = {i: set() for i in range(7)}
    for seed in range(200):
        partners = draw_partners(labels, np.random.default_rng(seed))
        for i, partner in enumerate(partners):
            seen[i].add(int(partner))
    assert seen == {0: {2, 3, 6}, 1: {5}, 2: {0, 3, 6}, 3: {0, 2, 6}, 4: {4}, 5: {1}, 6: {0, 2, 3}}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, r"blend needs labels of shape \(3,\), not None"),
        (np.zeros(2, int), r"blend needs labels of shape \(3,\), not \(2,\)"),
        (np.zeros((3, 1), int), r"not \(3, 1\)"),
    ],
)
def test_bad_labels(labels: np.ndarray | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BlendExamples(DURATION)(random_events(3), np.random.default_rng(0), labels=labels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 1.5}, "augmentation: rate of blend is 1.5"),
        ({"probability": -0.1}, "augmentation: probability of blend is -0.1"),
        ({"duration": -1.0}, "augmentation: duration is -1"),
    ],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BlendExamples(**{"duration": DURATION, **settings})


def test_labels_are_asked_for() -> None:
    assert BlendExamples.needs_labels
