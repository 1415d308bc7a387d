"""Diversity of a law over symbols, and what is left of its tail."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

sum_of_squares = Observable("sum_of_squares", "S = sum of squared probabilities; 1 at a Dirac")
gini = Observable("gini", "1 - S: the chance that two draws differ")
entropy = Observable("entropy", "Shannon entropy, in nats")
support_size = Observable("support_size", "number of symbols with positive probability")
tail_recall = Observable(
    "tail_recall",
    "share of the tail symbols still alive, the rarest that hold at most 5 % of the mass; "
    "of normal laws: the share of the outermost 5 % of the truth that the fit covers; "
    "of text: those that keep a tenth of their true probability are alive",
)
all_alive = Observable(
    "all_alive", "1 if no symbol of the truth has probability 0, else 0", binary=True
)
unseen_mass = Observable("unseen_mass", "true probability of the symbols that are lost")
collapsed = Observable("collapsed", "1 if the fit is a Dirac, else 0", binary=True)
fixed_on_first = Observable(
    "fixed_on_first", "1 if the fit is a Dirac at the first symbol, else 0", binary=True
)
generations_survived = Observable(
    "generations_survived",
    "how many of the generations 1..t were not yet a Dirac: min(collapse time - 1, t)",
    cumulative=True,
)
