"""N-MNIST: handwritten digits seen by an event camera that makes three short movements."""

import os
import signal
import sys

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # Ctrl-C while modules are imported
    from mlgenn_delays.studies.commands.task_command import main

    sys.exit(main("nmnist"))
