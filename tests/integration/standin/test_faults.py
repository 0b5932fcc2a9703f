"""What a client gets from each kind of fault; the stated outcomes are those of a client that trusts nothing."""

import gzip
import json
import socket
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from lxml import etree

from reingest.clock import utc_now
from reingest.elexon.stack import read_stack
from reingest.errors import BadUsage, PayloadRejected
from reingest.standin.faults.kinds import KINDS
from reingest.standin.server import StandIn
from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, OFFERS, PRICES, STACK, TLS, get, rows_of, write_day

Struck = Callable[..., StandIn]


@pytest.fixture
def struck(stand_in: StartStandIn, tmp_path: Path) -> Struck:
    """Return what starts a stand-in with a recorded day and one fault."""

    def start(kind: str, **rule: Any) -> StandIn:
        return stand_in(days=[write_day(tmp_path / "day.csv")], faults=[{"kind": kind, **rule}])

    return start


def stack(elexon: StandIn, path: str = STACK) -> list[dict[str, Any]]:
    return rows_of(get(elexon, path))


def reject_code(elexon: StandIn, wire: str) -> str:
    body = get(elexon, STACK, format=wire).content
    with pytest.raises(PayloadRejected) as caught:
        read_stack(body, asked=wire, settlement_date=DAY, period=5, side="bid")  # type: ignore[arg-type]
    return caught.value.reject_code


# --- time -------------------------------------------------------------------------------------------------------------


def test_latency_comes_on_top(struck: Struck) -> None:
    """A latency fault delays the answer that it strikes, and no other."""
    elexon = struck("latency", ms=400, attempts=1)
    began = time.perf_counter()
    get(elexon, STACK)
    assert time.perf_counter() - began >= 0.4
    began = time.perf_counter()
    get(elexon, STACK)
    assert time.perf_counter() - began < 0.4


def test_hang_outlasts_the_client(struck: Struck) -> None:
    """Nothing comes until the client gives up, and the stand-in serves on."""
    elexon = struck("hang", attempts=1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(elexon.url + STACK, timeout=0.2, verify=TLS)
    assert len(stack(elexon)) == 5


def test_a_short_hang_ends_without_an_answer(struck: Struck) -> None:
    """A hang with seconds closes the connection when they are over."""
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        get(struck("hang", seconds=0.05), STACK)


def test_drip_is_slow_and_whole(struck: Struck) -> None:
    """A dripped body takes its time, and is the whole body in the end."""
    elexon = struck("drip", bytes=100, ms=10, attempts=1)
    began = time.perf_counter()
    dripped = get(elexon, STACK)
    assert time.perf_counter() - began > 0.02
    assert dripped.content == get(elexon, STACK).content


def test_stopping_does_not_wait_for_a_hang(stand_in: StartStandIn) -> None:
    """A stand-in that hangs on a request ends at once when it is stopped."""
    elexon = stand_in(generate=7, small=True, faults=[{"kind": "hang"}])
    origin = urlsplit(elexon.url)
    with socket.create_connection((origin.hostname, origin.port)) as client:
        client.sendall(f"GET {origin.path}{STACK} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.05)
        began = time.perf_counter()
        elexon.__exit__(None, None, None)
        assert time.perf_counter() - began < 10


# --- runs and rows ----------------------------------------------------------------------------------------------------


def test_early_run_moves_creation(struck: Struck) -> None:
    """The first run is created 44 minutes after the period's start, in the stack and in what is derived from it."""
    elexon = struck("early_run")
    assert {row["createdDateTime"] for row in stack(elexon)} == {"2025-03-01T02:44:00Z"}
    assert rows_of(get(elexon, f"{PRICES}/5"))[0]["createdDateTime"] == "2025-03-01T02:44:00Z"


def test_stale_rows_are_those_before_the_restatement(struck: Struck) -> None:
    """A stale answer has the rows that the last restatement replaced; without one, the first run's."""
    elexon = struck("stale_rows", dataset="ISPSTACK", attempts="2-")
    before = stack(elexon)
    assert {row["createdDateTime"] for row in stack(elexon)} == {"2025-03-01T02:44:00Z"}
    elexon.restate(DAY, period=5, volume_factor="2")
    assert stack(elexon) == before
    elexon.reset()
    assert stack(elexon)[0]["volume"] == "-20.333333333333332150"


def test_mixed_and_future_runs(struck: Struck) -> None:
    """Mixed runs differ within one answer; a future run is created in 2099."""
    assert len({row["createdDateTime"] for row in stack(struck("mixed_runs"))}) == 2
    with pytest.raises(BadUsage):
        struck("mixed_runs", row=1)


def test_a_future_run_lies_ahead(struck: Struck) -> None:
    """A future run says 2099 in every row."""
    assert {row["createdDateTime"] for row in stack(struck("future_run"))} == {"2099-01-01T00:00:00Z"}


def volumes(rows: list[dict[str, Any]]) -> list[str]:
    return [row["volume"] for row in rows]


WHOLE = ["-10.166666666666666075", "-1.333333333333333259", "-1E-05", "-500", "-2.50"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"kind": "no_rows"}, []),
        ({"kind": "dropped_row"}, WHOLE[1:]),
        ({"kind": "dropped_row", "row": 1}, [WHOLE[0], *WHOLE[2:]]),
        ({"kind": "dropped_row", "row": -1}, WHOLE[:-1]),
        ({"kind": "dropped_row", "row": "all", "unit": "T_ARDGW-1"}, WHOLE[2:]),
        ({"kind": "dropped_row", "unit": "T_NOBODY-1"}, WHOLE),
        ({"kind": "doubled_row"}, [*WHOLE, WHOLE[0]]),
        ({"kind": "duplicate_row"}, [WHOLE[0], *WHOLE]),
        ({"kind": "conflicting_duplicate"}, [WHOLE[0], "-20.333333333333332150", *WHOLE[1:]]),
        ({"kind": "flipped_sign", "row": 3}, [*WHOLE[:3], "500", WHOLE[4]]),
        ({"kind": "scaled", "factor": "1.5", "unit": "T_CARF-1"}, [*WHOLE[:2], "-0.000015", *WHOLE[3:]]),
        ({"kind": "many_rows", "copies": 3}, WHOLE * 3),
        ({"kind": "out_of_order"}, WHOLE[::-1]),
    ],
)
def test_rows_are_lost_doubled_and_changed(struck: Struck, rule: dict[str, Any], expected: list[str]) -> None:
    """Faults of rows strike the row that they name, in this answer alone: DISEBSP says what it said."""
    clean = get(struck("html", dates="1999-01-01"), f"{PRICES}/5").content
    elexon = struck(**rule, dataset="ISPSTACK")
    assert volumes(stack(elexon)) == expected
    assert get(elexon, f"{PRICES}/5").content == clean


