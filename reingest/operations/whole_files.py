"""Files that people asked for: a reader finds the old one or the new one, whole."""

import os
import secrets
from pathlib import Path

from reingest.checkpoints import checkpoint
from reingest.lake.appending import sync


def write_whole(path: Path, text: str) -> None:
    """Write a text file under another name, and give it its own once it is on disk.

    Raises:
        OSError: the folder cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            checkpoint("file_written")
            os.fsync(file.fileno())
        checkpoint("file_synced")
        unfinished.rename(path)
        checkpoint("file_renamed")
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)
