from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.checks import (
    ChangeLimits,
    Check,
    ExpectedTotal,
    PayloadRows,
    change_within,
    expected_totals,
    failed,
    field_drift,
    other_rejects,
    periods_complete,
    rows_accounted,
    totals_recomputed,
    wind_rejects,
    wind_rows_priced,
)
from reingest.curtailment.totals import NOTHING, Totals
from reingest.curtailment.words import DefinitionName, PeriodOutcome, Side
from tests.support.curtailment import record

WINTER, SPRING, AUTUMN = date(2022, 1, 1), date(2026, 3, 29), date(2025, 10, 26)
WIND = {"T_LARYW-1"}
TOTALS = Totals(Decimal("62399.044124435"), Decimal("-171466.73"), 3525, 65, 45, None)


@dataclass(frozen=True)
class Rejected:
    """A rejected row."""

    period: int = 5
    side: Side = "bid"
    code: str = "bad_number"
    bm_unit: str | None = "T_LARYW-1"


@pytest.mark.parametrize(("settlement_date", "count"), [(WINTER, 48), (SPRING, 46), (AUTUMN, 50)])
def test_a_complete_date(settlement_date: date, count: int) -> None:
    """A date is complete when each period of its calendar was fetched or is proven empty."""
    outcomes: dict[int, PeriodOutcome] = dict.fromkeys(range(1, count + 1), "fetched")
    outcomes[3] = "confirmed_empty"
    check = periods_complete(settlement_date, outcomes)
    assert check == Check("periods_complete", "pass", f"{count} periods", f"{count} periods", "")


@pytest.mark.parametrize(
    ("outcomes", "actual", "detail"),
    [
        ({}, "0 periods", "not_asked: " + ", ".join(map(str, range(1, 47)))),
        (dict.fromkeys(range(1, 46), "fetched"), "45 periods", "not_asked: 46"),
        (dict.fromkeys(range(1, 49), "fetched"), "46 periods", "not in the calendar: 47, 48"),
        (
            dict.fromkeys(range(1, 47), "fetched") | {2: "failed", 9: "failed", 4: "not_published"},
            "43 periods",
            "failed: 2, 9; not_published: 4",
        ),
    ],
)
def test_an_incomplete_date(outcomes: Mapping[int, PeriodOutcome], actual: str, detail: str) -> None:
    """A period that failed, was not published or was never asked holds the date; so does one that it does not have."""
    assert periods_complete(SPRING, outcomes) == Check("periods_complete", "fail", "46 periods", actual, detail)


def test_a_reject_on_a_wind_unit_holds() -> None:
    """Rejects on wind units fail and are named; those on others warn, units that could not be read among them."""
    rejects = [Rejected(), Rejected(), Rejected(bm_unit="T_DRAXX-1", side="offer"), Rejected(bm_unit=None, period=6)]
    assert wind_rejects(rejects, WIND) == Check(
        "wind_rejects", "fail", "0 rejected rows", "2 rejected rows", "bad_number: period 5 bid T_LARYW-1 (2 rows)"
    )
    assert other_rejects(rejects, WIND) == Check(
        "other_rejects",
        "warn",
        "0 rejected rows",
        "2 rejected rows",
        "bad_number: period 5 offer T_DRAXX-1; bad_number: period 6 bid no unit",
    )


def test_no_rejects() -> None:
    """Without rejects both checks pass, and rejects of one kind do not disturb the other."""
    assert wind_rejects([], WIND).status == other_rejects([], WIND).status == "pass"
    assert wind_rejects([Rejected(bm_unit=None)], WIND).status == "pass"
    assert other_rejects([Rejected()], WIND).status == "pass"


def test_a_long_list_is_cut() -> None:
    """A detail names the first five and counts the rest."""
    check = wind_rejects([Rejected(period=period) for period in range(1, 9)], WIND)
    assert check.detail.endswith("bad_number: period 5 bid T_LARYW-1; and 3 more")
    assert check.actual == "8 rejected rows"


def test_a_record_without_a_price_holds() -> None:
    """A curtailment record without a price fails and is named."""
    rows = [record(), record(period=7, original_price=None)]
    assert wind_rows_priced(rows) == Check(
        "wind_rows_priced", "fail", "0 records without a price", "1 records without a price", "period 7 bid T_LARYW-1"
    )
    assert wind_rows_priced([record()]).status == wind_rows_priced([]).status == "pass"


