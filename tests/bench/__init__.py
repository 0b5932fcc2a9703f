"""`make bench`: every figure that the project promises, measured and printed beside its limit.

Everything is real: an embedded Postgres that waits for the disk, HTTP to the stand-in Elexon in a process of its own,
the stages of a date as the command line runs them.
"""
