"""Appending whole lines to a file that others append to as well; when it returns, they are on disk."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from reingest.checkpoints import checkpoint

_LOOK_AGAIN_SECONDS: Final = 0.01


def append_lines(path: Path, lines: bytes, *, patience_seconds: float | None = None) -> None:
    """Append lines under a file lock, after what a crash left of an earlier one is cut off.

    Args:
        path: the file; it is made where it is not there, its folder is not.
        lines: each ends with a newline.
        patience_seconds: how long to wait for the lock; None waits as long as it takes.

    Raises:
        TimeoutError: another process keeps the lock.
        OSError: the file cannot be written.
    """
    new = not path.exists()
    with alone_with(path, patience_seconds) as file:
        _cut_torn_line(file)
        file.write(lines)
        file.flush()
        checkpoint("lines_written")
        os.fsync(file.fileno())
        checkpoint("lines_synced")
    if new:
        sync(path.parent)


@contextmanager
def alone_with(path: Path, patience_seconds: float | None = None) -> Iterator[BinaryIO]:
    """Give the file for appending, locked; one that was replaced while the lock was waited for is opened again.

    Raises:
        TimeoutError: another process keeps the lock for longer than the patience.
    """
    while True:
        with path.open("ab+") as file, locked(file, fcntl.LOCK_EX, patience_seconds):
            if path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                yield file
                return


@contextmanager
def locked(file: BinaryIO, kind: int, patience_seconds: float | None = None) -> Iterator[None]:
    """Hold the file's lock (`fcntl.LOCK_EX` or `LOCK_SH`) for the block.

    Raises:
        TimeoutError: another process keeps it for longer than the patience.
    """
    if patience_seconds is None:
        fcntl.flock(file, kind)
    else:
        _lock_within(file, kind, patience_seconds)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def sync(path: Path) -> None:
    """Wait until the file, or the entries of the folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock_within(file: BinaryIO, kind: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise TimeoutError("another process keeps the file locked") from error
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return


def _cut_torn_line(file: BinaryIO) -> None:
    """Cut off what a crash left of a line, so that the next one does not run into it."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read() != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
