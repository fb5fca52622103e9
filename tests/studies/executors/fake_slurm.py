"""A little of Slurm: sbatch, srun, scancel and sacct over processes of this machine.

Called as one of them; tasks of a job array begin at once, as many as ``%`` allows, the others wait.
What it knows of a task is a file ``ID_INDEX`` of its state in the folder of FAKE_SLURM.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("FAKE_SLURM", "."))


def install(folder: Path) -> None:
    """Make commands of the folder."""
    for name in ("sbatch", "srun", "scancel", "sacct"):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" {name} "$@"\n')
        path.chmod(0o755)


def sbatch(script: str) -> None:
    text = Path(script).read_text()
    if "--partition=closed" in text:
        sys.exit("sbatch: error: invalid partition specified: closed")
    (FOLDER / "scripts").open("a").write(text)
    array = re.search(r"--array=0-(\d+)%(\d+)", text)
    number, at_once = (int(array[1]) + 1, int(array[2])) if array else (1, 1)
    job = str(100 + len(list(FOLDER.glob("*.job"))))
    (FOLDER / f"{job}.job").touch()
    names = [f"{job}_{i}" if array else job for i in range(number)]
    for name in names:
        (FOLDER / name).write_text("PENDING")
    for slot in range(at_once):
        subprocess.Popen(
            [sys.executable, __file__, "tasks", script, *names[slot::at_once]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    print(f"Submitted batch job {job}")


def tasks(script: str, *names: str) -> None:
    for name in names:
        if (FOLDER / name).read_text() != "PENDING":
            continue
        job, _, index = name.partition("_")
        ids = {"SLURM_JOB_ID": job}
        if index:
            ids |= {"SLURM_ARRAY_JOB_ID": job, "SLURM_ARRAY_TASK_ID": index}
        # the script may be renamed when its number is known
        process = subprocess.Popen(["bash", script], env={**os.environ, **ids})
        (FOLDER / f"{name}.pid").write_text(str(process.pid))
        (FOLDER / name).write_text("RUNNING")
        code = process.wait()
        if (FOLDER / name).read_text() == "RUNNING":
            (FOLDER / name).write_text("FAILED" if code else "COMPLETED")


def srun(*arguments: str) -> None:
    command = list(arguments)
    output = command[command.index("--output") + 1]
    name = os.environ["SLURM_JOB_ID"]
    if "SLURM_ARRAY_TASK_ID" in os.environ:
        name += f"_{os.environ['SLURM_ARRAY_TASK_ID']}"
    output = output.replace("%j", name).replace("%A_%a", name).replace("%t", "0")
    while command[0].startswith("-"):
        del command[: 2 if command[0] in ("--output", "--error") else 1]
    with open(output, "a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.execvp(command[0], command)


def scancel(*arguments: str) -> None:
    pending_only = "--state=PENDING" in arguments
    for job in [argument for argument in arguments if not argument.startswith("-")]:
        for path in [*FOLDER.glob(f"{job}_*"), *FOLDER.glob(job)]:
            state = path.read_text() if not path.suffix else ""
            if state == "PENDING" or (state == "RUNNING" and not pending_only):
                path.write_text("CANCELLED")
                if state == "RUNNING":
                    subprocess.call(["pkill", "-P", path.with_suffix(".pid").read_text()])


def sacct(*arguments: str) -> None:
    print("JobID|State|NodeList")
    for path in FOLDER.iterdir():
        if re.fullmatch(r"\d+(_\d+)?", path.name):
            print(f"{path.name}|{path.read_text()}|here")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