def test_doubled_rows_have_numbers_of_their_own(struck: Struck) -> None:
    """A doubled row has a new sequence number; a duplicate has the old one."""
    doubled = stack(struck("doubled_row"))
    duplicate = stack(struck("duplicate_row"))
    assert [row["sequenceNumber"] for row in doubled] == ["1", "2", "3", "4", "5", "6"]
    assert duplicate[0] == duplicate[1]


def test_a_random_row_is_the_seeds(struck: Struck) -> None:
    """A random row is the same one for the same seed and attempt, and not always the first."""
    lost = [set(WHOLE) - set(volumes(stack(struck("dropped_row", row="random", attempts=n)))) for n in (1, 1)]
    assert lost[0] == lost[1]
    elexon = struck("dropped_row", row="random")
    assert len({frozenset(set(WHOLE) - set(volumes(stack(elexon)))) for _ in range(12)}) > 1


def test_a_unit_is_swapped(struck: Struck) -> None:
    """A swapped row bears another unit's id; where there is no other, an unknown one."""
    assert [row["id"] for row in stack(struck("swapped_unit"))][:3] == ["T_CARF-1", "T_ARDGW-1", "T_CARF-1"]
    alone = stack(struck("swapped_unit"), OFFERS.replace("/5", "/6"))
    assert [row["id"] for row in alone] == ["T_OTHER-1"]


@pytest.mark.parametrize(
    ("rule", "field", "expected"),
    [
        ({"kind": "wrong_date"}, "settlementDate", "2025-02-28"),
        ({"kind": "wrong_period"}, "settlementPeriod", "6"),
        ({"kind": "wrong_start_time"}, "startTime", "2025-03-01T03:00:00Z"),
        ({"kind": "missing_field"}, "volume", None),
        ({"kind": "missing_field", "field": "settlementDate"}, "settlementDate", None),
        ({"kind": "renamed_field"}, "quantity", WHOLE[0]),
        ({"kind": "renamed_field", "field": "id", "value": "bmuId"}, "bmuId", "T_ARDGW-1"),
        ({"kind": "null_field"}, "volume", None),
        ({"kind": "bad_number"}, "volume", "12,5"),
        ({"kind": "set_field", "field": "soFlag", "value": "perhaps"}, "soFlag", "perhaps"),
        ({"kind": "set_field", "field": "volume", "value": "1E400", "raw": True}, "volume", "1E400"),
        ({"kind": "unknown_field"}, "carbonIntensity", "42"),
        ({"kind": "unknown_field", "field": "runType", "value": "II"}, "runType", "II"),
    ],
)
def test_fields_are_wrong(struck: Struck, rule: dict[str, Any], field: str, expected: str | None) -> None:
    """Faults of fields give the first row the value, or lack of it, that they state."""
    row = stack(struck(**rule))[0]
    assert row.get(field) == expected


