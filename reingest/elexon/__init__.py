"""Elexon's Insights API: HTTP and wire formats in, typed rows out. It knows no database and no file."""

import sys

# httpx brings its own command line along wherever rich and click are installed, and with it a quarter of a second of
# imports. Declared absent, httpx does without, as it does where they are not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None means "not to be had" to the importer