def test_rows_are_accounted_for() -> None:
    """A payload whose rows are not all accepted or rejected fails, also where there are too many."""
    whole = PayloadRows(1, "bid", rows=10, accepted=8, rejected=2)
    assert rows_accounted([whole]) == Check(
        "rows_accounted", "pass", "rows = accepted + rejected in every payload", "so in every payload", ""
    )
    check = rows_accounted([whole, PayloadRows(2, "offer", 10, 8, 1), PayloadRows(3, "bid", 10, 8, 3)])
    assert (check.status, check.actual) == ("fail", "not so in 2 payloads")
    assert check.detail == (
        "period 2 offer: 10 rows, 8 accepted, 1 rejected; period 3 bid: 10 rows, 8 accepted, 3 rejected"
    )


def test_expected_totals_that_agree() -> None:
    """Each figure that was given is checked, with its tolerance said."""
    expected = ExpectedTotal("so_flagged", Decimal("62399.044"), Decimal("-171466.73"))
    assert expected_totals(expected, {"so_flagged": TOTALS}) == (
        Check("expected_energy:so_flagged", "pass", "62399.044 MWh ± 0.001", "62399.044124435 MWh", ""),
        Check("expected_payment:so_flagged", "pass", "-171466.73 GBP ± 0.01", "-171466.73 GBP", ""),
    )


def test_only_what_was_said_is_checked() -> None:
    """A figure that nobody gave is not checked."""
    totals: Mapping[DefinitionName, Totals] = {"so_flagged": TOTALS}
    assert expected_totals(ExpectedTotal("so_flagged"), totals) == ()
    (energy,) = expected_totals(ExpectedTotal("so_flagged", energy_mwh=Decimal(0)), totals)
    assert (energy.name, energy.status) == ("expected_energy:so_flagged", "fail")
    (payment,) = expected_totals(ExpectedTotal("so_flagged", payment_gbp=Decimal(0)), totals)
    assert (payment.status, payment.detail) == ("fail", "off by -171466.73 GBP")


def test_the_sign_is_part_of_the_figure() -> None:
    """A payment of the right size and the wrong sign fails."""
    (check,) = expected_totals(ExpectedTotal("net", payment_gbp=Decimal("171466.73")), {"net": TOTALS})
    assert (check.status, check.detail) == ("fail", "off by -342933.46 GBP")


@pytest.mark.parametrize(
    ("actual", "status"),
    [
        ("10.001", "pass"),
        ("9.999", "pass"),
        ("10.0010000000000000000000000000000000001", "fail"),
        ("9.9989999999999999999999999999999999999", "fail"),
    ],
)
def test_tolerances_are_inclusive_and_exact(actual: str, status: str) -> None:
    """A difference of just the tolerance passes, either way; the least bit more fails, however small."""
    totals: Mapping[DefinitionName, Totals] = {"all_bids": Totals(Decimal(actual), Decimal(0), 1, 1, 1, None)}
    (check,) = expected_totals(ExpectedTotal("all_bids", energy_mwh=Decimal(10)), totals)
    assert check.status == status


def test_tolerances_can_be_given() -> None:
    """A tolerance that was given replaces the default."""
    expected = ExpectedTotal("net", Decimal(62400), Decimal(-171467), Decimal(1), Decimal("0.5"))
    assert failed(expected_totals(expected, {"net": TOTALS})) == ()
    exact = ExpectedTotal("net", TOTALS.energy_mwh, TOTALS.payment_gbp, Decimal(0), Decimal(0))
    assert failed(expected_totals(exact, {"net": TOTALS})) == ()


@given(st.decimals(-100, 100, places=6), st.decimals(-100, 100, places=6), st.decimals(0, 10, places=3))
def test_agreement_is_symmetric(one: Decimal, other: Decimal, tolerance: Decimal) -> None:
    """Whether two figures agree does not depend on which of them was expected."""

    def agrees(expected: Decimal, actual: Decimal) -> str:
        given = ExpectedTotal("net", payment_gbp=expected, payment_tolerance_gbp=tolerance)
        (check,) = expected_totals(given, {"net": Totals(Decimal(0), actual, 1, 1, 1, None)})
        return check.status

    assert agrees(one, other) == agrees(other, one)
    assert agrees(one, one) == "pass"


