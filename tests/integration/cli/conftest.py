"""The command line on a database of the test's own, in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from reingest.cli import main
from tests.support.versions import Store


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Its output by line."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Its output, read as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that it reported with `--json`."""
        error: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return error


Command = Callable[..., Ran]


@pytest.fixture
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the test's database, which the command line uses too."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return Store(database_url)


@pytest.fixture
def reingest(capsys: pytest.CaptureFixture[str]) -> Command:
    """Return what runs `reingest` with the words given."""

    def run(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return run
