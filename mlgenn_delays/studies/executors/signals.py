"""What a study and its workers tell each other while they run: files in a folder that they share.

Files work with every executor alike, over processes, Dask and Slurm.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Shortest time between two looks at a stop flag, and between two writings of a heartbeat [s].
_LOOK, _BEAT = 1.0, 2.0


class StopFlag:
    """Asks workers to save what they have and come back.

    Args:
        folder: shared with the workers; the flag is the file ``stop`` in it
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / "stop"
        self._next = 0.0  # when to look again
        self._found = False

    def set(self) -> None:
        """Raise the flag.

        Raises:
            OSError: the file cannot be made
        """
        self.path.touch()
        self._found = True

    def clear(self) -> None:
        """Take the flag away, e.g. that of an earlier study."""
        self.path.unlink(missing_ok=True)
        self._next, self._found = 0.0, False

    def is_set(self) -> bool:
        """Whether it is raised; looks at the disk once a second, so it can be asked at any time."""
        now = time.monotonic()
        if not self._found and now >= self._next:
            self._next = now + _LOOK
            self._found = self.path.exists()
        return self._found

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
        # clocks of other machines start elsewhere
        return StopFlag, (self.path.parent,)


@dataclass(frozen=True)
class Beat:
    """What a worker says of its run.

    Attributes:
        name: of the run
        host, pid: where it runs
        epoch: epochs done
        epochs: of so many; None: not known
        accuracy: so far, from 0 to 1; None: not known yet
    """

    name: str
    host: str
    pid: int
    epoch: int = 0
    epochs: int | None = None
    accuracy: float | None = None


class Heartbeat:
    """Tells where a run is; within ``with``, at whose end the file goes.

    It is for a person who watches: it is not forced to the disk, and where it cannot be written,
    nothing happens.

    Args:
        folder: of all heartbeats of a study; made where there is none
        name: of the run, also that of the file
    """

    def __init__(self, folder: str | os.PathLike[str], name: str) -> None:
        self.path = Path(folder) / f"{name}.json"
        self._beat = Beat(name, socket.gethostname(), os.getpid())
        self._next = 0.0  # when to write again

    def __enter__(self) -> Heartbeat:
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self.beat()
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def beat(
        self, epoch: int = 0, epochs: int | None = None, accuracy: float | None = None
    ) -> None:
        """Say how far the run is; written once in two seconds, so it can be called at any time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _BEAT
        values = {**asdict(self._beat), "epoch": epoch, "epochs": epochs, "accuracy": accuracy}
        # readers see the old file or the new one
        new = self.path.with_name(f".{self.path.name}.{self._beat.pid}.tmp")
        with suppress(OSError):
            new.write_text(json.dumps(values), encoding="utf-8")
            os.replace(new, self.path)


class Heartbeats:
    """Reads what workers say.

    A heartbeat is told from what a killed worker left by that it changes: clocks of the machines
    are not compared.

    Args:
        folder: of all heartbeats of a study
        patience: one that has not changed for so long is dead [s]
    """

    def __init__(self, folder: str | os.PathLike[str], patience: float = 15.0) -> None:
        self.folder = Path(folder)
        self.patience = patience
        # of each file: its version, and when it was first seen
        self._seen = {name: (version, -float("inf")) for name, version in self._versions().items()}

    def read(self) -> list[Beat]:
        """Those of the runs that are at work, by name."""
        now = time.monotonic()
        beats = []
        versions = self._versions()
        for name, version in versions.items():
            if name not in self._seen or self._seen[name][0] != version:
                self._seen[name] = (version, now)
            if now - self._seen[name][1] <= self.patience:
                # it may be gone meanwhile
                with suppress(OSError, ValueError, TypeError):
                    text = (self.folder / name).read_text(encoding="utf-8")
                    beats.append(Beat(**json.loads(text)))
        self._seen = {name: self._seen[name] for name in versions}
        return sorted(beats, key=lambda beat: beat.name)

    def _versions(self) -> dict[str, tuple[int, int]]:
        """What tells a file from the one that had its name before, by name."""
        versions = {}
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    with suppress(OSError):
                        status = os.stat(entry.path)
                        versions[entry.name] = (status.st_mtime_ns, status.st_ino)
        return versions
