"""What a training by gradient descent tells of itself."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

training_loss = Observable(
    "training_loss", "the last loss on the rows that the fit was trained on, in the loss's unit"
)
training_steps = Observable("training_steps", "updates taken in the training of the fit")
