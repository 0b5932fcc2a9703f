from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from reingest.errors import BadUsage
from reingest.standin.server import StandIn, StandInConfig, control
from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, OFFERS, PRICES, STACK, TLS, get, rows_of, write_day


def test_a_restatement_shows_in_every_dataset(stand_in: StartStandIn, tmp_path: Path) -> None:
    """After a restatement the stack, DISEBSP and BOAV say the same new volumes, with a later createdDateTime."""
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")])
    before = rows_of(get(elexon, f"{PRICES}/5"))[0]
    assert elexon.restate(DAY, period=5, unit="T_ARDGW-1", side="bid", volume_factor="2") == [5]
    rows, after = rows_of(get(elexon, STACK)), rows_of(get(elexon, f"{PRICES}/5"))[0]
    accepted = sum(Decimal(row["volume"]) for row in rows if row["acceptanceId"])
    assert accepted == Decimal(after["totalAcceptedBidVolume"]) == Decimal("-23.000009999999998668")
    assert before["createdDateTime"] < after["createdDateTime"] == rows[0]["createdDateTime"]
    boav = rows_of(get(elexon, f"/balancing/settlement/acceptance/volumes/all/bid/{DAY}/5"))
    assert sum(Decimal(row["totalVolumeAccepted"]) for row in boav) == accepted


