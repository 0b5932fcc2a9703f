"""`reingest audit`: where the figures of a date come from."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.operations.conftest import published_site
from tests.support.days import DATE, SO_FLAGGED
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of

__all__ = ["published_site"]


@pytest.fixture
def published(published_site: Site, databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Return a site where the date by hand is published as version 1."""
    with copy_of(published_site, databases, tmp_path / "home") as site:
        yield site


def test_an_audit_joins_run_files_rows_and_totals(published: Site) -> None:
    """A healthy date agrees from its run to its totals: 96 stacks, witnesses and register, every file good."""
    assert published.date(DATE, "--source", "archive", "--force", "--reason", "again").json["outcome"] == "published"
    ran = published.reingest("audit", DATE, "--json")
    assert ran.exit_code == 0, ran.out
    found = ran.json
    assert (found["agrees"], found["version"]["number"], found["version"]["run_reason"]) == (True, 2, "again")
    answers = found["answers"]
    assert len(answers) == 102
    assert {one["payload"] for one in answers} == {"good"}
    assert all((published.home / "archive" / one["path"]).is_file() for one in answers)
    assert Counter(one["dataset"] for one in answers) == {
        "ISPSTACK": 96,
        "DISEBSP": 1,
        "BOAV": 2,
        "EBOCF": 2,
        "BMUNITS": 1,
    }
    first = answers[0]
    assert (first["period"], first["side"], first["rows"], first["accepted"], first["wind_rows"]) == (1, "bid", 3, 3, 2)
    assert sum(one["records"] or 0 for one in answers) == found["version"]["records"]
    assert first["fetched_by"] != found["version"]["run_id"]  # the archive run read the first run's answers
    assert found["totals"]["so_flagged"]["energy_mwh"] == str(SO_FLAGGED[0])
    text = published.reingest("audit", DATE, "--version", 1)
    assert text.out.splitlines()[-1].startswith("AGREES")
    assert "superseded, served from" in text.out.splitlines()[0]


def test_what_does_not_agree_is_said(published: Site) -> None:
    """A file that is gone and rows that were changed end the audit with 1 and the doctor's command."""
    path = published.reingest("audit", DATE, "--json").json["answers"][3]["path"]
    (published.home / "archive" / path).unlink()
    published.rows("update curtailment_record set acceptance_id = 9 where acceptance_id = 1001")
    ran = published.reingest("audit", DATE)
    assert ran.exit_code == 1
    assert f"{path} is missing; the stored rows hash to " in ran.out
    assert ran.out.splitlines()[-1] == f"Next: reingest doctor {DATE}"
    assert published.reingest("audit", DATE, "--version", 7, "--json").error["code"] == "not_found"
