"""`reingest witnesses`: what Elexon's other datasets say of a date, and every figure that they give differently."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.output import Column, Output, instant, table_lines
from reingest.cli.reading import reading

if TYPE_CHECKING:
    from reingest.store.versions import NumberedVersion
    from reingest.store.witnesses import StoredDifference, StoredVerdict

_VERDICTS: Final = (
    Column("rule", "rule"),
    Column("status", "status"),
    Column("compared", "compared", "count"),
    Column("not_compared", "not compared", "count"),
    Column("differences", "differences", "count"),
    Column("why", "why not compared"),
)
DIFFERENCES: Final = (
    Column("rule", "rule"),
    Column("period", "period", "count"),
    Column("side", "side"),
    Column("bm_unit", "unit"),
    Column("acceptance_id", "acceptance"),
    Column("pair_id", "pair"),
    Column("stack", "stack"),
    Column("witness", "witness"),
    Column("difference", "difference"),
    Column("wind", "wind"),
    Column("cause", "cause"),
)


def witnesses(
    settlement_date: SettlementDate,
    version: Annotated[int | None, typer.Option(metavar="N", help="Which version; the served one by default.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what the witnesses say of a date's version, and list each difference by period and unit.

    The verdict shown is of the newest run that verified the version or found a difference, else of the newest.
    """
    from reingest.store.contents import current_number
    from reingest.store.versions import version_by_number
    from reingest.store.witnesses import differences_of, verdicts_of, verification_of

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        number = version if version is not None else current_number(connection, settlement_date)
        found = version_by_number(connection, settlement_date, number)
        verification = verification_of(connection, found.id)
        verdicts, differences = verdicts_of(connection, found.id), differences_of(connection, found.id)
    document = {
        "settlement_date": settlement_date,
        "version": number,
        "state": found.state,
        "verification": verification,
        "witnesses": verdicts,
        "differences": differences,
    }
    heading = _heading(found, verification, verdicts)
    output.write(
        document, DIFFERENCES, map(_row, differences), before=heading, after=list(_footing(found, differences))
    )


def _heading(version: "NumberedVersion", verification: str, verdicts: "list[StoredVerdict]") -> list[str]:
    lines = [f"{version.settlement_date}  version {version.number}  {version.state}: {verification}"]
    if not verdicts:
        return [*lines, "No witness was ever heard of it."]
    judged = verdicts[0]
    lines.append(f"by rules {judged.rules}, run {judged.run_id}, {instant(judged.judged_at)}")
    return [*lines, "", *table_lines(_VERDICTS, map(_verdict_row, verdicts)), ""]


def _footing(version: "NumberedVersion", differences: "list[StoredDifference]") -> Iterator[str]:
    if not differences:
        yield "No figure differs."
        return
    yield ""
    yield f"{len(differences):,} figures differ; stack less witness, nothing counts as zero."
    if version.state == "held":
        yield f"Ask again: reingest date {version.settlement_date}"


def _verdict_row(verdict: "StoredVerdict") -> dict[str, object]:
    from reingest.curtailment.verdicts import REASONS

    why = (f"{amounts:,} {REASONS[reason]}" for reason, amounts in sorted(verdict.reasons.items()))
    return {name: getattr(verdict, name) for name in verdict.__slots__} | {"why": "; ".join(why)}


def _row(difference: "StoredDifference") -> Mapping[str, object]:
    return {name: getattr(difference, name) for name in difference.__slots__}
