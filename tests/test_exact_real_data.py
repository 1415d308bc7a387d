"""Settled risks against the recursion that settles at them."""

import math

import pytest

from collapse_theory.exact import real_data

SETTINGS = [(10.0, 4.0, 0.0), (25.0, 60.0, 1.0), (8.0, 3.0, -1.0), (50.0, 10.0, 2.5)]


@pytest.mark.parametrize(("real", "made", "v2"), SETTINGS)
def test_the_recursion_settles_there(real, made, v2):
    """Distance to the first fit, step by step: rows of the last fit have its variance and mean."""
    share, far = made / (real + made), 0.0
    for _ in range(20_000):
        far = share**2 * (far + (1 + v2 * (1 / real + far)) / made)
    found = real_data.settled_inflation(real, made, v2)
    assert found == pytest.approx(real * (1 / real + far), rel=1e-9)


@pytest.mark.parametrize(("real", "made", "v2"), SETTINGS)
def test_the_most_rows_are_the_inverse(real, made, v2):
    inflation = real_data.settled_inflation(real, made, v2)
    assert real_data.most_synthetic(real, inflation, v2) == pytest.approx(made, rel=1e-12)


def test_beyond_the_pole_nothing_settles():
    assert math.isinf(real_data.settled_inflation(1.0, 5.0, 3.0))
    assert math.isinf(real_data.most_synthetic(10.0, 2.0, 0.0))
