"""What becomes of the answers: empty and missing ones, strange rows, signs, flags, clock changes, provisional dates."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.days import A_DAY, DATE, Row, of_date
from tests.support.sites import Serve, Site

FIRST_RUN = timedelta(minutes=14)
BEYOND_DIFFICULTY = date(2026, 10, 1)


def check_of(ran: Any, name: str) -> tuple[str, str]:
    """Return status and detail of one check of a report."""
    (check,) = [check for check in ran.json["checks"] if check["name"] == name]
    return check["status"], check["detail"]


def test_an_empty_answer_that_the_system_prices_contradict_is_a_failure(site: Site, serve: Serve) -> None:
    """An empty stack where DISEBSP has volume fails its period, so the date is partial and nothing is published."""
    site.elexon_url = serve(faults=[{"kind": "no_rows", "dataset": "ISPSTACK", "periods": 2, "side": "bid"}]).url
    ran = site.date(DATE)
    assert (ran.exit_code, ran.error["code"], ran.error["period"]) == (4, "partial", 2)
    assert "the system prices say that it should not be" in ran.error["message"]
    assert site.states(DATE) == {}


def test_empty_answers_without_system_prices_are_not_believed(site: Site, serve: Serve) -> None:
    """Where DISEBSP cannot be had an empty answer proves nothing: the date is held, its empty periods not published."""
    site.elexon_url = serve(faults=[{"kind": "status", "status": 404, "dataset": "DISEBSP"}]).url
    ran = site.date(DATE)
    assert (ran.exit_code, ran.json["outcome"]) == (1, "held")
    assert ran.json["periods"] == {"expected": 48, "not_published": 46, "fetched": 2}
    assert "the system prices could not be had" in ran.json["notes"][0]


def test_an_unpublished_date_is_held_and_nothing_is_served(site: Site) -> None:
    """A date that Elexon has not published is not a date without curtailment: it is held, and shows no zeros."""
    ran = site.date(date(2024, 1, 20))
    assert (ran.exit_code, ran.json["outcome"]) == (1, "held")
    assert ran.json["periods"] == {"expected": 48, "not_published": 48}
    assert check_of(ran, "periods_complete")[0] == "fail"
    assert site.value("select count(*) from day") == site.value("select count(*) from month") == 0


def test_a_date_without_curtailment_publishes_zeros(site: Site, serve: Serve) -> None:
    """A date on which no wind unit was turned down is published, with zeros that were proven and not assumed."""
    plant = tuple(row for row in A_DAY if row[4] == "T_GASP-1")
    site.elexon_url = serve(plant).url
    assert site.date(DATE).json["outcome"] == "published"
    shown = site.show(DATE)
    nothing = {"records": 0, "bm_units": 0, "periods": 0}
    zero = {"energy_mwh": "0", "payment_gbp": "0", "indicative_cashflow_gbp": "0"} | nothing
    assert shown["totals"] == dict.fromkeys(("so_flagged", "all_bids", "net"), zero)
    assert set(shown["mining"]["net"].values()) == {"0"}
    assert (shown["periods"]["fetched"], shown["periods"]["confirmed_empty"]) == (2, 46)
    assert site.show("2024-01")["totals"]["net"]["energy_mwh"] == "0"
    assert site.date(DATE).json["outcome"] == "unchanged"


def test_a_net_negative_date_stays_negative(site: Site, serve: Serve) -> None:
    """A date on which wind pays on balance has a negative payment, in every view, and positive energy."""
    site.elexon_url = serve(
        (
            (DATE, 3, "bid", 1, "T_HILLW-1", 1, -1, "true", "73601.5", "-2"),
            (DATE, 4, "bid", 1, "E_MOORW-1", 2, -1, "true", "-1000.25", "-1"),
        )
    ).url
    assert site.date(DATE).json["outcome"] == "published"
    for span in (DATE, "2024-01", "2024"):
        totals = site.show(span)["totals"]["so_flagged"]
        assert (totals["energy_mwh"], totals["payment_gbp"]) == ("3", "-146202.75")


UNPRICED: Row = (DATE, 7, "bid", 1, "T_HILLW-1", 71, -1, "true", "", "-5")
DOUBLED = (
    (DATE, 7, "bid", 1, "T_HILLW-1", 71, -1, "true", "-1", "-5"),
    (DATE, 7, "bid", 1, "T_HILLW-1", 71, -1, "true", "-1", "-5"),
)
WRONG_SIGN: Row = (DATE, 7, "bid", 1, "E_MOORW-1", 71, -1, "true", "-1", "5")
OF_PLANT = tuple((*row[:4], "T_GASP-1", *row[5:]) for row in DOUBLED)


@pytest.mark.parametrize(
    ("rows", "check", "detail"),
    [
        ((UNPRICED,), "wind_rows_priced", "period 7 bid T_HILLW-1"),
        (DOUBLED, "wind_rejects", "duplicate_identity: period 7 bid T_HILLW-1 (2 rows)"),
        ((WRONG_SIGN,), "wind_rejects", "wrong_sign: period 7 bid E_MOORW-1"),
    ],
    ids=["without_a_price", "twice", "with_a_wrong_sign"],
)
def test_a_doubtful_row_of_a_wind_unit_holds(
    rows: tuple[Row, ...], check: str, detail: str, site: Site, serve: Serve
) -> None:
    """A wind bid without a price, or a reject on a wind unit, holds the date and names period and unit."""
    site.elexon_url = serve((*A_DAY, *rows)).url
    ran = site.date(DATE)
    assert (ran.exit_code, check_of(ran, check)) == (1, ("fail", detail))
    assert site.states(DATE) == {1: "held"}


def test_rejects_of_other_units_warn(site: Site, serve: Serve) -> None:
    """Rejected rows of plant are kept and said, and hold nothing."""
    site.elexon_url = serve((*A_DAY, *OF_PLANT)).url
    ran = site.date(DATE)
    assert ran.json["outcome"] == "published"
    assert check_of(ran, "other_rejects") == ("warn", "duplicate_identity: period 7 bid T_GASP-1 (2 rows)")
    assert ran.json["rejects"] == 2
    assert site.rows("select code, bm_unit, wind, raw ->> 'volume' from reject") == [
        ("duplicate_identity", "T_GASP-1", False, "-5"),
        ("duplicate_identity", "T_GASP-1", False, "-5"),
    ]
    assert site.rows("select rows, accepted, rejects from version_period where period = 7 and side = 'bid'") == [
        (2, 0, 2)
    ]


def test_a_new_field_warns_and_is_kept(published: Site, serve: Serve) -> None:
    """A field never seen before changes no content, is said as drift, and stays with its record."""
    published.elexon_url = serve(faults=[{"kind": "unknown_field", "dataset": "ISPSTACK"}]).url
    ran = published.date(DATE, "--force")
    assert ran.json["outcome"] == "published"
    assert check_of(ran, "field_drift") == ("warn", "carbonIntensity")
    assert published.value(
        "select distinct extra ->> 'carbonIntensity' from curtailment_record where extra is not null"
    )
    assert published.value("select count(distinct content_hash) from version") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "cut"},
        {"kind": "wrong_date"},
        {"kind": "wrong_period"},
        {"kind": "doctype"},
        {"kind": "comment_in_number"},
        {"kind": "missing_field", "row": 0},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_spoilt_answer_never_changes_a_figure(fault: dict[str, Any], published: Site, serve: Serve) -> None:
    """An answer that is not what was asked fails or holds the date, or is read rightly; no other figure comes of it."""
    before = published.dump(DATE)
    published.elexon_url = serve(faults=[{"dataset": "ISPSTACK", "periods": 1, "side": "bid", **fault}]).url
    ran = published.date(DATE)
    assert ran.exit_code in (1, 4) or ran.json["outcome"] == "unchanged"
    assert published.dump(DATE) == before


def test_numeric_and_null_ids_are_never_wind(published: Site) -> None:
    """An adjustment with a numeric id, and a row without an id, are no record of any unit, flagged or not."""
    units = published.rows("select distinct bm_unit from curtailment order by 1")
    assert units == [("E_MOORW-1",), ("T_HILLW-1",), ("T_HILLW-2",)]
    assert published.rows("select rows, accepted, wind_rows from version_period where period = 2 and side = 'bid'") == [
        (3, 3, 1)
    ]


def test_units_without_a_fuel_type_count_where_they_are_included(site: Site, serve: Serve) -> None:
    """The five transmission wind units that the register names no fuel type of count as wind."""
    rows = tuple(
        (DATE, 1, "bid", rank, unit, rank, -1, "true", "-10", "-1")
        for rank, unit in enumerate(
            ("T_SOFOW-11", "T_SOFOW-12", "T_SOFOW-21", "T_SOFOW-22", "T_HAGHW-2", "T_NEWW-1"), 1
        )
    )
    units = [(row[4], "", "Somebody") for row in rows]
    site.elexon_url = serve(rows, units=units).url
    assert site.date(DATE).json["outcome"] == "published"
    assert site.show(DATE)["totals"]["so_flagged"]["energy_mwh"] == "5"


@pytest.mark.parametrize(
    ("day", "count"), [(date(2024, 3, 31), 46), (date(2024, 10, 27), 50)], ids=["spring", "autumn"]
)
def test_a_clock_change_date_is_whole(day: date, count: int, site: Site, serve: Serve) -> None:
    """The last period of a 46- and a 50-period date is asked, counted and placed on the clock by the calendar."""
    elexon = serve(((day, count, "bid", 1, "T_HILLW-1", 1, -1, "true", "-50", "-2"),))
    site.elexon_url = elexon.url
    ran = site.date(day)
    assert (ran.json["outcome"], ran.json["requests"]) == ("published", 2 * count + 6)
    assert ran.json["periods"] == {"expected": count, "fetched": 1, "confirmed_empty": count - 1}
    assert site.value("select max(period) from curtailment") == count
    assert not [seen for seen in elexon.requests() if f"/{day}/{count + 1}" in seen.path]


def test_an_early_date_is_provisional_until_an_unchanged_rerun_clears_it(site: Site, serve: Serve) -> None:
    """Figures of Elexon's first run make a date provisional; the same figures a day later clear it, with no publish."""
    site.elexon_url = serve(created_after=FIRST_RUN).url
    first = site.date(DATE)
    assert (first.json["outcome"], first.json["provisional"]) == ("published", True)
    assert first.json["provisional_until"] == "2024-01-17T00:14:00+00:00"
    assert site.rows("select distinct provisional from day") == [(True,)]
    assert site.show("2024-01")["days_provisional"] == 1
    site.elexon_url = serve().url
    second = site.date(DATE)
    assert (second.json["outcome"], second.json["generation"], second.json["provisional"]) == ("unchanged", 1, False)
    assert site.rows("select distinct provisional from day") == [(False,)]
    assert site.show("2024-01")["days_provisional"] == 0


