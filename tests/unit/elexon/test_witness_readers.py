"""The readers of BOAV and EBOCF: what a row says, in both formats, and what makes an answer untrustworthy."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reingest.curtailment.statements import Statement
from reingest.elexon.acceptance_volumes import read_acceptance_volumes
from reingest.elexon.cashflows import read_cashflows
from reingest.errors import PayloadRejected
from reingest.standin.model import Number, WireRecord
from reingest.standin.render import XML_SHAPES, Document, render

DATE = date(2026, 8, 6)
CREATED = datetime(2026, 8, 6, 23, 44, 38, tzinfo=UTC)


def pairs(**said: str) -> WireRecord:
    """Return a group of pairs as Elexon sends it: all twelve of them, null where nothing is said."""
    names = [f"{word}{number}" for number in range(1, 7) for word in ("negative", "positive")]
    return {name: Number(said[name]) if name in said else None for name in names}


def volume(**changes: Any) -> WireRecord:
    record: WireRecord = {
        "createdDateTime": "2026-08-06T23:44:38Z",
        "settlementDate": "2026-08-06",
        "settlementPeriod": 1,
        "startTime": "2026-08-05T23:00:00Z",
        "bmUnit": "T_LARYW-1",
        "bmUnitType": "T",
        "leadPartyName": None,
        "nationalGridBmUnit": "LARYO-1",
        "acceptanceId": 52013,
        "acceptanceDuration": "L",
        "totalVolumeAccepted": Number("-9.166666666666666075"),
        "pairVolumes": pairs(negative1="-10.166666666666666075", positive2="1"),
    }
    return {**record, **changes}


def cashflow(**changes: Any) -> WireRecord:
    record: WireRecord = {
        "settlementDate": "2026-08-06",
        "settlementPeriod": 1,
        "startTime": "2026-08-05T23:00:00Z",
        "createdDateTime": "2026-08-06T23:44:38Z",
        "bmUnit": "2__AFLEX003",
        "bmUnitType": "S",
        "leadPartyName": "Flexitricity Limited",
        "nationalGridBmUnit": "AG-AFLX03",
        "bidOfferPairCashflows": pairs(positive1="23062.377", positive2="5.0176255E3", negative6="0"),
        "totalCashflow": Number("28080.002"),
    }
    return {**record, **changes}


VOLUME = Statement(
    period=1,
    created_at=CREATED,
    bm_unit="T_LARYW-1",
    acceptance_id=52013,
    amounts={-1: Decimal("-10.166666666666666075"), 2: Decimal(1)},
)
CASHFLOW = Statement(
    period=1,
    created_at=CREATED,
    bm_unit="2__AFLEX003",
    acceptance_id=None,
    amounts={1: Decimal("23062.377"), 2: Decimal("5017.6255"), -6: Decimal(0)},
)


def volumes(body: bytes) -> tuple[Statement, ...]:
    return read_acceptance_volumes(body, settlement_date=DATE)


def cashflows(body: bytes) -> tuple[Statement, ...]:
    return read_cashflows(body, settlement_date=DATE)


def body(dataset: str, *records: WireRecord) -> bytes:
    return render(Document(dataset, records), "json")


def test_volumes_and_cashflows() -> None:
    """Each row has its unit, period and instant, and its amounts by pair with every digit; null pairs are left out."""
    assert volumes(body("BOAV", volume())) == (VOLUME,)
    assert cashflows(body("EBOCF", cashflow())) == (CASHFLOW,)


@pytest.mark.parametrize("shape", XML_SHAPES)
def test_xml(shape: Any) -> None:
    """The same rows in any shape of XML are the same rows."""
    assert volumes(render(Document("BOAV", [volume(), volume()]), "xml", shape)) == (VOLUME, VOLUME)
    assert cashflows(render(Document("EBOCF", [cashflow()]), "xml", shape)) == (CASHFLOW,)


def test_a_row_that_says_nothing() -> None:
    """A row may name no unit, no instant and no pair: it says nothing, and that is for the rules to judge."""
    silent = volume(bmUnit=None, createdDateTime=None, pairVolumes=None)
    assert volumes(body("BOAV", silent)) == (VOLUME._replace(bm_unit=None, created_at=None, amounts={}),)
    assert cashflows(body("EBOCF", cashflow(bidOfferPairCashflows=pairs())))[0].amounts == {}
    assert volumes(body("BOAV")) == ()
    assert volumes(render(Document("BOAV", [volume(pairVolumes=pairs())]), "xml"))[0].amounts == {}


def test_names_in_any_case() -> None:
    """Fields and pairs are matched in any case, as everywhere."""
    said = {"Negative1": Number("-10.166666666666666075"), "POSITIVE2": Number("1")}
    shouted = {name[0].upper() + name[1:]: value for name, value in volume(pairVolumes=said).items()}
    assert volumes(body("BOAV", shouted)) == (VOLUME,)


@pytest.mark.parametrize(
    ("code", "record"),
    [
        ("wrong_date", volume(settlementDate="2026-08-05")),
        ("wrong_date", volume(settlementDate=None)),
        ("wrong_period", volume(settlementPeriod=49)),
        ("wrong_period", volume(settlementPeriod=None)),
        ("bad_row", volume(startTime="2026-08-05T23:30:00Z")),
        ("bad_row", volume(startTime=None)),
        ("bad_row", volume(createdDateTime="soon")),
        ("bad_row", volume(acceptanceId=None)),
        ("bad_row", volume(acceptanceId="52013x")),
        ("bad_row", volume(bmUnit=" T_LARYW-1")),
        ("bad_row", volume(pairVolumes={"negative1": "12,5"})),
        ("bad_row", volume(pairVolumes=pairs(negative1="1E+99"))),
        ("duplicate_field", volume(pairVolumes={"negative1": Number("-1"), "NEGATIVE1": Number("-1")})),
        ("unknown_shape", volume(pairVolumes={"negative7": Number("-1")})),
        ("unknown_shape", volume(pairVolumes=Number("-1"))),
        ("unknown_shape", volume(pairVolumes={"negative1": {"value": Number("-1")}})),
        ("unknown_shape", volume(acceptanceId={"value": 1})),
        ("unknown_shape", {name: value for name, value in volume().items() if name != "pairVolumes"}),
    ],
)
@pytest.mark.parametrize("wire", ["json", "xml"])
def test_a_row_at_fault_rejects_all(code: str, record: WireRecord, wire: Any) -> None:
    """A witness with a row that cannot be trusted is not trusted at all, whichever format it comes in."""
    with pytest.raises(PayloadRejected) as caught:
        volumes(render(Document("BOAV", [volume(), record]), wire, "pascal"))
    assert (caught.value.reject_code, caught.value.settlement_date) == (code, DATE)


@pytest.mark.parametrize(("read", "dataset"), [(volumes, "EBOCF"), (cashflows, "BOAV")])
def test_other_dataset(read: Callable[[bytes], object], dataset: str) -> None:
    """An empty answer of another dataset is no witness."""
    with pytest.raises(PayloadRejected) as caught:
        read(body(dataset))
    assert caught.value.reject_code == "wrong_dataset"
