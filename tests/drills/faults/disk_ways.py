"""Ways in which faults of the disk are made: real small and read-only ones where they can be mounted."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from reingest.lake import archive
from tests.drills.faults.fault import Ground


@contextmanager
def full_disk(ground: Ground) -> Iterator[None]:
    """Give the archive a disk of 64 kB; where none can be mounted, have writing fail as on a full one."""
    folder = ground.site.home / "archive"
    if _mounted(folder, "size=64k"):
        try:
            yield
        finally:
            _unmount(folder)
        return
    with failing_call("write", errno.ENOSPC):
        yield


@contextmanager
def read_only_disk(ground: Ground) -> Iterator[None]:
    """Let nobody write to the archive."""
    folder = ground.site.home / "archive"
    if os.geteuid() != 0:
        folders = [path for path in (folder, *folder.rglob("*")) if path.is_dir()]
        for path in folders:
            path.chmod(0o555)
        try:
            yield
        finally:
            for path in folders:
                path.chmod(0o755)
    elif _mounted(folder, "size=64k,ro"):
        try:
            yield
        finally:
            _unmount(folder)
    else:
        with failing_call("write", errno.EACCES):
            yield


@contextmanager
def failing_call(name: str, number: int) -> Iterator[None]:
    """Have one kind of file call of the archive fail: `write`, `rename` or `fsync`."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    target = {
        "write": patch.object(archive, "_write_new", fail),
        "rename": patch.object(Path, "rename", fail),
        "fsync": patch.object(os, "fsync", fail),
    }[name]
    with target:
        yield


def _mounted(folder: Path, options: str) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], capture_output=True, check=True)
