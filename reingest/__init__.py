"""Rebuild settlement dates of GB wind curtailment from Elexon, prove them, and swap them in."""

__version__ = "0.1.0"
