"""The parts of a report that its renderings share: sentences and tables, as text without layout."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from reingest.curtailment.diff import Deltas
from reingest.curtailment.exact import plain
from reingest.curtailment.source_checks import subject_text
from reingest.curtailment.verdicts import RuleVerdict
from reingest.curtailment.words import CheckStatus, DefinitionName
from reingest.operations.figures_text import bitcoin, energy, money, signed_energy, signed_money
from reingest.operations.outcome_text import would
from reingest.operations.outlook import Figures, Outlook
from reingest.operations.report import DateReport

if TYPE_CHECKING:
    from reingest.store.served import Span

SHOWN_ROWS: Final = 12
"""How many rows of a diff a report shows; the tables beside it have them all."""

WIDEST: Final[DefinitionName] = "all_bids"
"""The definition that differences are ranked and summed up by: no bid escapes it."""

CHECK_MARKS: Final[Mapping[CheckStatus, str]] = {"pass": "ok", "warn": "warn", "fail": "FAIL"}

FigureColumn = tuple[str, Callable[[Figures], str]]
"""A column's heading, and what it shows of a span's figures."""

_TOTALS: Final[tuple[FigureColumn, ...]] = (
    ("MWh", lambda figures: energy(figures.energy_mwh)),
    ("GBP", lambda figures: money(figures.payment_gbp)),
    ("records", lambda figures: f"{figures.records:,}"),
)


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text: its first column stands to the left, the others to the right.

    Attributes:
        left_out: How many rows there are beside those shown.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is left to a person: why, and with which command."""

    sentence: str
    command: str


def ending(report: DateReport) -> str:
    """Return how the run ended, such as `published, version 3, generation 2`."""
    version = f", version {report.version}" if report.version else ""
    generation = f", generation {report.generation}" if report.generation else ""
    return f"{report.outcome}{version}{generation}"


def served_sentence(report: DateReport) -> str:
    """Return what the date serves now that the run has ended."""
    if report.outcome == "published":
        before = f"it replaced version {report.served_version}" if report.served_version else "it is the date's first"
        return f"Version {report.version} is served; {before}."
    if report.served_version is None:
        return "Nothing is served for this date."
    return f"Version {report.served_version} is served, as before."


def facts(report: DateReport) -> Iterator[tuple[str, str]]:
    """Yield what the run asked for and found, each fact under its word."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.outcomes.items()))
    yield "periods", f"{report.periods_expected} expected: {outcomes}"
    asked = f"{report.requests} requests, {report.retries} retries"
    yield "source", f"{report.source}, {' and '.join(report.sides)}: {asked}"
    records = f"{report.records:,} curtailment records"
    yield "rows", f"{report.rows:,} stack rows, {records}, {report.rejects:,} rejects"
    if report.provisional_until:
        yield "revision", f"provisional: Elexon calculates it again until {report.provisional_until:%Y-%m-%d %H:%MZ}"
    yield "witnesses", witnesses_sentence(report)
    if report.mining_state == "unavailable":
        yield "mining", "unavailable: the difficulty of this date is not known"
    yield "content", report.content_hash


def witnesses_sentence(report: DateReport) -> str:
    """Return what Elexon's other datasets say, such as `verified: BOAV verified, DISEBSP verified, EBOCF verified`."""
    heard = ", ".join(f"{one.rule.dataset} {one.status}" for one in report.verdict.verdicts) if report.verdict else ""
    return f"{report.verification}: {heard}" if heard else report.verification


def difference_tables(report: DateReport) -> Iterator[TextTable]:
    """Yield what each witness gives differently, by period and unit; none where nothing differs."""
    for one in report.verdict.verdicts if report.verdict else ():
        if one.differences:
            yield _difference_table(one)


def _difference_table(verdict: RuleVerdict) -> TextTable:
    rule, shown = verdict.rule, verdict.differences[:SHOWN_ROWS]
    return TextTable(
        header=(f"{rule.name} ({rule.unit})", "stack", rule.dataset, "difference", "cause"),
        rows=tuple(
            (subject_text(one), _amount(one.stack), _amount(one.witness), plain(one.difference), one.cause or "")
            for one in shown
        ),
        left_out=len(verdict.differences) - len(shown),
    )


def _amount(amount: Decimal | None) -> str:
    return "-" if amount is None else plain(amount)


def totals_tables(report: DateReport) -> Iterator[TextTable]:
    """Yield the totals of the day, its month and its year by definition, served and new where the two differ."""
    yield from _tables(report, _TOTALS)


