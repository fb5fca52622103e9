"""Templates are compiled once per machine, and anew where what was kept cannot be used."""

from __future__ import annotations

import logging
from pathlib import Path

import jinja2
import pytest

from mlgenn_delays.engines.rendering import template_environment

TEXT = "x is {{ x }}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that Jinja compiles."""
    texts: list[str] = []
    compile_text = jinja2.Environment.compile

    def note(self, source, *args, **kwargs):
        texts.append(source)
        return compile_text(self, source, *args, **kwargs)

    monkeypatch.setattr(jinja2.Environment, "compile", note)
    return texts


def render(text: str = TEXT) -> str:
    """As a process that has just started does it."""
    environment = template_environment("mlgenn_delays.engines.cpu")
    environment.loader = jinja2.DictLoader({"name": text})
    return environment.get_template("name").render(x=3)


def kept(cache: Path) -> list[Path]:
    return [p for p in cache.glob("templates-*/*") if p.suffix != ".seal"]


def test_second_process_does_not_compile(cache, compiled):
    assert [render(), render()] == ["x is 3", "x is 3"]
    assert compiled == [TEXT]
    assert len(kept(cache)) == 1


def test_changed_template_is_compiled(cache, compiled):
    render()
    assert render("now {{ x }}") == "now 3"
    assert render("now {{ x }}") == "now 3"
    assert compiled == [TEXT, "now {{ x }}"]


@pytest.mark.parametrize("content", [b"", b"\0" * 40, "cut", "flipped"])
def test_damaged_one_is_told_and_compiled_again(cache, compiled, caplog, content):
    render()
    (file,) = kept(cache)
    good = file.read_bytes()
    changed = {"cut": good[:-5], "flipped": good[:-1] + bytes([good[-1] ^ 1])}
    file.write_bytes(changed.get(content, content))
    with caplog.at_level(logging.WARNING):
        assert render() == "x is 3"
    assert "was damaged and is made again" in caplog.text
    assert file.read_bytes() == good
    assert len(compiled) == 2


def test_cache_that_cannot_be_written(tmp_path, monkeypatch, compiled):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path / "file" / "cache"))
    assert [render(), render()] == ["x is 3", "x is 3"]
    assert len(compiled) == 2
