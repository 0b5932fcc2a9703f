"""What somebody does to a site by hand is found by the doctor, under its own name, and mended by what it prints."""

import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reingest.operations.doctor.finding import KINDS
from tests.drills.corruptions import CORRUPTIONS, Corruption
from tests.support.days import A_DAY, DATE, NEXT_DATE, of_date
from tests.support.drills import DrillSize
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of, recorded_elexon
from tests.support.webhooks import running_webhook

ROUNDS = 4
IN_A_SAMPLE = 7
"""Every so many corruptions are planted in every run of the tests, all of them in CI."""

POINTS = ("manifest_replaced", "finding_recorded", "finding_mended", "manifest_rewritten", "stray_moved")
"""The checkpoints of a mending."""

A_SAMPLE = DrillSize.from_environment().name == "sample"
CHOSEN = CORRUPTIONS[::IN_A_SAMPLE] if A_SAMPLE else CORRUPTIONS
CHOSEN_POINTS = POINTS[:1] if A_SAMPLE else POINTS


@pytest.fixture(scope="module")
def healthy(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site, to be copied: two dates, one of them published twice; its Elexon and webhook go on serving."""
    folder = tmp_path_factory.mktemp("healthy")
    rows = (*A_DAY, *of_date(NEXT_DATE))
    with databases.database(template) as url, recorded_elexon(folder, rows) as elexon, running_webhook() as webhook:
        settings = {"REINGEST_OUTBOX_LOG": str(folder / "outbox.log"), "REINGEST_NOTICE_WEBHOOK_URL": webhook.url}
        site = Site(url, folder / "home", elexon.url, settings)
        for words in ((DATE,), (NEXT_DATE,), (DATE, "--source", "archive", "--force")):
            assert site.date(*words).json["outcome"] == "published"
        yield site


@pytest.fixture
def site(healthy: Site, databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Return a copy of the healthy site that may be spoilt."""
    with copy_of(healthy, databases, tmp_path / "home") as site:
        yield site


def test_a_healthy_site_is_consistent(site: Site) -> None:
    """On a healthy site the doctor finds nothing, ends with 0, and writes nothing, not even with --fix."""
    before = site.row_counts(), files(site)
    for words in ((), ("--fix",), ("--quick",), (DATE,), (f"{DATE:%Y-%m}",)):
        ran = site.reingest("doctor", *words)
        assert (ran.exit_code, "CONSISTENT" in ran.out.splitlines()[-1]) == (0, True), ran.out + ran.err
    assert (site.row_counts(), files(site)) == before


@pytest.mark.parametrize("corruption", CHOSEN, ids=lambda one: one.name.replace(" ", "-"))
def test_a_corruption_is_found_and_mended(corruption: Corruption, site: Site, counted: Callable[..., None]) -> None:
    """A corruption is found under its id and subject, and the printed commands bring the site back to what it was."""
    clean = dumps(site)
    corruption.plant(site)
    found = site.reingest("doctor", "--json")
    assert found.exit_code == 1, found.out + found.err
    named = [one for one in found.json["findings"] if one["id"] == corruption.finding]
    assert any(one["subject"].startswith(corruption.subject) for one in named), found.json["findings"]
    commands = mend(site, found.json)
    assert dumps(site) == clean
    recorded = site.value("select count(*) from operator_action where starts_with(action, 'doctor:')")
    assert bool(recorded) == any(command.startswith("reingest doctor") for command in commands)
    counted("corruptions found and mended", wanted=1)


@pytest.mark.parametrize("point", CHOSEN_POINTS)
def test_a_killed_mending_is_mended_by_the_next(point: str, site: Site) -> None:
    """A doctor that is killed while it mends leaves nothing that another one does not mend."""
    clean = dumps(site)
    for name in ("notes lie among the payloads", "a manifest line is edited", "the generation was moved"):
        next(one for one in CORRUPTIONS if one.name == name).plant(site)
    killed = site.start("doctor", "--fix", REINGEST_CRASH_AT=point).finish()
    assert killed.exit_code == -signal.SIGKILL, killed.err
    fixed = site.reingest("doctor", "--fix")
    assert (fixed.exit_code, "Post-fix status: CONSISTENT" in fixed.out) == (0, True), fixed.out
    assert dumps(site) == clean


def test_every_kind_of_finding_is_planted() -> None:
    """There is a corruption for each finding that the doctor knows."""
    assert {one.finding for one in CORRUPTIONS} == KINDS.keys()


def mend(site: Site, found: dict[str, Any]) -> list[str]:
    """Run the printed commands until the doctor finds nothing; return those that were run."""
    done: list[str] = []
    for _ in range(ROUNDS):
        commands = list(dict.fromkeys(one["command"] for one in found["findings"]))
        for command in commands:
            program, *words = shlex.split(command)
            assert program == "reingest"
            ran = site.reingest(*words)
            assert ran.exit_code in (0, 1), (command, ran.out, ran.err)
        done += commands
        again = site.reingest("doctor", "--json")
        if again.exit_code == 0:
            assert site.reingest("doctor").exit_code == 0
            return done
        found = again.json
    raise AssertionError((done, found["findings"]))


def dumps(site: Site) -> list[str]:
    """Return what the dates serve, and how many versions of each are served now by the account of the history."""
    served = site.rows(
        "select settlement_date, count(*) from version where served_from <= now() and served_to is null "
        "group by 1 order by 1"
    )
    return [site.dump(DATE), site.dump(NEXT_DATE), str(served)]


def files(site: Site) -> dict[str, float]:
    """Return the files of the archive, each with when it was written."""
    return {str(path): path.stat().st_mtime for path in (site.home / "archive").rglob("*") if path.is_file()}
