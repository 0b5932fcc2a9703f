"""`reingest dump`: a version's content as text, byte for byte the same for the same content."""

import sys
from typing import Annotated

import typer

from reingest.cli.arguments import SettlementDate
from reingest.cli.reading import reading
from reingest.curtailment.content import dump_lines
from reingest.errors import Bug
from reingest.store.contents import content_of, current_number, version_facts


def dump(
    settlement_date: SettlementDate,
    version: Annotated[int | None, typer.Option(metavar="N", help="Which version; the served one by default.")] = None,
) -> None:
    """Print a version's content in one stable order, ending with its sha256.

    The format is described in docs/dump.md. Two versions have the same content where their dumps are equal.
    """
    with reading() as connection:
        number = version if version is not None else current_number(connection, settlement_date)
        facts = version_facts(connection, settlement_date, number)
        lines = list(dump_lines(content_of(connection, settlement_date, facts)))
    # As bytes: neither the locale nor the platform's line end may change the dump.
    sys.stdout.flush()
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
    sys.stdout.buffer.flush()
    if lines[-1] != f"sha256 {facts.content_hash}":
        raise Bug(
            f"version {number} hashed to {facts.content_hash} when it was made: its stored rows have changed since",
            settlement_date=settlement_date,
        )
