"""The rules by which witnesses are heard: what they verify, what they accuse, and what they leave open."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.calendar import settlement_periods
from reingest.curtailment.exact import EXACT_CASHFLOW, exactly
from reingest.curtailment.stack_facts import Subject, stack_facts
from reingest.curtailment.stack_sums import stack_sums
from reingest.curtailment.statements import Statement
from reingest.curtailment.verdicts import Verdict
from reingest.curtailment.witness_rules import WITNESS_RULES_V0
from reingest.curtailment.witnesses import HeldStacks, Witnesses, judge
from reingest.curtailment.words import SIDES, Side
from tests.support.curtailment import stack_rows

DAY = date(2022, 1, 1)
PERIODS = {period.number: period for period in settlement_periods(DAY)}
EVERYTHING: list[Subject] = [(period, side) for period in PERIODS for side in SIDES]
VOLUME = WITNESS_RULES_V0.acceptance_volumes.tolerance
MONEY = WITNESS_RULES_V0.cashflows.tolerance

Row = dict[str, Any]


@dataclass(frozen=True)
class Price:
    created_at: datetime
    total_accepted_bid_volume: Decimal | None
    total_accepted_offer_volume: Decimal | None


@dataclass(frozen=True)
class Reject:
    period: int
    side: Side
    bm_unit: str | None


def final(period: int) -> datetime:
    return PERIODS[period].end + timedelta(hours=24, minutes=14)


def early(period: int) -> datetime:
    return PERIODS[period].end + timedelta(minutes=14)


def row(**changes: Any) -> Row:
    """Return a bid of -10 MWh at -50 GBP/MWh with a loss multiplier of 0.96: a volume of -10 and 480 GBP."""
    whole: Row = {"period": 1, "side": "bid", "transmission_loss_multiplier": "0.96", **changes}
    return {"created_at": final(whole["period"]), **whole}


def witnesses_of(rows: Iterable[Row]) -> Witnesses:
    """Return what true witnesses say of rows, summed as fractions and apart from the code that is tested."""
    volumes: dict[tuple[Any, ...], Fraction] = defaultdict(Fraction)
    cash: dict[tuple[Any, ...], Fraction] = defaultdict(Fraction)
    totals: dict[Subject, Fraction] = defaultdict(Fraction)
    for one in stack_rows(rows).to_pylist():
        if one["acceptance_id"] is None:
            continue
        volume = Fraction(one["volume"])
        totals[one["period"], one["side"]] += volume
        if one["bm_unit"] is None:
            continue
        volumes[one["period"], one["side"], one["bm_unit"], one["acceptance_id"], one["pair_id"]] += volume
        if one["original_price"] is not None and one["transmission_loss_multiplier"] is not None:
            product = volume * Fraction(one["original_price"]) * Fraction(one["transmission_loss_multiplier"])
            cash[one["period"], one["side"], one["bm_unit"], None, one["pair_id"]] += product
    return Witnesses(
        system_prices={
            period: Price(final(period), *(decimal(totals[period, side]) for side in SIDES)) for period in PERIODS
        },
        acceptance_volumes={side: statements(volumes, side) for side in SIDES},
        cashflows={side: statements(cash, side) for side in SIDES},
    )


def decimal(value: Fraction) -> Decimal:
    with exactly(EXACT_CASHFLOW):
        return Decimal(value.numerator) / Decimal(value.denominator)


def statements(amounts: dict[tuple[Any, ...], Fraction], side: Side) -> list[Statement]:
    by_pair: dict[tuple[int, str, int | None], dict[int, Decimal]] = defaultdict(dict)
    for (period, of_side, unit, acceptance, pair), amount in amounts.items():
        if of_side == side:
            by_pair[period, unit, acceptance][pair] = decimal(amount)
    return [
        Statement(period, unit, acceptance, final(period), said) for (period, unit, acceptance), said in by_pair.items()
    ]


def judged(rows: Sequence[Row], witnesses: Witnesses, **held: Any) -> Verdict:
    """Return what the witnesses say of rows; every stack was answered unless said otherwise."""
    table = stack_rows(rows)
    stacks = HeldStacks(
        **{
            "settlement_date": DAY,
            "sides": SIDES,
            "facts": stack_facts(table),
            "answered": EVERYTHING,
            "wind_units": {"T_LARYW-1"},
            **held,
        }
    )
    return judge(stacks, stack_sums(table, DAY), witnesses)


# --- what is true is verified -----------------------------------------------------------------------------------------

amounts = st.integers(0, 10**6).map(lambda digits: f"{digits}E-5")


@st.composite
def drawn_rows(draw: st.DrawFn) -> list[Row]:
    """Draw rows that collide often: few periods, units, acceptances and pairs; some outside the rules."""
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        side = draw(st.sampled_from(SIDES))
        rows.append(
            row(
                period=draw(st.sampled_from([1, 2, 48])),
                side=side,
                bm_unit=draw(st.sampled_from(["T_LARYW-1", "T_GASP-1", None])),
                acceptance_id=draw(st.sampled_from([1, 2, None])),
                pair_id=draw(st.sampled_from([-1, 1])),
                volume=("-" if side == "bid" else "") + draw(amounts),
                original_price=draw(st.sampled_from(["-179.759999999999990905", "90.25", "0"])),
                transmission_loss_multiplier=draw(st.sampled_from(["0.99265519999999995981", "1"])),
            )
        )
    return [*rows, row(period=3)]


@settings(max_examples=50)
@given(drawn_rows(), st.randoms(use_true_random=False))
def test_true_witnesses_verify(rows: list[Row], chance: Any) -> None:
    """Rows whose sums the witnesses repeat are verified, in whatever order they come, with repeats and rows of zero."""
    said = witnesses_of(rows)
    for side in SIDES:
        for listed, acceptance in ((said.acceptance_volumes[side], 9), (said.cashflows[side], None)):
            assert isinstance(listed, list)
            listed.extend(listed[: len(listed) // 2])
            listed.append(Statement(1, "T_IDLE-1", acceptance, final(1), {-1: Decimal(0)}))
            chance.shuffle(listed)
    verdict = judged(rows, said)
    assert (verdict.status, verdict.differences, verdict.unverified) == ("verified", (), ())
    assert verdict.rules == "v0"


@settings(max_examples=50)
@given(drawn_rows(), st.integers(-3 * 10**6, 3 * 10**6), st.data())
def test_an_amount_that_is_off_is_named(rows: list[Row], digits: int, data: st.DataObject) -> None:
    """What is off by more than the tolerance is named with its exact difference, by no more it is equal."""
    off = Decimal(digits).scaleb(-8)
    said = witnesses_of(rows)
    name = data.draw(st.sampled_from(["acceptance_volumes", "cashflows"]))
    listed = [(side, place) for side in SIDES for place in range(len(getattr(said, name)[side]))]
    side, place = data.draw(st.sampled_from(listed))
    statement = getattr(said, name)[side][place]
    (pair, amount), *_ = statement.amounts.items()
    with exactly(EXACT_CASHFLOW):
        getattr(said, name)[side][place] = statement._replace(amounts={**statement.amounts, pair: amount + off})
    verdict = judged(rows, said)
    tolerance = VOLUME if name == "acceptance_volumes" else MONEY
    assert verdict.unverified == ()
    if -tolerance <= off <= tolerance:
        assert verdict.status == "verified"
        return
    (found,) = verdict.differences
    assert found[:6] == (name, statement.period, side, statement.bm_unit, statement.acceptance_id, pair)
    assert (found.difference, found.is_wind, found.cause) == (-off, statement.bm_unit == "T_LARYW-1", None)


@settings(max_examples=50)
@given(drawn_rows(), st.data())
def test_a_row_that_is_missing_is_named(rows: list[Row], data: st.DataObject) -> None:
    """A row that the stack lost is named by period, side and unit; one without acceptance or amount changes nothing."""
    lost = data.draw(st.integers(0, len(rows) - 1))
    kept = [one for place, one in enumerate(rows) if place != lost]
    one = stack_rows([rows[lost]]).to_pylist()[0]
    verdict = judged(kept, witnesses_of(rows))
    accused = {found[1:4] for found in verdict.differences}
    subject = one["period"], one["side"]
    if one["acceptance_id"] is None or Decimal(one["volume"]).copy_abs() <= VOLUME:
        assert accused == set()
    else:
        assert accused == {(*subject, None), (*subject, one["bm_unit"])}
    assert {left[1:4] for left in verdict.unverified} <= {(*subject, None)}


# --- what cannot be compared ------------------------------------------------------------------------------------------

TWO = (row(), row(bm_unit="T_GASP-1", period=2, volume="-4"))


def left(verdict: Verdict) -> set[tuple[Any, ...]]:
    """Return what was not compared: rule, period, side, unit and reason."""
    return {one[:5] for one in verdict.unverified}


@pytest.mark.parametrize("field", ["original_price", "transmission_loss_multiplier"])
def test_a_null_makes_the_cashflow_unknown(field: str) -> None:
    """A unit with a row without price or multiplier has no cashflow, whatever EBOCF says: no pass and no fault."""
    rows = (row(**{field: None}), row(acceptance_id=7), TWO[1])
    verdict = judged(rows, witnesses_of(rows))
    assert left(verdict) == {("cashflows", 1, "bid", "T_LARYW-1", "null_figure")}
    assert (verdict.status, verdict.differences) == ("unverified", ())
    assert [one.status for one in verdict.verdicts] == ["verified", "verified", "unverified"]


def test_a_null_unit_that_ebocf_leaves_out() -> None:
    """A unit whose cashflow is unknown, and that EBOCF does not name, is unverified too: two silences are no proof."""
    rows = (row(transmission_loss_multiplier=None), TWO[1])
    assert left(judged(rows, witnesses_of(rows))) == {("cashflows", 1, "bid", "T_LARYW-1", "null_figure")}


@pytest.mark.parametrize("created_at", [early(1), None])
def test_rows_of_the_first_run_are_not_compared(created_at: datetime | None) -> None:
    """A unit with a row of the first run is neither accused nor passed, though it differs; other units are compared."""
    rows = (row(created_at=created_at), row(bm_unit="T_GASP-1"), TWO[1])
    wrong = witnesses_of([row(volume="-99"), *rows[1:]])
    verdict = judged(rows, wrong)
    unit, stack = ("T_LARYW-1", "first_run"), (None, "first_run")
    assert (verdict.status, verdict.differences) == ("unverified", ())
    assert left(verdict) == {
        ("acceptance_volumes", 1, "bid", *unit),
        ("accepted_totals", 1, "bid", *stack),
        ("cashflows", 1, "bid", *unit),
    }


@pytest.mark.parametrize("created_at", [early(1), None])
def test_witnesses_of_the_first_run_are_not_compared(created_at: datetime | None) -> None:
    """What a witness says in its first run accuses nobody, and passes nobody."""
    said = witnesses_of((row(volume="-99"), TWO[1]))
    volumes, cash = (
        {side: [one._replace(created_at=created_at) if one.period == 1 else one for one in rows] for side, rows in all_}
        for all_ in (said.acceptance_volumes.items(), said.cashflows.items())
    )
    prices = dict(said.system_prices or {})
    prices[1] = replace(prices[1], created_at=early(1))  # type: ignore[type-var]
    verdict = judged(TWO, Witnesses(prices, volumes, cash))
    assert (verdict.status, verdict.differences) == ("unverified", ())
    assert {one.reason for one in verdict.unverified} == {"first_run"}
    assert {one.period for one in verdict.unverified} == {1}


def test_silence_of_the_first_run_proves_nothing() -> None:
    """What a witness leaves out, in a period of which it says something in its first run, is not compared either."""
    rows = (row(), row(bm_unit="T_GASP-1"))
    said = witnesses_of(rows[:1])
    said.acceptance_volumes["bid"][0] = said.acceptance_volumes["bid"][0]._replace(created_at=early(1))  # type: ignore[index]
    found = judged(rows, said).by("acceptance_volumes")
    assert (found.status, found.compared, found.not_compared) == ("unverified", 0, {"first_run": 2})


def test_a_witness_that_could_not_be_had() -> None:
    """Without a witness nothing is verified, and nothing is accused; each stack is named once."""
    verdict = judged(TWO, Witnesses())
    assert verdict.status == "unverified"
    named = {(1, "bid"): "T_LARYW-1", (2, "bid"): "T_GASP-1"}
    assert left(verdict) == {("accepted_totals", *subject, None, "no_witness") for subject in EVERYTHING} | {
        (rule, *subject, named.get(subject), "no_witness")
        for rule in ("acceptance_volumes", "cashflows")
        for subject in EVERYTHING
    }
    one_side = witnesses_of(TWO)
    bids = Witnesses(one_side.system_prices, {"bid": one_side.acceptance_volumes["bid"]}, one_side.cashflows)
    found = judged(TWO, bids).by("acceptance_volumes")
    assert (found.status, found.compared, found.not_compared) == ("unverified", 2, {"no_witness": 48})


def test_a_period_that_the_witness_leaves_out() -> None:
    """A period of which a witness says nothing at all is a gap of the source and no contradiction."""
    said = witnesses_of(TWO[:1])
    prices = {period: price for period, price in (said.system_prices or {}).items() if period != 2}
    verdict = judged(TWO, replace(said, system_prices=prices))
    assert (verdict.status, verdict.differences) == ("unverified", ())
    assert {one[:3] + one[4:5] for one in verdict.unverified} >= {
        (rule.name, 2, "bid", "not_published") for rule in WITNESS_RULES_V0.rules
    }


def test_a_null_total() -> None:
    """A total that DISEBSP does not state leaves its stack unverified."""
    said = witnesses_of(TWO)
    prices = dict(said.system_prices or {})
    prices[1] = replace(prices[1], total_accepted_bid_volume=None)  # type: ignore[type-var]
    assert left(judged(TWO, replace(said, system_prices=prices))) == {
        ("accepted_totals", 1, "bid", None, "null_figure")
    }


def test_nothing_to_compare_is_no_pass() -> None:
    """Where neither the stacks nor a witness say anything, nothing was verified by it."""
    verdict = judged([row(acceptance_id=None)], witnesses_of([]))
    assert [one.status for one in verdict.verdicts] == ["unverified", "verified", "unverified"]
    assert verdict.status == "unverified"


# --- witnesses that repeat or contradict themselves -------------------------------------------------------------------


def with_volumes(*more: Statement) -> Witnesses:
    said = witnesses_of(TWO)
    volumes = {**said.acceptance_volumes, "bid": [*said.acceptance_volumes["bid"], *more]}
    return replace(said, acceptance_volumes=volumes)


def volume(of: str, created_at: datetime | None = None, unit: str | None = "T_LARYW-1") -> Statement:
    return Statement(1, unit, 52013, created_at or final(1), {-1: Decimal(of)})


def test_a_row_that_comes_again_counts_once() -> None:
    """Identical rows of a witness are one statement, though digits are written otherwise."""
    assert judged(TWO, with_volumes(volume("-10"), volume("-10.0"))).status == "verified"


def test_a_witness_that_contradicts_itself_is_not_heard() -> None:
    """Of two rows of one run that differ one is wrong, so the unit is neither accused nor passed; others are heard."""
    verdict = judged(TWO, with_volumes(volume("-11")))
    assert (verdict.status, verdict.differences) == ("unverified", ())
    assert left(verdict) == {("acceptance_volumes", 1, "bid", "T_LARYW-1", "contradicting")}


@pytest.mark.parametrize(("of", "status"), [("-10", "verified"), ("-11", "differs")])
def test_the_last_run_counts(of: str, status: str) -> None:
    """Of rows of several runs the last is what the witness says, wherever it stands in the answer."""
    later = volume(of, final(1) + timedelta(hours=5))
    assert judged(TWO, with_volumes(later, volume("-12", early(1)))).status == status
    assert judged(TWO, with_volumes(volume("-12"), later)).status == status


def test_a_statement_about_nobody() -> None:
    """An amount that a witness states of no unit can be compared with nothing; without an amount it is nothing."""
    assert left(judged(TWO, with_volumes(volume("-1", unit=None)))) == {
        ("acceptance_volumes", 1, "bid", None, "no_unit")
    }
    assert judged(TWO, with_volumes(volume("0", unit=None)._replace(amounts={}))).status == "verified"


def test_a_statement_about_nobody_may_be_about_anybody() -> None:
    """Where a witness states an amount of no unit, a unit that it does not name is not accused."""
    said = witnesses_of(TWO)
    nameless = {**said.acceptance_volumes, "bid": [volume("-10", unit=None), said.acceptance_volumes["bid"][1]]}
    found = judged(TWO, replace(said, acceptance_volumes=nameless)).by("acceptance_volumes")
    assert (found.status, found.differences, found.compared) == ("unverified", (), 1)


# --- what explains a difference ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["T_LARYW-1", None])
def test_a_rejected_row_is_named_as_the_cause(unit: str | None) -> None:
    """What a rejected row leaves out differs, and is said to be for that reason; another unit's has no such cause."""
    rejects = [Reject(1, "bid", unit)]
    verdict = judged(TWO[1:], witnesses_of(TWO), rejects=rejects)
    assert verdict.status == "differs"
    assert {(one.rule, one.cause) for one in verdict.differences} == {
        (rule.name, "rejected") for rule in WITNESS_RULES_V0.rules
    }
    other = judged(TWO[:1], witnesses_of(TWO), rejects=rejects)
    assert {one.cause for one in other.differences} == {None}


