"""Sealed plans: what a run would publish, written to a file, and published later exactly as it was planned."""
