"""Flow matching in the plane: a field of velocities that carries standard normals to rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.families.plane import AbstractPlaneFamily, AbstractPlaneMap, check_sizes
from collapse_theory.families.training import Training
from collapse_theory.sampling.counter import normal_from_bits, uniform_from_bits

MOST_LAYERS, MOST_WIDE, MOST_STEPS = 64, 1 << 10, 1 << 12
DRAWS = 4  # starts and times for each row of a minibatch
NODES = 4  # of the quadrature over these in evaluation, in each of three directions


class Velocities(AbstractPlaneMap):
    """Where a point is carried at each time; rows are where standard normals have come by time 1.

    The paths are followed by the classical Runge-Kutta method of fourth order.

    Fields: ``network`` from place and time, (3,), to the velocity, (2,); ``steps`` of the method,
    from time 0 to time 1 or back.
    """

    network: Callable[[Array], Array]
    steps: int = eqx.field(static=True)

    def at(self, x: Float[Array, " 2"], s: Float[Array, ""]) -> Float[Array, " 2"]:
        """The velocity at a place and a time."""
        return self.network(jnp.append(x, s))

    def rows(self, z: Float[Array, " 2"]) -> Float[Array, " 2"]:
        """A row from two standard normals."""
        return self._followed(self.at, z, (0, 1))

    def log_density(self, x: Float[Array, " 2"]) -> Float[Array, ""]:
        """Of a row, in nats; the error is that of the steps, both in the path and in the integral.

        Along a path the log density falls at the rate of the divergence of the velocities, which is
        computed exactly.
        """

        def slope(state: Array, s: Array) -> Array:
            velocity, push = jax.linearize(lambda place: self.at(place, s), state[:2])
            jacobian = jax.vmap(push)(jnp.eye(2, dtype=x.dtype))
            return jnp.append(velocity, jnp.trace(jacobian))

        start = self._followed(slope, jnp.append(x, jnp.zeros((), x.dtype)), (1, 0))
        z, gained = start[:2], start[2]  # time runs backwards: what was lost on the way is gained
        return gained - (z**2).sum() / 2 - math.log(2 * math.pi)

    def _followed(
        self, slope: Callable[[Array, Array], Array], state: Array, times: tuple[int, int]
    ) -> Array:
        """The state at the second time, from that at the first."""
        h = (times[1] - times[0]) / self.steps

        def step(i: Array, y: Array) -> Array:
            s = times[0] + h * i.astype(y.dtype)
            a = slope(y, s)
            b = slope(y + h / 2 * a, s + h / 2)
            c = slope(y + h / 2 * b, s + h / 2)
            d = slope(y + h * c, s + h)
            return y + h / 6 * (a + 2 * b + 2 * c + d)

        end: Array = jax.lax.fori_loop(0, self.steps, step, state)
        return end


class Starts(NamedTuple):
    """Normals that paths start from, times on the way, and weights of sum 1."""

    z: Float[Array, "m 2"]
    s: Float[Array, " m"]
    weight: Float[Array, " m"]


def drawn(key: Array, dtype: Any) -> Starts:
    """Four at random, with one time from each quarter."""
    kind, words = jnp.dtype(dtype).type, jr.bits(key, (DRAWS, 3), jnp.uint32)
    u = uniform_from_bits(words[:, 0], kind)
    s = (jnp.arange(DRAWS, dtype=dtype) + u) / DRAWS
    weight = jnp.full(DRAWS, 1 / DRAWS, dtype)
    return Starts(normal_from_bits(words[:, 1:], kind), s, weight)


def quadrature(dtype: Any) -> Starts:
    """The nodes of Gauss and Hermite for each normal, those of Gauss and Legendre for the time."""
    z, share = np.polynomial.hermite_e.hermegauss(NODES)
    s, part = np.polynomial.legendre.leggauss(NODES)
    first, second, time = (a.ravel() for a in np.meshgrid(z, z, (1 + s) / 2, indexing="ij"))
    weight = np.einsum("i,j,k->ijk", share, share, part).ravel()
    found = (np.stack([first, second], -1), time, weight / weight.sum())
    return Starts(*(jnp.asarray(a, dtype) for a in found))


class FlowMatching(AbstractPlaneFamily):
    r"""Two standard normals carried by learned velocities, trained to go straight to the rows.

    The loss of a row x is the mean over normals z and times s in [0, 1] of
    |v((1 - s) z + s x, s) - (x - z)|^2, in squared units of the rows; its least value is not 0. In
    training the mean is over 4 draws, one with a time in each quarter; in evaluation it is a Gauss
    rule of 64 nodes, within 2 % for fits of 400 rows. The best v is the mean of x - z given place
    and time, and it carries the law of z to that of x: a law changes as the mean velocity at each
    place says (derived).

    Rows and densities follow v by ``ode_steps`` steps of fourth order. With 12, on fits of 400 rows
    and on those of generation 6 under replacement, the log density is off by 1e-4 nats in the mean
    over the truth, KL(truth || fit) by 1e-4, and the density integrates to 1 within 1e-4; three
    times as much for fits of 50 rows; twice as many steps divide it by 16 or more. The grid of KL
    is that of ``Flow``, its error 2e-6. Mean and variance are sums over a grid of the normals, the
    mean within 0.002, the variance within 0.006. The truth is a mixture of Gaussians, which a fit
    is not exactly: generation 1 has an error of approximation beside that of sampling. No theorem
    speaks about it.

    Fields: ``layers`` of hidden units, in 1..64; ``width`` units of each, in 1..1024;
    ``ode_steps`` from normals to rows, in 1..4096; ``training`` see ``Training``.

    Raises:
        InputError: a field is out of its range.
    """

    layers: int = 3
    width: int = 32
    ode_steps: int = 12
    training: Training = Training("adam", 5e-3, 1000, batch=64)

    def __check_init__(self) -> None:
        most = {"layers": MOST_LAYERS, "width": MOST_WIDE, "ode_steps": MOST_STEPS}
        check_sizes(self, most)

    def build(self, key: Array) -> Velocities:
        """A perceptron with its initial weights."""
        network = eqx.nn.MLP(3, 2, self.width, self.layers, jnp.tanh, key=key)
        return Velocities(network, self.ode_steps)

    def loss(
        self, module: Velocities, row: Float[Array, " 2"], key: Array | None
    ) -> Float[Array, ""]:
        """The mean squared distance of the velocity from the straight way."""
        starts = quadrature(row.dtype) if key is None else drawn(key, row.dtype)
        s = starts.s[:, None]
        velocity = jax.vmap(module.at)((1 - s) * starts.z + s * row[None], starts.s)
        off = velocity - (row[None] - starts.z)
        return starts.weight @ (off**2).sum(-1)
