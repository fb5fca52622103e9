"""Communicators connect the processes that train a network together.

Each process, a rank, is given examples of its own; gradients, losses, metrics and spike counts are
those of all ranks. See docs/how-to/clusters.md.
"""

from .communicator import MPI, Communicator, check_communicator

__all__ = ["MPI", "Communicator", "check_communicator"]
