"""docs/proofs.md: its commands, run as they stand, one after the other."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from tests.support.sites import Site

PAGE: Final = (Path(__file__).parents[3] / "docs" / "proofs.md").read_text(encoding="utf-8")
_CONSOLE: Final = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(
    r"^\$ reingest (?P<words>.+?)(?: > (?P<file>\S+))?(?: +# exit (?P<exit>\d+))?$", re.MULTILINE
)


def test_the_commands_of_the_page(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a site whose date is published each command of the page ends as the page says."""
    monkeypatch.chdir(published.home)
    commands = [found for block in _CONSOLE.findall(PAGE) for found in _COMMAND.finditer(block)]
    assert len(commands) >= 5
    for found in commands:
        ran = published.reingest(*shlex.split(found["words"]))
        assert ran.exit_code == int(found["exit"] or 0), f"{found[0]}: {ran}"
        if found["file"]:
            Path(found["file"]).write_text(ran.out, encoding="utf-8")
