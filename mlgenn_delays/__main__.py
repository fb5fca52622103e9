"""The command ``mlgenn-delays``, also ``python -m mlgenn_delays``."""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """Run an experiment, a study or a report from the command line of this process.

    Returns:
        exit code, see :func:`mlgenn_delays.studies.commands.main_command.main`
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported
    from .studies.commands import main_command

    return main_command.main()


if __name__ == "__main__":
    sys.exit(main())
