"""The report's tables as rows for Prefect's table artifacts: every row, every digit."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from reingest.calendar import LONDON, settlement_periods
from reingest.curtailment.diff import Deltas
from reingest.curtailment.exact import plain
from reingest.operations.report import DateReport
from reingest.operations.report_parts import CHECK_MARKS, largest_first

Rows = list[dict[str, str]]
"""Rows of a table, each by column name; every row has the same columns."""


def check_rows(report: DateReport) -> Rows:
    """Return one row a check, in the order in which they were made."""
    return [
        {
            "Check": check.name,
            "Verdict": CHECK_MARKS[check.status],
            "Found": check.actual,
            "Detail": check.detail,
            "Expected": check.expected,
        }
        for check in report.checks
    ]


def diff_by_period_rows(report: DateReport) -> Rows:
    """Return new less old by settlement period and definition, periods in order; where nothing differs, no row."""
    calendar = {period.number: period for period in settlement_periods(date.fromisoformat(report.settlement_date))}
    return [
        {"Period": str(number), "Begins": f"{calendar[number].start.astimezone(LONDON):%H:%M %Z}", **row}
        for number, deltas in sorted(report.diff.by_period.items())
        for row in _delta_rows(deltas)
    ]


def diff_by_unit_rows(report: DateReport) -> Rows:
    """Return new less old by BM unit and definition, the largest energy first; where nothing differs, no row."""
    return [
        {"BM unit": unit, **row} for unit, deltas in largest_first(report.diff.by_unit) for row in _delta_rows(deltas)
    ]


def _delta_rows(deltas: Deltas) -> Iterator[dict[str, str]]:
    """Yield a row a definition, save for those by which nothing differs."""
    for definition, delta in deltas.items():
        if delta.energy_mwh or delta.payment_gbp or delta.records:
            yield {
                "Definition": definition,
                "MWh": _signed(delta.energy_mwh),
                "GBP": _signed(delta.payment_gbp),
                "Records": f"{delta.records:+d}",
            }


def _signed(value: Decimal) -> str:
    return f"+{plain(value)}" if value > 0 else plain(value)
