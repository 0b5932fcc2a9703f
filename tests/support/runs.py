"""The folder of one run of the tests or of the bench, and the sweep of those that were killed."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from deployments.children import sweep
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.embedded_place import find_place

MEMORY: Final = Path("/dev/shm")  # noqa: S108  (a name of our own is made in it)
ROOM_BYTES: Final = 4 * 2**30
"""Far more than a run of the tests has at any time."""


def make_run_folder(prefix: str, *, in_memory: bool = False) -> Path:
    """Make a run's folder; its name tells whose it is.

    Args:
        prefix: what its name begins with.
        in_memory: whether it may be in a file system in memory: a database is copied there in a third of the time.
    """
    place = MEMORY if in_memory and "TMPDIR" not in os.environ and _has_room(MEMORY) else None
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=place)).resolve()
    # Where root runs this the server has another account, which must pass through here.
    folder.chmod(0o755)
    return folder


def _has_room(place: Path) -> bool:
    """Tell whether a run fits into a file system, and its programs may run there; many a container has 64 MB."""
    if not os.access(place, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize > ROOM_BYTES and not found.f_flag & getattr(os, "ST_NOEXEC", 0)


def sweep_killed_runs(prefix: str) -> None:
    """End what killed runs left running, and remove their folders."""
    for place in {Path(tempfile.gettempdir()).resolve(), MEMORY}:
        for folder in place.glob(f"{prefix}*"):
            pid = folder.name.removeprefix(prefix).partition("-")[0]
            with suppress(FileNotFoundError, ValueError):  # it was removed meanwhile, or has another's kind of name
                if folder.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(pid)):
                    remove_run(folder)


def remove_run(folder: Path) -> None:
    """End what carries the run's mark, and its Postgres; remove its folder."""
    sweep(folder, seconds=0)
    postgres = EmbeddedPostgres(folder / "postgres")
    base = find_place(postgres.folder).base  # elsewhere, where root has a closed temporary folder
    postgres.stop(immediate=True)
    shutil.rmtree(base, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
