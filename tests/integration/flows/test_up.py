"""`make up`: what it starts, and that nothing of it stays behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from deployments.children import MARK, marked
from deployments.parts import CHECKOUT
from reingest.store.embedded import EmbeddedPostgres
from tests.support.prefect import wait_until
from tests.support.processes import lives

UP = (sys.executable, "-m", "deployments.up")


class Started:
    """A `make up` in a process of its own."""

    def __init__(self, home: Path, process: subprocess.Popen[str], output: Path) -> None:
        self.home = home
        self.process = process
        self._output = output

    @property
    def addresses(self) -> dict[str, Any]:
        """What it wrote for programs; it is there once everything is up."""
        try:
            found: dict[str, Any] = json.loads((self.home / "prefect" / "up.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found if found["pid"] == self.process.pid else {}

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def wait(self) -> None:
        """Return when everything is up."""
        wait_until(lambda: bool(self.addresses) or self.process.poll() is not None, "everything is up")
        assert self.process.poll() is None, self.said


@contextmanager
def started(home: Path, user: Path) -> Iterator[Started]:
    """Start everything in a home, as a user whose own home is `user`."""
    output = user / "output"
    environment = {**os.environ, "REINGEST_HOME": str(home), "HOME": str(user)}
    with output.open("w") as log:
        process = subprocess.Popen(UP, cwd=CHECKOUT, env=environment, stdout=log, stderr=log, text=True)
    try:
        yield Started(home, process, output)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.mark.slow
def test_nothing_stays_behind(open_folder: Path, tmp_path: Path) -> None:
    """What a killed `make up` leaves ends with it or with the next one, which leaves nothing after Ctrl-C."""
    home = open_folder / "home"
    with started(home, tmp_path) as first:
        first.wait()
        children = first.addresses["processes"]
        assert sorted(children) == ["server", "stand-in", "worker"]
        again = subprocess.run(
            UP, cwd=CHECKOUT, env=os.environ | {"REINGEST_HOME": str(home)}, capture_output=True, text=True, check=False
        )
        assert (again.returncode, "another is up already" in again.stderr) == (2, True), again.stderr
        first.process.kill()
        if sys.platform == "linux":
            wait_until(lambda: not any(map(lives, children.values())), "the children end with their parent", 30)
    # As the flow run of a worker that was killed: nobody's child, and it has the environment of whoever started it.
    orphan = subprocess.Popen(["sleep", "600"], env=os.environ | {MARK: str(home)})
    with started(home, tmp_path) as second:
        second.wait()
        assert orphan.wait(1) == -signal.SIGTERM
        psutil.Process(worker := second.addresses["processes"]["worker"]).kill()
        wait_until(lambda: second.addresses["processes"]["worker"] not in {worker, None}, "the worker is started again")
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(60) == 0, second.said
    assert not marked(home)
    assert EmbeddedPostgres(home / "postgres").status().pid is None
    assert not (home / "prefect" / "up.json").exists()
    assert not (tmp_path / ".prefect").exists()
