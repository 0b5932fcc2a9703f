"""`reingest selftest`: does this installation do what it promises, tried on a made-up date in a place of its own."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from reingest.settings import Settings
    from reingest.store.database import Connection

app = typer.Typer(no_args_is_help=True)

SETTLEMENT_DATE: Final = date(2024, 3, 31)
"""A date of 46 periods: the short one finds whoever counts on 48."""
SEED: Final = 46
RUNS: Final = 3


@app.callback()
def selftest() -> None:
    """Whether this installation works, tried on a made-up date, beside your data and without them."""


@app.command()
def idempotency() -> None:
    """Re-ingest one made-up date three times: it is published once, and every dump is the same.

    An embedded Postgres and a stand-in Elexon are started for it, in a temporary folder, and taken away again.
    """
    from reingest.store.database import connect

    with _place() as (settings, url), connect(url, purpose="selftest") as connection:
        ended = [_run(number, settings, url, connection) for number in range(1, RUNS + 1)]
    outcomes, dumps = [outcome for outcome, _ in ended], {dump for _, dump in ended}
    if outcomes != ["published", *["unchanged"] * (RUNS - 1)] or len(dumps) > 1:
        typer.echo("Not idempotent. Please report it, with these lines.", err=True)
        raise typer.Exit(1)
    typer.echo("Idempotent: published once, unchanged since, the same dump each time.")


@contextmanager
def _place() -> Iterator[tuple["Settings", str]]:
    """Give settings of a temporary folder, with a database and an Elexon of its own, for the block."""
    from reingest.settings import Settings
    from reingest.standin.server import StandIn, StandInConfig
    from reingest.store.embedded import EmbeddedPostgres
    from reingest.store.server import ensure_database

    with tempfile.TemporaryDirectory(prefix="reingest-selftest-") as folder:
        Path(folder).chmod(0o755)  # root's server has another account, which must pass through
        with StandIn(StandInConfig(generate=SEED, small=True)) as elexon:
            settings = Settings(home=Path(folder), elexon_url=elexon.url, requests_per_second=0)
            server = EmbeddedPostgres(settings.postgres_folder)
            try:
                yield settings, ensure_database(settings)
            finally:
                server.stop()


def _run(number: int, settings: "Settings", url: str, connection: "Connection") -> tuple[str, str]:
    """Re-ingest the date, print what came of it, and return the outcome and the dump."""
    from reingest.curtailment.content import dump_lines
    from reingest.operations.reingest import reingest_date
    from reingest.operations.request import DateRequest
    from reingest.store.contents import content_of, current_number, version_facts

    report = asyncio.run(reingest_date(settings, url, DateRequest(SETTLEMENT_DATE)))
    facts = version_facts(connection, SETTLEMENT_DATE, current_number(connection, SETTLEMENT_DATE))
    dump = list(dump_lines(content_of(connection, SETTLEMENT_DATE, facts)))
    typer.echo(
        f"Run {number}: {report.outcome}, version {report.version}, {report.requests} requests, "
        f"{report.records:,} records, {dump[-1]}"
    )
    return report.outcome, "\n".join(dump)
