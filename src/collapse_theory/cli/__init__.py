"""The command ``collapse``."""

from collapse_theory.cli.app import main

__all__ = ["main"]
