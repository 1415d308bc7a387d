"""What the engine's building blocks cost: nanoseconds of processor time an element.

    python benchmarks/operations.py [--chains 32768] [--repeats 9]

Each block is run in a scan of 100 steps over one unit of chains, in float32, compiled as the engine
compiles it (registers of 512 bits) and as XLA would by itself.
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from collapse_theory import moments, programs
from collapse_theory.sampling import counter
from collapse_theory.sampling.gamma import gamma_table, log_gamma_of_normal

STEPS = 100
TABLE = {k: jnp.asarray(v[0], jnp.float32) for k, v in gamma_table(np.array([49.5])).items()}


def cheap(x, t):
    """Bits that cost nothing, so that what is made of them is timed."""
    return lax.bitcast_convert_type(x, jnp.uint32) * t


def block(x, t):
    return counter.threefry2x32(cheap(x, t), t, jnp.uint32(0), jnp.uint32(0))


def as_float(bits):
    return lax.bitcast_convert_type(bits, jnp.int32).astype(jnp.float32)


BLOCKS = {
    "nothing": lambda x, t: x + as_float(cheap(x, t)),
    "threefry, one block": lambda x, t: x + as_float(block(x, t)[0] ^ block(x, t)[1]),
    "normal of one word": lambda x, t: x + counter.normal_from_bits(cheap(x, t), np.float32),
    "two normals of one block": lambda x, t: (
        x + sum(counter._product(*counter._polar(*block(x, t), np.float32)))
    ),
    "gamma, given a normal": lambda x, t: log_gamma_of_normal(x, [], TABLE),
    "log": lambda x, t: jnp.log(1 + jnp.abs(x)),
    "exp": lambda x, t: jnp.exp(x / 2 - 1),
    "square root": lambda x, t: jnp.sqrt(1 + jnp.abs(x)),
    "one sum": lambda x, t: x + x.sum() * jnp.float32(1e-9),
    "four moments": lambda x, t: x + sum(four(x)) * jnp.float32(1e-9),
}


def four(x):
    one = jnp.float32(1)
    return moments.power_sums(x, jnp.ones(x.shape, bool), one, one).sums


def cost(step, chains, repeats, options):
    """Median processor time of an element, in ns."""
    times = jnp.arange(1, STEPS + 1, dtype=jnp.uint32)
    run = jax.jit(
        lambda x: lax.scan(lambda c, t: (step(c, t), None), x, times)[0], compiler_options=options
    )
    x = jnp.linspace(0.1, 1, chains, dtype=jnp.float32)
    jax.block_until_ready(run(x))
    seconds = []
    for _ in range(repeats):
        begun = time.process_time()
        jax.block_until_ready(run(x))
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds) / chains / STEPS * 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=1 << 15)
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    print(f"{'block':28s} {'ours':>8s} {'XLA alone':>10s}   ns an element")
    for name, step in BLOCKS.items():
        both = [cost(step, asked.chains, asked.repeats, o) for o in (programs.OPTIONS["cpu"], None)]
        print(f"{name:28s} {both[0]:8.2f} {both[1]:10.2f}", flush=True)


if __name__ == "__main__":
    main()
