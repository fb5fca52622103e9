"""Shift of channels, jitter and drop of a share of the examples, and their composition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mlgenn_delays.events.augmentation import (
    Augmentation,
    AugmentEvents,
    Compose,
    DropEvents,
    JitterTimes,
    ShiftChannels,
    ShiftTimesOfChannels,
)
from mlgenn_delays.events.dataset import EventDataset

DURATION = 1000.0
NUM_CHANNELS = 200


def make_events(size: int = 300, each: int = 40, seed: int = 0) -> EventDataset:
    """Examples with as many events each, in the middle of time and channels."""
    rng = np.random.default_rng(seed)
    return EventDataset(
        np.arange(size + 1) * each,
        np.sort(rng.uniform(300.0, 700.0, (size, each)), axis=1).ravel().astype(np.float32),
        rng.integers(80, 120, size * each).astype(np.uint16),
        NUM_CHANNELS,
    )


@pytest.fixture()
def events() -> EventDataset:
    return make_events()


def apply(augmentation: Augmentation, events: EventDataset, seed: int = 1) -> EventDataset:
    """Augment, and check what every augmentation must keep."""
    before = [np.array(a) for a in (events.offsets, events.times, events.neurons)]
    changed = augmentation(events, np.random.default_rng(seed))
    for values, kept in zip((events.offsets, events.times, events.neurons), before, strict=True):
        np.testing.assert_array_equal(values, kept)
    assert len(changed) == len(events)
    assert (changed.times.dtype, changed.neurons.dtype) == (events.times.dtype, np.uint16)
    changed.check_structure("augmented")
    assert changed.times.min() >= 0.0
    assert changed.times.max() <= DURATION
    return changed


def changed_share(one: EventDataset, two: EventDataset) -> float:
    """Share of the examples that differ."""
    differ = [
        len(a[0]) != len(b[0]) or np.any(a[0] != b[0]) or np.any(a[1] != b[1])
        for a, b in ((one.example(i), two.example(i)) for i in range(len(one)))
    ]
    return float(np.mean(differ))


class TestShiftChannels:
    def test_one_number_for_all_events_of_an_example(self, events: EventDataset) -> None:
        changed = apply(ShiftChannels(40), events)
        np.testing.assert_array_equal(changed.times, events.times)
        moves = (changed.neurons.astype(int) - events.neurons).reshape(300, 40)
        assert np.all(np.ptp(moves, axis=1) == 0)
        assert moves.min() == -40
        assert moves.max() == 40
        assert abs(moves[:, 0].mean()) < 5

    def test_events_that_leave_the_channels_are_left_out(self) -> None:
        low = EventDataset(
            np.array([0, 2, 4]), np.array([1.0, 2.0, 1.0, 2.0]), np.array([0, 9, 0, 9], "u2"), 10
        )
        for seed in range(20):
            changed = ShiftChannels(3)(low, np.random.default_rng(seed))
            assert np.all(changed.neurons < 10)
            for i in range(2):
                channels = changed.example(i)[1].tolist()
                assert channels in ([0, 9], [1], [2], [3], [8], [7], [6])

    def test_all_shifts_are_equally_probable(self) -> None:
        single = EventDataset(np.arange(6001), np.zeros(6000), np.full(6000, 50, "u2"), 100)
        shifted = ShiftChannels(1)(single, np.random.default_rng(0)).neurons
        assert np.bincount(shifted)[49:] == pytest.approx([2000, 2000, 2000], abs=150)


class TestJitterTimes:
    def test_standard_deviation(self) -> None:
        single = EventDataset(np.arange(3001), np.full(3000, 500.0), np.zeros(3000, "u2"), 1)
        times = JitterTimes(DURATION, 5.0)(single, np.random.default_rng(1)).times
        assert np.std(times) == pytest.approx(5.0, rel=0.05)
        assert np.mean(times) == pytest.approx(500.0, abs=0.5)

    def test_channels_go_with_their_events(self, events: EventDataset) -> None:
        changed = apply(JitterTimes(DURATION, 1e-3), events)
        np.testing.assert_allclose(changed.times, events.times, atol=0.01)
        assert np.mean(changed.neurons == events.neurons) > 0.99

    def test_events_that_leave_the_trial_are_left_out(self, events: EventDataset) -> None:
        changed = apply(JitterTimes(DURATION, 400.0), events)
        assert 0.5 * len(events.times) < len(changed.times) < 0.95 * len(events.times)


def test_drop_leaves_out_its_share(events: EventDataset) -> None:
    changed = apply(DropEvents(0.3), events)
    assert len(changed.times) == pytest.approx(0.7 * len(events.times), rel=0.03)
    assert set(changed.times) <= set(events.times)


RATED: dict[str, Callable[[float], Augmentation]] = {
    "channel_shift": lambda rate: ShiftChannels(40, rate),
    "jitter": lambda rate: JitterTimes(DURATION, 5.0, rate),
    "drop": lambda rate: DropEvents(0.3, rate),
}


@pytest.mark.parametrize("name", RATED)
class TestEach:
    def test_rate_is_the_share_of_changed_examples(self, name: str, events: EventDataset) -> None:
        for rate in (0.0, 0.3, 1.0):
            share = changed_share(events, apply(RATED[name](rate), events))
            assert share == pytest.approx(rate, abs=0.08 if rate == 0.3 else 0.04)

    def test_generator_decides(self, name: str, events: EventDataset) -> None:
        one, same, other = (apply(RATED[name](1.0), events, seed) for seed in (5, 5, 6))
        assert changed_share(one, same) == 0.0
        assert changed_share(one, other) > 0.9

    def test_large_sets_are_changed_in_pieces(
        self, name: str, events: EventDataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("mlgenn_delays.events.chunks.CHUNK_EVENTS", 1000)
        assert changed_share(events, apply(RATED[name](1.0), events)) > 0.95

    def test_sets_without_events(self, name: str) -> None:
        empty = EventDataset(np.zeros(4, np.int64), np.zeros(0), np.zeros(0, "u2"), 10)
        assert RATED[name](1.0)(empty, np.random.default_rng(0)).offsets.tolist() == [0] * 4

    @pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
    def test_bad_rate(self, name: str, rate: float) -> None:
        with pytest.raises(ValueError, match=f"augmentation: rate of {name} is"):
            RATED[name](rate)


class TestCompose:
    def test_one_after_the_other(self, events: EventDataset) -> None:
        steps = [ShiftChannels(10), JitterTimes(DURATION, 5.0), DropEvents(0.1)]
        together = apply(Compose(steps), events)
        rng = np.random.default_rng(1)
        expected = events
        for step in steps:
            expected = step(expected, rng)
        assert changed_share(together, expected) == 0.0

    def test_labels_go_to_those_that_need_them(self, events: EventDataset) -> None:
        class Named:
            needs_labels = True

            def __call__(
                self, events: EventDataset, rng: np.random.Generator, labels: np.ndarray
            ) -> EventDataset:
                self.labels = labels
                return events

        named = Named()
        both = Compose([DropEvents(0.1), named])
        labels = np.arange(len(events))
        both(events, np.random.default_rng(0), labels=labels)
        assert both.needs_labels
        assert named.labels is labels
        assert not Compose([DropEvents(0.1)]).needs_labels
        assert Compose([both]).needs_labels


def test_former_augmentation_of_large_sets(
    events: EventDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Speed and onset are those of the example, in whichever piece it is."""
    augment = AugmentEvents(DURATION, stretch=0.05, shift=20.0)
    whole = apply(augment, events)
    monkeypatch.setattr("mlgenn_delays.events.chunks.CHUNK_EVENTS", 1000)
    assert changed_share(whole, apply(augment, events)) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ShiftChannels(-1), "channel_shift is -1, allowed are whole numbers"),
        (lambda: ShiftChannels(1.5), "channel_shift is 1.5, allowed are whole numbers"),  # type: ignore[arg-type]
        (lambda: JitterTimes(DURATION, -1.0), "jitter is -1"),
        (lambda: JitterTimes(float("inf"), 1.0), "duration is inf"),
        (lambda: DropEvents(1.0), r"drop is 1, allowed are numbers in \[0, 1\)"),
    ],
)
def test_bad_settings(make: Callable[[], Augmentation], message: str) -> None:
    with pytest.raises(ValueError, match=f"augmentation: {message}"):
        make()


