"""A `make up` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployments.children import marked
from deployments.parts import CHECKOUT
from reingest.store.embedded import EmbeddedPostgres
from tests.support.prefect import wait_until

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
    output, temporary = user / "output", user / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "REINGEST_HOME": str(home), "HOME": str(user), "TMPDIR": str(temporary)}
    with output.open("w") as log:
        process = subprocess.Popen(UP, cwd=CHECKOUT, env=environment, stdout=log, stderr=log, text=True)
    try:
        yield Started(home, process, output)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def assert_nothing_is_left(home: Path, user: Path) -> None:
    assert not marked(home)
    assert not [*(user / "tmp").iterdir()]
    assert not (user / ".prefect").exists()
    assert EmbeddedPostgres(home / "postgres").status().pid is None
    assert not (home / "prefect" / "up.json").exists()
