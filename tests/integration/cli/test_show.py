from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reingest.curtailment.checks import Check
from reingest.curtailment.records import select_records
from tests.integration.cli.conftest import Command
from tests.support.curtailment import REAL_DATE, real_day_expected, real_day_rows, record
from tests.support.versions import A_DAY, DATE, Store

SO_FLAGGED = {
    "energy_mwh": "14.623456789",
    "payment_gbp": "478.143518532",
    "records": 2,
    "bm_units": 2,
    "periods": 1,
    "indicative_cashflow_gbp": None,
}
NET = {
    "energy_mwh": "16.123456789", "payment_gbp": "583.143518532", "records": 4, "bm_units": 2, "periods": 2,
    "indicative_cashflow_gbp": None,
}  # fmt: skip
NOTHING = {
    "energy_mwh": "0", "payment_gbp": "0", "records": 0, "bm_units": 0, "periods": 0, "indicative_cashflow_gbp": "0",
}  # fmt: skip


def known(totals: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return figures without their indicative cashflow: the reference day has no loss multipliers."""
    return {
        name: {field: one for field, one in figures.items() if field != "indicative_cashflow_gbp"}
        for name, figures in totals.items()
    }


def test_json_of_a_date_gives_exact_totals_by_definition(store: Store, reingest: Command) -> None:
    """`show D --json` gives every definition's totals as exact text, with date, version and state."""
    store.publish()
    shown = reingest("show", DATE, "--json").json

    assert {name: shown[name] for name in ("settlement_date", "version", "state", "provisional", "generation")} == {
        "settlement_date": "2024-03-29",
        "version": 1,
        "state": "published",
        "provisional": False,
        "generation": 1,
    }
    assert shown["totals"] == {
        "so_flagged": SO_FLAGGED,
        "all_bids": {**NET, "energy_mwh": "16.623456789", "payment_gbp": "618.143518532", "records": 3},
        "net": NET,
    }


def test_json_of_a_date_gives_mining_by_definition_and_model(store: Store, reingest: Command) -> None:
    """BTC comes to 18 places, as text, for each definition and model."""
    store.publish()
    shown = reingest("show", DATE, "--json").json

    assert shown["mining_state"] == "available"
    assert shown["mining"]["so_flagged"] == {
        "M20S": "0.018650919381147961",
        "S19J_PRO": "0.030215568524907015",
        "S9": "0.009403824898057795",
    }


def test_mining_that_is_not_known_is_null_and_said(store: Store, reingest: Command) -> None:
    """A date beyond the known difficulties has null BTC, `unavailable`, and its totals all the same."""
    store.publish(mining=False)
    shown = reingest("show", DATE, "--json").json

    assert shown["mining_state"] == "unavailable"
    assert shown["mining"]["net"] == {"M20S": None, "S19J_PRO": None, "S9": None}
    assert shown["totals"]["so_flagged"] == SO_FLAGGED
    assert "BTC is not known" in reingest("show", DATE).out


def test_periods_are_counted_against_the_calendar(store: Store, reingest: Command) -> None:
    """A date of 50 periods counts each outcome, and the sum is 50."""
    day = date(2024, 10, 27)
    store.publish(settlement_date=day, outcomes={7: "failed", 8: "not_published", 50: "not_asked"})
    periods = reingest("show", day, "--json").json["periods"]

    assert periods == {
        "expected": 50,
        "fetched": 2,
        "confirmed_empty": 45,
        "not_published": 1,
        "failed": 1,
        "not_asked": 1,
    }


def test_every_period_of_the_calendar_has_figures(store: Store, reingest: Command) -> None:
    """`per_period` has each period of the date, zeros where nothing was curtailed."""
    day = date(2024, 3, 31)
    store.publish(settlement_date=day)
    per_period = reingest("show", day, "--json").json["per_period"]

    assert list(per_period) == [str(number) for number in range(1, 47)]
    assert per_period["1"]["so_flagged"] == SO_FLAGGED
    assert per_period["2"]["so_flagged"] == NOTHING
    assert per_period["46"] == {"so_flagged": NOTHING, "all_bids": NOTHING, "net": NOTHING}


def test_the_real_day_comes_out_to_the_last_digit(store: Store, reingest: Command, shared: Path) -> None:
    """The reference day's totals by definition and by period are exactly the expected ones."""
    rows, wind = real_day_rows(shared)
    store.publish(select_records(rows, wind), settlement_date=REAL_DATE)
    shown, expected = reingest("show", REAL_DATE, "--json").json, real_day_expected(shared)

    assert known(shown["totals"]) == {name: expected[name] for name in ("so_flagged", "all_bids", "net")}
    assert {period: known(figures) for period, figures in shown["per_period"].items()} == expected["per_period"]


def test_without_offers_there_is_no_net(store: Store, reingest: Command) -> None:
    """A date of which only bids were fetched has no `net`, rather than a net that leaves the offers out."""
    store.publish(A_DAY[:3], sides=("bid",))
    shown = reingest("show", DATE, "--json").json

    assert shown["sides"] == ["bid"]
    assert list(shown["totals"]) == list(shown["mining"]) == ["so_flagged", "all_bids"]


def test_a_net_negative_payment_stays_negative(store: Store, reingest: Command) -> None:
    """A date on which units paid shows its payment below zero, in JSON and in the table."""
    store.publish([record(period=1, volume="-1000", original_price="12.345")])

    assert reingest("show", DATE, "--json").json["totals"]["so_flagged"]["payment_gbp"] == "-12345"
    assert "-12,345.00" in reingest("show", DATE).out


def test_checks_come_failures_first(store: Store, reingest: Command) -> None:
    """The version's checks are listed with what was expected and found, the failed ones on top."""
    store.hold(
        checks=[
            Check("rows_accounted", "pass", "a", "a", ""),
            Check("expected_energy:net", "fail", "5 MWh ± 0.001", "16.123456789 MWh", "off by 11.123456789 MWh"),
            Check("other_rejects", "warn", "0 rejected rows", "1 rejected rows", "bad_number"),
        ]
    )
    checks = reingest("show", DATE, "--json").json["checks"]

    assert [check["status"] for check in checks] == ["fail", "warn", "pass"]
    assert checks[0] == {
        "name": "expected_energy:net",
        "status": "fail",
        "expected": "5 MWh ± 0.001",
        "actual": "16.123456789 MWh",
        "detail": "off by 11.123456789 MWh",
    }


def test_a_date_that_was_never_published_is_not_found(store: Store, reingest: Command) -> None:
    """A date without any version is an error that names the command which makes one."""
    ran = reingest("show", DATE, "--json")

    assert (ran.code, ran.out) == (2, "")
    assert ran.error["code"] == "not_found"
    assert ran.error["next"] == "reingest date 2024-03-29"


def test_a_date_with_only_a_held_version_says_that_nothing_is_served(store: Store, reingest: Command) -> None:
    """Where nothing was ever published the held version is shown, as held, with the command to publish it."""
    store.hold()
    shown = reingest("show", DATE, "--json").json

    assert (shown["state"], shown["version"], shown["held_version"], shown["generation"]) == ("held", 1, 1, 0)
    assert reingest("show", DATE).lines[:2] == [
        "2024-03-29  version 1  held",
        "Nothing is served for this date. Publish it: reingest publish 2024-03-29 --version 1 --reason TEXT",
    ]


def test_a_held_version_does_not_hide_the_served_one(store: Store, reingest: Command) -> None:
    """While a later version is held the served one is shown, and the held one is named beside it."""
    store.publish()
    store.hold(A_DAY[:1])
    shown = reingest("show", DATE, "--json").json

    assert (shown["state"], shown["version"], shown["held_version"]) == ("published", 1, 2)
    assert shown["totals"]["so_flagged"] == SO_FLAGGED


def test_a_held_version_whose_basis_moved_is_not_offered(store: Store, reingest: Command) -> None:
    """A version held before another was published can no longer be published, so it is not named."""
    store.hold(A_DAY[:1])
    store.publish()

    assert reingest("show", DATE, "--json").json["held_version"] is None


def test_a_provisional_date_says_until_when(store: Store, reingest: Command) -> None:
    """A date that Elexon will calculate again is marked, with the instant from which it is settled."""
    store.publish(provisional_until=datetime(2024, 3, 31, 0, 14, tzinfo=UTC))
    shown = reingest("show", DATE, "--json").json

    assert (shown["provisional"], shown["provisional_until"]) == (True, "2024-03-31T00:14:00Z")
    assert "Provisional until 2024-03-31 00:14:00Z" in reingest("show", DATE).out


def test_the_table_rounds_and_keeps_its_width(store: Store, reingest: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a narrow pipe the table is neither folded nor cut; energy has 3 places, money 2."""
    monkeypatch.setenv("COLUMNS", "20")
    store.publish()
    lines = reingest("show", DATE).lines

    assert lines[1] == "Witnesses: unverified."
    heading, first = lines[3:5]
    assert heading.split("  ")[0] == "definition"
    assert heading.endswith("units  periods    BTC M20S  BTC S19J_PRO      BTC S9")
    assert first.endswith("    2        1  0.01865092    0.03021557  0.00940382")
    assert "energy MWh  payment GBP  indicative GBP  records" in heading
    assert "    14.623       478.14               -        2" in first
    assert "48 periods: 2 fetched, 46 confirmed empty; bid and offer stacks, 4 rows, 0 rejected" in lines


def test_csv_of_a_date_is_exact(store: Store, reingest: Command) -> None:
    """CSV has one line a definition, with exact numbers."""
    store.publish()
    lines = reingest("show", DATE, "--csv").lines

    assert lines[0] == (
        "settlement_date,version,state,provisional,verification,definition,energy_mwh,payment_gbp,indicative_cashflow_gbp,"
        "records,bm_units,periods,btc_M20S,btc_S19J_PRO,btc_S9"
    )
    assert lines[1] == (
        "2024-03-29,1,published,false,unverified,so_flagged,14.623456789,478.143518532,,2,2,1,"
        "0.018650919381147961,0.030215568524907015,0.009403824898057795"
    )
    assert len(lines) == 4


def test_a_month_sums_its_served_dates_and_says_how_many(store: Store, reingest: Command) -> None:
    """A month's totals are the sum of its dates, beside how many are expected, published and provisional."""
    store.publish()
    store.publish(settlement_date=date(2024, 3, 31), provisional_until=datetime(2024, 4, 2, tzinfo=UTC))
    store.publish(settlement_date=date(2024, 4, 1))
    shown = reingest("show", "2024-03", "--json").json

    assert (shown["month"], shown["days_expected"], shown["days_published"], shown["days_provisional"]) == (
        "2024-03",
        31,
        2,
        1,
    )
    assert shown["totals"]["so_flagged"] == {
        "energy_mwh": "29.246913578",
        "payment_gbp": "956.287037064",
        "records": 4,
        "bm_units": 2,
        "days_published": 2,
        "days_provisional": 1,
        "days_estimated": 2,
        "indicative_cashflow_gbp": None,
        "days_verified": 0,
    }
    days = [reingest("show", day, "--json").json["mining"]["net"]["S9"] for day in ("2024-03-29", "2024-03-31")]
    assert Decimal(shown["mining"]["net"]["S9"]) == sum(map(Decimal, days))


def test_the_indicative_cashflow_is_shown_where_it_is_known(store: Store, reingest: Command) -> None:
    """Dates and months give volume times price times multiplier exactly; one date that lacks it hides the month's."""
    whole = [record(volume="-10", original_price="-50", transmission_loss_multiplier="0.98765432109876543211")]
    store.publish(whole)
    assert reingest("show", DATE, "--json").json["totals"]["net"]["indicative_cashflow_gbp"] == "493.827160549382716055"
    assert (
        reingest("show", "2024-03", "--json").json["totals"]["net"]["indicative_cashflow_gbp"]
        == "493.827160549382716055"
    )
    store.publish(settlement_date=date(2024, 3, 31))
    assert reingest("show", "2024-03", "--json").json["totals"]["net"]["indicative_cashflow_gbp"] is None


def test_a_year_and_all_years(store: Store, reingest: Command) -> None:
    """A year is shown like a month; without a span every year that has a served date is, oldest first."""
    store.publish()
    store.publish(settlement_date=date(2023, 12, 31))

    assert reingest("show", "2024", "--json").json["days_expected"] == 366
    years = [year["year"] for year in reingest("show", "--json").json]
    assert years == ["2023", "2024"]
    assert all(earlier < later for earlier, later in pairwise(years))


def test_a_month_without_served_dates_is_not_found(store: Store, reingest: Command) -> None:
    """A month of which nothing is served is an error, never a row of zeros."""
    store.hold()
    ran = reingest("show", "2024-03", "--json")

    assert (ran.code, ran.error["code"], ran.error["next"]) == (2, "not_found", "reingest date 2024-03-01")


def test_an_empty_store_says_so(store: Store, reingest: Command) -> None:
    """Without anything published, `show` says that and what to run."""
    assert reingest("show").out == "Nothing is served yet. Next: reingest date D\n"


def test_both_machine_forms_at_once_are_refused(store: Store, reingest: Command) -> None:
    """`--json --csv` is bad usage, not a choice made for the user."""
    ran = reingest("show", DATE, "--json", "--csv")

    assert (ran.code, ran.error["code"]) == (2, "bad_usage")
