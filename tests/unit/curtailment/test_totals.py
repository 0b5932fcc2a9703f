import random
from collections.abc import Sequence
from decimal import Decimal, Inexact
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.exact import exact_sum, plain
from reingest.curtailment.payments import energy, payment
from reingest.curtailment.records import CurtailmentRecord, select_records
from reingest.curtailment.totals import (
    NOTHING,
    Totals,
    daily_totals,
    period_energy,
    period_totals,
    totals_of,
    unit_totals,
)
from reingest.curtailment.words import SIDES
from tests.support.curtailment import real_day_expected, real_day_rows, record, records, undo

DEFINITIONS = definitions_for(SIDES)

many_records = st.lists(records(), max_size=12)


def described(totals: Totals) -> dict[str, Any]:
    """Totals in the form of the reference data."""
    return {
        "records": totals.records,
        "energy_mwh": plain(totals.energy_mwh),
        "payment_gbp": plain(totals.payment_gbp),
        "bm_units": totals.bm_units,
        "periods": totals.periods,
    }


def test_a_unit_that_is_paid() -> None:
    """-10.17 MWh at -179.76 is 10.17 MWh of energy and +1,828.1592 GBP, paid to the unit."""
    bid = [record(volume="-10.17", original_price="-179.76")]
    assert energy(bid) == Decimal("10.17")
    assert payment(bid) == Decimal("1828.1592")


def test_a_unit_that_pays() -> None:
    """A positive bid price gives a negative payment, and it stays negative."""
    assert payment([record(volume="-10", original_price="50")]) == Decimal(-500)


def test_an_undo_offer_takes_back() -> None:
    """An offer in a negative pair lowers energy and payment by its own volume."""
    rows = [record(volume="-10", original_price="-50"), undo(volume="4", original_price="-50")]
    assert energy(rows) == 6
    assert payment(rows) == 300


def test_a_row_without_a_price_adds_no_payment() -> None:
    """A row without a price adds its energy and nothing to the payment."""
    rows = [record(original_price=None), record()]
    assert (energy(rows), payment(rows)) == (Decimal(20), Decimal(500))


@given(many_records)
def test_no_digit_is_lost(rows: list[CurtailmentRecord]) -> None:
    """Energy and payment equal those computed in fractions, whatever the number of digits."""
    assert Fraction(energy(rows)) == -sum(Fraction(row.volume) for row in rows)
    priced = [(row.volume, row.original_price) for row in rows if row.original_price is not None]
    assert Fraction(payment(rows)) == sum(Fraction(volume) * Fraction(price) for volume, price in priced)


def test_a_figure_that_cannot_be_exact_is_an_error() -> None:
    """Volumes that would need more than 100 digits raise and are not rounded."""
    with pytest.raises(Inexact):
        energy([record(volume="-1E+90"), record(volume="-1E-20")])
    with pytest.raises(Inexact):
        payment([record(volume="-1." + "3" * 60, original_price="1." + "7" * 60)])


def test_no_records_are_zeros() -> None:
    """A date without curtailment has zeros by every definition."""
    assert daily_totals([], DEFINITIONS) == {"so_flagged": NOTHING, "all_bids": NOTHING, "net": NOTHING}
    assert unit_totals([], DEFINITIONS) == {"so_flagged": {}, "all_bids": {}, "net": {}}
    assert period_totals([], DEFINITIONS, [1, 2])[2] == {"so_flagged": NOTHING, "all_bids": NOTHING, "net": NOTHING}
    assert totals_of([]) == Totals(Decimal(0), Decimal(0), 0, 0, 0, Decimal(0))


def test_a_missing_multiplier_makes_the_cashflow_unknown() -> None:
    """The indicative cashflow is volume times price times multiplier to the last digit, and unknown without one."""
    rows = [record(transmission_loss_multiplier="0.98765432101234567891"), undo(transmission_loss_multiplier="1.01")]
    assert totals_of(rows).indicative_cashflow_gbp == Decimal("493.827160506172839455") - 202
    assert totals_of([*rows, record()]).indicative_cashflow_gbp is None
    priceless = record(original_price=None, transmission_loss_multiplier="1")
    assert totals_of([*rows, priceless]).indicative_cashflow_gbp is None


