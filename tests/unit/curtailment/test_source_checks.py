"""The checks that set answers beside each other, the register and what is served."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from reingest.calendar import settlement_periods
from reingest.curtailment.checks import Check
from reingest.curtailment.source_checks import calculation_runs, so_flags, unit_ids, witness_check
from reingest.curtailment.stack_facts import StackFacts, Subject, stack_facts, units_named
from reingest.curtailment.witnesses import HeldStacks, judge_accepted_totals
from reingest.curtailment.words import Side
from tests.support.curtailment import record, stack_rows

DAY = date(2026, 8, 6)
PERIODS = {period.number: period for period in settlement_periods(DAY)}
FINAL = PERIODS[1].start + timedelta(hours=24, minutes=44)
FIRST = PERIODS[1].start + timedelta(minutes=44)


@dataclass(frozen=True)
class Price:
    created_at: datetime = FINAL
    total_accepted_bid_volume: Decimal | None = Decimal(-10)
    total_accepted_offer_volume: Decimal | None = Decimal(0)


def facts(**fields: object) -> StackFacts:
    values: dict[str, object] = {
        "accepted_mwh": Decimal(-10),
        "created_first": FINAL,
        "created_last": FINAL,
        "flagged": True,
        "nameless": 0,
    }
    return StackFacts(**{**values, **fields})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Reject:
    period: int = 1
    side: Side = "bid"
    bm_unit: str | None = "T_LARYW-1"


def judged(stack: StackFacts, price: Price | None, *, rejected: bool = False, carried: bool = False) -> Check:
    """Return what the check says of one stack, where all others are empty and so is what DISEBSP says of them."""
    zero = Price(created_at=PERIODS[48].end + timedelta(days=1), total_accepted_bid_volume=Decimal(0))
    prices = dict.fromkeys(PERIODS, zero) | {1: price}
    subjects: list[Subject] = [(period, "bid") for period in PERIODS]
    stacks = HeldStacks(
        settlement_date=DAY,
        sides=("bid",),
        facts={(1, "bid"): stack},
        answered=subjects,
        rejects=[Reject()] if rejected else (),
        carried=subjects[:1] if carried else (),
    )
    return witness_check(judge_accepted_totals(stacks, {n: price for n, price in prices.items() if price}))


@pytest.mark.parametrize(
    ("volume", "status"),
    [("-10", "pass"), ("-10.000001", "pass"), ("-9.999999", "pass"), ("-10.0000011", "fail"), ("10", "fail")],
)
def test_a_sum_is_the_witness_s_up_to_the_tolerance(volume: str, status: str) -> None:
    """A stack's accepted volume is DISEBSP's to a millionth of a MWh, sign and all; any other holds the date."""
    assert judged(facts(accepted_mwh=Decimal(volume)), Price()).status == status


@pytest.mark.parametrize(
    ("stack", "price", "rejected", "carried"),
    [
        (facts(created_first=FIRST), Price(), False, False),
        (facts(created_first=None), Price(), False, False),
        (facts(), Price(created_at=FIRST), False, False),
        (facts(), Price(total_accepted_bid_volume=None), False, False),
        (facts(), None, False, False),
        (facts(), Price(), True, False),
        (facts(), Price(), False, True),
    ],
    ids=["first run", "no run", "witness of the first run", "null", "no witness", "rejects", "another fetch"],
)
def test_what_cannot_be_compared_is_said(stack: StackFacts, price: Price | None, rejected: bool, carried: bool) -> None:
    """A stack that differs from a witness that proves nothing is no fault, and no pass either."""
    wrong = facts(accepted_mwh=Decimal(-99), created_first=stack.created_first)
    found = judged(wrong, price, rejected=rejected, carried=carried)
    assert (found.status, found.actual) == ("warn", "0 of 47 differ, 1 could not be compared")


def test_only_a_changed_figure_of_an_earlier_run_holds() -> None:
    """An earlier run than the served one holds the date where it changes a period, and nowhere else."""
    runs = {1: FIRST, 2: FIRST}
    served = {1: FINAL, 2: FIRST}
    for changed, status in ((set(), "pass"), ({2}, "pass"), ({1}, "fail"), ({3}, "pass")):
        found = calculation_runs(runs, served, changed=changed, latest=FINAL, answered_at=FINAL)
        assert found.status == status


def test_a_run_of_the_future_holds() -> None:
    """A row that was calculated long after it was answered holds the date; a clock that is a day off does not."""
    for days, status in ((1, "pass"), (4, "fail")):
        latest = FINAL + timedelta(days=days)
        assert calculation_runs({}, {}, changed=(), latest=latest, answered_at=FINAL).status == status


def test_flags_that_nobody_says_hold() -> None:
    """A wind bid without its SO flag is said; where no row of its stack has one, the date is held."""
    unflagged = record(so_flag=None)
    assert so_flags([record()], {(1, "bid"): facts()}).status == "pass"
    assert so_flags([unflagged], {(1, "bid"): facts()}).status == "warn"
    assert so_flags([unflagged], {(1, "bid"): facts(flagged=False)}).status == "fail"
    assert so_flags([record(side="offer", so_flag=None)], {(1, "offer"): facts(flagged=False)}).status == "pass"


@pytest.mark.parametrize("written", ["t_laryw-1", "\uff34_LARYW-1", "T_LARYW\u200b-1", " T_LARYW-1", "T_LARYW-1\x01"])
def test_a_wind_unit_written_otherwise_holds(written: str) -> None:
    """An id that people read as a wind unit's, and that is not letter for letter, holds the date."""
    found = unit_ids({written}, {}, register={"T_LARYW-1"}, wind_units={"T_LARYW-1"})
    assert (found.status, found.detail) == ("fail", f"{written!r} is not T_LARYW-1")


def test_unknown_and_nameless_units() -> None:
    """An id that the register lacks is said; an acceptance that names no unit holds the date."""
    assert unit_ids({"T_NEWW-1"}, {}, register={"T_LARYW-1"}, wind_units=()).status == "warn"
    assert unit_ids({"T_INCL-1"}, {}, register=(), wind_units={"T_INCL-1"}).status == "pass"
    assert unit_ids((), {(1, "bid"): facts(nameless=2)}, register=(), wind_units=()).status == "fail"


def test_facts_of_stacks() -> None:
    """Sums are over rows with an acceptance, of every unit; runs are over all rows; adjustments are no units."""
    later = datetime(2026, 8, 7, 14, tzinfo=UTC)
    rows = stack_rows(
        [
            {"volume": "-10.5", "so_flag": None},
            {"volume": "-1E-05", "bm_unit": "T_GASP-1", "so_flag": False, "created_at": later},
            {"volume": "-500", "bm_unit": "1", "acceptance_id": None},
            {"volume": "-1", "bm_unit": None},
            {"side": "offer", "volume": "2", "so_flag": None},
        ]
    )
    found = stack_facts(rows)
    first = record().created_at
    assert found[1, "bid"] == StackFacts(Decimal("-11.50001"), first, later, flagged=True, nameless=1)
    assert found[1, "offer"] == StackFacts(Decimal(2), first, first, flagged=False, nameless=0)
    assert units_named(rows, ["t_x", None]) == {"T_LARYW-1", "T_GASP-1", "t_x"}
