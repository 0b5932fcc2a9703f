"""Files: the archive of payloads, and what can be rebuilt from it."""