def test_new_rows_can_be_published(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A restatement can add rows with the columns of a recorded file."""
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")])
    row = {"id": "T_LATEW-1", "acceptanceId": "7", "bidOfferPairId": "-1", "soFlag": "true", "volume": "-1.50"}
    elexon.restate(DAY, period=5, side="bid", unit="-", rows=[row])
    assert [(row["id"], row["volume"]) for row in rows_of(get(elexon, STACK))][-1] == ("T_LATEW-1", "-1.50")


def test_generated_days_can_be_restated(stand_in: StartStandIn) -> None:
    """A dropped side of a generated period is gone, and DISEBSP confirms that it is empty but for adjustments."""
    elexon = stand_in(generate=7, small=True)
    elexon.restate(DAY, period=5, side="offer", drop=True)
    assert all(row["acceptanceId"] is None for row in rows_of(get(elexon, OFFERS)))
    assert rows_of(get(elexon, f"{PRICES}/5"))[0]["totalAcceptedOfferVolume"] == "0"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "needs one of volume_factor, price, drop or rows"),
        ({"period": 51, "drop": True}, "period"),
        ({"colour": "red"}, "colour"),
        ({"rows": [{"volume": "1"}]}, "need the period"),
        ({"period": 5, "rows": [{"volume": "much"}]}, "'much' is not a number"),
        ({"unit": "T_NOBODY-1", "drop": True}, "no row of 2025-03-01 matches"),
    ],
)
def test_a_restatement_that_cannot_be_is_refused(
    stand_in: StartStandIn, tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    """What cannot be restated is refused with the reason, and nothing changes."""
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")])
    before = get(elexon, STACK).content
    with pytest.raises(BadUsage, match=complaint):
        elexon.restate(DAY, **changes)
    assert get(elexon, STACK).content == before


def test_requests_are_told_in_order(stand_in: StartStandIn) -> None:
    """The journal names each request with its attempt, its status and what struck it; a reset forgets it all."""
    elexon = stand_in(generate=7, small=True, faults=[{"kind": "status", "status": 503, "side": "bid", "attempts": 1}])
    for path in (STACK, OFFERS, STACK):
        get(elexon, path)
    get(elexon, STACK, format="xml")
    get(elexon, STACK.replace("/5", "/0"))
    seen = [(seen.path, seen.attempt, seen.status, seen.faults) for seen in elexon.requests()]
    assert seen == [
        (STACK, 1, 503, ("status",)),
        (OFFERS, 1, 200, ()),
        (STACK, 2, 200, ()),
        (f"{STACK}?format=xml", 1, 503, ("status",)),
        (STACK.replace("/5", "/0"), 1, 400, ()),
    ]
    assert control(elexon.url, "GET", "requests")["by_path"][STACK] == 2
    elexon.reset()
    assert elexon.requests() == []
    assert get(elexon, STACK).status_code == 503


def test_a_fault_that_found_no_row_is_not_told(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A fault of rows that had no row to strike does not count as having struck."""
    rules = [{"kind": "dropped_row", "unit": "T_ARDGW-1"}]
    elexon = stand_in(days=[write_day(tmp_path / "day.csv")], faults=rules)
    get(elexon, STACK)
    get(elexon, OFFERS.replace("/5", "/6"))
    assert [seen.faults for seen in elexon.requests()] == [("dropped_row",), ()]


def test_scripts_are_replaced_and_checked(stand_in: StartStandIn) -> None:
    """A new script takes the place of the old one; a wrong one is refused and changes nothing."""
    elexon = stand_in(generate=7, small=True)
    elexon.script([{"kind": "status", "status": 418}], seed=3)
    with pytest.raises(BadUsage, match="there is no fault 'gremlin'"):
        elexon.script([{"kind": "gremlin"}])
    assert get(elexon, STACK).status_code == 418
    elexon.script([])
    assert get(elexon, STACK).status_code == 200


def test_a_date_can_be_warmed(stand_in: StartStandIn) -> None:
    """Warming makes the 96 stacks of a date, its prices in both formats and the register."""
    elexon = stand_in(generate=7, small=True)
    elexon.warm(DAY)
    assert control(elexon.url, "POST", "warm", {"settlement_date": str(DAY), "wire": "json"}) == {"answers": 99}
    with pytest.raises(BadUsage, match="settlement_date"):
        control(elexon.url, "POST", "warm", {})


def test_only_a_stand_in_on_this_machine_is_controlled(stand_in: StartStandIn) -> None:
    """Elexon itself, a port where nobody listens and a server that is no stand-in are refused."""
    elexon = stand_in(generate=7, small=True)
    for url in ("https://data.elexon.co.uk/bmrs/api/v1", "http://192.0.2.1/", "nonsense"):
        with pytest.raises(BadUsage, match="is not on this machine"):
            control(url, "POST", "reset")
    with pytest.raises(BadUsage, match="no stand-in answers"):
        control("http://127.0.0.1:1/", "POST", "reset")
    with pytest.raises(BadUsage, match="refused"):
        control(elexon.url, "GET", "nothing")


def test_a_taken_port_is_refused(stand_in: StartStandIn) -> None:
    """A second stand-in on one port is refused, and the first serves on."""
    elexon = stand_in(generate=7, small=True)
    port = int(elexon.url.split(":")[2].partition("/")[0])
    with pytest.raises(BadUsage, match=f"port {port} of 127.0.0.1 cannot be used"), StandIn(StandInConfig(), port=port):
        pass
    assert get(elexon, STACK).status_code == 200


def test_a_bug_is_no_answer(stand_in: StartStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stand-in did not foresee is a 500, and never an answer that could be taken for Elexon's."""
    elexon = stand_in(generate=7, small=True)
    monkeypatch.setattr(elexon.app.answers, "answer", lambda _: 1 / 0)
    assert httpx.get(elexon.url + STACK, verify=TLS).status_code == 500


def test_many_restatements_are_forgotten_in_time(stand_in: StartStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept answers are bounded: the least used are made anew, and are the same."""
    monkeypatch.setattr("reingest.standin.answers.KEPT_BYTES", 20_000)
    elexon = stand_in(generate=7, small=True)
    first = get(elexon, STACK).content
    for day in range(2, 28):
        get(elexon, STACK.replace(str(DAY), str(date(2025, 3, day))))
    assert elexon.app.answers.kept_bytes <= 20_000
    assert get(elexon, STACK).content == first
