"""Elexon's Insights API: HTTP and wire formats in, typed rows out. It knows no database and no file."""
