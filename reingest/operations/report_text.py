"""The report as lines of plain text: for the terminal, the log, and the demo."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from reingest.curtailment.checks import Check
from reingest.curtailment.diff import Deltas, RecordDiff
from reingest.operations.outlook import Figures, Outlook
from reingest.operations.report import DateReport

if TYPE_CHECKING:
    from reingest.curtailment.words import DefinitionName

SHOWN_ROWS: Final = 12
_MARKS: Final = {"pass": "ok", "warn": "warn", "fail": "FAIL"}
_SPANS: Final = ("day", "month", "year")


def report_lines(report: DateReport) -> Iterator[str]:
    """Yield the report, line by line: what happened, totals now and then, checks, what differs, what to do next."""
    yield _headline(report)
    yield from (f"  note: {note}" for note in report.notes)
    yield ""
    yield from _facts(report)
    yield ""
    yield from _totals(report.settlement_date, report.outlook)
    yield ""
    yield from _checks(report.checks)
    yield ""
    yield from _diff(report.diff, report.served_version)
    yield from _next(report)


def money(value: Decimal) -> str:
    """Return GBP for people: two places, thousands separated, the sign before the pound."""
    text = f"{value:,.2f}"
    return f"-£{text[1:]}" if text.startswith("-") else f"£{text}"


def energy(value: Decimal) -> str:
    """Return MWh for people: three places, thousands separated."""
    return f"{value:,.3f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], indent: str = "  ") -> Iterator[str]:
    """Yield the rows under their header, first column left, the others right, as wide as they need to be."""
    cells = [header, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        first, *others = zip(row, widths, strict=True)
        line = "  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)])
        yield f"{indent}{line}".rstrip()


def _headline(report: DateReport) -> str:
    version = f", version {report.version}" if report.version else ""
    generation = f", generation {report.generation}" if report.generation else ""
    return f"{report.settlement_date}: {report.outcome}{version}{generation} (run {report.run_id})"


def _facts(report: DateReport) -> Iterator[str]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.outcomes.items()))
    yield f"  periods   {report.periods_expected} expected: {outcomes}"
    asked = f"{report.requests} requests, {report.retries} retries"
    yield f"  source    {report.source}, {' and '.join(report.sides)}: {asked}"
    yield f"  rows      {report.rows:,} stack rows, {report.records:,} curtailment records, {report.rejects:,} rejects"
    if report.provisional_until:
        yield f"  revision  provisional: Elexon calculates it again until {report.provisional_until:%Y-%m-%d %H:%MZ}"
    if report.mining_state == "unavailable":
        yield "  mining    unavailable: the difficulty of this date is not known"
    yield f"  content   {report.content_hash}"


def _totals(settlement_date: str, outlooks: Sequence[Outlook]) -> Iterator[str]:
    names = {"day": settlement_date, "month": settlement_date[:7], "year": settlement_date[:4]}
    for span in _SPANS:
        of_span = [outlook for outlook in outlooks if outlook.span == span]
        models = sorted({model for outlook in of_span for model in outlook.new.mining})
        header = [names[span], "", "MWh", "GBP", "records", *(f"BTC {model}" for model in models)]
        yield from table(header, _total_rows(of_span, models))


def _total_rows(outlooks: Iterable[Outlook], models: Sequence[str]) -> Iterator[list[str]]:
    for outlook in outlooks:
        if outlook.served is not None and outlook.served != outlook.new:
            yield [outlook.definition, "served", *_figures(outlook.served, models)]
            yield ["", "new", *_figures(outlook.new, models)]
        else:
            yield [outlook.definition, "new" if outlook.served is None else "same", *_figures(outlook.new, models)]


def _figures(figures: Figures, models: Sequence[str]) -> list[str]:
    mined = [f"{figures.mining[model]:.8f}" if model in figures.mining else "-" for model in models]
    return [energy(figures.energy_mwh), money(figures.payment_gbp), f"{figures.records:,}", *mined]


def _checks(checks: Iterable[Check]) -> Iterator[str]:
    for check in checks:
        yield f"  {_MARKS[check.status]:<4}  {check.name}: {check.actual}"
        if check.status != "pass":
            yield f"        expected {check.expected}"
            yield from (f"        {part}" for part in check.detail.split("; ") if part)


def _diff(diff: RecordDiff, served_version: int | None) -> Iterator[str]:
    if served_version is None:
        yield "  No version was served before."
        return
    if not diff:
        yield f"  No record differs from version {served_version}."
        return
    yield (
        f"  Against version {served_version}: {len(diff.added)} records added, {len(diff.removed)} removed, "
        f"{len(diff.changed)} changed"
    )
    yield from _delta_table("period", {str(period): deltas for period, deltas in diff.by_period.items()})
    yield from _delta_table("BM unit", diff.by_unit)


def _delta_table(subject: str, rows: Mapping[str, Deltas]) -> Iterator[str]:
    """Yield the largest differences by energy, of one definition: the widest one at hand."""
    widest: DefinitionName = "all_bids"
    ranked = sorted(rows.items(), key=lambda row: (_smallness(row[1][widest].energy_mwh), row[0]))
    shown = ranked[:SHOWN_ROWS]
    yield from table(
        [subject, f"MWh ({widest})", "GBP", "records"],
        [
            [name, f"{d[widest].energy_mwh:+,.3f}", _signed_money(d[widest].payment_gbp), f"{d[widest].records:+d}"]
            for name, d in shown
        ],
        indent="    ",
    )
    if len(ranked) > len(shown):
        yield f"    and {len(ranked) - len(shown)} more; all of them: --json"


def _smallness(value: Decimal) -> Decimal:
    """Return what sorts the largest difference, of either sign, first."""
    return min(value, -value)


def _signed_money(value: Decimal) -> str:
    return money(value) if value < 0 else f"+{money(value)}"


def _next(report: DateReport) -> Iterator[str]:
    if report.outcome == "held":
        failed = ", ".join(check.name for check in report.checks if check.status == "fail")
        yield ""
        yield f"  Held by: {failed}. Version {report.version} is kept and not served; what was served still is."
        yield f"  Next: reingest publish {report.settlement_date} --version {report.version} --reason TEXT"
    if report.outcome == "planned":
        yield ""
        yield f"  Nothing was changed. A run would {report.decision} it."
        yield f"  Next: reingest date {report.settlement_date}"
