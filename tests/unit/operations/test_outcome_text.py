import pytest

from reingest.operations.outcome_text import outcome_sentence
from tests.support.reports import FAILED, PASSED, a_report


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {},
            "Version 3 is served, at generation 2; against version 1: 2 records added, 1 removed, 1 changed",
        ),
        (
            {"served_version": None, "records": 1312},
            "Version 3 is served, at generation 2; 1,312 curtailment records, the first version of the date",
        ),
        ({"outcome": "unchanged"}, "Version 3 is served as before, at generation 2"),
        (
            {"outcome": "held", "checks": (PASSED, FAILED)},
            f"Version 3 is held by {FAILED.name}: 22.5 MWh, expected 9 MWh ± 0.001. Version 1 is still served",
        ),
        ({"outcome": "planned", "decision": "unchanged"}, "Nothing was changed. A run would find it unchanged"),
    ],
)
def test_one_sentence_tells_the_outcome(fields: dict[str, object], sentence: str) -> None:
    """A run's state says how the run ended, why, and what is served now."""
    assert outcome_sentence(a_report(**fields)) == sentence
