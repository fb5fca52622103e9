"""``run``: from a configuration to a record, from anywhere, as often as wanted."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pytest
from experiment_runs import SMALL, Run
from order_task import TASK, task

from mlgenn_delays.cautions import Caution
from mlgenn_delays.studies import (
    DataSettings,
    FolderBusy,
    FolderError,
    Part,
    Progress,
    RunConfig,
    RunError,
    RunProgress,
    RunRecord,
    RunStart,
    TaskData,
    make_config,
    read_record,
    run,
)
from mlgenn_delays.studies.commands.task_command import main
from mlgenn_delays.studies.folder_lock import folder_lock
from mlgenn_delays.studies.sizes import size_text
from mlgenn_delays.training.memory import peak_memory

pytestmark = pytest.mark.usefixtures("blank_pictures")

#: 12 samples: 3 batches per epoch.
CONFIG = TASK.config(epochs=6, batch_size=4, threads=1, jitter=1.0)

#: Entries of a record that differ between equal runs.
_TIMES = ("seconds", "peak_memory_bytes", "started", "ended", "folder")


def small(seed: int = 0) -> RunConfig:
    """A run of the package's own task, which other processes know."""
    return make_config(
        "braille", quick=True, kind="synthetic", hidden=8, limit=64, batch_size=16, seed=seed
    )


def results(record: RunRecord) -> dict[str, Any]:
    """All that must be equal for equal runs."""
    return {f.name: getattr(record, f.name) for f in fields(record) if f.name not in _TIMES}


def program(text: str) -> list[str]:
    """Command of a process that can import what this one can."""
    return [sys.executable, "-c", f"import sys; sys.path += {sys.path!r}\n{text}"]


def files(folder: Path) -> Run:
    return Run(0, "", "", folder)


def assert_same_files(folder: Path, expected: Path) -> None:
    """Equal metrics, but for seconds, and bit for bit equal checkpoints."""
    assert files(folder).rows == files(expected).rows
    for name in ("checkpoint_last.npz", "checkpoint_best.npz"):
        mine, theirs = files(folder).state(name), files(expected).state(name)
        assert set(mine) == set(theirs)
        for entry, value in theirs.items():
            np.testing.assert_array_equal(mine[entry], value, err_msg=entry)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    assert run(CONFIG, folder, task=TASK, pictures=False).status == "finished"
    return folder


# -- from anywhere

#: Runs twice, the second time watched: what is opened for writing, made, moved and removed.
_WATCHED = """
import json, os, sys
from mlgenn_delays.studies import run
from test_run import small
run(small())
sys.argv = ["-c", "--epochs", "99", "--nonsense"]
written = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and arguments[0] != os.devnull:
            written.append(str(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "tempfile.mkstemp"):
        written.append(f"{event} {arguments[0]}")
sys.addaudithook(watch)
record = run(small())
with open("said.json", "w") as file:
    json.dump({"written": written[:], "loss": record.test_loss, "epochs": record.epochs}, file)
"""


def test_without_a_folder_it_writes_and_prints_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        program(_WATCHED),
        capture_output=True,
        cwd=tmp_path,
    )
    # compilers that take long are announced
    said = [x for x in ended.stderr.splitlines() if not x.startswith(b"Compiling the network")]
    assert (ended.returncode, ended.stdout, said) == (0, b"", [])
    assert [p.name for p in tmp_path.iterdir()] == ["said.json"]
    said = json.loads((tmp_path / "said.json").read_text())
    # which is no file, see reset_peak_memory
    assert [n for n in said["written"] if n != "/proc/self/clear_refs"] == ["said.json"]
    assert said["epochs"] == 2  # not 99
    assert said["loss"] == run(small()).test_loss


def test_with_a_folder_it_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(small(), tmp_path / "out")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("argv", [[], ["-c", "--epochs", "99"], ["\udcff", "\0", "--seed"]])
def test_command_line_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path, argv: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    record = run(CONFIG, tmp_path / "out", task=TASK, pictures=False)
    assert (record.status, record.epochs) == ("finished", 6)
    assert_same_files(tmp_path / "out", whole)


