"""What the tests of tasks share."""

from tonic_files import few_recordings

__all__ = ["few_recordings"]
