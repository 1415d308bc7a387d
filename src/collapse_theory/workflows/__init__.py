"""Workflows: which data a generation may see."""
