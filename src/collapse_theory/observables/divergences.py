"""Divergences between fitted and true law."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

w2_squared = Observable("w2_squared", "squared 2-Wasserstein distance between fit and truth")
kl_forward = Observable("kl_forward", "KL(truth || fit), in nats")
cross_entropy = Observable(
    "cross_entropy", "-sum of p log truth, in nats: entropy of the fit + KL(fit || truth)"
)
kl_reverse = Observable("kl_reverse", "KL(fit || truth), in nats")
