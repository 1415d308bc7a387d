"""Weights of a softmax."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

first_logit = Observable("first_logit", "the logit of the first symbol (of the first context)")
