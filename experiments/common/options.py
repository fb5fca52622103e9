"""Options that all experiments have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: Options that say where or how, not what is trained; a resumed run may have others.
FREE_OPTIONS = (
    "data",  # what it found is compared
    "data_dir",
    "epochs",
    "threads",
    "backend",  # the engine it chose is compared
    "out",
    "resume",
    "evaluate",
)


@dataclass(frozen=True)
class Options:
    """Options of a run. ``own`` holds the arguments that only this experiment has."""

    data: str
    data_dir: Path | None
    hidden: tuple[int, ...]
    recurrent: bool
    delays: str
    max_delay: float  #: [ms]
    dt: float  #: [ms]
    epochs: int
    batch_size: int
    lr: float
    delay_lr: float  #: [ms]
    seed: int
    threads: int | None
    backend: str
    limit: int | None
    out: Path
    resume: bool
    evaluate: Path | None
    quick: bool
    recurrent_delays: bool = True
    patience: int = 0  #: epochs without better validation that end training, 0: none do
    validate_on_test: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All options by name, in JSON types; own arguments stand among the others."""
        values = asdict(self)
        own = values.pop("own")
        return {k: str(v) if isinstance(v, Path) else v for k, v in {**values, **own}.items()}