@pytest.mark.parametrize("words", [["--source", "archive"], ["--periods", "5"]], ids=" ".join)
def test_a_cleared_date_does_not_become_provisional_by_looking_back(words: list[str], site: Site, serve: Serve) -> None:
    """Reading the first run's payloads again says nothing new: the final run's confirmation of the content stands."""
    site.elexon_url = serve(created_after=FIRST_RUN).url
    site.date(DATE)
    site.elexon_url = serve().url
    site.date(DATE)
    ran = site.date(DATE, *words)
    assert ran.json["outcome"] == "unchanged"
    assert site.show(DATE)["provisional"] is False


def test_one_late_period_makes_the_date_provisional(site: Site, serve: Serve) -> None:
    """A date whose last period alone comes from the first run is provisional until that period's second run."""
    faults = [{"kind": "early_run", "dataset": ["ISPSTACK", "DISEBSP"], "periods": 48}]
    site.elexon_url = serve(faults=faults).url
    assert site.date(DATE).json["provisional_until"] == "2024-01-17T00:14:00+00:00"


def test_beyond_the_known_difficulty_energy_is_published_and_mining_is_not(site: Site, serve: Serve) -> None:
    """A date later than the difficulty table has its energy and payment; its BTC is unavailable, not zero."""
    site.elexon_url = serve(of_date(BEYOND_DIFFICULTY)).url
    ran = site.date(BEYOND_DIFFICULTY)
    assert (ran.json["outcome"], ran.json["mining_state"]) == ("published", "unavailable")
    shown = site.show(BEYOND_DIFFICULTY)
    assert Decimal(shown["totals"]["so_flagged"]["energy_mwh"]) == Decimal("13.873456789012345678")
    assert set(shown["mining"]["so_flagged"].values()) == {None}
    assert "mining\tunavailable" in site.dump(BEYOND_DIFFICULTY)
    assert site.value("select count(*) from daily_mining") == site.value("select count(*) from mining_rate") == 0
