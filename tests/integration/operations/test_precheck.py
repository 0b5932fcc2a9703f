"""The look at a date before every run of it."""

import pytest

from tests.support.days import DATE, NEXT_DATE
from tests.support.sites import Site

PRECHECK = "select detail from run_event where event = 'precheck' and stage = 'basis' order by id desc limit 1"
OF_SERVED = "where version_id = (select current_version_id from settlement_day)"


def test_a_run_notes_what_it_looked_at(published: Site) -> None:
    """A run and a plan of a healthy date, and of one that was never published, note a precheck without findings."""
    for words in ((DATE,), (DATE, "--plan"), (NEXT_DATE, "--plan")):
        ran = published.date(*words)
        assert [note for note in ran.json["notes"] if "precheck" in note] == []
        assert published.value(PRECHECK) == {"findings": [], "trusted": True}


@pytest.mark.parametrize(
    ("change", "finding", "subject"),
    [
        ("update daily_summary set energy_mwh = energy_mwh + 0.001 SERVED", "daily-summary-differs", " so_fl"),
        ("delete from daily_summary SERVED and definition = 'net'", "daily-summary-differs", " net"),
        ("delete from curtailment_record SERVED and period = 48", "records-count-differs", ""),
        ("delete from version_period SERVED and period = 48", "date-incomplete", ""),
    ],
)
def test_changed_rows_are_said_before_anything_is_built_on_them(
    published: Site, change: str, finding: str, subject: str
) -> None:
    """Rows that somebody changed are told in the report and the run's log; the run goes on and mends the date."""
    clean = published.dump(DATE)
    published.rows(change.replace("SERVED", OF_SERVED))
    ran = published.date(DATE, "--force")
    assert ran.json["outcome"] == "published"
    assert any(f"precheck: {finding}: {DATE} version 1{subject}" in note for note in ran.json["notes"])
    assert any("not what was published" in note for note in ran.json["notes"])
    detail = published.value(PRECHECK)
    assert finding in {one["id"] for one in detail["findings"]}
    assert detail["trusted"] is False
    assert published.dump(DATE) == clean


def test_a_moved_pointer_is_said(published: Site) -> None:
    """A date that points at an older version, or whose generation moved, says so; its rows are trusted all the same."""
    assert published.date(DATE, "--force").json["version"] == 2
    published.rows(
        "update settlement_day set generation = 7, current_version_id = (select id from version where number = 1)"
    )
    ran = published.date(DATE, "--plan")
    assert [note.split(": ")[1] for note in ran.json["notes"]] == ["current-version-differs", "generation-differs"]
    assert published.value(PRECHECK)["trusted"] is True
