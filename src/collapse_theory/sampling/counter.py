"""Counter-based randomness: every word is a function of a key and an address, never of call order.

Threefry-2x32 (20 rounds) is a keyed function of a 64-bit counter. Written unrolled it vectorises,
and both words of a block are used; the default rolled implementation is about five times slower on
a CPU.

References:
    salmon2011parallel
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jax.extend.random import define_prng_impl, threefry_prng_impl
from jaxtyping import Array, Float, Int32, UInt32

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
SPLIT, FOLD = (
    1 << 31,
    1 << 30,
)  # high words set aside, so that no address is used twice under one key


class Address(NamedTuple):
    """A key as two words: what a kernel that knows no typed keys is given in their place."""

    k0: Array
    k1: Array


def threefry2x32(k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Array, Array]:
    """The two words of block (x0, x1) under key (k0, k1); all four are uint32 and broadcast."""
    ks = (k0, k1, k0 ^ k1 ^ jnp.uint32(0x1BD11BDA))
    x0, x1 = x0 + ks[0], x1 + ks[1]
    for i in range(5):
        for r in ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = ((x1 << jnp.uint32(r)) | (x1 >> jnp.uint32(32 - r))) ^ x0
        x0, x1 = x0 + ks[(i + 1) % 3], x1 + ks[(i + 2) % 3] + jnp.uint32(i + 1)
    return x0, x1


def _random_bits(key: Array, bit_width: int, shape: tuple[int, ...]) -> Array:
    count = math.prod(shape)
    if bit_width == 64:
        block = lax.iota(jnp.uint32, count)
        hi, lo = threefry2x32(key[0], key[1], jnp.zeros_like(block), block)
        return (hi.astype(jnp.uint64) << 32 | lo.astype(jnp.uint64)).reshape(shape)
    block = lax.iota(jnp.uint32, (count + 1) // 2)
    words = jnp.concatenate(threefry2x32(key[0], key[1], jnp.zeros_like(block), block))
    return words[:count].reshape(shape).astype(jnp.dtype(f"uint{bit_width}"))


def _split(key: Array, shape: tuple[int, ...]) -> Array:
    i = lax.iota(jnp.uint32, math.prod(shape))
    return jnp.stack(threefry2x32(key[0], key[1], jnp.full_like(i, SPLIT), i), -1).reshape(
        *shape, 2
    )


def _fold_in(key: Array, data: Any) -> Array:
    return jnp.stack(threefry2x32(key[0], key[1], jnp.uint32(FOLD), data.astype(jnp.uint32)))


IMPL = define_prng_impl(
    key_shape=(2,),
    seed=threefry_prng_impl.seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="collapse_threefry",
    tag="ctf",
)


def seed_key(seed: int) -> Array:
    """The root key of a run. ``seed`` is any Python integer in [0, 2**63)."""
    return jr.key(seed, impl=IMPL)


def chain_key(root: Any, low: Array, high: Array) -> Any:
    """The key of a chain: a full hash of its 64-bit id, so neighbouring ids share nothing."""
    k0, k1 = threefry2x32(*_pair(root), high | jnp.uint32(FOLD), low)
    if isinstance(root, Address):
        return Address(k0, k1)
    return jr.wrap_key_data(jnp.stack([k0, k1], -1), impl=IMPL)


def at(chain: Any, generation: Array, role: int) -> Any:
    """The key of (generation, role) in a chain: an address, two integer adds and no hash."""
    k0, k1 = jnp.uint32(role), generation.astype(jnp.uint32)
    if isinstance(chain, Address):
        return Address(chain.k0 + k0, chain.k1 + k1)
    # both words in one sum: stacking two scalars would be a pass over memory of its own
    return jr.wrap_key_data(jr.key_data(chain) + jnp.stack([k0, k1]), impl=IMPL)


def words(key: Any, high: Any, low: Any) -> tuple[Array, Array]:
    """The two random words at counter (high, low) under ``key``.

    high, low: uint32, broadcast; high < 2**30. Counters with high = 0 are those that
    :func:`jax.random.bits` uses on the same key.
    """
    k0, k1 = _pair(key)
    return threefry2x32(k0, k1, jnp.asarray(high, jnp.uint32), jnp.asarray(low, jnp.uint32))


def scalar_words(key: Any, count: int) -> list[Array]:
    """``count`` scalar words of a key, those that :func:`jax.random.bits` would give in blocks."""
    return [word for i in range(-(-count // 2)) for word in words(key, 0, i)][:count]


def _pair(key: Any) -> tuple[Array, Array]:
    if isinstance(key, Address):
        return key
    data = jr.key_data(key)
    return data[..., 0], data[..., 1]


def signed(word: UInt32[Array, "*s"]) -> Int32[Array, "*s"]:
    """A word as an int32; if the word is uniform, so is this."""
    return lax.bitcast_convert_type(word, jnp.int32)


def midpoint(word: UInt32[Array, "*s"], dtype: Any) -> Float[Array, "*s"]:
    """Uniform on (0, 1) with all digits kept near 0: (k + 1/2) / 2**31, k the upper 31 bits."""
    u: Array = (signed(word >> 1).astype(dtype) + dtype(0.5)) * dtype(2.0**-31)
    return u


def uniform_from_bits(bits: UInt32[Array, "*s"], dtype: Any) -> Float[Array, "*s"]:
    """Uniform on (0, 1), never 0: midpoints (k + 1/2) / 2**32 in float64, / 2**24 in float32.

    In float32 the upper half of the midpoints is rounded to even, so 1 is reached with probability
    2**-25.
    """
    u: Array
    if dtype == jnp.float32:  # 24 bits: a float32 holds no more; signed conversion is the fast one
        u = (signed(bits >> 8).astype(dtype) + dtype(0.5)) * dtype(2.0**-24)
    else:
        u = (bits.astype(dtype) + dtype(0.5)) * dtype(2.0**-32)
    return u


def normal_from_bits(bits: UInt32[Array, "*s"], dtype: Any) -> Float[Array, "*s"]:
    """Standard normal from one 32-bit word: the quantile of a midpoint (k + 1/2) / 2**32.

    |z| <= 6.4. One bit is the sign; the others give the distance from the nearer end, so that
    float32 keeps full relative precision in both tails. Error of z in float32: 5e-7 relative, or
    2e-7 absolute near 0; in float64 2e-10.

    References:
        giles2012approximating
    """
    sign = jnp.where(bits >> 31 == 0, dtype(1), dtype(-1))
    magnitude = signed(bits & jnp.uint32(0x7FFFFFFF)).astype(dtype)
    tail = (magnitude + dtype(0.5)) * dtype(2.0**-31)  # 1 - |x|
    x = lax.erf_inv(1 - tail) if dtype == jnp.float64 else _erf_inv_float32(tail)
    # divided, not multiplied, by the sign: XLA copies cheap operations into every consumer, random
    # bits and all, but computes what ends in a division once and stores it
    z: Array = dtype(np.sqrt(2.0)) * x / sign
    return z


def normal_pair(key: Any, high: Any, low: Any, dtype: Any) -> tuple[Array, Array]:
    """Two independent standard normals from the block (high, low) of a key, in polar coordinates.

    |z| <= 6.67. Absolute error in float32 3e-8 / r + 3e-7 r at radius r, 3e-4 at most (near 0); in
    float64 1e-11. Cheaper than two of :func:`normal_from_bits`, where both are needed.

    References:
        box1958note
    """
    polar = _polar(*words(key, high, low), dtype)
    if isinstance(key, Address):
        return _product(*polar)
    pair: tuple[Array, Array] = lax.platform_dependent(
        *polar, cpu=_stored_product, default=_product
    )
    return pair


def _polar(first: Array, second: Array, dtype: Any) -> tuple[Array, Array, Array]:
    """Cosine and sine of the angle, and the square of the radius."""
    # in float32 the last midpoints are rounded to 1, where the inverse radius has no value
    u = jnp.minimum(midpoint(first, dtype), dtype(1 - np.finfo(dtype).epsneg))
    return *_cos_sin(second, dtype), -2 * jnp.log(u)


def _product(cos: Array, sin: Array, square: Array) -> tuple[Array, Array]:
    radius = jnp.sqrt(square)
    return radius * cos, radius * sin


def _stored_product(cos: Array, sin: Array, square: Array) -> tuple[Array, Array]:
    """The same by a complex division: XLA for CPUs computes one once and stores both its parts.

    Of anything cheaper it would copy the whole generator into each part's consumers.
    """
    z = lax.complex(cos, sin) / lax.rsqrt(square)
    return z.real, z.imag


def _eighth_turn(of: Any, terms: int) -> tuple[float, ...]:
    """Coefficients in x**2, highest power first, of an even function on |x| <= 1."""
    x = np.cos(np.pi * (np.arange(200) + 0.5) / 400)
    return tuple(np.polynomial.Polynomial.fit(x * x, of(x), terms - 1).convert().coef[::-1])


# errors 2e-9 (float32) and 1e-13 (float64), in x = angle / (pi / 4)
_SIN, _COS = (
    {np.float32: _eighth_turn(of, 4 + more), np.float64: _eighth_turn(of, 6 + more)}
    for of, more in ((lambda x: np.sin(np.pi / 4 * x) / x, 0), (lambda x: np.cos(np.pi / 4 * x), 1))
)


def _cos_sin(bits: Array, dtype: Any) -> tuple[Array, Array]:
    """Cosine and sine of 2 pi bits / 2**32: an eighth of a turn by series, the rest by symmetry."""
    quarter = (bits + jnp.uint32(1 << 29)) >> 30
    rest = signed(bits - (quarter << 30)).astype(dtype) * dtype(2.0**-29)
    square = rest * rest
    sin, cos = rest * horner(_SIN[dtype], square), horner(_COS[dtype], square)
    swap = quarter & 1 == 1
    left, below = (quarter + 1) & 2 == 2, quarter & 2 == 2
    x, y = jnp.where(swap, sin, cos), jnp.where(swap, cos, sin)
    return jnp.where(left, -x, x), jnp.where(below, -y, y)


# erf_inv(x) / x, w = -log(1 - x^2): for w < 5 Giles' single-precision polynomial in w - 2.5;
# beyond, a Chebyshev fit in sqrt(w) - 3 up to w = 23, as far as 32 bits reach (his stops at w =
# 16).
_CENTRE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
           -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)  # fmt: skip
_TAIL = (2.54761521e-05, -0.000107039211, -6.61661516e-05, 0.00124923254, -0.00350864353,
         0.00577614889, -0.00767361097, 0.00943339975, 1.00167813, 2.8329771)  # fmt: skip


def _erf_inv_float32(tail: Array) -> Array:
    """erf_inv(1 - tail) for 0 < tail <= 1; the tail is given, so 1 - x**2 loses no digit."""
    w = -jnp.log(tail * (2 - tail))
    centre = horner(_CENTRE, w - jnp.float32(2.5))
    far = horner(_TAIL, jnp.sqrt(w) - 3)
    return jnp.where(w < 5, centre, far) * (
        1 - tail
    )  # two sums and one choice: faster than one of choices


def horner(coefficients: Sequence[Any], x: Array) -> Array:
    """The polynomial with these coefficients, highest power first, at x, in the type of x."""
    total = jnp.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        total = total * x + jnp.asarray(c, x.dtype)
    return total


def uniform(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Uniforms on (0, 1) of the given shape, one 32-bit word each."""
    return uniform_from_bits(_bits(key, shape), jnp.dtype(dtype).type)


def normal(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Standard normals of the given shape, one 32-bit word each (see :func:`normal_from_bits`)."""
    return normal_from_bits(_bits(key, shape), jnp.dtype(dtype).type)


def _bits(key: Any, shape: tuple[int, ...]) -> Array:
    """The words of :func:`jax.random.bits`; a scalar one without an array of length one."""
    return jr.bits(key, shape, jnp.uint32) if shape else words(key, 0, 0)[0]


__all__ = [
    "IMPL", "Address", "at", "chain_key", "horner", "midpoint", "normal", "normal_from_bits",
    "normal_pair", "scalar_words", "seed_key", "signed", "threefry2x32", "uniform",
    "uniform_from_bits", "words",
]  # fmt: skip
