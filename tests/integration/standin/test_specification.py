"""Answers against Elexon's own specification, and, where that is absent, against the fields written down here."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reingest.standin.server import StandIn
from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, get, write_day

PATHS = {
    "/balancing/settlement/stack/all/{bidOffer}/{settlementDate}/{settlementPeriod}": ("bid", "offer"),
    "/balancing/settlement/acceptance/volumes/all/{bidOffer}/{settlementDate}": ("bid", "offer"),
    "/balancing/settlement/acceptance/volumes/all/{bidOffer}/{settlementDate}/{settlementPeriod}": ("bid", "offer"),
    "/balancing/settlement/indicative/volumes/all/{bidOffer}/{settlementDate}": ("bid", "offer"),
    "/balancing/settlement/indicative/volumes/all/{bidOffer}/{settlementDate}/{settlementPeriod}": ("bid", "offer"),
    "/balancing/settlement/indicative/cashflows/all/{bidOffer}/{settlementDate}": ("bid", "offer"),
    "/balancing/settlement/indicative/cashflows/all/{bidOffer}/{settlementDate}/{settlementPeriod}": ("bid", "offer"),
    "/balancing/settlement/system-prices/{settlementDate}": ("",),
    "/balancing/settlement/system-prices/{settlementDate}/{settlementPeriod}": ("",),
    "/balancing/settlement/summary/{settlementDate}/{settlementPeriod}": ("",),
    "/reference/bmunits/all": ("",),
    "/data-status/ISPSTACK": ("",),
    "/data-status/DISEBSP": ("",),
    "/data-status/DISPTAV": ("",),
    "/data-status/EBOCF": ("",),
    "/data-status/BOAV": ("",),
}
FIELDS = {
    "stack/all": "settlementDate settlementPeriod startTime createdDateTime sequenceNumber id acceptanceId "
    "bidOfferPairId cadlFlag soFlag storProviderFlag repricedIndicator reserveScarcityPrice originalPrice volume "
    "dmatAdjustedVolume arbitrageAdjustedVolume nivAdjustedVolume parAdjustedVolume finalPrice "
    "transmissionLossMultiplier tlmAdjustedVolume tlmAdjustedCost",
    "acceptance/volumes": "createdDateTime settlementDate settlementPeriod startTime bmUnit bmUnitType leadPartyName "
    "nationalGridBmUnit acceptanceId acceptanceDuration totalVolumeAccepted pairVolumes",
    "indicative/volumes": "createdDateTime settlementDate settlementPeriod startTime bmUnit bmUnitType leadPartyName "
    "nationalGridBmUnit dataType totalVolumeAccepted pairVolumes",
    "indicative/cashflows": "settlementDate settlementPeriod startTime createdDateTime bmUnit bmUnitType "
    "leadPartyName nationalGridBmUnit bidOfferPairCashflows totalCashflow",
    "system-prices": "settlementDate settlementPeriod startTime createdDateTime systemSellPrice systemBuyPrice "
    "bsadDefaulted priceDerivationCode reserveScarcityPrice netImbalanceVolume sellPriceAdjustment "
    "buyPriceAdjustment replacementPrice replacementPriceReferenceVolume totalAcceptedOfferVolume "
    "totalAcceptedBidVolume totalAdjustmentSellVolume totalAdjustmentBuyVolume totalSystemTaggedAcceptedOfferVolume "
    "totalSystemTaggedAcceptedBidVolume totalSystemTaggedAdjustmentSellVolume totalSystemTaggedAdjustmentBuyVolume",
    "data-status": "settlementDate settlementPeriod dataPointCount",
}


@cache
def specification(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for schema in content["components"]["schemas"].values():
        _as_json_schema(schema)
    return content


def _as_json_schema(schema: dict[str, Any]) -> None:
    """OpenAPI 3.0 says nullable where JSON Schema has a type null; every property of a closed schema is required."""
    for inner in schema.get("properties", {}).values():
        _as_json_schema(inner)
    if schema.pop("nullable", False):
        schema["type"] = [schema["type"], "null"]
    if schema.get("additionalProperties") is False:
        schema["required"] = list(schema["properties"])


def serving(source: str, stand_in: StartStandIn, tmp_path: Path) -> StandIn:
    if source == "recorded":
        return stand_in(days=[write_day(tmp_path / "day.csv")])
    return stand_in(generate=7, small=source == "small")


def concrete(template: str, side: str) -> str:
    path = template.replace("{bidOffer}", side).replace("{settlementDate}", str(DAY)).replace("{settlementPeriod}", "5")
    return f"{path}?settlementDateFrom={DAY}&settlementDateTo={DAY}" if "data-status" in path else path


@pytest.mark.parametrize("source", ["recorded", "generated", "small"])
def test_every_endpoint_answers_as_specified(stand_in: StartStandIn, shared: Path, tmp_path: Path, source: str) -> None:
    """Each of the 16 paths of Elexon's specification is served, and its JSON has exactly the specified schema."""
    spec = specification(shared / "elexon" / "insights-openapi.settlement.json")
    assert set(spec["paths"]) == set(PATHS)
    elexon = serving(source, stand_in, tmp_path)
    for template, sides in PATHS.items():
        if source == "generated" and not template.endswith(("{settlementPeriod}", "/all")):
            continue  # the answers of whole dates are the same records, and small ones are validated quicker
        schema = spec["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        validator = jsonschema.Draft4Validator(schema | {"components": spec["components"]})
        for side in sides:
            validator.validate(get(elexon, concrete(template, side)).json())


@pytest.mark.parametrize("source", ["recorded", "small"])
def test_every_record_has_its_fields_in_order(stand_in: StartStandIn, tmp_path: Path, source: str) -> None:
    """Records have the specified fields in the specified order, which the order of CSV columns follows."""
    elexon = serving(source, stand_in, tmp_path)
    for template, sides in PATHS.items():
        named = next((names.split() for part, names in FIELDS.items() if part in template), None)
        for side in sides if named else ():
            records = get(elexon, concrete(template, side)).json()["data"]
            assert {tuple(record) for record in records} <= {tuple(named or ())}


def test_the_recorded_404_is_what_was_recorded(stand_in: StartStandIn, shared: Path) -> None:
    """A wrong path gets the recorded body."""
    recorded = json.loads((shared / "elexon" / "recorded" / "http-404-wrong-path.json").read_text("utf-8"))
    assert get(stand_in(generate=7, small=True), "/no/such/path").json() == recorded


def test_system_prices_look_like_the_recorded_ones(stand_in: StartStandIn, shared: Path) -> None:
    """A clock-change day's system prices have the periods, instants and fields of the recorded answer."""
    recorded = json.loads((shared / "elexon" / "recorded" / "system-prices-2025-10-26.json").read_text("utf-8"))
    served = get(stand_in(generate=7, small=True), "/balancing/settlement/system-prices/2025-10-26").json()
    assert served["metadata"] == recorded["metadata"]
    assert [tuple(record) for record in served["data"]] == [tuple(record) for record in recorded["data"]]
    assert [record["startTime"] for record in served["data"]] == [record["startTime"] for record in recorded["data"]]