def test_in_threads(tmp_path: Path, whole: Path) -> None:
    """Several at once, with one engine each."""
    configs = [CONFIG.change(seed=seed) for seed in (3, 4, 5)]
    alone = [results(run(c, task=TASK)) for c in configs]
    handler = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(run, c, tmp_path / str(c.seed), task=TASK) for c in configs]
        assert [results(r.result()) for r in running] == alone
    assert signal.getsignal(signal.SIGINT) is handler
    assert_same_files(tmp_path / "3", whole)
    assert alone[0] != alone[1]


def test_in_processes(tmp_path: Path) -> None:
    configs = [small(seed) for seed in (0, 1)]
    alone = [run(config, tmp_path / f"alone{config.seed}", pictures=False) for config in configs]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        running = [pool.submit(run, c, tmp_path / f"pool{c.seed}", pictures=False) for c in configs]
        records = [r.result() for r in running]
    assert [results(r) for r in records] == [results(r) for r in alone]
    for seed in (0, 1):
        assert_same_files(tmp_path / f"pool{seed}", tmp_path / f"alone{seed}")


def test_as_on_the_command_line(tmp_path: Path) -> None:
    assert main("braille", [*SMALL, "--out", str(tmp_path / "command")]) == 0
    record = run(small(), tmp_path / "run")
    assert_same_files(tmp_path / "run", tmp_path / "command")
    other = read_record(tmp_path / "command" / "summary.json", small())
    assert results(other) == results(record)
    names = [{p.name for p in (tmp_path / n).iterdir()} for n in ("run", "command")]
    assert names[0] == names[1]


def test_without_a_folder_results_are_the_same(whole: Path) -> None:
    record = run(CONFIG, task=TASK)
    assert record.folder is None
    assert results(record) == results(read_record(whole / "summary.json", CONFIG))


# -- progress


class Log(RunProgress):
    """Writes down what it is told, and stops after so many calls of a method."""

    def __init__(self, stop: str = "", calls: int = 0, message: str | None = "enough") -> None:
        self.told: list[tuple[str, Any]] = []
        self._stop = stop, calls, message

    def _tell(self, method: str, value: Any = None) -> None:
        self.told.append((method, value))
        stop, calls, message = self._stop
        if method == stop and sum(m == method for m, _ in self.told) == calls:
            raise KeyboardInterrupt(*([] if message is None else [message]))

    def on_start(self, start: RunStart) -> None:
        self._tell("start", start)

    def on_batch(self, progress: Progress) -> None:
        self._tell("batch", progress)

    def on_epoch(self, progress: Progress) -> None:
        self._tell("epoch", progress)

    def on_end(self) -> None:
        self._tell("end")


def test_what_is_told(whole: Path) -> None:
    log = Log()
    record = run(CONFIG, progress=log, task=TASK)
    epoch = ["batch"] * 3 + ["epoch"]
    assert [method for method, _ in log.told] == ["start", *epoch * 6, "end"]
    start = log.told[0][1]
    assert (start.config, start.folder, start.kind, start.notice) == (CONFIG, None, "real", "")
    assert (start.num_examples, start.sizes) == ((12, 6, 10), (2, 4, 2))
    assert (start.num_weights, start.num_delays) == (record.n_weights, record.n_delays) == (32, 24)
    batches = [value for method, value in log.told if method == "batch"]
    assert [(p.epoch, p.batch) for p in batches] == [(e, b + 1) for e in range(6) for b in range(3)]
    assert {(p.num_epochs, p.num_batches) for p in batches} == {(6, 3)}
    lines = [line.split(",") for line in files(whole).rows]
    table = [dict(zip(lines[0], map(float, line))) for line in lines[1:]]
    epochs = [value for method, value in log.told if method == "epoch"]
    for told, row in zip(epochs, table, strict=True):
        assert told.loss == pytest.approx(row["train_loss"], rel=1e-6)
        assert told.accuracy == pytest.approx(row["train_accuracy"], rel=1e-6)
        assert told.validation_loss == pytest.approx(row["validation_loss"], rel=1e-6)
        assert told.validation_accuracy == pytest.approx(row["validation_accuracy"], rel=1e-6)
        spikes = row["spikes_per_neuron_hidden"]
        assert told.spikes_per_neuron == {"hidden": pytest.approx(spikes, rel=1e-6)}


