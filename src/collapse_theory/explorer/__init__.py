"""A static page whose sliders move the exact curves."""

from collapse_theory.explorer.building import write_explorer

__all__ = ["write_explorer"]
