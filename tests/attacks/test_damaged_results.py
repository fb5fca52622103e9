"""Results folders that are damaged or forged: every command ends with a line that says so."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from small_runs import RUN, check_files

#: What stands in JSON files in place of what should.
VALUES = (
    *(None, True, False, 0, -1, 1, 2.5, -0.0, 1e308, -1e308, 5e-324, 2**31, 2**63, 2**64),
    *(float("nan"), float("inf"), float("-inf"), 10**400, -(10**400)),
    *("", "x", "0", "é", "\ud800", "\0", "../../x", "%s{}", "a" * 70_000, "synthetic"),
    *([], {}, [[]], [None], {"": 0}, ["x"], [1, "2"], [0], [10**9, 10**9], {"a": {"b": [1]}}),
)


@pytest.fixture(scope="module")
def whole(server, tmp_path_factory):
    """Folder of an undamaged run, and of the same with another seed."""
    folder = tmp_path_factory.mktemp("whole")
    short = ("--epochs", 2, "--threads", 1)
    assert server.run("order", *short, "--seeds", 0, 1, "--out", folder).code == 0
    return folder


def nodes(values, path=()):
    """Paths of everything in JSON values."""
    if path:
        yield path
    items = values.items() if isinstance(values, dict) else ()
    items = enumerate(values) if isinstance(values, list) else items
    for key, value in items:
        yield from nodes(value, (*path, key))


def damage_json(path: Path, rng) -> str:
    """Change, remove, add or move values."""
    values = json.loads(path.read_text())
    what = []
    for _ in range(rng.integers(1, 4)):
        found = list(nodes(values))
        if not found:
            break
        *outer, key = found[rng.integers(len(found))]
        owner = values
        for step in outer:
            owner = owner[step]
        kind = rng.integers(6)
        if kind == 0:
            del owner[key]
        elif kind == 1 and isinstance(owner, dict):
            owner["\ud800x"[rng.integers(2) :]] = owner.pop(key)
        elif kind == 2:
            owner[key] = [owner[key]]
        elif kind == 3:
            owner[key] = str(owner[key])
        else:
            owner[key] = VALUES[rng.integers(len(VALUES))]
        what.append(f"{'/'.join(map(str, (*outer, key)))} ({kind})")
    path.write_text(json.dumps(values))
    return f"{path.name}: {', '.join(what)}"


def damage_bytes(path: Path, rng) -> str:
    """Flip bits, cut, repeat, nest."""
    content = bytearray(path.read_bytes())
    kind = rng.integers(5)
    if kind == 0:
        for place in rng.integers(len(content), size=rng.integers(1, 4)):
            content[place] ^= 1 << rng.integers(8)
    elif kind == 1:
        del content[rng.integers(len(content)) :]
    elif kind == 2:
        begin, end = sorted(rng.integers(len(content), size=2))
        content[begin:end] = b""
    elif kind == 3:
        content[rng.integers(len(content)) :] = rng.bytes(50)
    else:
        begin = rng.integers(len(content))
        content[begin:begin] = (b"[", b'{"a":', b'"', b"\0", b"\n", b",")[rng.integers(6)] * 100_000
    path.write_bytes(content)
    return f"{path.name}: bytes ({kind})"


def damage_table(path: Path, rng) -> str:
    """Change columns and rows of a table."""
    rows = list(csv.reader(io.StringIO(path.read_text())))
    kind = rng.integers(6)
    row = rows[rng.integers(len(rows))]
    if kind == 0:
        del row[rng.integers(len(row)) :]
    elif kind == 1:
        row[rng.integers(len(row))] = str(VALUES[rng.integers(24)])
    elif kind == 2:
        row.append("1")
    elif kind == 3:
        for line in rows:
            del line[2]
    elif kind == 4:
        rows.remove(row)
    else:
        rows.insert(rng.integers(len(rows)), list(row))
    text = "".join(",".join(line) + "\n" for line in rows)
    path.write_bytes(text.encode(errors="surrogatepass"))
    return f"{path.name}: table ({kind})"


def damage(folder: Path, rng) -> str:
    """Damage one of the files; says how."""
    name = ("config.json", "summary.json", "metrics.csv")[rng.integers(3)]
    if rng.random() < 0.4:
        return damage_bytes(folder / name, rng)
    return (damage_table if name == "metrics.csv" else damage_json)(folder / name, rng)


COMMANDS = {
    "resume": lambda top, one: ("order", "--resume", "--out", one),
    "unfinished": lambda top, one: ("order", "--resume", "--epochs", 2, "--out", one),
    "longer": lambda top, one: ("order", "--resume", "--epochs", 3, "--out", one),
    "seeds": lambda top, one: ("order", *RUN, "--epochs", 2, "--seeds", 0, 1, "--out", top),
    "seeds of damaged": lambda top, one: ("order", "--resume", "--seeds", 0, 2, "--out", top),
    "other seed": lambda top, one: ("order", "--resume", "--seeds", 1, "--out", top),
    "evaluate": lambda top, one: (
        *("order", "--evaluate", one / "checkpoint_best.npz", "--out", top / "evaluated"),
    ),
    "report": lambda top, one: ("report", top, "--out", top / "report"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(server, whole, tmp_path, rng, attempts, tally, command):
    for attack in range(attempts(10, 2)):
        top = tmp_path / f"out{attack}"
        shutil.copytree(whole, top)
        one = top / "seed-0"
        if command == "unfinished":
            (one / "summary.json").unlink()
            (one / "summary.json").write_text('{"status": "interrupted"}')
        what = damage(one, rng)
        checkpoints = {p: p.read_bytes() for p in one.glob("*.npz")}
        ended = server.run(*COMMANDS[command](top, one))
        problem = ended.problem
        if problem is None and ended.code and "error: " not in ended.err:
            problem = f"no error is named: {ended.err[-300:]}"
        if problem is None and ended.code == 2:
            changed = [p.name for p, content in checkpoints.items() if p.read_bytes() != content]
            problem = f"refused, but changed {changed}" if changed else None
        tally.count(f"{command}, {what}", problem)
        shutil.rmtree(top)


def test_reports_of_forged_runs(server, whole, tmp_path, rng, attempts, tally):
    """Several damaged runs beside each other, which are compared and drawn."""
    for attack in range(attempts(20, 3)):
        top = tmp_path / f"out{attack}"
        what = []
        for number in range(4):
            folder = top / f"run-{number}"
            shutil.copytree(whole / f"seed-{number % 2}", folder)
            config = json.loads((folder / "config.json").read_text())
            config["config"]["network"]["hidden"] = [4 + number]
            (folder / "config.json").write_text(json.dumps(config))
            name = ("config.json", "summary.json")[rng.integers(2)]
            what.append(damage_json(folder / name, rng))
        ended = server.run("report", top, "--out", top / "report")
        problem = ended.problem or check_files(top / "report")
        tally.count(str(what), problem)
        shutil.rmtree(top)
