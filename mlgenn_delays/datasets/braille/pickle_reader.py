"""Reading pickles of tables: an interpreter of the part of the language that they need.

Python's own reader takes memory for whatever a pickle claims (4 GB for nine bytes), ends the
process where tuples that are nested deeply are keys, and would have to be kept from looking names
up. Here nothing is looked up but names that are given, keys are texts and whole numbers, and
memory is taken for what the pickle holds, up to some 40 times its size: no opcode makes more than a
small object and the content that follows it, and there may be one object for four bytes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from struct import Struct
from typing import Any

from ...checks import describe

#: What names stand for: (module, name) -> what is called in place of it.
Names = Mapping[tuple[str, str], Callable[..., Any]]

#: Most lists, tuples, calls and, counted as four, dictionaries: one for so many bytes, and so many
#: of any size. One byte makes an empty list; in published files there are 17 for each.
_BYTES_PER_OBJECT, _FEW_OBJECTS, _OF_DICTIONARY = 4, 100_000, 4
#: Calls may use what a pickle holds so many times, e.g. make arrays of the same bytes.
_USES = 2
#: ... and so much more.
_FREE = 1000
#: Characters of a number that is written as text.
_LONGEST_NUMBER = 100
#: A list: an entry into the memo, then all of its floats, or a mark for what else it is going to
#: have. Nearly all of the published files are such lists; one by one their opcodes take thrice as
#: long.
_LIST = re.compile(
    rb"\](?:r(....)|q(.)|(\x94)|)(?:\(((?:G.{8}){1,250})e|(G.{8})a|(\()|)(e*)", re.DOTALL
)
_BYTES_PER_FLOAT = 9


class RefusedPickle(ValueError):
    """A pickle that asks for more than tables need."""


class StandIn:
    """What takes the place of an object in a pickle."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise RefusedPickle(f"state for {type(self).__name__} is not expected")


def read_pickle(data: bytes, names: Names) -> Any:
    """What a pickle holds; a damaged one raises nearly anything.

    Args:
        data: the pickle
        names: that it may name

    Raises:
        RefusedPickle: it asks for more than tables need
    """
    return _Reader(data, names).read()


