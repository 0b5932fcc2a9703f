"""Ranges: many dates as one run, each of them a date like any other; begin with `running.py`."""