class TestShiftTimesOfChannels:
    def test_channels_of_examples_move_on_their_own(self, events: EventDataset) -> None:
        changed = apply(ShiftTimesOfChannels(DURATION, 200.0), events)
        assert len(changed.times) == len(events.times)  # none is moved out of the trial
        shifts = []
        for i in range(len(events)):
            (before, channels), (after, moved) = events.example(i), changed.example(i)
            for channel in np.unique(channels):
                # events of a channel keep their order
                differences = after[moved == channel] - before[channels == channel]
                np.testing.assert_allclose(differences, differences[0], atol=1e-3)
                shifts.append(differences[0])
        assert np.abs(shifts).max() <= 200.0 + 1e-3
        assert abs(np.mean(shifts)) < 5 * 200.0 / np.sqrt(3.0 * len(shifts))
        assert np.std(shifts) == pytest.approx(200.0 / np.sqrt(3.0), rel=0.05)

    def test_a_share_is_changed(self, events: EventDataset) -> None:
        changed = apply(ShiftTimesOfChannels(DURATION, 200.0, 0.25), events)
        assert changed_share(events, changed) == pytest.approx(0.25, abs=5 * 0.025)

    def test_what_leaves_the_trial_is_left_out(self, events: EventDataset) -> None:
        changed = apply(ShiftTimesOfChannels(DURATION, 1000.0), events)
        assert 0.3 < len(changed.times) / len(events.times) < 0.7

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [((-1.0,), "channel_time_shift"), ((1.0, 1.5), "rate of channel_time_shift")],
    )
    def test_bad_arguments(self, arguments: tuple[float, ...], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            ShiftTimesOfChannels(DURATION, *arguments)