def test_totals_count_units_and_periods_once() -> None:
    """Several rows of one unit and period are several records, one unit and one period."""
    rows = [
        record(acceptance_id=1),
        record(acceptance_id=2),
        record(bm_unit="E_RHEI-1"),
        record(period=2, so_flag=False),
        undo(period=3),
    ]
    found = daily_totals(rows, DEFINITIONS)
    assert found["so_flagged"] == Totals(Decimal(30), Decimal(1500), 3, 2, 1, None)
    assert found["all_bids"] == Totals(Decimal(40), Decimal(2000), 4, 2, 2, None)
    assert found["net"] == Totals(Decimal(36), Decimal(1800), 5, 2, 3, None)


def test_units_come_in_order() -> None:
    """Totals by unit come in order of id, for units that have records by that definition."""
    rows = [record(bm_unit="T_B-1"), record(bm_unit="E_A-1"), undo(bm_unit="T_C-1")]
    found = unit_totals(rows, DEFINITIONS)
    assert list(found["so_flagged"]) == ["E_A-1", "T_B-1"]
    assert list(found["net"]) == ["E_A-1", "T_B-1", "T_C-1"]
    assert found["net"]["T_C-1"].energy_mwh == -4


def test_periods_come_from_the_calendar() -> None:
    """Every period asked for has totals, and a record in another period is an error."""
    assert list(period_totals([record(period=3)], DEFINITIONS, range(1, 47))) == list(range(1, 47))
    with pytest.raises(ValueError, match=r"does not have: \[47\]"):
        period_totals([record(period=47)], DEFINITIONS, range(1, 47))
    with pytest.raises(ValueError, match=r"does not have: \[47\]"):
        period_energy([record(period=47)], DEFINITIONS[0], range(1, 47))


@given(many_records)
def test_the_energy_of_periods_is_that_of_their_totals(rows: list[CurtailmentRecord]) -> None:
    """By every definition the energy by period is what the periods' totals say, of those that have records."""
    by_period = period_totals(rows, DEFINITIONS, range(1, 51))
    for definition in DEFINITIONS:
        totals = {number: named[definition.name] for number, named in by_period.items()}
        assert period_energy(rows, definition, range(1, 51)) == {
            number: one.energy_mwh for number, one in totals.items() if one.records
        }


@given(many_records)
def test_totals_are_additive(rows: list[CurtailmentRecord]) -> None:
    """By every definition a date's figures are the sums of its periods' and of its units'."""
    daily = daily_totals(rows, DEFINITIONS)
    by_unit = unit_totals(rows, DEFINITIONS)
    by_period = period_totals(rows, DEFINITIONS, range(1, 51))
    for name, day in daily.items():
        assert summed([totals[name] for totals in by_period.values()]) == summed([day])
        assert summed(list(by_unit[name].values())) == summed([day])
        assert day.bm_units == len(by_unit[name])
        assert day.periods == sum(totals[name].records > 0 for totals in by_period.values())


@given(many_records, st.randoms())
def test_totals_do_not_depend_on_order(rows: list[CurtailmentRecord], shuffle: random.Random) -> None:
    """Rows in any order come to the same totals."""
    shuffled = shuffle.sample(rows, len(rows))
    assert daily_totals(shuffled, DEFINITIONS) == daily_totals(rows, DEFINITIONS)


def test_the_real_day(shared: Path) -> None:
    """The real day gives exactly its published totals, by definition and by period."""
    rows, wind_units = real_day_rows(shared)
    found = select_records(rows, wind_units)
    expected = real_day_expected(shared)
    by_period = period_totals(found, DEFINITIONS, range(1, 49))
    names = [definition.name for definition in DEFINITIONS]
    assert {name: described(totals) for name, totals in daily_totals(found, DEFINITIONS).items()} == {
        name: expected[name] for name in names
    }
    assert {
        str(period): {name: described(total) for name, total in totals.items()} for period, totals in by_period.items()
    } == expected["per_period"]


def summed(parts: Sequence[Totals]) -> tuple[Decimal, Decimal, int]:
    """Energy, payment and records of several totals together."""
    return (
        exact_sum(part.energy_mwh for part in parts),
        exact_sum(part.payment_gbp for part in parts),
        sum(part.records for part in parts),
    )
