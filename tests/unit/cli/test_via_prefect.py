"""`--via prefect`: what the flow is asked, and what is said when it cannot be."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reingest.cli import via_prefect
from reingest.curtailment.checks import ExpectedTotal
from reingest.errors import BadUsage, PrefectUnavailable
from reingest.operations.request import DateRequest, WantedTotals, date_request

DAY = date(2025, 3, 21)
USUAL_TOLERANCES = {"expected_energy_tolerance": "0.001", "expected_payment_tolerance": "0.01"}


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ({}, {}),
        ({"periods": "1-3,48"}, {"periods": "1,2,3,48"}),
        ({"side": "bid"}, {"side": "bid"}),
        ({"side": "both"}, {"side": "both"}),
        ({"plan": True, "force": True, "reason": "late data"}, {"plan": True, "force": True, "reason": "late data"}),
        ({"source": "archive"}, {"source": "archive"}),
        (
            {"wanted": WantedTotals("net", energy="1E+2", payment="-0.50")},
            {"definition": "net", "expected_energy": "100", "expected_payment": "-0.5", **USUAL_TOLERANCES},
        ),
        (
            {"wanted": WantedTotals(energy="5", energy_tolerance="0.5", payment_tolerance="1E-3")},
            {"definition": "so_flagged", "expected_energy": "5"}
            | {"expected_energy_tolerance": "0.5", "expected_payment_tolerance": "0.001"},
        ),
    ],
)
def test_the_flow_is_asked_what_the_command_was(words: dict[str, Any], asked: dict[str, Any]) -> None:
    """Every request becomes the flow's parameters; what is not said is left to their defaults."""
    usual: dict[str, Any] = {"periods": None, "side": "as-served", "wanted": WantedTotals()}
    request = date_request(DAY, **{**usual, **words})
    always = {"settlement_date": "2025-03-21", "source": "live", "side": "as-served"}
    assert via_prefect.parameters(request) == {**always, **asked}


@pytest.mark.parametrize(
    "request_of_a_program",
    [DateRequest(DAY, sides=("offer",)), DateRequest(DAY, expected=(ExpectedTotal("net"), ExpectedTotal("all_bids")))],
)
def test_what_the_form_has_no_field_for(request_of_a_program: DateRequest) -> None:
    """What only a program can ask is refused, not dropped."""
    with pytest.raises(BadUsage, match="the form"):
        via_prefect.parameters(request_of_a_program)


def test_a_negative_tolerance() -> None:
    """A tolerance below zero is refused before anything is asked, whichever way it came in."""
    wanted = WantedTotals(energy="5", payment_tolerance="-0.1")
    with pytest.raises(BadUsage, match="zero or more"):
        date_request(DAY, periods=None, side="as-served", wanted=wanted)


def test_without_a_server_nothing_is_submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server is known or none answers, the error says what to start."""
    with pytest.raises(PrefectUnavailable, match="nothing is up") as unknown:
        via_prefect.follow(DateRequest(DAY), as_json=False)
    assert unknown.value.next_command == "make up"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(PrefectUnavailable, match="no Prefect server answers at http"):
        via_prefect.follow(DateRequest(DAY), as_json=False)