def test_a_field_can_be_wrong_in_every_row(struck: Struck) -> None:
    """With row = "all" every row is struck."""
    rows = stack(struck("set_field", field="id", value="t_ardgw-1", row="all"))
    assert {row["id"] for row in rows} == {"t_ardgw-1"}


def test_witnesses_can_disagree_in_one_period(struck: Struck) -> None:
    """A rule with periods strikes these periods' rows of a whole-date answer, amounts and pairs together."""
    elexon = struck("scaled", factor="2", dataset=["DISEBSP", "BOAV"], periods="5")
    prices = rows_of(get(elexon, PRICES))
    assert prices[4]["totalAcceptedBidVolume"] == "-23.000019999999998668"
    assert prices[5]["totalAcceptedOfferVolume"] == "25"
    volume = rows_of(get(elexon, f"/balancing/settlement/acceptance/volumes/all/bid/{DAY}"))[0]
    assert volume["pairVolumes"]["negative1"] == volume["totalVolumeAccepted"] == "-20.333333333333332150"


def test_a_witness_can_be_absent_or_late(stand_in: StartStandIn) -> None:
    """A witness can have no rows, and can be of the first run while the stack is of the final one."""
    rules = [{"kind": "no_rows", "dataset": "BOAV"}, {"kind": "early_run", "dataset": "EBOCF", "periods": 5}]
    elexon = stand_in(generate=7, small=True, faults=rules)
    assert rows_of(get(elexon, f"/balancing/settlement/acceptance/volumes/all/offer/{DAY}")) == []
    late = rows_of(get(elexon, f"/balancing/settlement/indicative/cashflows/all/offer/{DAY}"))
    created = {(row["settlementPeriod"], row["createdDateTime"]) for row in late}
    assert {("5", "2025-03-01T02:44:00Z"), ("6", "2025-03-02T03:14:00Z")} <= created


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "xml", "json_"),
    [
        ("empty_body", "empty_body", "empty_body"),
        ("html", "html_page", "html_page"),
        ("unknown_shape", "unknown_shape", "unknown_shape"),
        ("cut", "xml_syntax", "json_syntax"),
        ("trailing_garbage", "xml_syntax", "json_syntax"),
        ("control_character", "xml_syntax", "json_syntax"),
        ("utf16", "bad_encoding", "bad_encoding"),
        ("latin1", "bad_encoding", "bad_encoding"),
        ("doctype", "doctype", "doctype"),
        ("external_entity", "doctype", "doctype"),
        ("entity_bomb", "doctype", "doctype"),
        ("quadratic_blowup", "doctype", "doctype"),
        ("wrong_date", "wrong_date", "wrong_date"),
        ("wrong_period", "wrong_period", "wrong_period"),
        ("huge_body", "too_large", "too_large"),
    ],
)
def test_a_spoiled_body_is_rejected_by_its_reader(struck: Struck, kind: str, xml: str, json_: str) -> None:
    """Each fault of bodies is one that the reader has a code for, in XML and in JSON."""
    elexon = struck(kind)
    assert (reject_code(elexon, "xml"), reject_code(elexon, "json")) == (xml, json_)


def test_deep_nesting_is_rejected(struck: Struck) -> None:
    """A hundred thousand levels are refused with a code, not with a crash."""
    elexon = struck("deep_nesting")
    assert reject_code(elexon, "xml")
    assert reject_code(elexon, "json")


@pytest.mark.parametrize("kind", ["bom", "comment_in_number", "instruction_in_number", "cdata"])
def test_legal_oddities_lose_no_digit(struck: Struck, kind: str) -> None:
    """A byte order mark, a comment in a number and CDATA are legal: the reader gets every digit."""
    body = get(struck(kind), STACK, format="xml").content
    stack = read_stack(body, asked="xml", settlement_date=DAY, period=5, side="bid")
    assert stack.columns["volume"] == WHOLE


