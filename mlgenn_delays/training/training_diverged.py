"""The error that ends a training which has gone out of bounds."""

from __future__ import annotations


class TrainingDiverged(RuntimeError):
    """Loss, predictions, gradients or parameters are no longer finite.

    Attributes:
        epoch: epoch in which it was noticed
        batch: batch of that epoch in which it was noticed
        step_applied: False where the parameters are still the last good ones
    """

    def __init__(
        self, what: str, epoch: int, batch: int, step_applied: bool, saved: str | None = None
    ) -> None:
        self.epoch = epoch
        self.batch = batch
        self.step_applied = step_applied
        where = f"training diverged in epoch {epoch}, batch {batch}: {what}"
        state = (
            "the parameters already contain the bad step"
            if step_applied
            else "the step was not applied, the parameters are the last good ones"
        )
        advice = "lower the learning rate, raise i_minus_thresh_min or check the input"
        last = f"; the last good state is saved: {saved}" if saved else ""
        super().__init__(f"{where}; {state}{last} ({advice})")
