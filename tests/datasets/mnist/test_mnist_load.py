"""Loading MNIST: files where they are, drawn digits where they are not."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from mnist_files import write_part

from mlgenn_delays.datasets import fetching
from mlgenn_delays.datasets.fetching import DownloadError
from mlgenn_delays.datasets.mnist.load import (
    HASHES,
    MnistNotFoundError,
    download,
    find_parts,
    load_mnist,
    mnist_notice,
)

# read before a fixture hides it
_REAL = os.environ.get("MLGENN_DELAYS_DATA")

LABELS = np.arange(12) % 10


@pytest.fixture()
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "probe", lambda address: "cannot be reached (test)")


def files_below(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


class TestFiles:
    def test_both_parts(self, tmp_path: Path) -> None:
        write_part(tmp_path / "mnist", "train", LABELS)
        write_part(tmp_path / "mnist", "t10k", LABELS[:5])
        data = load_mnist("real", tmp_path)
        assert data.images.shape == (17, 28, 28)
        assert data.images.dtype == np.uint8
        assert data.labels.tolist() == [*LABELS, *LABELS[:5]]
        assert (data.num_train, data.kind, data.fallback_reason) == (12, "real", None)
        assert mnist_notice(data) == ""
        assert data.source["parts"]["t10k"]["images"] == 5
        assert len(data.source["parts"]["train"]["sha256"]) == 64
        json.dumps(data.source)

    @pytest.mark.parametrize(("part", "num_train"), [("train", 12), ("t10k", 0)])
    def test_one_part_is_enough(self, tmp_path: Path, part: str, num_train: int) -> None:
        write_part(tmp_path, part, LABELS)
        data = load_mnist("auto", tmp_path)
        assert (len(data), data.num_train, data.kind) == (12, num_train, "real")

    @pytest.mark.parametrize("subfolder", ["", "mnist", "MNIST/raw"])
    @pytest.mark.parametrize("dot", [False, True])
    @pytest.mark.parametrize("packed", [False, True])
    def test_where_and_how_files_may_be(
        self, tmp_path: Path, subfolder: str, dot: bool, packed: bool
    ) -> None:
        folder = tmp_path / subfolder
        write_part(folder, "t10k", LABELS)
        for path in files_below(folder):
            name = path.name.replace("-idx", ".idx") if dot else path.name
            content = path.read_bytes()
            path.unlink()
            if not packed:
                name, content = name.removesuffix(".gz"), gzip.decompress(content)
            (folder / name).write_bytes(content)
        assert len(load_mnist("real", tmp_path)) == 12

    def test_folder_of_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_part(tmp_path, "t10k", LABELS)
        monkeypatch.setenv("MLGENN_DELAYS_DATA", str(tmp_path))
        assert load_mnist("real", fetch=False).kind == "real"

    def test_cache_is_searched_after_the_given_folder(self, tmp_path: Path, cache: Path) -> None:
        write_part(cache / "mnist", "t10k", LABELS)
        (tmp_path / "elsewhere").mkdir()
        data = load_mnist("real", tmp_path / "elsewhere", fetch=False)
        assert data.source["parts"]["t10k"]["file"].startswith(str(cache))


class TestDamage:
    def test_labels_are_missing(self, tmp_path: Path) -> None:
        write_part(tmp_path, "t10k", LABELS)
        (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
        with pytest.raises(ValueError, match=r"t10k-images.*images but no labels; t10k-labels-idx"):
            load_mnist("auto", tmp_path)

    def test_images_are_missing(self, tmp_path: Path) -> None:
        write_part(tmp_path, "train", LABELS)
        (tmp_path / "train-images-idx3-ubyte.gz").unlink()
        with pytest.raises(ValueError, match=r"labels but no images; train-images-idx3-ubyte.gz"):
            load_mnist("auto", tmp_path)

    def test_numbers_differ(self, tmp_path: Path) -> None:
        write_part(tmp_path, "t10k", LABELS, images=np.zeros((11, 28, 28)))
        with pytest.raises(ValueError, match=r"t10k-images.* has 11 images, .* has 12 labels"):
            load_mnist("auto", tmp_path)

    def test_label_out_of_range(self, tmp_path: Path) -> None:
        labels = LABELS.copy()
        labels[3], labels[7] = 10, 200
        write_part(tmp_path, "t10k", labels)
        with pytest.raises(ValueError, match=r"label 10 of image 3 .* 0 to 9 \(2 such labels\)"):
            load_mnist("auto", tmp_path)

    def test_size_of_images(self, tmp_path: Path) -> None:
        write_part(tmp_path, "t10k", LABELS, images=np.zeros((12, 14, 56)))
        with pytest.raises(ValueError, match="images of 14 x 56 pixels, allowed are 28 x 28"):
            load_mnist("auto", tmp_path)

    def test_no_images(self, tmp_path: Path) -> None:
        write_part(tmp_path, "t10k", LABELS[:0], images=np.zeros((0, 28, 28)))
        with pytest.raises(ValueError, match="there are no images in this file"):
            load_mnist("auto", tmp_path)

    def test_cut_file(self, tmp_path: Path) -> None:
        write_part(tmp_path, "t10k", LABELS)
        path = tmp_path / "t10k-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\.gz: damaged or cut gzip"):
            load_mnist("auto", tmp_path)


class TestFallback:
    @pytest.mark.usefixtures("offline")
    def test_auto_falls_back_and_says_why(self, tmp_path: Path) -> None:
        data = load_mnist("auto", tmp_path, num_per_class=2)
        assert (data.kind, len(data), data.num_train) == ("synthetic", 20, 0)
        assert data.source["dataset"] == "synthetic"
        assert data.fallback_reason is not None
        assert str(tmp_path) in data.fallback_reason
        assert "cannot be reached (test)" in data.fallback_reason
        said = " ".join(mnist_notice(data).replace("#", " ").split())
        assert "SYNTHETIC DATA These are drawn digits" in said
        assert "cannot be reached (test)" in said

    @pytest.mark.usefixtures("offline")
    def test_real_does_not_fall_back(self, tmp_path: Path) -> None:
        with pytest.raises(MnistNotFoundError, match=r"not found in .*cannot be reached.*Put them"):
            load_mnist("real", tmp_path)

    def test_nothing_is_fetched_against_the_will(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetching, "fetch", lambda *arguments: pytest.fail("fetched"))
        data = load_mnist("auto", tmp_path, num_per_class=1, fetch=False)
        assert "fetching was switched off" in str(data.fallback_reason)

    def test_synthetic_is_asked_for(self, tmp_path: Path) -> None:
        write_part(tmp_path, "t10k", LABELS)
        data = load_mnist("synthetic", tmp_path, num_per_class=1, seed=5)
        assert (data.kind, data.fallback_reason, data.source["seed"]) == ("synthetic", None, 5)

    def test_another_choice(self) -> None:
        with pytest.raises(ValueError, match="data: 'fake', allowed are"):
            load_mnist("fake")


class TestDownload:
    def test_files_are_fetched_with_their_hashes(
        self, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_part(tmp_path, "train", LABELS)
        write_part(tmp_path, "t10k", LABELS[:4])
        asked = {}

        def fetch(servers, name: str, known_hash: str, folder: Path, progressbar: bool) -> Path:
            asked[name] = known_hash
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((tmp_path / name).read_bytes())
            return folder / name

        monkeypatch.setattr(fetching, "fetch", fetch)
        (empty := tmp_path / "nothing here").mkdir()
        data = load_mnist("real", empty)
        assert (len(data), data.num_train) == (16, 12)
        assert asked == {n: f"sha256:{h}" for n, h in HASHES.items()}
        assert len(asked) == 4
        # the next time they are found
        monkeypatch.setattr(fetching, "fetch", lambda *arguments: pytest.fail("fetched"))
        assert len(load_mnist("real")) == 16

    def test_other_files_are_not_kept(
        self, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import pooch

        def answer(url: str, output_file: str, pooch_object: object) -> None:
            Path(output_file).write_bytes(b"something else")

        monkeypatch.setattr(fetching, "probe", lambda address: None)
        monkeypatch.setattr(pooch, "HTTPDownloader", lambda **settings: answer)
        with pytest.raises(DownloadError, match=r"could not be fetched .*hash"):
            download(progressbar=False)
        assert files_below(cache) == []


def test_real_images() -> None:
    parts = find_parts([Path(_REAL)]) if _REAL else {}
    if not parts:
        pytest.skip("needs MNIST: set MLGENN_DELAYS_DATA to a folder with its files")
    data = load_mnist("real", _REAL)
    counts = np.bincount(data.labels)
    assert len(counts) == 10
    assert counts.min() > 0.08 * len(data)
    # ones have the least ink
    ink = [data.images[data.labels == digit].mean() for digit in range(10)]
    assert int(np.argmin(ink)) == 1
    part = next(iter(data.source["parts"].values()))
    assert part["sha256"] == hashlib.sha256(Path(part["file"]).read_bytes()).hexdigest()
