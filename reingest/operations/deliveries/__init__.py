"""Deliveries: what is owed to somebody is sent at least once, in order, with patience, and given up at last."""
