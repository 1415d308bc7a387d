r"""Maximum likelihood on its own rows, to second order in 1/n.

A model with natural parameter w and independent rows: the log likelihood of a row is concave in w
with derivatives that depend on the row's features alone from the second on, as in a generalised
linear model with canonical link (features drawn anew with every row) or an exponential family
(none). Everything is written in coordinates in which the information of one row is 1 at the truth;
T and F are the third and fourth derivatives of the mean cumulant function there.

One step, from the fit v of the corpus so far to the fit v + e of N rows, n of them new: with U the
score of the new rows at v, J the information of all N and $\varepsilon=U/N$,
$e=J^{-1}U-\tfrac12T[e,e]-\tfrac16F[e,e,e]$. Given the past and the features U has mean 0 and the
covariance of the new rows' information, so with the dose $s=n/N^2$

$E(e\mid v)=s\,b(v)$, $b_k=-\tfrac12T_{iik}$, the bias of one row, and
$E|e|^2=s\,d+\frac sN(Q-|T|^2)+s^2(\tfrac52|T|^2+5|b|^2-F_{iijj})$ at the truth,

Q the mean square by which the information of one row differs from its mean. The rest is Taylor in
v: $\mathrm{tr}\,I(v)^{-1}$ has the gradient 2 b and half the trace of its Hessian is
$|T|^2-\tfrac12F_{iijj}$; $\mathrm{div}\,b=2|b|^2+\tfrac12|T|^2-\tfrac12F_{iijj}$.

Firth's correction adds -b to the score: a step loses its bias, $5|b|^2s^2$ of its $E|e|^2$, and
gains $\frac sN(F_{iijj}-|T|^2)$ from the correction's derivative. Where all rows are kept the fits
before have it too, and in their steps it cancels but for the derivative: only the first fit loses
its bias.

References:
    derived
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from collapse_theory.exact.validation import Sizes, Vector, schedule, whole


class Cumulants(NamedTuple):
    """What the second order depends on, contracted with the inverse of the information I of a row.

    Fields: ``dimension`` d; ``bias`` |b|^2, b/n the bias of a fit of n rows; ``third``
    |T|^2; ``fourth`` F_iijj; ``spread`` Q, the trace of E(J I^-1 J I^-1) - 1 for the information J
    of one row, 0 in an exponential family. No units: they are those of d.
    """

    dimension: int
    bias: float
    third: float
    fourth: float
    spread: float


def gaussian_features(
    dimension: int, nodes: Vector, shares: Vector, derivatives: tuple[Vector, Vector, Vector]
) -> Cumulants:
    r"""Of a generalised linear model whose features are N(0, I).

    Args:
        dimension: coefficients, d >= 1.
        nodes: of a quadrature for a standard normal z, shape [k].
        shares: their weights, which sum to 1, shape [k].
        derivatives: of the cumulant function at |w| z, the second to the fourth, each of shape [k].

    Returns:
        The cumulants; error that of the quadrature.

    Raises:
        ValueError: the dimension is no whole number >= 1.
    """
    d = whole("dimension", dimension, 1)
    second, third, fourth = (shares * f for f in derivatives)
    along, across = second @ nodes**2, second.sum()  # the information: along w, and across it
    square = nodes**2 / along + (d - 1) / across  # mean of x'I^-1 x given z, and its mean square
    squares = square**2 + 2 * (d - 1) / across**2
    skew = third @ nodes**3, third @ nodes
    return Cumulants(
        dimension=d,
        bias=float((third @ (nodes * square)) ** 2 / (4 * along)),
        third=float(skew[0] ** 2 / along**3 + 3 * (d - 1) * skew[1] ** 2 / (along * across**2)),
        fourth=float(fourth @ squares),
        spread=float(second * derivatives[0] @ squares - d),
    )


class Refits(NamedTuple):
    """A chain of fits.

    Fields: ``cumulants`` of the model; ``sizes`` rows of each batch, shape [T], each >= 1;
    ``kept`` whether each fit sees all batches so far or the newest one; ``corrected`` whether each
    has Firth's correction.
    """

    cumulants: Cumulants
    sizes: Sizes
    kept: bool
    corrected: bool

    def doses(self) -> tuple[Vector, Vector]:
        """For n new rows among the N of each fit n / N^2 and n / N^3, each of shape [T].

        Raises:
            ValueError: a size is no whole number >= 1.
        """
        n = schedule("sizes", self.sizes, 1)
        rows = np.cumsum(n) if self.kept else n
        return n / rows**2, n / rows**3

    def drift(self) -> Vector:
        r"""$E(w_t-w^*)$ in units of b, shape [T]: $\sum_gn_g/N_g^2$; relative error O(1/n).

        With Firth's correction 0; where all rows are kept the same sum without its first term.
        """
        return np.cumsum(self._moves())

    def _moves(self) -> Vector:
        dose, _ = self.doses()
        if not self.corrected:
            return dose
        return np.where((np.arange(dose.size) > 0) & self.kept, dose, 0.0)

    def fisher(self) -> Vector:
        r"""$E|w_t-w^*|_I^2$, shape [T]; relative error $O(1/n^2)$."""
        c, (dose, finer), move = self.cumulants, self.doses(), self._moves()
        total, moved = _before(dose), _before(move)
        divergence = 2 * c.bias + (c.third - c.fourth) / 2
        own = c.spread - c.third + (c.fourth - c.third if self.corrected else 0.0)
        terms = (
            c.dimension * dose
            + own * finer
            + (2.5 * c.third + 5 * c.bias - c.fourth) * dose**2
            - 5 * c.bias * (dose - move) ** 2  # where a correction is new
            + 2 * move * (c.bias * moved + divergence * total)
            + dose * (2 * c.bias * moved + (c.third - c.fourth / 2) * total)
        )
        return np.cumsum(terms)

    def kl_forward(self) -> Vector:
        r"""$E\,KL(w^*\Vert w_t)$, shape [T], in nats; relative error $O(1/n^2)$."""
        return self.fisher() / 2 + self._third_moment() / 6 + self._fourth_moment() / 24

    def kl_reverse(self) -> Vector:
        r"""$E\,KL(w_t\Vert w^*)$, shape [T], in nats; relative error $O(1/n^2)$.

        In proportion to t to this order under replacement without correction: the mean parameter
        is a martingale then, up to it.
        """
        return self.fisher() / 2 + self._third_moment() / 3 + self._fourth_moment() / 8

    def _third_moment(self) -> Vector:
        """E T[w_t - w*, w_t - w*, w_t - w*] to the order 1 / n^2."""
        c, (dose, finer), move = self.cumulants, self.doses(), self._moves()
        total, moved = _before(dose), _before(move)
        terms = (
            c.third * finer
            - (3 * c.third + 6 * c.bias) * dose**2
            + 6 * c.bias * dose * (dose - move)
            - 6 * c.bias * (total * move + dose * moved)
            - 3 * c.third * total * dose
        )
        return np.cumsum(terms)

    def _fourth_moment(self) -> Vector:
        return 3 * self.cumulants.fourth * np.cumsum(self.doses()[0]) ** 2


def _before(terms: Vector) -> Vector:
    """The sum of the terms before each."""
    return np.cumsum(terms) - terms
