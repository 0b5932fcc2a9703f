"""Reconciliation: which dates may not be what the source says, what a re-fetch finds, and what becomes of them."""
