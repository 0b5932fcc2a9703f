import time
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, OFFERS, PRICES, STACK, get, rows_of, write_day

UNSERVED = "2025-03-02"


def test_a_recorded_stack_is_served_with_every_digit(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A row leaves with the text that its file has, as a number, in the fields of ISPSTACK."""
    row = rows_of(get(stand_in(days=[write_day(tmp_path / "day.csv")]), STACK))[0]
    assert (row["originalPrice"], row["volume"]) == ("-179.759999999999990905", "-10.166666666666666075")
    assert (row["startTime"], row["createdDateTime"]) == ("2025-03-01T02:00:00Z", "2025-03-02T02:44:00Z")
    assert (row["acceptanceId"], row["bidOfferPairId"], row["soFlag"], row["cadlFlag"]) == ("52013", "-1", True, None)
    assert len(row) == 23


def test_an_unserved_date_is_not_published(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A date of no source has no rows, neither in the stack nor in DISEBSP, and the status is 200."""
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")])
    assert rows_of(get(elexon, STACK.replace(str(DAY), UNSERVED))) == []
    assert rows_of(get(elexon, PRICES.replace(str(DAY), UNSERVED))) == []
    assert get(elexon, f"/balancing/settlement/summary/{UNSERVED}/1").status_code == 404


def test_an_empty_side_is_confirmed(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A period without rows of a served date has a DISEBSP record with zeros."""
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")])
    assert rows_of(get(elexon, STACK.replace("/5", "/7"))) == []
    prices = rows_of(get(elexon, PRICES))
    assert len(prices) == 48
    assert (prices[6]["totalAcceptedBidVolume"], prices[6]["totalAdjustmentSellVolume"]) == ("0", "0")
    assert (prices[4]["totalAdjustmentSellVolume"], prices[4]["totalAdjustmentBuyVolume"]) == ("-500", "157.5")
    assert rows_of(get(elexon, f"{PRICES}/5")) == [prices[4]]


def test_recorded_units_are_wind_without_a_register(stand_in: StartStandIn, tmp_path: Path) -> None:
    """Without a register the units of recorded days are served as wind, and adjustments are no units."""
    units = get(stand_in(days=[write_day(tmp_path / "day.csv")]), "/reference/bmunits/all").json()
    assert [(unit["elexonBmUnit"], unit["fuelType"]) for unit in units] == [("T_ARDGW-1", "WIND"), ("T_CARF-1", "WIND")]


def test_a_given_register_is_served_as_it_is(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A register given as CSV is served whole, its null ids and odd capacities included."""
    path = tmp_path / "units.csv"
    path.write_text("elexonBmUnit,fuelType,generationCapacity\nT_CARF-1,CCGT,440.000\n,WIND,\n", encoding="utf-8")
    units = get(stand_in(days=[write_day(tmp_path / "day.csv")], register=path), "/reference/bmunits/all").json()
    assert [(unit["elexonBmUnit"], unit["generationCapacity"]) for unit in units] == [
        ("T_CARF-1", "440.000"),
        (None, None),
    ]


@pytest.mark.parametrize(
    "path",
    [
        STACK.replace("/5", "/0"),
        STACK.replace("/5", "/51"),
        STACK.replace("/5", "/five"),
        STACK.replace("bid", "bids"),
        STACK.replace("bid", "Bid"),
        STACK.replace(str(DAY), "2025-3-1"),
        STACK.replace(str(DAY), "2025-02-30"),
        f"{STACK}?format=yaml",
        f"/balancing/settlement/acceptance/volumes/all/bid/{DAY}?format=csv",
        "/data-status/ISPSTACK?settlementDateFrom=2025-03-02&settlementDateTo=2025-03-01",
        "/data-status/ISPSTACK?settlementDateFrom=2025-01-01&settlementDateTo=2025-02-01",
    ],
)
def test_a_bad_parameter_is_refused(stand_in: StartStandIn, path: str) -> None:
    """A parameter that Elexon would refuse is answered with 400 and its name."""
    answer = get(stand_in(generate=7, small=True), path)
    assert answer.status_code == 400
    assert answer.json()["errors"]


@pytest.mark.parametrize("path", ["/", "/balancing/stack", f"{STACK}/", "/data-status/PN", "/reference/bmunits"])
def test_a_wrong_path_is_the_gateways_404(stand_in: StartStandIn, path: str) -> None:
    """A path that does not exist is answered as the gateway was recorded to answer it."""
    answer = get(stand_in(generate=7, small=True), path)
    assert (answer.status_code, answer.json()) == (404, {"statusCode": 404, "message": "Resource not found"})


def test_the_root_and_other_methods(stand_in: StartStandIn) -> None:
    """Outside the base path there is nothing, and the endpoints answer GET alone."""
    elexon = stand_in(generate=7, small=True)
    assert httpx.get(elexon.url.removesuffix("/bmrs/api/v1")).status_code == 404
    assert httpx.post(elexon.url + STACK).status_code == 405


@pytest.mark.parametrize(("day", "count"), [("2025-03-30", 46), ("2025-10-26", 50), ("2025-03-01", 48)])
def test_clock_change_days_have_their_periods(stand_in: StartStandIn, day: str, count: int) -> None:
    """A generated clock-change day has 46 or 50 periods; a period beyond the last has no rows and is no error."""
    elexon = stand_in(generate=7, small=True)
    prices = rows_of(get(elexon, f"/balancing/settlement/system-prices/{day}"))
    assert [int(price["settlementPeriod"]) for price in prices] == list(range(1, count + 1))
    assert rows_of(get(elexon, f"/balancing/settlement/stack/all/offer/{day}/{count}"))
    if count < 50:
        assert rows_of(get(elexon, f"/balancing/settlement/stack/all/offer/{day}/{count + 1}")) == []


def test_one_seed_gives_one_answer(stand_in: StartStandIn) -> None:
    """Two stand-ins of one seed give the same bytes; another seed gives others."""
    one, two, other = (get(stand_in(generate=seed), STACK).content for seed in (7, 7, 8))
    assert one == two
    assert one != other


def test_system_prices_agree_with_the_served_stack(stand_in: StartStandIn) -> None:
    """The sum of the bids with an acceptance is what DISEBSP says, on the wire."""
    elexon = stand_in(generate=7)
    price = rows_of(get(elexon, f"{PRICES}/5"))[0]
    for path, name in ((STACK, "totalAcceptedBidVolume"), (OFFERS, "totalAcceptedOfferVolume")):
        accepted = [Decimal(row["volume"]) for row in rows_of(get(elexon, path)) if row["acceptanceId"] is not None]
        assert abs(sum(accepted) - Decimal(price[name])) < Decimal("1E-12")


def test_gzip_is_given_to_those_who_accept_it(stand_in: StartStandIn) -> None:
    """A body is compressed where the client accepts gzip, and is the same where it does not."""
    elexon = stand_in(generate=7)
    packed = httpx.get(elexon.url + STACK, headers={"accept-encoding": "gzip"})
    bare = httpx.get(elexon.url + STACK, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in bare.headers
    assert int(bare.headers["content-length"]) > 4 * int(packed.headers["content-length"])
    assert packed.content == bare.content


@pytest.mark.parametrize(
    ("wire", "content_type", "beginning"),
    [
        ("json", "application/json; charset=utf-8", '{"metadata":{"datasets":["ISPSTACK"]},"data":[{'),
        ("xml", "application/xml; charset=utf-8", '<?xml version="1.0" encoding="utf-8"?><response>'),
        ("csv", "text/csv; charset=utf-8", "SettlementDate,SettlementPeriod,StartTime,CreatedDateTime,"),
    ],
)
def test_each_format_says_what_it_is(stand_in: StartStandIn, wire: str, content_type: str, beginning: str) -> None:
    """The three formats come with their content types; JSON is what comes unasked."""
    elexon = stand_in(generate=7, small=True)
    answer = get(elexon, STACK, format=wire)
    assert answer.headers["content-type"] == content_type
    assert answer.text.startswith(beginning)
    assert get(elexon, STACK).content == get(elexon, STACK, format="json").content


def test_xml_can_be_refused(stand_in: StartStandIn) -> None:
    """A stand-in that refuses XML answers it with 400, and JSON as ever."""
    elexon = stand_in(generate=7, small=True, refuse="xml")
    assert get(elexon, STACK, format="xml").status_code == 400
    assert get(elexon, STACK, format="json").status_code == 200


def test_latency_is_a_floor(stand_in: StartStandIn) -> None:
    """No answer comes before the latency is over."""
    elexon = stand_in(generate=7, small=True, latency_ms=80)
    began = time.perf_counter()
    get(elexon, STACK)
    assert time.perf_counter() - began >= 0.08


def test_data_status_reads_its_dates_as_utc_days(stand_in: StartStandIn) -> None:
    """In summer time the first two periods of a date belong to the day before; in winter none does."""
    elexon = stand_in(generate=7, small=True)

    def periods(day: str) -> Counter[tuple[str, str]]:
        dates = f"settlementDateFrom={day}&settlementDateTo={day}"
        return Counter(
            (row["settlementDate"], row["settlementPeriod"])
            for row in rows_of(get(elexon, f"/data-status/ISPSTACK?{dates}"))
        )

    winter, summer = periods("2025-01-15"), periods("2025-06-15")
    assert set(winter) == {("2025-01-15", str(number)) for number in range(1, 49)}
    assert set(summer) == {("2025-06-15", str(number)) for number in range(3, 49)} | {
        ("2025-06-16", "1"),
        ("2025-06-16", "2"),
    }


@pytest.mark.parametrize("dataset", ["ISPSTACK", "DISEBSP", "BOAV", "EBOCF", "DISPTAV"])
def test_data_status_counts_both_sides(stand_in: StartStandIn, tmp_path: Path, dataset: str) -> None:
    """The count of a period is of both sides together; one date alone names the whole range."""
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")])
    rows = rows_of(get(elexon, f"/data-status/{dataset}?settlementDateFrom={DAY}"))
    counts = {"ISPSTACK": 7, "DISEBSP": 1, "BOAV": 4, "EBOCF": 0, "DISPTAV": 5}
    assert rows[4] == {"settlementDate": str(DAY), "settlementPeriod": "5", "dataPointCount": str(counts[dataset])}


def test_data_status_without_dates_is_recent(stand_in: StartStandIn) -> None:
    """Without dates the latest 25 periods are counted, the current one included."""
    rows = rows_of(get(stand_in(generate=7, small=True), "/data-status/DISEBSP"))
    assert len(rows) == 25


def test_units_can_be_asked_for_by_either_id(stand_in: StartStandIn) -> None:
    """BOAV takes repeated bmUnit parameters, of Elexon's ids and of NESO's."""
    elexon = stand_in(generate=7)
    path = f"/balancing/settlement/acceptance/volumes/all/offer/{DAY}/5"
    all_units = {row["bmUnit"]: row["nationalGridBmUnit"] for row in rows_of(get(elexon, path))}
    first, second = list(all_units)[:2]
    chosen = rows_of(get(elexon, f"{path}?bmUnit={first}&bmUnit={all_units[second]}"))
    assert {row["bmUnit"] for row in chosen} == {first, second}


def test_a_whole_date_is_its_periods_together(stand_in: StartStandIn) -> None:
    """The whole-date form of a witness is its periods, one after the other."""
    elexon = stand_in(generate=7, small=True)
    for dataset in ("acceptance/volumes", "indicative/cashflows", "indicative/volumes"):
        path = f"/balancing/settlement/{dataset}/all/bid/{date(2025, 3, 30)}"
        whole = rows_of(get(elexon, path))
        apart = [row for number in range(1, 47) for row in rows_of(get(elexon, f"{path}/{number}"))]
        assert whole == apart
