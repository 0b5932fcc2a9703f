"""`reingest digest`: one hash of what is served of a date, a month or a year, to be compared with another site's."""

from pathlib import Path
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, text_of
from reingest.cli.output import Column, Output
from reingest.cli.reading import reading
from reingest.curtailment.digests import Digests, differing, read_listing
from reingest.errors import BadUsage, NotFound
from reingest.spans import Span, settlement_span
from reingest.store.seals import digests_of

_DAYS: Final = (Column("settlement_date", "date"), Column("digest", "digest"))
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
    as_csv: AsCsv = False,
) -> None:
    """Print a digest of what is served, equal on two sites that serve the same content, with that of each date."""
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    there = read_listing(text_of(against)) if against else None
    with reading() as connection:
        here = digests_of(connection, str(span), span.start, span.end)
    if there is not None:
        raise typer.Exit(_compare(output, here, there))
    if not here.days:
        raise NotFound(f"nothing is served of {span}", next_command="reingest status")
    if output.json or output.csv:
        rows = [{"settlement_date": day, "digest": digest} for day, digest in here.days.items()]
        output.write(_document(here), _DAYS, rows)
    else:
        typer.echo("\n".join(here.listing()))


def _compare(output: Output, here: Digests, there: Digests) -> int:
    if here.span != there.span:
        raise BadUsage(f"the file is of {there.span}, not of {here.span}")
    differences = differing(here, there)
    rows = [{"settlement_date": one.settlement_date, "here": one.here, "there": one.there} for one in differences]
    document = _document(here) | {"against": there.digest, "equal": not rows, "differences": rows}
    if rows:
        before = f"{here.span}: {_dates(len(rows))} not served alike"
        after = f"Next: compare what both sites print for `reingest dump {differences[0].settlement_date}`"
        output.write(document, _DIFFERENCES, rows, before=[before], after=[after])
        return DIFFERENT
    output.write(document, _DIFFERENCES, [], before=[f"{here.span}: equal, {_dates(len(here.days))}, {here.digest}"])
    return 0


def _document(digests: Digests) -> dict[str, object]:
    return {"span": digests.span, "digest": digests.digest, "days": digests.days}


def _dates(number: int) -> str:
    return "1 date" if number == 1 else f"{number} dates"
