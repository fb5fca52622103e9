"""The header that Python and generated code share, as ctypes and as the compiler see it."""

import ctypes as ct
import subprocess
from itertools import pairwise

import pytest
from emitted_programs import PROGRAMS
from precompiled_headers import without_precompiled

from mlgenn_delays.engines.cpu import CompilerError, CpuEngine, abi, toolchain

KINDS = {ct.c_int32: "integer", ct.c_float: "real", ct.c_double: "real", ct.c_void_p: "pointer"}


def test_structures_are_those_of_the_compiler(tmp_path):
    """Size of each structure; offset, size and kind of each field."""
    expected, printed = [], []
    for name, structure in abi.STRUCTURES.items():
        expected.append(f"{name} {ct.sizeof(structure)} {ct.alignment(structure)}")
        printed.append(f'std::printf("{name} %zu %zu\\n", sizeof({name}), alignof({name}));')
        for field, kind in structure._fields_:
            place = getattr(structure, field)
            expected.append(f"{name}.{field} {place.offset} {place.size} {KINDS[kind]}")
            printed.append(
                f'std::printf("{name}.{field} %zu %zu %s\\n", offsetof({name}, {field}), '
                f"sizeof({name}::{field}), kind<decltype({name}::{field})>());"
            )
    source = tmp_path / "layout.cpp"
    source.write_text(
        "#include <cstddef>\n#include <cstdint>\n#include <cstdio>\n#include <type_traits>\n"
        f'extern "C" {{\n{abi.HEADER}\n}}\n'
        "template <typename T> const char* kind() {\n"
        '    return std::is_pointer<T>::value ? "pointer"\n'
        '        : std::is_floating_point<T>::value ? "real" : "integer";\n'
        "}\n"
        f"int main() {{\n{chr(10).join(printed)}\n}}\n"
    )
    program = tmp_path / "layout"
    command = [*toolchain.find_compiler(), "-std=c++17", "-o", str(program), str(source)]
    subprocess.run(command, check=True)
    result = subprocess.run([program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == expected


def test_the_header_is_plain_c(tmp_path):
    source = tmp_path / "header.c"
    source.write_text(f"#include <stdint.h>\n{abi.HEADER}")
    command = [
        *without_precompiled(toolchain.find_compiler()),
        "-x",
        "c",
        "-std=c99",
        "-Wall",
        "-Werror",
        "-pedantic",
    ]
    subprocess.run([*command, "-c", "-o", str(tmp_path / "header.o"), str(source)], check=True)


def test_nothing_of_the_header_is_left_out():
    words = abi.HEADER.replace("(", " ").replace("*", " ").split()
    assert {w for w in words if w.startswith("mgd_")} == set(abi.FUNCTIONS)
    structures = {b for a, b in pairwise(words) if a == "struct" and b != "Network;"}
    assert structures - {"Network"} == set(abi.STRUCTURES)
    assert abi.FUNCTIONS["mgd_create"] == ([ct.c_int], ct.c_void_p)
    assert abi.FUNCTIONS["mgd_destroy"] == ([ct.c_void_p], None)
    assert abi.FUNCTIONS["mgd_abi_version"] == ([], ct.c_char_p)
    arguments, result = abi.FUNCTIONS["mgd_backward"]
    assert arguments == [ct.c_void_p, ct.POINTER(abi.Batch)] and result is ct.c_int32


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLGENN_DELAYS_CACHE", str(tmp_path))
    return tmp_path


def library(change):
    """A network whose source was changed after it had been generated."""
    source = CpuEngine(PROGRAMS["inference"]().program, 1).source
    return toolchain.build(change(source), "changed")


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.replace(f'"{abi.VERSION}"', '"0123456789ab"'),
            "has the interface 0123456789ab",
        ),
        (lambda s: s.replace("mgd_abi_version", "mgd_other"), "has no function mgd_abi_version"),
        (lambda s: s.replace("mgd_forward", "mgd_other"), "has no function mgd_forward"),
    ],
)
def test_a_library_of_another_version(change, message):
    path = library(change)
    with pytest.raises(CompilerError, match=rf"{path.name} {message}.* delete it"):
        abi.declare(toolchain.load(path), path, training=False)


@pytest.mark.usefixtures("own_cache")
def test_inference_has_no_backward_pass():
    path = library(lambda source: source)
    abi.declare(toolchain.load(path), path, training=False)
    with pytest.raises(CompilerError, match="has no function mgd_backward"):
        abi.declare(toolchain.load(path), path, training=True)
