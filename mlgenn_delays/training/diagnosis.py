"""What is wrong with a training, in words: silent layers, a loss that does not move, outputs that
always say the same.

Plain functions of numbers that ``compiled_network.history``, ``compiled_network.spike_statistics``
and ``predict`` give. Each returns sentences, none where nothing is wrong. Networks that work are
never named; a network that has not learned yet may be, and is then described as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..checks import ArgumentError, as_numbers
from ..readouts import FirstSpikeTime

#: Share of a trial within which no data set has all its spikes, unless they are in seconds.
EARLY = 0.01

#: Spikes per neuron and trial below which a layer hardly spikes if there is not even one spike per
#: trial in all of it: what follows then hears nothing in many trials.
HARDLY_SPIKES = 0.05
#: The same whatever the size of the layer: a neuron that spikes in one of 200 trials gets gradients
#: for its weights in one of six batches of 32. Outputs that spike for their class alone spike more
#: often than that where there are at most 200 classes.
NEVER_ENOUGH = 0.005
#: Share of neurons without spikes from which on a layer hardly spikes although some neurons do,
#: and spikes per neuron from which on that is no chance: evenly spread, exp(-10) would have none.
MOSTLY_SILENT, SPREAD = 0.9, 10.0

#: Epochs from which on a loss is judged: with warm-up, healthy ones hardly move in the first ones.
FEWEST_EPOCHS = 5
#: A loss has fallen if it is lower by more than this share of what it was in its first epoch; with
#: some hundred trials, noise from epoch to epoch is smaller.
LEAST_FALL = 0.01
#: Two epochs whose losses differ by no more than this share (rounding) are enough to say that
#: nothing that is learned reaches the loss.
ROUNDING = 1e-6
#: Share of the loss of guessing below which it has fallen, if only before the first epoch ended.
WELL_BELOW_CHANCE = 0.9

#: Share of trials with the same answer from which on a network does not tell classes apart.
ONE_ANSWER = 0.9
#: Trials from which on answers are judged.
FEWEST_TRIALS = 10

#: How many outputs a sentence names.
_MOST_NAMED = 5


def find_early_times(
    first: float, last: float, num_spikes: int, duration: float, name: str
) -> list[str]:
    """Whether spike times look like seconds: all in the first hundredth of the trial, and not all
    at one time, as where a network is asked for its response to a pulse.

    Args:
        first, last: spike times [ms]
        num_spikes: how many there are
        duration: of a trial [ms]
        name: whose spikes they are
    """
    if not first < last < EARLY * duration:
        return []
    return [
        f"{name} has {_count(num_spikes, 'spike')}, all between {first:.3g} and {last:.3g} ms of "
        f"trials of {duration:g} ms; times are in ms: are these seconds? Multiply them by 1000"
    ]


def find_quiet_layers(
    spikes_per_neuron: Mapping[str, float],
    silent_neurons: Mapping[str, int],
    sizes: Mapping[str, int],
    num_trials: int,
) -> list[str]:
    """Layers that are silent or hardly spike.

    Args:
        spikes_per_neuron: layer -> mean number of spikes per neuron and trial; NaN: not known
        silent_neurons: layer -> neurons that did not spike in any trial
        sizes: layer -> number of neurons
        num_trials: trials that were counted; 0: nothing is known
    """
    found = []
    for name, spikes in spikes_per_neuron.items() if num_trials > 0 else ():
        size, silent = sizes[name], silent_neurons[name]
        trials = _count(num_trials, "trial")
        if silent == size:
            neurons = (
                "its neuron did not spike" if size == 1 else f"none of its {size} neurons spiked"
            )
            found.append(
                f"layer '{name}' is silent: {neurons} in {trials}; raise the weights of its inputs"
            )
        elif _hardly_spikes(spikes, silent, size, num_trials):
            never = f", {silent} of its {size} neurons never did" if silent else ""
            found.append(
                f"layer '{name}' hardly spikes: {spikes:.2g} spikes per neuron and trial in "
                f"{trials}{never}; raise the weights of its inputs"
            )
    return found


def _hardly_spikes(spikes: float, silent: int, size: int, num_trials: int) -> bool:
    few = spikes < HARDLY_SPIKES and spikes * size < 1.0
    uneven = silent >= MOSTLY_SILENT * size and spikes * num_trials >= SPREAD
    return few or uneven or spikes < NEVER_ENOUGH


def find_stuck_loss(losses: Sequence[float], chance: float | None = None) -> list[str]:
    """Whether the loss has not fallen since training began. One that has fallen and stays is fine.

    Args:
        losses: mean training loss of every epoch from the first one on; those that are not finite
            are left out
        chance: loss of guessing, e.g. log(number of classes) of a cross-entropy, whose network may
            have learned before the first epoch ended; None: not known
    """
    values = as_numbers(losses, "losses", (None,)).astype(np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return []
    first, best = values[0], values.min()
    if chance is not None and best < WELL_BELOW_CHANCE * chance:
        return []
    if np.ptp(values) <= ROUNDING * abs(first):
        return [
            f"the loss does not move, it is {first:.4g} in all {len(values)} epochs: nothing that "
            "is learned reaches it"
        ]
    if len(values) < FEWEST_EPOCHS or best < first - LEAST_FALL * abs(first):
        return []
    guessing = "" if chance is None else f" (guessing has {chance:.4g})"
    return [
        f"the loss has not fallen in {len(values)} epochs: {first:.4g} in the first, {best:.4g} "
        f"in the best{guessing}; train longer, or with another learning rate"
    ]


def find_one_answer(
    predictions: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> list[str]:
    """Whether a network says the same of nearly all trials, although they differ.

    Args:
        predictions: (trials,) class of each trial
        labels: (trials,) true class; None: trials are of many classes
        class_names: of the classes; their numbers where there is none

    Raises:
        ValueError: ``labels`` of another number of trials
    """
    predictions = as_numbers(predictions, "predictions", (None,), finite=True)
    if len(predictions) < FEWEST_TRIALS:
        return []
    answers, counts = np.unique(predictions, return_counts=True)
    answer, count = answers[np.argmax(counts)], int(counts.max())
    of_it = 0
    if labels is not None:
        labels = as_numbers(labels, "labels", (len(predictions),), finite=True)
        of_it = int(np.sum(labels == answer))
    # where most trials are of one class, that answer is no sign of anything
    if count < ONE_ANSWER * len(predictions) or of_it >= ONE_ANSWER * count:
        return []
    truth = "" if labels is None else f", {of_it} are of that class"
    return [
        f"the network answers {_name(int(answer), class_names)} for {count} of "
        f"{len(predictions)} trials{truth}"
    ]


def find_constant_outputs(outputs: np.ndarray, class_names: Sequence[str] = ()) -> list[str]:
    """Outputs that are the same in all trials, whatever their readout.

    Args:
        outputs: (trials, outputs) what was read out, or (trials, timesteps, outputs); where that is
            the time of the first spike, outputs that never spike are named
        class_names: of the outputs; their numbers where there is none

    Raises:
        ValueError: another number of dimensions
    """
    values = np.asarray(outputs)
    if values.ndim not in (2, 3):
        raise ArgumentError(
            f"outputs has shape {values.shape}, it should be (trials, outputs) or (trials, "
            "timesteps, outputs)"
        )
    num_trials, num_outputs = len(values), values.shape[-1]
    if num_trials < 2 or not values.size:
        return []
    values = as_numbers(values, "outputs", values.shape).astype(np.float64)
    values = values.reshape(num_trials, -1, num_outputs)
    silent = np.all(never_spike(values), axis=(0, 1))
    with np.errstate(invalid="ignore"):  # what is not finite is not constant
        spread = np.max(np.ptp(values, axis=0), axis=0)
        constant = spread <= ROUNDING * np.max(np.abs(values), axis=(0, 1))
    return name_constant_outputs(silent, constant & ~silent, num_trials, class_names)


def never_spike(values: np.ndarray) -> np.ndarray:
    """Which of the values that were read out are those of neurons that did not spike, bool."""
    return np.asarray(np.isfinite(values) & ~FirstSpikeTime.spiked(values))


def name_constant_outputs(
    silent: np.ndarray, constant: np.ndarray, num_trials: int, class_names: Sequence[str] = ()
) -> list[str]:
    """What :func:`find_constant_outputs` says.

    Args:
        silent: (outputs,) bool, which never spike
        constant: (outputs,) bool, which never differ
        num_trials: that were compared
        class_names: of the outputs; their numbers where there is none
    """
    trials = f"the {num_trials:,} trials"
    return [
        *_say(silent, class_names, ("spikes", "spike"), f"in any of {trials}"),
        *_say(constant, class_names, ("differs", "differ"), f"between {trials}"),
    ]


def _say(
    which: np.ndarray, class_names: Sequence[str], verbs: tuple[str, str], where: str
) -> list[str]:
    """What outputs never do, (outputs,) bool."""
    numbers, size = np.flatnonzero(which), len(which)
    one, several = verbs
    if not len(numbers):
        return []
    if len(numbers) == size > 1:
        return [f"none of the {size} outputs {one} {where}; see in a raster what reaches them"]
    names = [_name(int(i), class_names) for i in numbers[:_MOST_NAMED]]
    more = f" and {len(numbers) - len(names)} more" if len(numbers) > len(names) else ""
    if len(numbers) == 1:
        return [f"output {names[0]} never {one} {where}"]
    return [f"outputs {', '.join(names)}{more} never {several} {where}"]


def _name(number: int, class_names: Sequence[str]) -> str:
    return f"'{class_names[number]}'" if 0 <= number < len(class_names) else str(number)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"
