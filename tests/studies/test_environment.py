from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

import mlgenn_delays
from mlgenn_delays.studies import environment
from mlgenn_delays.studies.environment import describe_environment, git_commit


def test_versions() -> None:
    versions = describe_environment("cpu")
    assert versions["mlgenn_delays"] == mlgenn_delays.__version__
    assert versions["host"] == socket.gethostname()
    assert versions["compiler"]
    assert describe_environment("reference")["compiler"] is None


def test_commands_are_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = describe_environment("cpu")
    monkeypatch.delattr(environment, "_run")
    again = describe_environment("cpu")
    assert again == first
    again["git_commit"] = "something else"  # a caller's own copy
    assert describe_environment("cpu") == first


def test_commit_is_that_of_a_checkout_of_the_package_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "project" / "lib" / "mlgenn_delays"
    package.mkdir(parents=True)
    (package / "version.py").write_text("")
    (tmp_path / "project" / "own.txt").write_text("")
    monkeypatch.setattr(mlgenn_delays, "__file__", str(package / "__init__.py"))
    assert git_commit() is None

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        command = ["git", "-C", str(tmp_path / "project"), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "own.txt")
    git("commit", "-q", "-m", "x")
    assert git_commit() is None  # installed within somebody else's checkout
    git("add", "lib")
    git("commit", "-q", "-m", "y")
    assert git_commit() == git("rev-parse", "HEAD")
    (package / "version.py").write_text("changed")
    assert git_commit() == git("rev-parse", "HEAD") + "+"
