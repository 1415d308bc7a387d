"""Logistic regression on its own labels: the first-order laws of maximum likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.validation import Vector

TRUE = np.array([0.3, 0.8])
POINTS = np.array([[1.0, -1.5], [1.0, -0.5], [1.0, 0.5], [1.0, 1.5]])
STEPS = 10  # of Newton's method


def _probability(w: Any) -> Any:
    """At each of the points."""
    return 1 / (1 + np.exp(-np.clip(w @ POINTS.T, -30, 30)))


def _fit(ones: Any, n: int, start: Any) -> Any:
    """Maximum likelihood from the number of ones at each point, n rows there; by Newton's method.

    A ridge of 1e-9 keeps separable data finite.
    """
    w = start
    for _ in range(STEPS):
        p = _probability(w)
        hessian = np.einsum("cp,pi,pj->cij", n * p * (1 - p), POINTS, POINTS) + 1e-9 * np.eye(2)
        w = w + np.linalg.solve(hessian, ((ones - n * p) @ POINTS)[..., None])[..., 0]
    return w


def _chain(rng: Any, count: int, *, size: int, fits: int, keep: bool) -> Any:
    """Rows at the same point and of the same model matter by their number alone."""
    n, p = 120 * size, _probability(TRUE)
    fisher = np.einsum("p,pi,pj->ij", p * (1 - p) / len(POINTS), POINTS, POINTS)
    w, ones, out = np.broadcast_to(TRUE, (count, 2)), np.zeros((count, len(POINTS))), []
    for t in range(1, fits + 1):
        new = rng.binomial(n, _probability(w))
        ones = ones + new if keep else new
        w = _fit(ones, n * t if keep else n, w)
        off = w - TRUE
        out.append(np.einsum("ci,ij,cj->c", off, fisher, off) * n * len(POINTS) / 2)
    return np.stack(out, 1)


@trial(
    "deydonoho2024.glm",
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=Source("deydonoho2024"),
    draws=_chain,
    cases=(
        {"size": 1, "fits": 3, "keep": False},
        {"size": 1, "fits": 4, "keep": True},
    ),
)
def glm(*, size: int, fits: int, keep: bool) -> Vector:
    r"""$\frac nd E\lVert\hat w_t-w^*\rVert_I^2\to t$ where data are replaced and
    $\to\sum_{k\le t}\frac1{k^2}$ where all are kept, in the Fisher metric, t fixed, n large.

    Logistic regression, two coefficients, equally many of n rows at each of four points, new labels
    in every generation, maximum likelihood. Its bias is of order 1/n and adds up: $t^2$ times its
    square, a term of second order.

    Derived; the two laws were read in the abstract.
    """
    t = np.arange(1, fits + 1)
    return np.cumsum(1 / t**2) if keep else t.astype(float)