@pytest.mark.parametrize("interval", [0.0, 1e9])
@pytest.mark.parametrize(
    ("stop", "calls"),
    [("batch", 1), ("batch", 5), ("batch", 6), ("batch", 18), ("epoch", 1), ("epoch", 4)],
)
def test_progress_that_ends_a_run(
    tmp_path: Path, whole: Path, stop: str, calls: int, interval: float
) -> None:
    log = Log(stop, calls)
    record = run(CONFIG, tmp_path, log, task=TASK, pictures=False, interval=interval)
    assert (record.status, record.message) == ("interrupted", "enough")
    assert record.epochs == ((calls - 1) // 3 if stop == "batch" else calls)
    assert record.test_accuracy is not None
    assert [method for method, _ in log.told][-2:] == [stop, "end"]
    assert read_record(tmp_path / "summary.json", CONFIG) == record
    resumed = run(CONFIG, tmp_path, task=TASK, pictures=False, interval=interval)
    assert (resumed.status, resumed.epochs) == ("finished", 6)
    assert_same_files(tmp_path, whole)
    assert results(resumed) == results(read_record(whole / "summary.json", CONFIG))
    assert len(files(tmp_path).config["resumed"]) == 1


def test_best_network_of_before_is_tested(tmp_path: Path) -> None:
    """The better the network learns, the worse is its validation."""

    def load(wanted: DataSettings) -> TaskData:
        data = TASK.load(wanted)
        return replace(data, validation=Part(data.validation.events, 1 - data.validation.labels))

    contrary = replace(TASK, load=load)
    alone = run(CONFIG, task=contrary)
    assert alone.best_epoch == 0
    run(CONFIG, tmp_path, Log("epoch", 3), task=contrary, pictures=False)
    assert results(run(CONFIG, tmp_path, task=contrary, pictures=False)) == results(alone)


def test_interrupt_without_a_reason_ends_at_once(tmp_path: Path, whole: Path) -> None:
    """As the second Ctrl-C."""
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path, Log("batch", 8, None), task=TASK, pictures=False)
    assert not (tmp_path / "summary.json").exists()
    assert len(files(tmp_path).rows) == 3  # two epochs are kept
    run(CONFIG, tmp_path, task=TASK, pictures=False)
    assert_same_files(tmp_path, whole)


def test_interrupt_before_anything_is_written_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path / "out", Log("start", 1), task=TASK)
    assert list(tmp_path.iterdir()) == []


#: Kills itself in a batch; the clock of checkpoints goes on by a second whenever it is looked at.
_KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from mlgenn_delays.studies import RunProgress, checkpoints, run
from order_task import TASK
from test_run import LONG
checkpoints.monotonic = itertools.count().__next__
class Killer(RunProgress):
    def on_batch(self, progress):
        if (progress.epoch, progress.batch) == (int(sys.argv[2]), 2):
            os.kill(os.getpid(), signal.SIGKILL)