class _Reader:
    def __init__(self, data: bytes, names: Names) -> None:
        self.data = data
        self.place = 0  #: of the next byte
        self.stack: list[Any] = []
        self._names = names
        self._marks: list[int] = []
        self._memo: list[Any] = []
        self._uses_left = _USES * len(data) + _FREE
        self._objects_left = len(data) // _BYTES_PER_OBJECT + _FEW_OBJECTS

    def read(self) -> Any:
        opcode = 0
        try:
            while (opcode := self.data[self.place]) != ord("."):
                self.place += 1
                _OPCODES[opcode](self)
        except KeyError:
            raise ValueError(
                f"the opcode {opcode:#04x} at byte {self.place - 1} is not one that tables need"
            ) from None
        except IndexError:
            raise ValueError(f"it is cut off or ends at byte {self.place}") from None
        return self.stack.pop()

    # -- what follows opcodes

    def take(self, size: int) -> bytes:
        start, self.place = self.place, self.place + size
        if self.place > len(self.data):
            raise ValueError(f"{size} bytes are announced, {len(self.data) - start} are there")
        return self.data[start : self.place]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def line(self) -> bytes:
        start = self.place
        self.place = self.data.index(b"\n", start) + 1
        return self.data[start : self.place - 1]

    def short_line(self) -> bytes:
        line = self.line()
        if len(line) > _LONGEST_NUMBER:
            raise RefusedPickle(f"a number of {len(line)} characters is not expected")
        return line

    # -- the stack and the memo

    def count(self, objects: int) -> None:
        self._objects_left -= objects
        if self._objects_left < 0:
            raise RefusedPickle(f"so many objects are not expected in {len(self.data)} bytes")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def mark(self) -> None:
        self._marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        start = self._marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def push_tuple(self, values: Iterable[Any]) -> None:
        self.count(1)
        self.push(tuple(values))

    def last(self, count: int) -> tuple[Any, ...]:
        return tuple(self.stack.pop() for _ in range(count))[::-1]

    def memoize(self) -> None:
        self._memo.append(self.stack[-1])

    def put(self, index: int) -> None:
        memo = self._memo
        if index == len(memo) + 1:  # Python 2 counted from 1
            memo.append(None)
        if index > len(memo):
            raise RefusedPickle(f"entry {index} of the memo is set after {len(memo)}")
        if index == len(memo):
            memo.append(self.stack[-1])
        else:
            memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        self.stack.append(self._memo[index])

    # -- lists and dictionaries

    def new_lists(self) -> None:
        """Lists, one after the other or within each other; the opcode of the first is read."""
        data, push, memo, marks = self.data, self.stack.append, self._memo, self._marks
        place = self.place - 1
        while found := _LIST.match(data, place):
            self.count(1)
            four, one, memoized, floats, single, opened, closed = found.groups()
            if floats:
                values = list(_floats(len(floats) // _BYTES_PER_FLOAT).unpack(floats))
            elif single:
                values = [*_FLOAT.unpack(single)]
            else:
                values = []
            push(values)
            if four or one:
                index = int.from_bytes(four or one, "little")
                memo.append(values) if index == len(memo) else self.put(index)
            elif memoized:
                memo.append(values)
            if opened:
                marks.append(len(self.stack))
            for _ in closed:
                self.append(self.since_mark())
            place = found.end()
        self.place = place

    def list_since_mark(self) -> None:
        self.count(1)
        self.push(self.since_mark())

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise RefusedPickle(f"entries for {type(target).__name__} are not expected")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise RefusedPickle(f"items for {type(target).__name__} are not expected")
        keys = values[::2]
        check_keys(keys)
        target.update(zip(keys, values[1::2], strict=True))

    def push_dictionary(self) -> None:
        self.count(_OF_DICTIONARY)
        self.push({})

    def new_dictionary(self) -> None:
        values = self.since_mark()
        self.push_dictionary()
        self.set_items(values)

    # -- objects

    def name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise RefusedPickle("a name that is no text is not expected")
        try:
            self.push(self._names[module, name])
        except KeyError:
            raise RefusedPickle(
                f"the pickle names {module[:100]}.{name[:100]}, which tables of numbers and "
                "strings do not need; nothing of it was run"
            ) from None

    def call(self) -> None:
        self.count(1)
        function, arguments = self.last(2)
        self._use(arguments)
        self.push(function(*arguments))

    def new_object(self) -> None:
        self.count(1)
        kind, arguments = self.last(2)
        self._use(arguments)
        self.push(kind.__new__(kind, *arguments))

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, StandIn):
            raise RefusedPickle(f"state for {type(target).__name__} is not expected")
        self._use(state)
        target.__setstate__(state)

    def _use(self, values: Any) -> None:
        """See that what is called, which may copy what it is given, is not given too much."""
        if type(values) in (tuple, list):
            self._uses_left -= sum(len(v) for v in values if hasattr(type(v), "__len__"))
        if self._uses_left < 0:
            raise RefusedPickle("objects that use the same content over and over")


def check_keys(keys: list[Any]) -> None:
    """See that keys of a dictionary are texts or whole numbers.

    Raises:
        RefusedPickle: they are not; tuples, for one, may be nested so deeply that to use them
            would end the process
    """
    for key in keys:
        if type(key) is not str and type(key) is not int:
            raise RefusedPickle(f"the key {describe_shortly(key)} is not expected")


def describe_shortly(value: Any) -> str:
    """Numbers and texts as they are, of anything else the type: it may be nested deeply."""
    return (
        describe(value) if type(value) in (str, int, float, bytes) else f"a {type(value).__name__}"
    )


@cache
def _floats(count: int) -> Struct:
    """Floats as they follow each other, with opcodes."""
    return Struct(">" + count * "xd")


_FLOAT = _floats(1)
_DOUBLE = Struct(">d")


def _integer(line: bytes) -> int | bool:
    return line == b"01" if line in (b"00", b"01") else int(line)


def _quoted(line: bytes) -> str:
    return codecs.escape_decode(line[1:-1])[0].decode("ascii")


_Do = Callable[[_Reader], Any]


def _sized(size: int, make: Callable[[bytes], Any]) -> _Do:
    """Content whose length comes first, as a number of ``size`` bytes."""
    return lambda r: r.push(make(r.take(r.number(size))))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


_OPCODES: dict[int, _Do] = {
    code[0]: do
    for code, do in {
        # protocol and frames, which say nothing of the content
        b"\x80": lambda r: r.take(1),
        b"\x95": lambda r: r.take(8),
        # numbers
        b"N": lambda r: r.push(None),
        b"\x88": lambda r: r.push(True),
        b"\x89": lambda r: r.push(False),
        b"I": lambda r: r.push(_integer(r.short_line())),
        b"L": lambda r: r.push(int(r.short_line().rstrip(b"L"))),
        b"F": lambda r: r.push(float(r.short_line())),
        b"J": lambda r: r.push(int.from_bytes(r.take(4), "little", signed=True)),
        b"K": lambda r: r.push(r.number(1)),
        b"M": lambda r: r.push(r.number(2)),
        b"\x8a": lambda r: r.push(int.from_bytes(r.take(r.number(1)), "little", signed=True)),
        b"G": lambda r: r.push(*_DOUBLE.unpack(r.take(8))),
        # texts and bytes; what Python 2 wrote is taken for text
        b"V": lambda r: r.push(r.line().decode("raw-unicode-escape")),
        b"S": lambda r: r.push(_quoted(r.line())),
        b"U": _sized(1, lambda content: content.decode("ascii")),
        b"T": _sized(4, lambda content: content.decode("ascii")),
        b"\x8c": _sized(1, _text),
        b"X": _sized(4, _text),
        b"\x8d": _sized(8, _text),
        b"C": _sized(1, bytes),
        b"B": _sized(4, bytes),
        b"\x8e": _sized(8, bytes),
        b"\x96": _sized(8, bytes),  # bytearray, which nothing changes
        # lists, tuples and dictionaries
        b"(": _Reader.mark,
        b"]": _Reader.new_lists,
        b"l": _Reader.list_since_mark,
        b"a": lambda r: r.append([r.stack.pop()]),
        b"e": lambda r: r.append(r.since_mark()),
        b")": lambda r: r.push(()),
        b"t": lambda r: r.push_tuple(r.since_mark()),
        b"\x85": lambda r: r.push_tuple(r.last(1)),
        b"\x86": lambda r: r.push_tuple(r.last(2)),
        b"\x87": lambda r: r.push_tuple(r.last(3)),
        b"}": _Reader.push_dictionary,
        b"d": _Reader.new_dictionary,
        b"s": lambda r: r.set_items(list(r.last(2))),
        b"u": lambda r: r.set_items(r.since_mark()),
        # the memo
        b"\x94": _Reader.memoize,
        b"p": lambda r: r.put(int(r.short_line())),
        b"q": lambda r: r.put(r.number(1)),
        b"r": lambda r: r.put(r.number(4)),
        b"g": lambda r: r.get(int(r.short_line())),
        b"h": lambda r: r.get(r.number(1)),
        b"j": lambda r: r.get(r.number(4)),
        # objects
        b"c": lambda r: r.name(r.line().decode(), r.line().decode()),
        b"\x93": lambda r: r.name(*r.last(2)),
        b"R": _Reader.call,
        b"\x81": _Reader.new_object,
        b"b": _Reader.build,
    }.items()
}
