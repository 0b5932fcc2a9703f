"""`--via prefect`: what the flow is asked, and what is said when it cannot be."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reingest.cli import via_prefect
from reingest.errors import BadUsage, PrefectUnavailable
from reingest.operations.request import DateRequest, SideChoice, WantedTotals, date_request

DAY = date(2025, 3, 21)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ({}, {}),
        ({"periods": "1-3,48"}, {"periods": "1,2,3,48"}),
        ({"side": "bid"}, {"side": "bid"}),
        ({"side": "both"}, {}),
        ({"plan": True, "force": True, "reason": "late data"}, {"plan": True, "force": True, "reason": "late data"}),
        ({"source": "archive"}, {"source": "archive"}),
        (
            {"wanted": WantedTotals("net", energy="1E+2", payment="-0.50")},
            {"definition": "net", "expected_energy": "100", "expected_payment": "-0.5"},
        ),
    ],
)
def test_the_flow_is_asked_what_the_command_was(words: dict[str, Any], asked: dict[str, Any]) -> None:
    """Every request becomes the flow's parameters; what is not said is left to their defaults."""
    usual: dict[str, Any] = {"periods": None, "side": None, "wanted": WantedTotals()}
    request = date_request(DAY, **{**usual, **words})
    assert via_prefect.parameters(request) == {"settlement_date": "2025-03-21", "source": "live", **asked}


def test_a_tolerance_cannot_go_by_way_of_prefect() -> None:
    """What the form has no field for is refused, not dropped."""
    wanted = WantedTotals(energy="5", energy_tolerance="1")
    side: SideChoice | None = None
    with pytest.raises(BadUsage, match="tolerance"):
        via_prefect.parameters(date_request(DAY, periods=None, side=side, wanted=wanted))


def test_without_a_server_nothing_is_submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server is known or none answers, the error says what to start."""
    with pytest.raises(PrefectUnavailable, match="nothing is up") as unknown:
        via_prefect.follow(DateRequest(DAY), as_json=False)
    assert unknown.value.next_command == "make up"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(PrefectUnavailable, match="no Prefect server answers at http"):
        via_prefect.follow(DateRequest(DAY), as_json=False)
