"""`reingest digest`: one hash of what is served of a date, a month or a year, to be compared with another site's."""

from pathlib import Path
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsJson, Span, settlement_span, text_of
from reingest.cli.output import Column, table_lines
from reingest.cli.output import as_json as json_text
from reingest.cli.reading import reading
from reingest.curtailment.digests import DigestDifference, Digests, differing, read_listing
from reingest.errors import BadUsage, NotFound
from reingest.store.seals import digests_of

_DIFFERENCES: Final = (Column("settlement_date", "date"), Column("here", "here"), Column("there", "there"))
DIFFERENT: Final = 1
"""The exit code where two sites do not serve the same."""


def digest(
    span: Annotated[
        Span, typer.Argument(parser=settlement_span, metavar="D|YYYY-MM|YYYY", help="A date, a month or a year.")
    ],
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What another site's digest printed; exit 1 where they differ.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a digest of what is served, equal on two sites that serve the same content, with that of each date."""
    there = read_listing(text_of(against)) if against else None
    with reading() as connection:
        here = digests_of(connection, str(span), span.start, span.end)
    if there is not None:
        raise typer.Exit(_compare(here, there, wanted_json=as_json))
    if not here.days:
        raise NotFound(f"nothing is served of {span}", next_command="reingest status")
    typer.echo(json_text(_document(here)) if as_json else "\n".join(here.listing()))


def _compare(here: Digests, there: Digests, *, wanted_json: bool) -> int:
    if here.span != there.span:
        raise BadUsage(f"the file is of {there.span}, not of {here.span}")
    differences = differing(here, there)
    if wanted_json:
        document = _document(here) | {"against": there.digest, "equal": not differences, "differences": differences}
        typer.echo(json_text(document))
    else:
        typer.echo("\n".join(_lines(here, differences)))
    return DIFFERENT if differences else 0


def _document(digests: Digests) -> dict[str, object]:
    return {"span": digests.span, "digest": digests.digest, "days": digests.days}


def _lines(here: Digests, differences: list[DigestDifference]) -> list[str]:
    if not differences:
        return [f"{here.span}: equal, {len(here.days)} dates, digest {here.digest}"]
    rows = [{"settlement_date": one.settlement_date, "here": one.here, "there": one.there} for one in differences]
    first = differences[0].settlement_date
    return [
        f"{here.span}: {len(differences)} dates are not served alike",
        *table_lines(_DIFFERENCES, rows),
        f"Next: compare what both sites print for `reingest dump {first}`",
    ]
