"""Theorems: one file a paper or subject, and the settings they share."""