run(LONG, Path(sys.argv[1]), Killer(), task=TASK, pictures=False, interval=10.0)
"""

LONG = CONFIG.change(epochs=40)


@pytest.mark.parametrize("epoch", [3, 25])
def test_killed_between_two_checkpoints(tmp_path: Path, epoch: int) -> None:
    folder = tmp_path / "out"
    ended = subprocess.run(
        [*program(_KILLED), str(folder), str(epoch)],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not (folder / "summary.json").exists()
    if epoch == 3:  # there was no checkpoint yet
        assert {p.name for p in folder.iterdir()} == {"config.json", ".lock"}
    else:
        assert 10 < len(files(folder).rows) - 1 < epoch
    told = Log()
    record = run(LONG, folder, told, task=TASK, pictures=False, interval=10.0)
    assert record.status == "finished"
    first = next(value for method, value in told.told if method == "batch")
    assert (first.epoch == 0) == (epoch == 3)  # it went on from a checkpoint
    other = run(LONG, tmp_path / "whole", task=TASK, pictures=False)
    assert_same_files(folder, tmp_path / "whole")
    assert results(record) == results(other)


def test_time_between_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlgenn_delays.studies import checkpoints

    saved: list[str] = []

    def save(path: Path, state: dict) -> None:
        saved.append(path.name)
        original(path, state)

    original = checkpoints.save_checkpoint
    monkeypatch.setattr(checkpoints, "save_checkpoint", save)
    for interval, times in ((0.0, 7), (1e9, 1)):
        saved.clear()
        run(CONFIG, tmp_path / str(interval), task=TASK, pictures=False, interval=interval)
        assert saved.count("checkpoint_last.npz") == times  # each epoch, and the end
    assert_same_files(tmp_path / "0.0", tmp_path / "1000000000.0")


# -- records


def test_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    record = run(CONFIG, tmp_path / "out", task=TASK)
    assert record.folder == tmp_path / "out"
    told = Log()
    assert run(CONFIG, tmp_path / "out", told, task=TASK) == record  # nothing is done
    assert told.told == []
    assert read_record(tmp_path / "out" / "summary.json", CONFIG) == record
    assert run(CONFIG.change(epochs=2), tmp_path / "out", task=TASK) == record
    written = files(tmp_path / "out").summary
    assert written == json.loads(json.dumps(record.to_json()))
    assert record.row()["folder"] == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"input_weight": (0.0, 0.0)}, "layer 'hidden' is silent"),
        ({"lr": 0.0, "delay_lr": 0.0, "jitter": 0.0}, "the loss does not move"),
    ],
)
def test_what_a_record_says_is_not_said_by_training_too(
    changes: dict[str, Any], found: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Caution)
        record = run(CONFIG.change(changes, epochs=2), task=TASK, pictures=False)
    assert any(found in text for text in record.warnings)


@pytest.mark.parametrize(
    ("changes", "status", "warning"),
    [
        ({"lr": 1e38}, "diverged", ""),
        ({"lr": 0.0, "delay_lr": 0.0, "patience": 2, "epochs": 9}, "finished", ""),
        ({"input_weight": (0.0, 0.0)}, "finished", "layer 'hidden' is silent"),
        ({"delays": "none", "hidden": (3, 5), "recurrent": False}, "finished", ""),
        ({"delays": "fixed"}, "finished", ""),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else value,
)
def test_other_records_are_read_back(
    tmp_path: Path, changes: dict[str, Any], status: str, warning: str
) -> None:
    config = CONFIG.change(changes)
    record = run(config, tmp_path, task=TASK, pictures=False)
    assert read_record(tmp_path / "summary.json", config) == record
    assert record.status == status
    assert any(warning in text for text in record.warnings) or not warning
    row = record.row()
    assert (row["task"], row["seed"], row["config_hash"]) == ("order", 3, config.config_hash())
    assert row["hidden"] == size_text(config.network.hidden)
    spikes = {name for name in row if name.startswith("spikes_per_neuron")}
    if record.test_accuracy is not None:
        assert spikes == {f"spikes_per_neuron_{layer}" for layer in record.spikes_per_neuron}


def test_record_describes_delays_before_and_after() -> None:
    record = run(CONFIG.change(delay_lr=0.5, delays="learned"), task=TASK)
    other = run(CONFIG.change(delays="fixed"), task=TASK)
    for name, learned in record.delay_statistics.items():
        fixed = other.delay_statistics[name]
        assert (learned["learned"], fixed["learned"]) == (True, False)
        assert learned["histogram"] != learned["initial_histogram"]
        assert fixed["histogram"] == fixed["initial_histogram"] == learned["initial_histogram"]
    assert record.n_parameters == record.n_weights + record.n_delays == other.n_weights + 24


def test_resumed_record_has_the_delays_from_before_the_first_epoch(tmp_path: Path) -> None:
    config = CONFIG.change(delay_lr=0.5)
    run(config, tmp_path, Log("epoch", 3), task=TASK, pictures=False)
    resumed = run(config, tmp_path, task=TASK, pictures=False)
    assert resumed.delay_statistics == run(config, task=TASK).delay_statistics


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("test_accuracy", None),
        ("test_accuracy", 2.0),
        ("epochs", "many"),
        ("seconds", [1]),
        ("delay_statistics", 5),
        ("delay_statistics", {"input_hidden": 3}),
        ("spikes_per_neuron", [1.0]),
        ("warnings", 5),
        ("requested_epochs", None),
    ],
)
def test_damaged_records_are_named(tmp_path: Path, whole: Path, entry: str, value: Any) -> None:
    summary = {**files(whole).summary, entry: value}
    tmp_path.joinpath("config.json").write_text((whole / "config.json").read_text())
    tmp_path.joinpath("summary.json").write_text(json.dumps(summary))
    with pytest.raises(RunError, match=r"summary\.json' is damaged: .*writes it again"):
        run(CONFIG, tmp_path, task=TASK)


# -- refusals


def test_bad_runs_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with pytest.raises(RunError, match="task is 'order', allowed are sequence_detection"):
        run(CONFIG, out)
    with pytest.raises(RunError, match="configuration is of the task 'braille', not of 'order'"):
        run(small(), out, task=TASK)
    with pytest.raises(RunError, match="dt is 5"):
        run(CONFIG.change(dt=5.0), out, task=TASK)
    with pytest.raises(RunError, match="interval"):
        run(CONFIG, out, task=TASK, interval=-1.0)
    with pytest.raises(RunError, match="wait"):
        run(CONFIG, out, task=TASK, wait=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_folder_of_another_run(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(RunError, match=r"started with other settings: lr was 0\.05 and is 0\.1"):
        run(CONFIG.change(lr=0.1), whole, task=TASK)
    tmp_path.joinpath("mine.txt").touch()
    with pytest.raises(RunError, match=r"is not empty, it has mine\.txt"):
        run(CONFIG, tmp_path, task=TASK)


def test_folder_of_an_earlier_version(tmp_path: Path) -> None:
    earlier = {"experiment": "order", "options": {}, "settings": {}}
    versions = {"mlgenn_delays": "0.1.0"}
    (tmp_path / "config.json").write_text(json.dumps({**earlier, "versions": versions}))
    with pytest.raises(RunError, match=r"was written by version 0\.1\.0: this version compares"):
        run(CONFIG, tmp_path, task=TASK)


def test_data_that_are_others_now(tmp_path: Path) -> None:
    run(CONFIG, tmp_path, Log("epoch", 2), task=TASK, pictures=False)
    changed = replace(
        TASK, load=lambda wanted: replace(TASK.load(wanted), train=TASK.load(wanted).test)
    )
    with pytest.raises(RunError, match="started with other settings: fingerprint was"):
        run(CONFIG, tmp_path, task=changed)


def test_folder_that_a_run_of_this_process_has(tmp_path: Path) -> None:
    refused: list[str] = []

    class Intruder(RunProgress):
        def on_epoch(self, progress: Progress) -> None:
            with pytest.raises(FolderBusy) as caught:
                run(CONFIG, tmp_path, task=TASK)
            refused.append(str(caught.value))

    assert run(CONFIG, tmp_path, Intruder(), task=TASK, pictures=False).status == "finished"
    assert len(refused) == 6
    assert all("is in use by process" in text for text in refused)
    assert not any("--" in text.split("in use by")[0] + text[-40:] for text in refused)


def test_waits_for_a_process_that_has_the_folder(tmp_path: Path) -> None:
    lock = ExitStack()
    lock.enter_context(folder_lock(tmp_path))
    Timer(0.5, lock.close).start()
    assert run(CONFIG, tmp_path, task=TASK, pictures=False, wait=60.0).status == "finished"
    with folder_lock(tmp_path), pytest.raises(FolderBusy):
        run(CONFIG, tmp_path, task=TASK, wait=0.1)


def test_folders_that_cannot_be_used_have_an_error_of_their_own(tmp_path: Path) -> None:
    tmp_path.joinpath("mine.txt").touch()
    for folder in (tmp_path, tmp_path / "mine.txt" / "out"):
        with pytest.raises(FolderError, match=r"^the results folder '") as caught:
            run(CONFIG, folder, task=TASK)
        assert "--" not in str(caught.value)


def test_data_that_auto_found_may_be_asked_for(tmp_path: Path) -> None:
    run(CONFIG, tmp_path, Log("epoch", 2), task=TASK, pictures=False)
    assert files(tmp_path).config["data"]["kind"] == "real"
    with pytest.raises(RunError, match="kind was 'real' and is 'synthetic'"):
        run(CONFIG.change(kind="synthetic"), tmp_path, task=TASK)
    record = run(CONFIG.change(kind="real"), tmp_path, task=TASK, pictures=False)
    assert (record.status, record.epochs) == ("finished", 6)
    # and when it is finished
    again = run(CONFIG, tmp_path, task=TASK)
    assert results(again) == results(replace(record, config=CONFIG))


def test_command_is_what_the_caller_says(tmp_path: Path) -> None:
    for name, command in (("a", None), ("b", "braille.py --epochs 1")):
        run(CONFIG.change(epochs=1), tmp_path / name, task=TASK, command=command, pictures=False)
        assert files(tmp_path / name).config["command"] == command


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_peak_memory_is_that_of_the_run() -> None:
    large = np.ones(400_000_000, dtype=np.uint8)
    before = peak_memory()
    assert before > large.nbytes
    del large
    assert run(CONFIG, task=TASK).peak_memory_bytes < before - 200_000_000


def test_records_are_read_back(tmp_path: Path) -> None:
    config = make_config("yin_yang", quick=True, hidden=4, epochs=1)
    record = run(config, tmp_path, pictures=False)
    assert read_record(tmp_path) == read_record(tmp_path / "summary.json") == record
    assert read_record(str(tmp_path), config) == record
    with pytest.raises(RunError, match="belongs to a run with other settings"):
        read_record(tmp_path, config.change(lr=0.5))
    with pytest.raises(RunError, match="belongs to a run with other settings"):
        read_record(tmp_path, config.change(epochs=2))
    stored = files(tmp_path).config  # as while the run goes on to more epochs
    stored["config"]["learning"]["epochs"] = 7
    (tmp_path / "config.json").write_text(json.dumps(stored))
    assert read_record(tmp_path) == record
    (tmp_path / "config.json").unlink()  # as of a run that failed before it began
    assert read_record(tmp_path) == record
    (tmp_path / "summary.json").write_text('{"experiment": "yin_yang"}')
    with pytest.raises(RunError, match=r"summary\.json' is damaged or of an earlier version"):
        read_record(tmp_path)


def test_own_task_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlgenn_delays.studies import add_task, tasks

    monkeypatch.setattr(tasks, "_added", {})
    with pytest.raises(ValueError, match="task 'braille': the package has one of this name"):
        add_task(replace(task(), name="braille"))
    add_task(task(lr=0.05))
    assert make_config("order").learning.lr == 0.05
    assert results(run(CONFIG)) == results(run(CONFIG, task=TASK))
