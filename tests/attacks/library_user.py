"""A process that compiles and loads a small library again and again, in forks.

Reads lines from standard input, each how many forks are to start at once; answers each with a line
of JSON, one outcome per fork: "right", an error, or the signal that ended it.
"""

import json
import os
import signal
import sys
import traceback

from mlgenn_delays.engines.code_cache import CompilerError
from mlgenn_delays.engines.cpu import toolchain

#: Its answer depends on all of a table: a library that is larger than what its head describes.
SOURCE = """
#include <cstdint>
static const uint32_t table[] = {%s};
extern "C" __attribute__((visibility("default"))) uint32_t mgd_answer() {
    uint32_t sum = 0;
    for (const volatile uint32_t& entry : table) {
        sum = sum * 31 + entry;
    }
    return sum;
}
"""
ENTRIES = [(k * 2654435761) % 2**32 for k in range(8000)]


def answer() -> int:
    total = 0
    for entry in ENTRIES:
        total = (total * 31 + entry) % 2**32
    return total


def use() -> str:
    try:
        source = SOURCE % ",".join(f"{entry}u" for entry in ENTRIES)
        library = toolchain.load(toolchain.build(source, "answer"))
        return "right" if library.mgd_answer() % 2**32 == answer() else "a wrong answer"
    except CompilerError as error:
        return f"CompilerError: {error}"
    except Exception:
        return traceback.format_exc()


def start() -> tuple[int, int]:
    """A process, and where its outcome can be read."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        signal.alarm(120)
        with os.fdopen(writer, "w") as file:
            file.write(use())
        os._exit(0)
    os.close(writer)
    return process, reader


def outcome(process: int, reader: int) -> str:
    with os.fdopen(reader) as file:
        text = file.read()
    status = os.waitpid(process, 0)[1]
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else text


if __name__ == "__main__":
    for line in sys.stdin:
        started = [start() for _ in range(int(line))]
        print(json.dumps([outcome(*each) for each in started]), flush=True)
