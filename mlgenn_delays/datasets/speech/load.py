"""Spoken words as events: any folder of WAV files, or made-up words in their place.

Known without further arguments are the Free Spoken Digit Dataset (Jakobovski, CC BY-SA 4.0,
https://github.com/Jakobovski/free-spoken-digit-dataset) and Google Speech Commands (Warden 2018,
arXiv 1804.03209).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO

import numpy as np

from ...audio import Cochlea, Encoder, MelEvents
from ...checks import check_number
from .. import fetching
from ..fetching import DataNotFoundError
from ..labelled_events import LabelledEvents, print_notice, synthetic_notice
from ..splits import Split
from .encode import EncodedSounds, Skipped, encode_sounds
from .find import PATTERNS, Recordings, Word, compile_pattern, find_recordings
from .simulate import synthetic_words
from .split import split_recordings

#: Encoders by name, with their settings.
ENCODERS: dict[str, Encoder] = {"mel": MelEvents(), "cochlea": Cochlea()}
#: Length of a trial [ms]; recordings of Google Speech Commands have it.
DURATION = 1000.0
#: What it may be [ms]: memory and time of a training grow with it.
SHORTEST_DURATION, LONGEST_DURATION = 50.0, 60_000.0
#: Sub-folders of a data folder that are searched.
SUBFOLDERS = ("fsdd", "free-spoken-digit-dataset", "speech_commands", "speech")
#: Sub-folder of the cache for encoded words; data folders are searched there too, hence another.
ENCODED = "encoded"

_DESCRIPTIONS = {
    "fsdd": "Free Spoken Digit Dataset, Jakobovski, CC BY-SA 4.0",
    "synthetic": "made-up words: voices whose formants glide from vowel to vowel",
}
#: Recordings whose sample rates are looked at to find that of most.
_NUM_RATES = 200
#: Recordings that are named when they are left out.
_MOST_NAMED = 20


class SpeechNotFoundError(DataNotFoundError):
    """There are no recordings; the message says what to do."""


@dataclass(frozen=True)
class SpeechData:
    """Words as events, in three parts in whose order classes alternate.

    ``groups`` of the parts are indices into ``speakers``, -1 where the speaker is not known.
    """

    train: LabelledEvents
    validation: LabelledEvents
    test: LabelledEvents
    speakers: tuple[str, ...]
    encoder: Encoder  #: with all settings
    split: str  #: in words, what made the parts
    skipped: tuple[Skipped, ...] = ()  #: recordings that cannot be used
    num_unmatched: int = 0  #: WAV files that do not fit the pattern
    fallback_reason: str | None = None  #: why made-up words took the place of recordings


def load_speech(
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    wav_dir: str | os.PathLike[str] | None = None,
    *,
    pattern: str | None = None,
    test_pattern: str | None = None,
    leave_out_speaker: str | None = None,
    encoder: str | Encoder = "mel",
    duration: float = DURATION,
    seed: int = 0,
    num_per_class: int = 120,
    most_trained: int | None = None,
    most_tested: int | None = None,
    num_workers: int | None = None,
    cache: bool = True,
    progressbar: bool = True,
) -> SpeechData:
    """Load recordings of words, or make up words in their place, and encode them into events.

    Recordings are those in ``wav_dir``, else those in the first of the folders ``fsdd``,
    ``free-spoken-digit-dataset``, ``speech_commands`` and ``speech`` in ``data_dir``, else in the
    folder that the environment variable ``MLGENN_DELAYS_DATA`` names, then in the user's cache
    directory. Sounds shorter than a trial begin with it and are followed by silence; of longer
    ones the stretch with the most energy is taken. Files that are damaged or silent are left out
    and named in ``skipped`` of the result; use :func:`speech_notice` to tell the user.

    Args:
        data: ``"real"``: recordings; ``"synthetic"``: made-up words; ``"auto"``: recordings if
            there are any, otherwise made-up words, with the reason in ``fallback_reason``.
        data_dir: folder with data sets.
        wav_dir: folder with recordings; excludes ``data="synthetic"``.
        pattern: see :func:`.find_recordings`; excludes ``data="synthetic"``.
        test_pattern, leave_out_speaker: see :func:`.split_recordings`.
        encoder: ``"mel"``, ``"cochlea"``, or one with settings of its own. Where it has no highest
            frequency it gets that of the sample rate of most recordings.
        duration: length of a trial, 50 to 60,000 [ms].
        seed: of random splits and made-up words.
        num_per_class: of made-up words only.
        most_trained: number of words to train with; others are not encoded. None: all.
        most_tested: the same for validation and for test.
        num_workers: processes that encode, default: as many as processors.
        cache: whether what is encoded is kept in the user's cache directory.
        progressbar: whether encoding shows its progress.

    Raises:
        ValueError: another value of an argument, recordings that do not fit together, a class
            without recordings to train with, or a part without recordings.
        SpeechNotFoundError: ``data="real"`` and there are no recordings.
        ImportError: SciPy is not installed.
    """
    _check_arguments(data, wav_dir, pattern, encoder, duration)
    found, reason = fetching.choose(data, lambda: _find(data_dir, wav_dir, pattern))
    if found is None:
        found = Recordings(None, synthetic_words(num_per_class, seed), "synthetic")
    class_names = tuple(sorted({word.class_name for word in found.recordings}))
    labels = _indices([word.class_name for word in found.recordings], class_names)
    split, rule = split_recordings(found, labels, test_pattern, leave_out_speaker, seed)
    tested = np.concatenate((split.validation, split.test))
    _check_trained(labels[tested], labels[split.train], class_names)
    used = Split(
        split.train[:most_trained], split.validation[:most_tested], split.test[:most_tested]
    )
    # in the order of their names, so that all splits share what is in the cache
    indices = np.sort(np.concatenate(used))
    words = [found.recordings[i] for i in indices]
    chosen = _for_recordings(ENCODERS[encoder] if isinstance(encoder, str) else encoder, words)
    folder = fetching.cache_folder() / ENCODED if cache else None
    encoded = encode_sounds(words, chosen, duration, folder, num_workers, progressbar)
    speakers = tuple(sorted({word.speaker for word in found.recordings if word.speaker}))
    kept = indices[encoded.kept]
    examples = Split(*(_examples(part, kept) for part in used))
    _check_usable(examples, labels[kept], labels[used.train], class_names, encoded.skipped)
    whole = LabelledEvents(
        events=encoded.events,
        labels=labels[kept],
        class_names=class_names,
        duration=duration,
        kind="synthetic" if found.folder is None else "real",
        source={**_source(found, chosen, encoded, speakers, seed), "split": rule},
        groups=_indices([found.recordings[i].speaker for i in kept], speakers),
    )
    return SpeechData(
        whole.select(examples.train),
        whole.select(examples.validation),
        whole.select(examples.test),
        speakers=speakers,
        encoder=chosen,
        split=rule,
        skipped=encoded.skipped,
        num_unmatched=len(found.unmatched),
        fallback_reason=reason,
    )


def _check_arguments(
    data: str,
    wav_dir: str | os.PathLike[str] | None,
    pattern: str | None,
    encoder: str | Encoder,
    duration: float,
) -> None:
    fetching.check_choice(data)
    if data == "synthetic" and wav_dir is not None:
        raise ValueError(f"data: 'synthetic', but a folder of recordings is given: {wav_dir}")
    if data == "synthetic" and pattern is not None:
        raise ValueError(f"data: 'synthetic', but a pattern of names of files is given: {pattern}")
    if pattern is not None:
        compile_pattern(PATTERNS.get(pattern, pattern))  # also where nothing is found
    if isinstance(encoder, str) and encoder not in ENCODERS:
        raise ValueError(f"encoder: {encoder!r}, allowed are {tuple(ENCODERS)}")
    check_number(duration, "duration", minimum=SHORTEST_DURATION, maximum=LONGEST_DURATION)


def _find(
    data_dir: str | os.PathLike[str] | None,
    wav_dir: str | os.PathLike[str] | None,
    pattern: str | None,
) -> Recordings:
    if wav_dir is not None:
        return find_recordings(wav_dir, pattern)
    folders = fetching.search_folders(data_dir)
    for folder in folders:
        for subfolder in SUBFOLDERS:
            if (folder / subfolder).is_dir():
                return find_recordings(folder / subfolder, pattern)
    looked = ", ".join(str(folder) for folder in folders)
    raise SpeechNotFoundError(
        f"No folder {' or '.join(SUBFOLDERS)} with recordings was found in {looked}. Name a folder "
        "of WAV files with wav_dir, or download https://github.com/Jakobovski/"
        "free-spoken-digit-dataset and put its folder 'recordings', as 'fsdd', into one of these "
        "folders or another one that data_dir or the environment variable "
        f"{fetching.DATA_VARIABLE} names."
    )


def _for_recordings(encoder: Encoder, words: Sequence[Word]) -> Encoder:
    """The encoder for the sample rate of most recordings."""
    rates: Counter[int] = Counter()
    problem = ""
    for word in words[:: max(1, len(words) // _NUM_RATES)]:
        try:
            rates[word.read().rate] += 1
        except (OSError, ValueError) as error:
            problem = f"{word.name}: {error}"
    if not rates:
        raise ValueError(f"none of the recordings can be used, e.g. {problem}")
    return encoder.for_rate(rates.most_common(1)[0][0])


def _indices(names: Sequence[str], allowed: Sequence[str]) -> np.ndarray:
    """Place of each name among the allowed ones, -1: not there."""
    places = {name: i for i, name in enumerate(allowed)}
    return np.array([places.get(name, -1) for name in names], dtype=np.int64)


def _examples(part: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Example of each recording of a part, without those that cannot be used.

    Args:
        part: indices of recordings, in any order.
        kept: indices of those that can be used, rising; example k is recording kept[k].
    """
    places = np.searchsorted(kept, part)
    places[places == len(kept)] = 0
    usable = kept[places] == part if len(kept) else np.zeros(len(part), bool)
    return places[usable]


