"""Settings of every test: wide floats, two CPU devices, strict promotion, key reuse caught."""

import os

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")

from collapse_theory import engine

engine.LARGEST_UNIT["cpu"] = (
    1 << 12
)  # units small enough for small runs; results never depend on more than this
