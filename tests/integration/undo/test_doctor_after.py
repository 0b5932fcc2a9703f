"""The doctor after an act of undoing: it finds what it found before, and nothing that the act did."""

import pytest

from tests.support.days import DATE, NEXT_DATE
from tests.support.sites import Site

DONE = ("--reason", "a test", "--i-understand")
ACTS: dict[str, list[tuple[object, ...]]] = {
    "restore": [("restore", DATE, "--version", 1, "--reason", "a test")],
    "reset state": [("reset", "state", DATE, *DONE)],
    "reset ops": [("reset", "ops", *DONE)],
    "reset data": [("reset", "data", "--date", DATE, *DONE), ("date", DATE, "--source", "archive")],
    "reset all data": [("reset", "data", "--all", *DONE)],
    "backup restore": [
        ("backup", "create", "--out", "mine.dump"),
        ("restore", DATE, "--version", 1, "--reason", "a test"),
        ("backup", "restore", "mine.dump", *DONE),
        ("date", DATE, "--source", "archive", "--force"),
        ("date", NEXT_DATE, "--source", "archive"),
    ],
    "purge versions": [
        ("date", DATE, "--source", "archive", "--force"),
        ("reset", "state", DATE, *DONE),
        ("purge", "versions", "--pending", "--yes", "--reason", "a test"),
    ],
}


@pytest.mark.parametrize("act", ACTS)
def test_the_doctor_finds_nothing_that_an_act_did(act: str, history: Site) -> None:
    """After each act, and after a run on top of it, the doctor's findings are those from before: none."""
    history.rows("insert into outbox_sink values ('log')")
    history.rows(
        "insert into outbox_delivery (outbox_id, sink, settlement_date, state, delivered_at)"
        " select id, 'log', settlement_date, 'delivered', clock_timestamp() from outbox"
    )
    before = history.reingest("doctor", "--json")
    assert before.exit_code == 0, before.out
    for words in ACTS[act]:
        ran = history.reingest(*words)
        assert ran.exit_code == 0, ran.err
    after = history.reingest("doctor", "--json")
    assert (after.exit_code, after.json["findings"]) == (0, []), after.out