def _check_trained(
    needed: np.ndarray, trained: np.ndarray, class_names: Sequence[str], left_out: str = ""
) -> None:
    """See that there is something to train with of each class that is needed."""
    missing = np.setdiff1d(needed, trained)
    if len(missing):
        names = ", ".join(class_names[i] for i in missing[:20])
        raise ValueError(f"there are no recordings to train with of the classes: {names}{left_out}")


def _check_usable(
    examples: Split,
    labels: np.ndarray,
    trained: np.ndarray,
    class_names: Sequence[str],
    skipped: Sequence[Skipped],
) -> None:
    """See that no part and no class has lost all that was to be used.

    Args:
        examples: that are left.
        labels: of examples.
        trained: labels of the recordings that were to be trained with.
        class_names: of all classes.
        skipped: recordings that were left out.
    """
    left_out = f"{len(skipped)} were left out"
    if skipped:
        left_out += f", e.g. {skipped[0].name}: {skipped[0].reason}"
    for part, name in zip(examples, ("training", "validation", "test"), strict=True):
        if len(part) == 0:
            raise ValueError(f"there are no recordings that can be used for {name}; {left_out}")
    _check_trained(trained, labels[examples.train], class_names, f"; {left_out}")


def _source(
    found: Recordings, encoder: Encoder, encoded: EncodedSounds, speakers: Sequence[str], seed: int
) -> dict[str, Any]:
    """Where the data are from (JSON types)."""
    about: dict[str, Any] = {
        "dataset": "synthetic" if found.folder is None else "real",
        "description": _DESCRIPTIONS.get(found.layout, "recordings in WAV files"),
        "recordings": len(encoded.kept),
        "skipped": len(encoded.skipped),
        "speakers": len(speakers),
        "encoder": {"name": type(encoder).__name__, **asdict(encoder)},  # type: ignore[call-overload]
        "seed": seed,
    }
    if found.folder is not None:
        about |= {
            "folder": str(found.folder),
            "layout": found.layout,
            "pattern": found.pattern,
            "unmatched": len(found.unmatched),
        }
    return about


def speech_notice(data: SpeechData) -> str:
    """Lines that say that words are made up, in a box, what was left out, and how the rest is
    split."""
    lines = []
    if data.train.kind == "synthetic":
        text = (
            "These are made-up words of gliding vowels, not recordings of speech. Results are not "
            "results on speech."
        )
        lines.append(synthetic_notice(text, data.fallback_reason))
    if data.skipped:
        lines.append(f"{len(data.skipped)} recordings cannot be used and are left out:")
        lines += [f"  {skipped.name}: {skipped.reason}" for skipped in data.skipped[:_MOST_NAMED]]
    if len(data.skipped) > _MOST_NAMED:
        lines.append(f"  and {len(data.skipped) - _MOST_NAMED} more")
    if data.num_unmatched:
        lines.append(f"{data.num_unmatched} WAV files do not fit the pattern of names.")
    lines.append(f"Split of the recordings: {data.split}")
    return "\n".join(lines)


def print_speech_notice(data: SpeechData, file: TextIO | None = None) -> None:
    """Print :func:`speech_notice`; ``file``: where to, default ``sys.stderr``."""
    print_notice(speech_notice(data), file)
