"""Experiments: one script per task, runnable and importable."""
