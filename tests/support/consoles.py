"""The commands of a page of the docs: its `console` blocks, with the exit codes that the page tells."""

import re
import shlex
from pathlib import Path
from typing import Final, TypeAlias

from tests.support.sites import Ran, Site

DOCS: Final = Path(__file__).parents[2] / "docs"
_SECTION: Final = re.compile(r"^##+ (?P<heading>.+?)\n(?P<text>.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_CONSOLE: Final = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(r"^\$ (?P<command>.+?)(?: +# exit (?P<exit>\d+))?$", re.MULTILINE)

Commands: TypeAlias = list[tuple[str, int]]


def commands_of(page: str) -> dict[str, Commands]:
    """Return the commands of each section that has some, with the exit codes that it tells, by heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
    sections = {
        section["heading"]: [
            (found["command"], int(found["exit"] or 0))
            for block in _CONSOLE.findall(section["text"])
            for found in _COMMAND.finditer(block)
        ]
        for section in _SECTION.finditer(text)
    }
    return {heading: commands for heading, commands in sections.items() if commands}


def run_command(site: Site, command: str, **words: str) -> Ran:
    """Run a command line as a shell would: variables first, then `reingest` and its words, some stood in for."""
    given = [words.get(word, word) for word in shlex.split(command)]
    at = given.index("reingest")
    variables = dict(word.split("=", 1) for word in given[:at])
    return site.reingest(*given[at + 1 :], **variables)
