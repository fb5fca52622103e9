"""Which networks are trained on which task, for `accuracy.py`."""

from __future__ import annotations

from dataclasses import dataclass

#: Speakers of the part of the Free Spoken Digit Dataset that was used.
SPEAKERS = ("jackson", "nicolas", "theo", "yweweler")
#: Kinds of delays that are compared.
DELAYS = ("learned", "fixed", "none")


@dataclass(frozen=True)
class Network:
    """A row of a table."""

    name: str
    #: Options of the experiment for each of the runs whose mean is taken.
    variants: tuple[tuple[str, ...], ...]


def _hidden(sizes: tuple[int, ...], recurrent: bool, delays: tuple[str, ...]) -> list[Network]:
    """Networks of several sizes, with several kinds of delays."""
    kind = "recurrent" if recurrent else "feed-forward"
    flag = "--recurrent" if recurrent else "--no-recurrent"
    return [
        Network(
            f"{size} hidden, {kind}, delays {name}",
            ((flag, "--hidden", str(size), "--delays", name),),
        )
        for size in sizes
        for name in delays
    ]


def _sequence_detection() -> list[Network]:
    return [
        Network(f"2 inputs, 2 outputs, delays {name}", (("--delays", name),))
        for name in ("learned", "none")
    ]


def _permuted_images() -> list[Network]:
    """All channels of a pixel do the same without delays, which wants a lower learning rate."""
    return [
        Network(
            f"128 hidden, recurrent, {name}", (("--data", "real", "--hidden", "128", *options),)
        )
        for name, options in (
            ("delays learned", ("--delays", "learned")),
            ("delays fixed", ("--delays", "fixed")),
            ("input delays learned, no recurrent delays", ("--no-recurrent-delays",)),
            ("delays none", ("--delays", "none", "--lr", "0.003")),
        )
    ]


def _speech() -> list[Network]:
    """Known speakers (files with index 0 to 4 are tested), and each speaker in turn left out."""
    networks = []
    for encoder in ("mel", "cochlea"):
        for name in DELAYS:
            options = ("--data", "real", "--encoder", encoder, "--delays", name)
            left_out = tuple((*options, "--leave-out-speaker", speaker) for speaker in SPEAKERS)
            what = f"128 hidden, recurrent, {encoder}, delays {name}"
            networks += [
                Network(f"{what}; known speakers", (options,)),
                Network(f"{what}; new speakers", left_out),
            ]
    return networks


def _with(networks: list[Network], *options: str) -> list[Network]:
    return [Network(n.name, tuple((*options, *v) for v in n.variants)) for n in networks]


#: Networks by task.
TASKS: dict[str, list[Network]] = {
    "sequence_detection": _sequence_detection(),
    "yin_yang": _hidden((5, 10, 30), False, ("learned", "none")),
    "braille": _with(
        [
            *_hidden((64, 128, 256), True, ("learned", "none")),
            *_hidden((64, 128, 256), False, ("learned", "none")),
        ],
        "--data",
        "real",
    ),
    "speech": _speech(),
    "psmnist": _permuted_images(),
    "shd": _with(_hidden((64,), True, DELAYS), "--data", "synthetic"),
    "ssc": _with(_hidden((64,), True, DELAYS), "--data", "synthetic"),
}
