"""What is measured on models of text."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

held_out_loss = Observable(
    "held_out_loss", "mean of -log p over the symbols of held-out real text, in nats"
)
truth_perplexity = Observable(
    "truth_perplexity",
    "exp of the mean of -log truth over the symbols of text that the fit generates",
)
distinct_trigrams = Observable(
    "distinct_trigrams",
    "share of different ones among all runs of three symbols of text that the fit generates",
)
