"""What users call a command, which depends on how they have started it."""

from __future__ import annotations

import sys
from pathlib import Path

#: The command that comes with the package.
COMMAND = "mlgenn-delays"


def shown(name: str) -> str:
    """A command in messages: ``"braille.py"``, or ``"mlgenn-delays braille"``."""
    return f"{COMMAND} {name}" if _is_installed() else f"{name}.py"


def typed(name: str) -> list[str]:
    """What is typed to start a command; does not depend on where its script lies."""
    return [COMMAND, name] if _is_installed() else ["python", f"experiments/{name}.py"]


def _is_installed() -> bool:
    """Whether this process is the command, or ``python -m mlgenn_delays``."""
    path = Path(sys.argv[0])
    package = __name__.partition(".")[0]
    return path.stem == COMMAND or path.parts[-2:] == (package, "__main__.py")
