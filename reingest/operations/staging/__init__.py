"""Staged runs: periods of a date fetched in batches, by many hands, and published when all are there."""
