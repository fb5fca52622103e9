"""Data sets of tonic, read from files in their published forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonic_files import nmnist_events, write_gestures, write_nmnist, write_words

from mlgenn_delays import Connection, Network, Population
from mlgenn_delays.compilers import EventPropCompiler, default_params
from mlgenn_delays.connectivity import Dense
from mlgenn_delays.datasets import labelled_events
from mlgenn_delays.initializers import Normal
from mlgenn_delays.interop.tonic import from_tonic
from mlgenn_delays.neurons import LeakyIntegrate, SpikeInput
from mlgenn_delays.synapses import Exponential

tonic = pytest.importorskip("tonic", reason="tonic is not installed")
pytestmark = [pytest.mark.tonic, pytest.mark.usefixtures("few_recordings")]


def read(dataset: object, **arguments: object) -> labelled_events.LabelledEvents:
    return from_tonic(dataset, progressbar=False, **arguments)


@pytest.fixture
def nmnist(tmp_path: Path) -> Path:
    write_nmnist(tmp_path, 20, 10)
    return tmp_path


@pytest.fixture
def gestures(tmp_path: Path) -> Path:
    write_gestures(tmp_path)
    return tmp_path


class TestPublishedForms:
    def test_nmnist(self, nmnist: Path) -> None:
        data = read(tonic.datasets.NMNIST(str(nmnist), train=True))
        assert len(data) == 20
        assert data.num_channels == 34 * 34 * 2
        assert data.class_names[3] == "3 - three"
        assert data.labels.tolist() == sorted(i % 10 for i in range(20))
        for row, index in enumerate((0, 10, 1)):  # in the order of tonic: by digit
            x, y, p, t = nmnist_events(index, "Train")
            times, neurons = data.events.example(row)
            np.testing.assert_allclose(times, t / 1000.0, rtol=1e-6)
            expected = p + 2 * (x + 34 * y)
            np.testing.assert_array_equal(np.sort(neurons), np.sort(expected))

    def test_nmnist_first_saccade(self, nmnist: Path) -> None:
        dataset = tonic.datasets.NMNIST(str(nmnist), train=False, first_saccade_only=True)
        data = read(dataset)
        assert len(data) == 10
        assert 50.0 < data.events.times.max() < 100.0
        assert data.duration <= 100.0

    def test_shd(self, tmp_path: Path) -> None:
        write_words(tmp_path, "SHD", {"train": 12, "test": 8})
        dataset = tonic.datasets.SHD(str(tmp_path), train=True)
        data = read(dataset, duration=1000.0, late="drop", groups=dataset.speaker)
        assert data.num_channels == 700
        assert data.class_names == ("null", "eins", "zwei", "drei")
        assert data.groups is not None and data.groups.tolist() == [i // 4 % 3 for i in range(12)]
        assert data.source["num_late_events"] > 0
        events, label = dataset[5]
        times, neurons = data.events.example(5)
        kept = events["t"] < 1_000_000
        np.testing.assert_allclose(times, events["t"][kept] / 1000.0, rtol=1e-6)
        np.testing.assert_array_equal(neurons, events["x"][kept])
        assert data.labels[5] == label

    def test_ssc(self, tmp_path: Path) -> None:
        write_words(tmp_path, "SSC", {"train": 8, "valid": 4, "test": 4})
        data = read(tonic.datasets.SSC(str(tmp_path), split="valid"))
        assert data.labels.tolist() == [0, 1, 2, 3]
        assert data.num_channels == 700

    def test_gestures(self, gestures: Path) -> None:
        """Booleans and narrow numbers; more channels than 16 bits of x times y."""
        dataset = tonic.datasets.DVSGesture(str(gestures), train=True)
        data = read(dataset, groups=dataset.users)
        assert (len(data), data.num_channels) == (110, 128 * 128 * 2)
        assert data.class_names[0] == "Hand clapping"
        assert data.duration <= 6000.0
        assert data.groups is not None and set(data.groups) == set(range(1, 11))
        events, label = dataset[7]
        times, neurons = data.events.example(7)
        np.testing.assert_allclose(times, events["t"] / 1000.0, rtol=1e-6)
        x, y, p = (events[name].astype(int) for name in "xyp")
        np.testing.assert_array_equal(np.sort(neurons), np.sort(p + 2 * (x + 128 * y)))
        assert data.labels[7] == label


class TestTransforms:
    def test_smaller_sensor(self, gestures: Path) -> None:
        """As publications on DVS Gesture do it: 128 x 128 pixels become 32 x 32."""
        transform = tonic.transforms.Downsample(spatial_factor=0.25)
        dataset = tonic.datasets.DVSGesture(str(gestures), train=True, transform=transform)
        data = read(dataset, sensor_size=(32, 32, 2))
        assert data.num_channels == 2048
        assert len(data.events.times) == len(
            read(tonic.datasets.DVSGesture(str(gestures), train=True)).events.times
        )

    def test_compose(self, nmnist: Path) -> None:
        transform = tonic.transforms.Compose(
            [
                tonic.transforms.CenterCrop(sensor_size=(34, 34, 2), size=(20, 20)),
                tonic.transforms.MergePolarities(),
            ]
        )
        data = read(
            tonic.datasets.NMNIST(str(nmnist), transform=transform), sensor_size=(20, 20, 1)
        )
        whole = read(tonic.datasets.NMNIST(str(nmnist)))
        assert 0 < len(data.events.times) < len(whole.events.times)
        assert data.num_channels == 400

    def test_target_transform(self, nmnist: Path) -> None:
        dataset = tonic.datasets.NMNIST(str(nmnist), target_transform=lambda digit: digit % 2)
        assert set(read(dataset, class_names=("even", "odd")).labels) == {0, 1}

    def test_frames_are_refused(self, nmnist: Path) -> None:
        transform = tonic.transforms.ToFrame(sensor_size=(34, 34, 2), n_time_bins=5)
        dataset = tonic.datasets.NMNIST(str(nmnist), transform=transform)
        with pytest.raises(TypeError, match=r"example 0 .* leave out transforms that make frames"):
            read(dataset)

    def test_cache(self, nmnist: Path, tmp_path: Path) -> None:
        """Transforms of tonic say what they do: other ones are read anew."""
        sizes = [
            len(
                read(
                    tonic.datasets.NMNIST(
                        str(nmnist),
                        transform=tonic.transforms.CenterCrop((34, 34, 2), (side, side)),
                    ),
                    cache=tmp_path / "events",
                ).events.times
            )
            for side in (20, 10, 20)
        ]
        assert sizes[0] == sizes[2] > sizes[1]
        assert len(list((tmp_path / "events").iterdir())) == 2


class TestWithinOthers:
    def test_slices(self, gestures: Path) -> None:
        """Windows of a second; their times go on, so that they count from the first event."""
        recordings = tonic.datasets.DVSGesture(str(gestures), train=True)
        slicer = tonic.slicers.SliceByTime(time_window=1_000_000)
        dataset = tonic.SlicedDataset(recordings, slicer=slicer)
        data = read(dataset, duration=1000.0, start="first_event")
        assert len(data) == len(dataset) > 200
        assert data.class_names[0] == "Hand clapping"
        assert data.labels.tolist() == [dataset[i][1] for i in range(len(dataset))]
        with pytest.raises(ValueError, match=r"after the trial of 1000 ms.*start='first_event'"):
            read(dataset, duration=1000.0)

    def test_slices_are_kept(self, gestures: Path, tmp_path: Path) -> None:
        def slices(window: int) -> object:
            recordings = tonic.datasets.DVSGesture(str(gestures), train=False)
            return tonic.SlicedDataset(recordings, slicer=tonic.slicers.SliceByTime(window))

        sizes = [
            len(read(slices(w), start="first_event", cache=tmp_path / "events"))
            for w in (1_000_000, 2_000_000, 1_000_000)
        ]
        assert sizes[0] == sizes[2] > sizes[1]
        assert len(list((tmp_path / "events").iterdir())) == 2

    @pytest.mark.parametrize("kind", ["memory", "disk"])
    def test_caches_of_tonic(self, nmnist: Path, tmp_path: Path, kind: str) -> None:
        recordings = tonic.datasets.NMNIST(str(nmnist))
        expected = read(recordings)
        for _ in range(2):
            dataset = (
                tonic.MemoryCachedDataset(recordings)
                if kind == "memory"
                else tonic.DiskCachedDataset(recordings, cache_path=str(tmp_path / "tonic"))
            )
            data = read(dataset)
            np.testing.assert_array_equal(data.events.times, expected.events.times)
            np.testing.assert_array_equal(data.events.neurons, expected.events.neurons)
            np.testing.assert_array_equal(data.labels, expected.labels)

    def test_files_of_a_cache_alone(self, nmnist: Path, tmp_path: Path) -> None:
        """Without the data set, the sensor must be said."""
        place = str(tmp_path / "tonic")
        recordings = tonic.datasets.NMNIST(str(nmnist))
        expected = read(tonic.DiskCachedDataset(recordings, cache_path=place))
        alone = tonic.DiskCachedDataset(None, cache_path=place)
        with pytest.raises(ValueError, match="DiskCachedDataset does not say how large its sensor"):
            read(alone)
        data = read(alone, sensor_size=(34, 34, 2))
        np.testing.assert_array_equal(data.events.times, expected.events.times)


def test_training_takes_a_data_set(nmnist: Path) -> None:
    """And does what it does with the flat events."""
    network = Network(default_params)
    with network:
        x = Population(SpikeInput(), (34, 34, 2), name="x")
        y = Population(LeakyIntegrate(readout="avg_var"), 10, name="y")
        Connection(x, y, Dense(Normal(0.0, 0.1)), Exponential(5.0))
    compiler = EventPropCompiler(
        310, "sparse_categorical_crossentropy", backend="reference", batch_size=5
    )
    train = tonic.datasets.NMNIST(str(nmnist), train=True)
    test = tonic.datasets.NMNIST(str(nmnist), train=False)
    data, tested = read(train), read(test)
    results = []
    for inputs, targets, test_x, test_y in (
        (train, train, test, test),
        (data.events, data.labels, tested.events, tested.labels),
    ):
        with compiler.compile(network) as compiled:
            compiled.train({x: inputs}, {y: targets}, num_epochs=3, callbacks=())
            metrics, _ = compiled.evaluate({x: test_x}, {y: test_y}, callbacks=())
            results.append(([e.loss for e in compiled.history], metrics[y].result))
    assert results[0] == results[1]
    assert results[0][0][2] < results[0][0][0]
