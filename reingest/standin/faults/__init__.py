"""Scripted faults: which there are, which request meets which, and what each does to an answer."""
