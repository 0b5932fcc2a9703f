"""The doctor: do database, archive and files agree, and if not, what mends it.

Each subject has a file of checks; a check is a named function that yields findings (`finding.py`). `examine.py` goes
through them all, `mending.py` mends what may be mended without a person, `precheck.py` is the part before every run.
"""
