"""What compiled networks have learned since a description was written."""

from __future__ import annotations

from collections.abc import Mapping


class LearnedElsewhere:
    """Base of descriptions with parameters that compiled networks learn: the description keeps the
    values that it was given, and notes that others were learned."""

    #: parameter -> seed of the compiled network that has learned it since it was set
    _learned_elsewhere: Mapping[str, int] = {}

    def note_learned(self, name: str, rng_seed: int) -> None:
        """A compiled network has learned a parameter: what is here is older.

        Args:
            rng_seed: with which that network had been compiled
        """
        self._learned_elsewhere = {**self._learned_elsewhere, name: rng_seed}

    def forget_learned(self, name: str) -> None:
        """What a parameter has here is what is wanted."""
        if name in self._learned_elsewhere:
            others = self._learned_elsewhere.items()
            self._learned_elsewhere = {n: seed for n, seed in others if n != name}

    def take_learned(self) -> Mapping[str, int]:
        """What was noted, with the seed of that network; it is forgotten."""
        noted, self._learned_elsewhere = self._learned_elsewhere, {}
        return noted
