"""A normalising flow in the plane, trained on rows of a mixture, then on its own."""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from collapse_theory.families.plane import AbstractPlaneFamily, AbstractPlaneMap, check_sizes
from collapse_theory.families.training import Training

STEEPEST = 2.0  # logarithm of what one layer stretches or shrinks by, at most
MOST_LAYERS, MOST_WIDE = 64, 1 << 10


class Coupling(eqx.Module):
    """One coordinate shifted and stretched by amounts that the other one decides.

    Fields: ``inner`` (width, 2), slopes and offsets of the hidden units; ``outer`` (2, width + 1),
    from them to the logarithm of the stretch, before its bound, and to the shift; ``moved`` which
    coordinate.
    """

    inner: Float[Array, "*c w 2"]
    outer: Float[Array, "*c 2 w1"]
    moved: int = eqx.field(static=True)

    def amounts(self, kept: Float[Array, ""]) -> tuple[Array, Array]:
        """Logarithm of the stretch, and the shift."""
        hidden = jnp.tanh(self.inner[:, 0] * kept + self.inner[:, 1])
        raw = self.outer[:, :-1] @ hidden + self.outer[:, -1]
        return STEEPEST * jnp.tanh(raw[0] / STEEPEST), raw[1]


class Couplings(AbstractPlaneMap):
    """Layers from standard normals to rows, the coordinates in turn."""

    layers: tuple[Coupling, ...]

    def rows(self, z: Float[Array, " 2"]) -> Float[Array, " 2"]:
        """A row from two standard normals."""
        for layer in self.layers:
            stretch, shift = layer.amounts(z[1 - layer.moved])
            z = z.at[layer.moved].set(z[layer.moved] * jnp.exp(stretch) + shift)
        return z

    def log_density(self, x: Float[Array, " 2"]) -> Float[Array, ""]:
        """Of a row, in nats; rounding error only."""
        total = jnp.zeros((), x.dtype)
        for layer in reversed(self.layers):
            stretch, shift = layer.amounts(x[1 - layer.moved])
            x = x.at[layer.moved].set((x[layer.moved] - shift) * jnp.exp(-stretch))
            total = total - stretch
        return total - (x**2).sum() / 2 - math.log(2 * math.pi)


class Flow(AbstractPlaneFamily):
    r"""Two standard normals through affine couplings, trained by maximum likelihood.

    A smooth density in the plane that can be drawn from and evaluated exactly. The truth is a
    mixture of Gaussians, which no such flow is exactly: generation 1 has an error of
    approximation beside that of sampling. KL(truth || fit) is a sum over a grid of 48 x 48 points
    that reaches 6 deviations beyond the means: its error is below 1e-6 for smooth fits where the
    spacing is below half a deviation, for means up to some 12 deviations apart; in 16 fits of 400
    rows, which have edges of their own, it was 5e-4 at most. Mean and variance are sums over a grid
    of the normals: off by 0.008 and 0.005 at most. No theorem speaks about it.

    Fields: ``layers`` couplings, in 1..64; ``width`` hidden units of each, in 1..1024; ``training``
    see ``Training``.

    Raises:
        InputError: a field is out of its range.
    """

    layers: int = 6
    width: int = 16
    training: Training = Training("adam", 1e-2, 300, batch=64, clip=10.0)

    def __check_init__(self) -> None:
        check_sizes(self, {"layers": MOST_LAYERS, "width": MOST_WIDE})

    def build(self, key: Array) -> Couplings:
        """Layers that change nothing yet; hidden units at random."""

        def layer(i: int) -> Coupling:
            inner = jr.normal(jr.fold_in(key, i), (self.width, 2))
            return Coupling(inner, jnp.zeros((2, self.width + 1)), i % 2)

        return Couplings(tuple(layer(i) for i in range(self.layers)))

    def loss(self, module: Any, row: Any, key: Array | None) -> Float[Array, ""]:
        """Minus the log density, in nats."""
        loss: Array = -module.log_density(row)
        return loss
