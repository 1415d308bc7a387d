"""How much of a law lies where the truth has nothing, or next to nothing."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

hallucinated_mass = Observable(
    "hallucinated_mass",
    "probability that the fit gives to what the truth never shows: symbols of probability 0, "
    "numbers beyond its support or beyond its two tails of 1/20,000",
)
heat_distance = Observable(
    "heat_distance",
    "total variation distance to the nearer of two dead laws: the nearest Dirac, and the uniform "
    "law on the symbols still alive",
)
mode_overlap = Observable(
    "mode_overlap",
    "how far two classes have grown together: the overlap of their fitted densities, "
    "1 where they are the same",
)
