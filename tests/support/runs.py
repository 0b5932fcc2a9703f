"""The folder of one run of the tests or of the bench, and the sweep of those that were killed."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from deployments.children import sweep
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.embedded_place import find_place


def make_run_folder(prefix: str) -> Path:
    """Make a run's folder; its name tells whose it is."""
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-")).resolve()
    # Where root runs this the server has another account, which must pass through here.
    folder.chmod(0o755)
    return folder


def sweep_killed_runs(prefix: str) -> None:
    """End what killed runs left running, and remove their folders."""
    for folder in Path(tempfile.gettempdir()).resolve().glob(f"{prefix}*"):
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
