"""Asking a person before something is done that cannot be taken back."""

import sys
from typing import Final

import typer

from reingest.errors import BadUsage

_YES: Final = frozenset({"y", "yes"})


def confirmed(question: str) -> bool:
    """Ask y/N on stderr, so that stdout stays the answer of the command; anything but y or yes is a no.

    Raises:
        BadUsage: there is nobody to answer.
    """
    typer.echo(f"{question} [y/N]: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise BadUsage("there is nobody to answer; say --yes")
    return answer.strip().lower() in _YES