def test_a_stack_of_another_fetch_is_named_as_the_cause() -> None:
    """A stack that is not of this fetch may be of an earlier calculation, which is said of its differences."""
    verdict = judged(TWO[1:], witnesses_of(TWO), carried={(1, "bid")})
    assert {one.cause for one in verdict.differences} == {"carried"}


def test_a_stack_that_was_never_had() -> None:
    """A stack without an answer is named for that, and all that was accepted in it differs."""
    answered = [subject for subject in EVERYTHING if subject != (1, "bid")]
    verdict = judged(TWO[1:], witnesses_of(TWO), answered=answered)
    assert left(verdict) == {(rule.name, 1, "bid", None, "not_fetched") for rule in WITNESS_RULES_V0.rules}
    assert {one[:4] for one in verdict.differences} == {
        ("acceptance_volumes", 1, "bid", "T_LARYW-1"),
        ("accepted_totals", 1, "bid", None),
        ("cashflows", 1, "bid", "T_LARYW-1"),
    }
    assert {(one.stack, one.witness) for one in verdict.differences} == {(None, Decimal(-10)), (None, Decimal(480))}


def test_bids_alone() -> None:
    """Where bids alone were to be had, offers are nobody's question."""
    said = witnesses_of((*TWO, row(side="offer", volume="3")))
    bids = Witnesses(said.system_prices, {"bid": said.acceptance_volumes["bid"]}, {"bid": said.cashflows["bid"]})
    assert judged(TWO, bids, sides=("bid",)).status == "verified"
    assert judged(TWO, said, sides=("bid",)).status == "verified"


# --- the set of rules -------------------------------------------------------------------------------------------------


def test_tolerances_are_the_set_s() -> None:
    """Another tolerance is another set with a name of its own, and its verdict says so."""
    loose = replace(
        WITNESS_RULES_V0,
        name="loose",
        acceptance_volumes=replace(WITNESS_RULES_V0.acceptance_volumes, tolerance=Decimal(1)),
    )
    table = stack_rows(TWO)
    held = HeldStacks(DAY, SIDES, stack_facts(table), EVERYTHING)
    off = replace(witnesses_of(TWO), acceptance_volumes=witnesses_of((row(volume="-11"), TWO[1])).acceptance_volumes)
    assert judge(held, stack_sums(table, DAY), off).status == "differs"
    verdict = judge(held, stack_sums(table, DAY), off, loose)
    assert (verdict.status, verdict.rules) == ("verified", "loose")


def test_the_longest_numbers() -> None:
    """Numbers as long as a reader takes are multiplied and compared with every digit."""
    longest = "9" * 16 + "." + "9" * 32
    rows = [row(volume=f"-{longest}", original_price=longest, transmission_loss_multiplier=longest)]
    assert judged(rows, witnesses_of(rows)).status == "verified"
