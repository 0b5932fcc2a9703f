"""A range's report as lines for people: how many dates ended how, then each that is not as it should be."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from reingest.curtailment.exact import ZERO, exactly
from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.operations.date_run import Decision
from reingest.operations.figures_text import energy, money, signed_energy, signed_money
from reingest.operations.ranges.report import Change, DateEnd, RangeReport

SHOWN_CHANGES: Final = 20
_WOULD: Final[Mapping[Decision, str]] = {
    "publish": "would be published",
    "hold": "would be held",
    "unchanged": "would be unchanged",
}


def range_lines(report: RangeReport) -> Iterator[str]:
    """Yield the report, one fact a line; its last lines say what to do next."""
    yield f"Range {report.range_id}: {report.state}; {counts_text(report)}"
    yield from _plan_lines(report) if report.plan else _change_lines(report)
    for end in report.left:
        yield from _left_lines(end)
    if report.error is not None:
        yield f"  Interrupted by {report.error.code}: {report.error}"
    if report.next_command is not None:
        pending = report.counts["pending"]
        yield f"  {pending:,} of {len(report.ends):,} dates are left; they are run by"
        yield f"  Next: {report.next_command}"


def counts_text(report: RangeReport) -> str:
    """Return how many dates ended how, such as `12 published, 3 unchanged, 1 held`."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in report.counts.most_common()) or "no dates"


def change_text(end: DateEnd) -> str | None:
    """Return by how much a date's figures moved by the default definition; None where they did not, or are new."""
    moved = {change.figure: change for change in end.changes if change.definition == DEFAULT_DEFINITION}
    shown = [
        text
        for figure, of, unit in (("energy_mwh", signed_energy, " MWh"), ("payment_gbp", signed_money, ""))
        if (change := moved.get(figure)) is not None and change.before is not None
        for text in [f"{of(_by(change))}{unit}"]
    ]
    return ", ".join(shown) or None


def _plan_lines(report: RangeReport) -> Iterator[str]:
    """Yield what each date would become."""
    for end in report.ends:
        if end.decision is not None:
            yield f"  {end.settlement_date}  {_WOULD[end.decision]}  {_figures_text(end)}".rstrip()


def _figures_text(end: DateEnd) -> str:
    """Return what the default definition's figures would move by, or what they would be where nothing is served."""
    if (moved := change_text(end)) is not None:
        return f"by {moved} ({DEFAULT_DEFINITION})"
    new = {one.figure: one.after for one in end.changes if one.definition == DEFAULT_DEFINITION and one.before is None}
    shown = (("energy_mwh", energy, " MWh"), ("payment_gbp", money, ""))
    text = ", ".join(f"{of(after)}{unit}" for figure, of, unit in shown if (after := new.get(figure)) is not None)
    return f"{text} ({DEFAULT_DEFINITION}), the first" if text else ""


def _change_lines(report: RangeReport) -> Iterator[str]:
    changed = [(end, text) for end in report.ends if end.is_well and (text := change_text(end)) is not None]
    for end, text in changed[:SHOWN_CHANGES]:
        yield f"  {end.settlement_date}  changed by {text} ({DEFAULT_DEFINITION})"
    if len(changed) > SHOWN_CHANGES:
        yield f"  and {len(changed) - SHOWN_CHANGES:,} dates more changed; --json has every one"


def _left_lines(end: DateEnd) -> Iterator[str]:
    code, text = (end.error.code, end.error.text) if end.error else (end.outcome, "")
    yield f"  {end.settlement_date}  {end.outcome}  {code}: {text}"
    if end.error is not None:
        yield f"              Next: {end.error.next_command}"


def _by(change: Change) -> Decimal:
    with exactly():
        return (change.after or ZERO) - (change.before or ZERO)