def test_a_total_that_does_not_exist_cannot_be_right() -> None:
    """An expectation of a definition that the date has no totals by fails, zero among them."""
    (check,) = expected_totals(ExpectedTotal("net", energy_mwh=Decimal(0)), {"so_flagged": TOTALS})
    assert (check.status, check.actual) == ("fail", "no such total")
    assert "were not fetched" in check.detail


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("-100", "400", "pass"),
        ("400", "-100", "pass"),
        ("-100", "400.000000000000000000000000000000000001", "fail"),
        ("400.000000000000000000000000000000000001", "-100", "fail"),
        ("250", "-250.01", "fail"),
    ],
)
def test_a_limit_of_change_is_inclusive_and_goes_either_way(before: str, after: str, status: str) -> None:
    """A payment may move by just the limit, up or down and through zero; the least bit more fails with its sign."""
    served, new = (Totals(Decimal(1), Decimal(payment), 1, 1, 1, None) for payment in (before, after))
    (check,) = change_within(ChangeLimits(payment_gbp=Decimal(500)), "so_flagged", served, new)
    assert (check.name, check.status) == ("payment_change:so_flagged", status)
    assert check.actual.startswith("-") == (Decimal(after) < Decimal(before))


def test_each_limited_figure_is_a_check_of_its_own() -> None:
    """What is not limited is not checked, and one figure within its limit excuses no other."""
    new = Totals(TOTALS.energy_mwh, TOTALS.payment_gbp - 2, 1, 1, 1, None)
    assert change_within(ChangeLimits(), "net", TOTALS, new) == ()
    energy, payment = change_within(ChangeLimits(Decimal(1), Decimal(0)), "net", TOTALS, new)
    assert (energy.status, payment.status) == ("pass", "fail")
    assert (payment.actual, payment.detail) == ("-2 GBP", "from -171466.73 to -171468.73 GBP")


def test_a_first_version_moves_nothing() -> None:
    """Where nothing is served there is no figure to move, so the narrowest limits let a first version pass."""
    checks = change_within(ChangeLimits(Decimal(0), Decimal(0)), "so_flagged", None, TOTALS)
    assert [check.status for check in checks] == ["pass", "pass"]


def test_recomputed_totals_must_be_equal() -> None:
    """Totals made in two ways agree to the last digit, written in whatever way."""
    same = Totals(Decimal("62399.0441244350"), Decimal("-171466.730"), 3525, 65, 45, None)
    check = totals_recomputed({"net": same}, {"net": TOTALS})
    assert (check.status, check.detail) == ("pass", "")
    assert (
        check.expected
        == check.actual
        == ("net: 62399.044124435 MWh, -171466.73 GBP, 3525 records, 65 units, 45 periods")
    )


@pytest.mark.parametrize(
    ("given", "recomputed", "detail"),
    [
        ({"net": NOTHING}, {"net": TOTALS}, "differ by net"),
        ({"net": TOTALS}, {"net": TOTALS, "all_bids": TOTALS}, "differ by all_bids"),
        ({"net": TOTALS, "so_flagged": NOTHING}, {}, "differ by net, so_flagged"),
    ],
)
def test_recomputed_totals_that_differ(
    given: Mapping[DefinitionName, Totals], recomputed: Mapping[DefinitionName, Totals], detail: str
) -> None:
    """Another figure, or a definition that only one of them has, fails and is named with both figures."""
    check = totals_recomputed(given, recomputed)
    assert (check.status, check.detail) == ("fail", detail)
    assert check.expected != check.actual


def test_new_fields_warn() -> None:
    """Fields never seen before are named and stop nothing."""
    assert field_drift(set()) == Check("field_drift", "pass", "no new fields", "no new fields", "")
    check = field_drift({"zeta", "alpha"})
    assert (check.status, check.actual, check.detail) == ("warn", "2 new fields", "alpha, zeta")


def test_only_failures_hold() -> None:
    """Warnings and passes do not hold a date."""
    checks = [field_drift({"new"}), field_drift(()), wind_rejects([Rejected()], WIND)]
    assert [check.name for check in failed(checks)] == ["wind_rejects"]
