"""The checks that a candidate passes before it is published: plain data in, a verdict in words out.

A check that fails holds the date; one that warns is said and stored. Differences are compared with their sign
on both sides of a tolerance: -tolerance <= actual - expected <= tolerance.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from reingest.calendar import period_count
from reingest.curtailment.exact import exactly, plain
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import COMPLETE_OUTCOMES, CheckStatus, DefinitionName, PeriodOutcome, Side

ENERGY_TOLERANCE_MWH: Final = Decimal("0.001")
PAYMENT_TOLERANCE_GBP: Final = Decimal("0.01")

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One check's verdict.

    Attributes:
        name: Stable, for machines.
        status: `fail` holds the date.
        expected: What would have passed.
        actual: What was found.
        detail: One sentence for people that says which rows, periods or fields; empty where all is well.
    """

    name: str
    status: CheckStatus
    expected: str
    actual: str
    detail: str


@dataclass(frozen=True, slots=True)
class ExpectedTotal:
    """What a date should come to by one definition, said by a person or a file; None is not checked.

    Attributes:
        definition: By which definition.
        energy_mwh: MWh, positive when curtailed.
        payment_gbp: GBP, signed.
        energy_tolerance_mwh: How far energy may be off, either way; inclusive.
        payment_tolerance_gbp: How far the payment may be off, either way; inclusive.
    """

    definition: DefinitionName
    energy_mwh: Decimal | None = None
    payment_gbp: Decimal | None = None
    energy_tolerance_mwh: Decimal = ENERGY_TOLERANCE_MWH
    payment_tolerance_gbp: Decimal = PAYMENT_TOLERANCE_GBP


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """How far a date's served figures may move without a person; None is not limited.

    Attributes:
        payment_gbp: GBP, either way; inclusive.
        energy_mwh: MWh, either way; inclusive.
    """

    payment_gbp: Decimal | None = None
    energy_mwh: Decimal | None = None


class Amounts(Protocol):
    """What a date comes to by one definition."""

    @property
    def energy_mwh(self) -> Decimal:
        """MWh, positive when curtailed."""

    @property
    def payment_gbp(self) -> Decimal:
        """GBP, signed."""


@dataclass(frozen=True, slots=True)
class PayloadRows:
    """How the rows of one side of a period were judged."""

    period: int
    side: Side
    rows: int
    accepted: int
    rejected: int


class RejectedRow(Protocol):
    """A stack row that was not accepted."""

    @property
    def period(self) -> int:
        """Settlement period."""

    @property
    def side(self) -> Side:
        """The stack it stood in."""

    @property
    def code(self) -> str:
        """Stable reject code."""

    @property
    def bm_unit(self) -> str | None:
        """Elexon BM unit id; None where it has none or it could not be read."""


