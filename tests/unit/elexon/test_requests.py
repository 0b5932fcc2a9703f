from datetime import date
from typing import get_args

import pytest

from reingest.elexon.requests import (
    Request,
    WitnessDataset,
    bm_units_request,
    stack_request,
    system_prices_request,
    witness_request,
)

BASE = "https://data.elexon.co.uk/bmrs/api/v1"


@pytest.mark.parametrize(
    ("request_", "url"),
    [
        (
            stack_request(date(2026, 8, 6), 29, "bid"),
            f"{BASE}/balancing/settlement/stack/all/bid/2026-08-06/29?format=xml",
        ),
        (
            stack_request(date(2025, 10, 26), 50, "offer", "json"),
            f"{BASE}/balancing/settlement/stack/all/offer/2025-10-26/50?format=json",
        ),
        (
            system_prices_request(date(2026, 3, 29)),
            f"{BASE}/balancing/settlement/system-prices/2026-03-29?format=json",
        ),
        (
            witness_request("BOAV", date(2026, 3, 29), "offer"),
            f"{BASE}/balancing/settlement/acceptance/volumes/all/offer/2026-03-29?format=json",
        ),
        (bm_units_request(), f"{BASE}/reference/bmunits/all"),
    ],
)
def test_url(request_: Request, url: str) -> None:
    """Each request has the address of Elexon's OpenAPI document, whether or not the base ends in a slash."""
    assert request_.url(BASE) == url
    assert request_.url(BASE + "/") == url


def test_paths_are_documented(shared_spec: dict[str, object]) -> None:
    """Every path that Reingest asks is one of Elexon's OpenAPI document."""
    stack = stack_request(date(2026, 8, 6), 29, "bid").path
    prices = system_prices_request(date(2026, 8, 6)).path
    assert {
        stack.replace("bid/2026-08-06/29", "{bidOffer}/{settlementDate}/{settlementPeriod}"),
        prices.replace("2026-08-06", "{settlementDate}"),
        bm_units_request().path,
    } <= shared_spec.keys()


@pytest.mark.parametrize("dataset", get_args(WitnessDataset))
def test_paths_of_witnesses_are_documented(dataset: WitnessDataset, shared_spec: dict[str, object]) -> None:
    """A witness is asked for a whole date and side, by the path of Elexon's OpenAPI document."""
    path = witness_request(dataset, date(2026, 8, 6), "bid").path
    assert path.replace("bid/2026-08-06", "{bidOffer}/{settlementDate}") in shared_spec
