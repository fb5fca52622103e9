"""What all engines that render models into code have in common."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from .code_cache import aside, cache_dir, is_usable, keep


def template_environment(package: str) -> jinja2.Environment:
    """Templates in the folder ``templates`` of a package; undefined names are errors."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        cache_size=-1,  # templates are few, and do not change while a program runs
        auto_reload=False,
        bytecode_cache=_CompiledTemplates(),
    )


class _CompiledTemplates(BytecodeCache):
    """Templates as Python's bytecode, kept beside generated code: to compile them takes a quarter
    of a second, which every process of a study would spend."""

    def load_bytecode(self, bucket: Bucket) -> None:
        file = self._file(bucket)
        if is_usable(file):
            with suppress(OSError):
                bucket.bytecode_from_string(file.read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        file = self._file(bucket)
        with suppress(OSError), aside(file.parent) as folder:  # without it, all works as well
            (folder / file.name).write_bytes(bucket.bytecode_to_string())
            keep(folder / file.name, file)

    @staticmethod
    def _file(bucket: Bucket) -> Path:
        """Another one for each place and text of a template, Python and Jinja."""
        folder = f"templates-{sys.implementation.cache_tag}-jinja{jinja2.__version__}"
        return cache_dir() / folder / f"{bucket.key[:16]}-{bucket.checksum[:16]}"