def failed(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks that hold the date."""
    return tuple(check for check in checks if check.status == "fail")


def periods_complete(
    settlement_date: date, outcomes: Mapping[int, PeriodOutcome], accepted: Collection[int] = ()
) -> Check:
    """Check that every period of the calendar was fetched, is proven empty, or is a gap that a person accepted.

    Args:
        settlement_date: The calendar says which periods it has.
        outcomes: Outcome by period; a period left out was not asked.
        accepted: Periods of which a person said that the source will never publish what is not published of them.
            That excuses nothing else.
    """
    count = period_count(settlement_date)
    found: dict[str, list[int]] = {}
    gaps = sorted(period for period in accepted if outcomes.get(period) == "not_published")
    for period in sorted(set(range(1, count + 1)) - set(gaps)):
        found.setdefault(outcomes.get(period, "not_asked"), []).append(period)
    strangers = sorted(set(outcomes) - set(range(1, count + 1)))
    missing = [f"{outcome}: {_listed(found[outcome])}" for outcome in found if outcome not in COMPLETE_OUTCOMES]
    if strangers:
        missing.append(f"not in the calendar: {_listed(strangers)}")
    complete = sum(len(found.get(outcome, ())) for outcome in COMPLETE_OUTCOMES)
    excused = [f"gaps of the source that a person accepted: {_listed(gaps)}"] if gaps else []
    return Check(
        name="periods_complete",
        status="fail" if missing else "warn" if gaps else "pass",
        expected=f"{count} periods",
        actual=f"{complete} periods" + (f" and {len(gaps)} accepted gaps" if gaps else ""),
        detail="; ".join([*missing, *excused]),
    )


def wind_rejects(rejects: Iterable[RejectedRow], wind_units: Collection[str]) -> Check:
    """Check that no row of a wind unit was rejected; such a row may be curtailment that is not counted."""
    return _rejects("wind_rejects", "fail", [reject for reject in rejects if reject.bm_unit in wind_units])


def other_rejects(rejects: Iterable[RejectedRow], wind_units: Collection[str]) -> Check:
    """Warn of rejected rows of other units, or of none; they change no total."""
    return _rejects("other_rejects", "warn", [reject for reject in rejects if reject.bm_unit not in wind_units])


def wind_rows_priced(records: Iterable[CurtailmentRecord]) -> Check:
    """Check that every curtailment record has a price; without one its payment is unknown, not zero."""
    unpriced = [record for record in records if record.original_price is None]
    return Check(
        name="wind_rows_priced",
        status="fail" if unpriced else "pass",
        expected="0 records without a price",
        actual=f"{len(unpriced)} records without a price",
        detail=shown(f"period {record.period} {record.side} {record.bm_unit}" for record in unpriced),
    )


def rows_accounted(payloads: Iterable[PayloadRows]) -> Check:
    """Check that in every payload each row was either accepted or rejected."""
    lost = [payload for payload in payloads if payload.rows != payload.accepted + payload.rejected]
    return Check(
        name="rows_accounted",
        status="fail" if lost else "pass",
        expected="rows = accepted + rejected in every payload",
        actual=f"not so in {len(lost)} payloads" if lost else "so in every payload",
        detail=shown(
            f"period {payload.period} {payload.side}: {payload.rows} rows, {payload.accepted} accepted, "
            f"{payload.rejected} rejected"
            for payload in lost
        ),
    )


def expected_totals(expected: ExpectedTotal, totals: Mapping[DefinitionName, Totals]) -> tuple[Check, ...]:
    """Check a date's totals against what was said of it: one check for each figure given.

    A definition that the date has no totals by, because a side was not fetched, fails.
    """
    total = totals.get(expected.definition)
    energy, payment = (total.energy_mwh, total.payment_gbp) if total else (None, None)
    figures = (
        ("energy", "MWh", expected.energy_mwh, energy, expected.energy_tolerance_mwh),
        ("payment", "GBP", expected.payment_gbp, payment, expected.payment_tolerance_gbp),
    )
    return tuple(
        _figure(f"expected_{what}:{expected.definition}", unit, figure, found, tolerance)
        for what, unit, figure, found, tolerance in figures
        if figure is not None
    )


def change_within(
    limits: ChangeLimits, definition: DefinitionName, served: Amounts | None, new: Amounts
) -> tuple[Check, ...]:
    """Check that a date's figures move no further from those served than a limit: one check for each figure limited.

    Args:
        limits: How far.
        definition: By which definition the figures are.
        served: What is served now; None where nothing is, and then nothing that anybody was told moves.
        new: What would be served.
    """
    before = (served.energy_mwh, served.payment_gbp) if served else (None, None)
    figures = (
        ("energy", "MWh", limits.energy_mwh, before[0], new.energy_mwh),
        ("payment", "GBP", limits.payment_gbp, before[1], new.payment_gbp),
    )
    return tuple(
        _moved(f"{what}_change:{definition}", unit, limit, old, now)
        for what, unit, limit, old, now in figures
        if limit is not None
    )


def totals_recomputed(given: Mapping[DefinitionName, Totals], recomputed: Mapping[DefinitionName, Totals]) -> Check:
    """Check that totals made in another way, such as in SQL over the stored rows, are the same to the last digit."""
    names = sorted(given.keys() | recomputed.keys())
    differing = [name for name in names if given.get(name) != recomputed.get(name)]
    return Check(
        name="totals_recomputed",
        status="fail" if differing else "pass",
        expected=_described(differing or names, recomputed),
        actual=_described(differing or names, given),
        detail=f"differ by {', '.join(differing)}" if differing else "",
    )


def field_drift(unknown_fields: Collection[str]) -> Check:
    """Warn of fields that were never seen before; they are kept with their rows."""
    names = ", ".join(sorted(unknown_fields))
    return Check(
        name="field_drift",
        status="warn" if unknown_fields else "pass",
        expected="no new fields",
        actual=f"{len(unknown_fields)} new fields" if unknown_fields else "no new fields",
        detail=names,
    )


def _rejects(name: str, otherwise: CheckStatus, rejects: Collection[RejectedRow]) -> Check:
    counted = Counter((reject.code, reject.period, reject.side, reject.bm_unit or "no unit") for reject in rejects)
    return Check(
        name=name,
        status=otherwise if rejects else "pass",
        expected="0 rejected rows",
        actual=f"{len(rejects)} rejected rows",
        detail=shown(
            f"{code}: period {period} {side} {unit}" + (f" ({count} rows)" if count > 1 else "")
            for (code, period, side, unit), count in sorted(counted.items())
        ),
    )


def _figure(name: str, unit: str, expected: Decimal, actual: Decimal | None, tolerance: Decimal) -> Check:
    wanted = f"{plain(expected)} {unit} ± {plain(tolerance)}"
    if actual is None:
        return Check(name, "fail", wanted, "no such total", "the sides that the definition needs were not fetched")
    with exactly():
        difference = actual - expected
    agrees = -tolerance <= difference <= tolerance
    return Check(
        name=name,
        status="pass" if agrees else "fail",
        expected=wanted,
        actual=f"{plain(actual)} {unit}",
        detail="" if agrees else f"off by {plain(difference)} {unit}",
    )


def _moved(name: str, unit: str, limit: Decimal, before: Decimal | None, after: Decimal) -> Check:
    wanted = f"a change of {plain(limit)} {unit} at most, either way"
    if before is None:
        return Check(name, "pass", wanted, "nothing was served before", "")
    with exactly():
        change = after - before
    within = -limit <= change <= limit
    return Check(
        name=name,
        status="pass" if within else "fail",
        expected=wanted,
        actual=f"{plain(change)} {unit}",
        detail="" if within else f"from {plain(before)} to {plain(after)} {unit}",
    )


def _described(names: Iterable[DefinitionName], totals: Mapping[DefinitionName, Totals]) -> str:
    return "; ".join(f"{name}: {_total_text(totals.get(name))}" for name in names)


def _total_text(totals: Totals | None) -> str:
    if totals is None:
        return "none"
    return (
        f"{plain(totals.energy_mwh)} MWh, {plain(totals.payment_gbp)} GBP, {totals.records} records, "
        f"{totals.bm_units} units, {totals.periods} periods"
    )


def _listed(periods: Iterable[int]) -> str:
    return ", ".join(str(period) for period in periods)


def shown(items: Iterable[str]) -> str:
    """Join the first few; a detail is a sentence, not a report."""
    texts = list(items)
    rest = len(texts) - _SHOWN
    return "; ".join(texts[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")