def test_xml_faults_are_in_the_document(struck: Struck) -> None:
    """Faults of XML answer in XML whatever was asked, with what they are called after in it."""
    texts = {kind: get(struck(kind), STACK).text for kind in ("entity_bomb", "external_entity", "cdata", "doctype")}
    assert "<!DOCTYPE response>" in texts["doctype"]
    assert "&l9;</dataset>" in texts["entity_bomb"]
    assert 'SYSTEM "file:///' in texts["external_entity"]
    assert f"<volume><![CDATA[{WHOLE[0]}]]></volume>" in texts["cdata"]
    assert etree.fromstring(texts["cdata"].encode()).findtext("data/row/volume") == WHOLE[0]


def test_the_other_format_comes(struck: Struck) -> None:
    """JSON comes where XML was asked, and XML where JSON was, each honest about itself."""
    as_json = get(struck("json_for_xml"), STACK, format="xml")
    as_xml = get(struck("xml_for_json"), STACK, format="json")
    assert as_json.headers["content-type"].startswith("application/json")
    assert len(as_json.json()["data"]) == 5
    assert as_xml.text.startswith("<?xml")


def test_the_content_type_can_lie(struck: Struck) -> None:
    """A wrong content type leaves the body as it was."""
    answer = get(struck("content_type", value="text/plain; charset=iso-8859-1"), STACK)
    assert answer.headers["content-type"] == "text/plain; charset=iso-8859-1"
    assert json.loads(answer.content)["data"]


def test_bodies_without_a_dataset_can_be_spoiled_too(struck: Struck) -> None:
    """The register names no dataset, so a stray character comes first."""
    assert get(struck("control_character"), "/reference/bmunits/all").content.startswith(b"\x01[")


def test_a_cut_is_where_the_rule_says(struck: Struck) -> None:
    """A cut body is a valid answer of HTTP: its length is stated as it is."""
    answer = get(struck("cut", bytes=100), STACK)
    assert (answer.status_code, len(answer.content)) == (200, 100)


def test_a_huge_body_is_as_large_as_it_says(struck: Struck) -> None:
    """White space inflates the document to the size asked, and the document stays valid."""
    answer = get(struck("huge_body", megabytes=2), STACK)
    assert len(answer.content) > 2 * 2**20
    assert len(rows_of(answer)) == 5


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504])
def test_any_status_can_be_scripted(struck: Struck, status: int) -> None:
    """A scripted status comes on the attempts that the rule names, and the right answer afterwards."""
    elexon = struck("status", status=status, attempts="1-2")
    assert [get(elexon, STACK).status_code for _ in range(3)] == [status, status, 200]


def test_retry_after_takes_every_form(struck: Struck) -> None:
    """Retry-After is seconds, an HTTP date, or whatever nonsense is written."""
    assert get(struck("status", status=429, retry_after=7), STACK).headers["retry-after"] == "7"
    dated = get(struck("status", status=429, retry_after="date:60"), STACK).headers["retry-after"]
    assert 50 < (parsedate_to_datetime(dated) - utc_now()).total_seconds() <= 60
    assert get(struck("status", status=503, retry_after="soon"), STACK).headers["retry-after"] == "soon"
    assert "retry-after" not in get(struck("status", status=503), STACK).headers


def test_redirects_lead_round_or_away(struck: Struck) -> None:
    """A redirect leads to itself for ever, or to the place that the rule names."""
    elexon = struck("redirect")
    assert get(elexon, STACK).headers["location"] == elexon.url + STACK
    with pytest.raises(httpx.TooManyRedirects):
        httpx.get(elexon.url + STACK, follow_redirects=True, verify=TLS)
    away = get(struck("redirect", status=308, location="/elsewhere"), STACK)
    assert (away.status_code, away.headers["location"]) == (308, "/elsewhere")


# --- delivery ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("reset_before_headers", httpx.ReadError, None),
        ("reset_mid_body", httpx.ReadError, None),
        ("close_before_headers", httpx.RemoteProtocolError, "without sending a response"),
        ("close_early", httpx.RemoteProtocolError, "without sending complete message body"),
        ("chunked_cut", httpx.RemoteProtocolError, "incomplete chunked read"),
        ("not_http", httpx.RemoteProtocolError, "illegal status line"),
        ("bad_gzip", httpx.DecodingError, None),
    ],
)
def test_a_spoiled_delivery_is_an_error(struck: Struck, kind: str, error: type[Exception], says: str | None) -> None:
    """Each fault of delivery breaks the answer in its own way, once; the next attempt is answered in full."""
    elexon = struck(kind, attempts=1)
    with pytest.raises(error, match=says):
        get(elexon, STACK)
    assert len(stack(elexon)) == 5