def mining_tables(report: DateReport) -> Iterator[TextTable]:
    """Yield what the energy could have mined in the day, its month and its year; none where no miner model is known."""
    mining = _mining(report)
    if mining:
        yield from _tables(report, mining)


def wide_tables(report: DateReport) -> Iterator[TextTable]:
    """Yield the totals with what they could have mined beside them."""
    yield from _tables(report, (*_TOTALS, *_mining(report)))


def diff_sentence(report: DateReport) -> str:
    """Return how many records differ from what was served when the run began."""
    if report.served_version is None:
        return "No version was served before."
    if not report.diff:
        return f"No record differs from version {report.served_version}."
    added, removed, changed = len(report.diff.added), len(report.diff.removed), len(report.diff.changed)
    return f"Against version {report.served_version}: {added} records added, {removed} removed, {changed} changed"


def diff_tables(report: DateReport) -> Iterator[TextTable]:
    """Yield the largest differences by period and by BM unit; none where nothing was served to differ from."""
    if report.served_version is None or not report.diff:
        return
    yield _delta_table("period", {str(period): deltas for period, deltas in report.diff.by_period.items()})
    yield _delta_table("BM unit", report.diff.by_unit)


def next_step(report: DateReport) -> NextStep | None:
    """Return what a person may do now; None where nothing is left to do."""
    if report.outcome == "held":
        failed = ", ".join(check.name for check in report.checks if check.status == "fail")
        return NextStep(
            f"Held by: {failed}. Version {report.version} is kept and not served; what was served still is.",
            f"reingest publish {report.settlement_date} --version {report.version} --reason TEXT",
        )
    if report.outcome == "planned":
        command = "publish" if report.source == "staged" else "date"
        return NextStep(f"Nothing was changed. {would(report)}.", f"reingest {command} {report.settlement_date}")
    return None


def largest_first(rows: Mapping[str, Deltas]) -> list[tuple[str, Deltas]]:
    """Return differences with the largest energy first, whatever its sign."""
    return sorted(rows.items(), key=lambda row: (_smallness(row[1][WIDEST].energy_mwh), row[0]))


def _by_span(report: DateReport) -> Iterator[tuple[str, list[Outlook]]]:
    """Yield the day, its month and its year, each as it is called and with its outlook by definition."""
    day = report.settlement_date
    names: Mapping[Span, str] = {"day": day, "month": day[:7], "year": day[:4]}
    for span, name in names.items():
        outlooks = [outlook for outlook in report.outlook if outlook.span == span]
        if outlooks:
            yield name, outlooks


def _mining(report: DateReport) -> tuple[FigureColumn, ...]:
    models = sorted({model for outlook in report.outlook for model in outlook.new.mining})
    return tuple((f"BTC {model}", partial(_mined, model)) for model in models)


def _mined(model: str, figures: Figures) -> str:
    return bitcoin(figures.mining[model]) if model in figures.mining else "-"


def _tables(report: DateReport, columns: Sequence[FigureColumn]) -> Iterator[TextTable]:
    for name, outlooks in _by_span(report):
        header = (name, "", *(heading for heading, _ in columns))
        yield TextTable(header, tuple(_rows(outlooks, columns)))


def _rows(outlooks: Iterable[Outlook], columns: Sequence[FigureColumn]) -> Iterator[tuple[str, ...]]:
    def cells(figures: Figures) -> Iterator[str]:
        return (cell(figures) for _, cell in columns)

    for outlook in outlooks:
        if outlook.served is not None and outlook.served != outlook.new:
            yield outlook.definition, "served", *cells(outlook.served)
            yield "", "new", *cells(outlook.new)
        else:
            yield outlook.definition, "new" if outlook.served is None else "same", *cells(outlook.new)


def _delta_table(subject: str, rows: Mapping[str, Deltas]) -> TextTable:
    ranked = largest_first(rows)
    shown = [(name, deltas[WIDEST]) for name, deltas in ranked[:SHOWN_ROWS]]
    return TextTable(
        header=(subject, f"MWh ({WIDEST})", "GBP", "records"),
        rows=tuple(
            (name, signed_energy(delta.energy_mwh), signed_money(delta.payment_gbp), f"{delta.records:+d}")
            for name, delta in shown
        ),
        left_out=len(ranked) - len(shown),
    )


def _smallness(value: Decimal) -> Decimal:
    """Return what sorts the largest difference, of either sign, first."""
    return min(value, value.copy_negate())
