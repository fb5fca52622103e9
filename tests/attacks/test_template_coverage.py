"""Networks of covering_programs.py take every branch of the CPU engine's templates.

Two kinds are measured: conditions and loops of Jinja, and with gcov those of the C++ that it gives.
A branch that no network can take stands in UNREACHABLE with the reason.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from importlib.resources import files
from pathlib import Path

import gcov_branches
import pytest
from precompiled_headers import precompiled
from template_marks import Branch

from mlgenn_delays.engines import cpu
from mlgenn_delays.engines.cpu import toolchain

TEMPLATES = Path(str(files(cpu))) / "templates"
UNSEEN = "C++ branch: none found"

CHECKED = "a network without one is refused before code is generated"
MODEL = "a model without V, LambdaV or TauM is refused"
WITHIN = "stands within a condition that there is one"

#: Loops of Jinja, wherever they stand -> why they are never empty.
NEVER_EMPTY = {
    "p in populations": CHECKED,
    "p in populations if p.readout": CHECKED,
    "c in connections": CHECKED,
    "i in inputs": CHECKED,
    "c in i.outgoing": CHECKED,
    "r in p.receptors": CHECKED,
    "name, _ in p.vars": MODEL,
    "name, _ in p.adjoint_vars": MODEL,
    "name in p.adjoint_variables": MODEL,
    'p in populations | sort(attribute="rank")': CHECKED,
    'p in populations | sort(attribute="rank", reverse=True)': CHECKED,
    "name, value in p.constants": MODEL,
    "name, value in r.constants": MODEL,
    "name, variable, scale in p.recorded_adjoints": MODEL,
    "_, index in p.own": WITHIN,
}

NO_MEMORY = "what the threads do here takes no memory that could be missing"
OTHERS = "nothing throws another exception"
NO_JUMP = "g++ needs no jump for it"
LANE = "g++'s own, about the memory of a lane that could not be made"

#: (template, line of it, branch) -> why nothing takes it.
WINDOW = "in these networks no neuron is silent up to the end of the window and spikes after it"
NEVER_TAKEN = {
    ("example/forward.cpp.j2", "{% for c in p.outgoing %}", "Jinja loop 1: False"): WITHIN,
    ("substep/example_forward.cpp.j2", "{% for c in p.outgoing %}", "Jinja loop 1: False"): WITHIN,
    ("substep/example_backward.cpp.j2", "{% for c in p.outgoing %}", "Jinja loop 1: False"): WITHIN,
    (
        "substep/forward.cpp.j2",
        "{{ readout.spike(p) | lines(8) }}",
        "C++ branch 1",
    ): WINDOW,
    (
        "readout/forward.cpp.j2",
        'if (s.readout_step[j] < 0{{ " && " ~ inside(p) if p.window }}) {',
        "C++ branch 5",
    ): WINDOW,
    (
        "substep/forward.cpp.j2",
        'if (s.readout_step[j] < 0{{ " && " ~ readout.inside(p) if p.window }}) {',
        "C++ branch 5",
    ): WINDOW,
    (
        "refractory/backward.cpp.j2",
        "{% for name, _ in p.tape %}",
        "Jinja loop 1: False",
    ): "neurons with a refractory period and a learned constant have a tape",
    (
        "substep/forward.cpp.j2",
        "for (int i = 0; i < 20; i++) {",
        "C++ branch 1",
    ): "a few steps of Newton's method are enough",
    ("example/state.cpp.j2", "lanes_.emplace_back(new Lane);", "C++ branch 0"): LANE,
    ("example/state.cpp.j2", "lanes_.emplace_back(new Lane);", "C++ branch 1"): LANE,
    ("interface/backward.cpp.j2", "return complete ? 0 : 1;", "C++ branch 1"): NO_MEMORY,
    ("interface/backward.cpp.j2", "} catch (const std::bad_alloc&) {", "C++ branch 0"): OTHERS,
    ("interface/forward.cpp.j2", "} catch (const std::bad_alloc&) {", "C++ branch 0"): OTHERS,
    (
        "interface/interface.cpp.j2",
        "return new Network(num_threads);",
        "C++ branch 1",
    ): "g++'s own, about the memory of a network that could not be made",
    (
        "interface/interface.cpp.j2",
        "void mgd_destroy(Network* network) { delete network; }",
        "C++ branch 1",
    ): "engines destroy what they made",
    ("interface/learning.cpp.j2", "} catch (const std::bad_alloc&) {", "C++ branch 0"): OTHERS,
    (
        "interface/learning.cpp.j2",
        "} catch (const std::bad_alloc&) {",
        "C++ branch 1",
    ): "it takes a few bytes, which there are as long as Python runs",
    (
        "readout/forward.cpp.j2",
        "s.readout_step[j] = higher ? n : s.readout_step[j];",
        UNSEEN,
    ): NO_JUMP,
    (
        "refractory/forward.cpp.j2",
        "{{ p.output_var }} = active ? {{ p.output_var }} : held;",
        UNSEEN,
    ): NO_JUMP,
    (
        "runtime/learning.hpp",
        "infinite |= std::abs(value[k]) <= largest ? 0 : 1;  // written so that it vectorises",
        UNSEEN,
    ): NO_JUMP,
    ("runtime/learning.hpp", "infinite |= std::abs(m[k]) <= largest ? 0 : 1;", UNSEEN): NO_JUMP,
    ("runtime/learning.hpp", "infinite |= std::abs(v[k]) <= largest ? 0 : 1;", UNSEEN): NO_JUMP,
    ("runtime/pool.hpp", "} catch (const std::bad_alloc&) {", "C++ branch 0"): OTHERS,
    ("runtime/pool.hpp", "while (true) {", UNSEEN): NO_JUMP,
    (
        "trace/forward.cpp.j2",
        "if (float* trace = batch.populations[{{ p.index }}].trace) {",
        "C++ branch 1",
    ): "engines have room for the trace that a loss needs, whenever they train",
}

#: C++ that may jump.
JUMP = re.compile(r"\b(if|while|for|switch)\b *\(|\?[^?]*:|&&|\|\|")
NO_CODE = re.compile(r"\{[{#%].*?[#%}]\}|//.*|^ *#.*")


def line_of(branch: Branch) -> str:
    text = (TEMPLATES / branch.template).read_text(encoding="utf-8")
    return text.splitlines()[branch.line - 1].strip()


def listed(branch: Branch) -> object:
    """The key under which a branch is listed above, if it is."""
    line = line_of(branch)
    key = (branch.template, line, branch.which)
    if key in NEVER_TAKEN:
        return key
    if branch.which.startswith("Jinja loop") and branch.which.endswith("False"):
        code = line.replace("{%-", "{%")
        return next((loop for loop in NEVER_EMPTY if f"{{% for {loop} %}}" in code), None)
    return None


def unseen(counted: Counter[Branch]) -> list[Branch]:
    """Lines with jumps that no compiled network had: an inline function that is never called is
    never compiled."""
    seen = {(branch.template, branch.line) for branch in counted}
    templates = (p for p in sorted(TEMPLATES.rglob("*")) if p.suffix in (".j2", ".hpp"))
    return [
        Branch(str(path.relative_to(TEMPLATES)), number, UNSEEN)
        for path in templates
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if JUMP.search(NO_CODE.sub("", line))
        and (path.relative_to(TEMPLATES).as_posix(), number) not in seen
    ]


@pytest.fixture
def measure(tmp_path):
    """measure(code): run Python that calls measure_templates; all branches, whether taken."""
    (tmp_path / "try").mkdir()
    if reason := gcov_branches.missing(tmp_path / "try"):
        pytest.skip(reason)
    result = tmp_path / "taken.json"
    compiler = [str(gcov_branches.write_compiler(tmp_path))]
    environment = {
        **os.environ,
        "CXX": shlex.join([*compiler, *precompiled(compiler, toolchain.flags(), tmp_path)]),
        "MLGENN_DELAYS_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]]),
        # else memory that others gave back hides that there is none
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": str(1 << 17),
    }

    def run(code: str) -> dict[Branch, bool]:
        command = [sys.executable, "-c", f"import measure_templates as m; {code}", str(result)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr[-6000:]
        taken = {Branch(*branch): was for *branch, was in json.loads(result.read_text())}
        counted = gcov_branches.count_branches(tmp_path)
        return (
            taken | {b: n > 0 for b, n in counted.items()} | dict.fromkeys(unseen(counted), False)
        )

    return run


def test_every_branch_is_taken(measure, record_property):
    """If it fails: give covering_options.py what takes the branch, or say above why nothing can."""
    taken = measure("m.main()")
    keys = {branch: listed(branch) for branch in taken}
    for kind in ("Jinja", "C++"):
        chosen = {b: was for b, was in taken.items() if b.which.startswith(kind)}
        never = sum(keys[b] is not None for b in chosen)
        text = f"{sum(chosen.values())} of {len(chosen)} taken, {never} cannot be"
        record_property("tally", f"branches of {kind}: {text}")
    missing = [b for b, was in taken.items() if not was and keys[b] is None]
    wrong = [b for b, was in taken.items() if was and keys[b] is not None]
    assert len(taken) > 500
    assert not missing, "\n".join(f"not taken: {b} of {line_of(b)!r}" for b in missing)
    assert not wrong, "\n".join(f"taken, but listed: {b} of {line_of(b)!r}" for b in wrong)
    assert {*NEVER_EMPTY, *NEVER_TAKEN} <= set(keys.values()), "lines that no template has"


def test_new_branches_are_missed(measure):
    """A line of a template gets branches that nothing takes."""
    template, line = "example/forward.cpp.j2", "const int record_row = batch.record_row[b];"
    number = (TEMPLATES / template).read_text(encoding="utf-8").split(line)[0].count("\n") + 1
    more = f"{line} if (b == 4321) return;{{{{ '' if connections | length < 99 else ' ' }}}}"
    taken = measure(f"m.main({line!r}, {more!r})")
    found = {b.which: was for b, was in taken.items() if (b.template, b.line) == (template, number)}
    assert found == {
        "C++ branch 0": False,
        "C++ branch 1": True,
        "Jinja test 1: True": True,
        "Jinja test 1: False": False,
    }