def test_a_body_without_length_ends_unnoticed(struck: Struck) -> None:
    """Without Content-Length a body that was cut looks whole to HTTP; only its content tells."""
    elexon = struck("close_without_length", bytes=200)
    answer = httpx.get(elexon.url + STACK, headers={"accept-encoding": "identity"}, verify=TLS)
    assert "content-length" not in answer.headers
    assert len(answer.content) == 200


def test_gzip_can_be_cut_or_explode(struck: Struck) -> None:
    """Gzip can end early without an error of HTTP, and can unpack to far more than was sent."""
    cut = get(struck("truncated_gzip"), STACK)
    assert cut.headers["content-encoding"] == "gzip"
    assert 0 < len(cut.content) < 1500
    elexon = struck("gzip_bomb", megabytes=3)
    with httpx.stream("GET", elexon.url + STACK, verify=TLS) as bomb:
        packed = b"".join(bomb.iter_raw())
    assert len(packed) < 20_000
    assert gzip.decompress(packed) == b" " * (3 * 2**20)
    assert len(get(elexon, STACK).content) == 3 * 2**20


# --- scripts ----------------------------------------------------------------------------------------------------------


def test_faults_of_several_places_add_up(stand_in: StartStandIn) -> None:
    """Delays add up, rows and bodies follow one another, and the first of the answers counts."""
    rules: list[dict[str, Any]] = [
        {"kind": "latency", "ms": 30},
        {"kind": "latency", "ms": 30},
        {"kind": "dropped_row", "side": "bid"},
        {"kind": "dropped_row", "side": "bid"},
        {"kind": "bom", "side": "bid"},
        {"kind": "status", "status": 503, "side": "offer"},
        {"kind": "status", "status": 500, "side": "offer"},
    ]
    elexon = stand_in(generate=7, small=True)
    whole = len(stack(elexon))
    elexon.script(rules)
    began = time.perf_counter()
    answer = get(elexon, STACK)
    assert time.perf_counter() - began >= 0.06
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert len(json.loads(answer.content.decode("utf-8-sig"))["data"]) == whole - 2
    assert get(elexon, OFFERS).status_code == 503


def test_errors_have_no_rows_to_strike(stand_in: StartStandIn) -> None:
    """A fault of rows leaves the summary's 404 and a refused format as they are."""
    elexon = stand_in(faults=[{"kind": "dropped_row"}], refuse="xml")
    assert get(elexon, f"/balancing/settlement/summary/{DAY}/5").status_code == 404
    assert get(elexon, STACK, format="xml").status_code == 400


def test_the_register_can_be_struck(stand_in: StartStandIn) -> None:
    """The register and the row counts can lose rows too, and know no runs and no amounts."""
    rules: list[dict[str, Any]] = [
        {"kind": "early_run"},
        {"kind": "dropped_row", "dataset": ["BMUNITS", "DATA_STATUS"]},
        {"kind": "off_by", "by": "1", "dataset": ["BMUNITS", "DATA_STATUS"]},
    ]
    elexon = stand_in(generate=7, small=True)
    path = f"/data-status/ISPSTACK?settlementDateFrom={DAY}"
    whole = [len(get(elexon, "/reference/bmunits/all").json()), len(rows_of(get(elexon, path)))]
    elexon.script(rules)
    struck = [len(get(elexon, "/reference/bmunits/all").json()), len(rows_of(get(elexon, path)))]
    assert struck == [count - 1 for count in whole]


def test_every_kind_strikes_somebody(stand_in: StartStandIn) -> None:
    """Every kind of fault can be scripted as its table says, and none of them ends the stand-in."""
    needed: dict[str, Any] = {"ms": 1, "factor": 2, "by": 1, "field": "id", "value": "x", "status": 500}
    short: dict[str, dict[str, Any]] = {
        "hang": {"seconds": 0.01},
        "drip": {"bytes": 4096},
        "huge_body": {"megabytes": 1},
        "gzip_bomb": {"megabytes": 1},
    }
    elexon = stand_in(generate=7, small=True)
    for kind in KINDS.values():
        elexon.script([{"kind": kind.name, **{name: needed[name] for name in kind.needs}, **short.get(kind.name, {})}])
        try:
            with httpx.stream("GET", elexon.url + STACK, params={"format": "xml"}, verify=TLS) as answer:
                outcome = b"".join(answer.iter_raw())
        except httpx.HTTPError as error:
            outcome = repr(error).encode()
        assert outcome is not None
        assert elexon.requests()[-1].faults == (kind.name,)
    elexon.script([])
    assert stack(elexon)
