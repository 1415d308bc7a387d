"""What is measured on models of text; the first also on models of tables."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

held_out_loss = Observable(
    "held_out_loss",
    "mean of -log p over held-out real data, in nats: the symbols of a text, the labels of a "
    "table's rows, or these rows' densities",
)
truth_perplexity = Observable(
    "truth_perplexity",
    "exp of the mean of -log truth over the symbols of text that the fit generates",
)
distinct_trigrams = Observable(
    "distinct_trigrams",
    "share of different ones among all runs of three symbols of text that the fit generates",
)
