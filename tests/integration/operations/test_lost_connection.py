"""A connection to Postgres that is lost while a version is published."""

import json
from signal import SIGCONT

import psycopg
import pytest

from reingest.operations import reingest
from reingest.standin.server import StandIn
from tests.integration.operations.test_two_at_once import wait_for
from tests.support.days import DATE
from tests.support.proxies import CommitThief
from tests.support.scenarios import watched
from tests.support.sites import NOWHERE, Site


@pytest.fixture
def restated(published: Site, elexon: StandIn) -> Site:
    """Return a site where a run would publish version 2 over version 1."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    return published


def test_a_commit_whose_answer_was_lost_is_read_back(restated: Site) -> None:
    """Where the server committed and the answer never came, the run learns that it published, and says so."""
    direct = restated.database_url
    with CommitThief(direct) as thief:
        restated.database_url = thief.url
        ran = restated.date(DATE)
    restated.database_url = direct
    assert thief.stolen == 1
    assert (ran.exit_code, ran.json["outcome"], ran.json["generation"]) == (0, "published", 2), ran.err
    assert restated.runs()[-1] == ("published", 0)
    assert restated.states(DATE) == {1: "superseded", 2: "published"}
    assert restated.value("select count(*) from lease") == 0


def test_a_held_version_whose_commit_was_lost_is_read_back(restated: Site) -> None:
    """A person's publish learns the same, and is on record as published."""
    assert restated.date(DATE, "--expect-energy", "1").exit_code == 1
    direct = restated.database_url
    with CommitThief(direct) as thief:
        restated.database_url = thief.url
        ran = restated.reingest("publish", DATE, "--version", 2, "--reason", "it is right", "--json")
    restated.database_url = direct
    assert thief.stolen == 1
    assert (ran.exit_code, ran.json["generation"]) == (0, 2), ran.err
    assert restated.runs()[-1] == ("published", 0)


@pytest.mark.parametrize("checkpoint", ["in_publish", "before_publish_commit"])
def test_a_connection_that_broke_before_the_commit_published_nothing(checkpoint: str, restated: Site) -> None:
    """Where the server ended the connection before the commit, the run ends with 69, and the next one publishes."""
    before = restated.dump(DATE)
    run = restated.start("date", DATE, "--json", stop_at=checkpoint)
    run.wait_until_stopped()
    cut(restated, f"reingest run {DATE}")
    run.send(SIGCONT)
    ran = run.finish()
    assert (ran.exit_code, ran.error["code"]) == (69, "database_unreachable")
    assert restated.dump(DATE) == before
    assert restated.runs()[-1] == ("database_unreachable", 69)
    assert restated.date(DATE).json["outcome"] == "published"
    assert set(restated.states(DATE).values()) == {"superseded", "abandoned", "published"}


@pytest.mark.parametrize("checkpoint", ["after_publish_commit", "after_publish"])
def test_a_connection_that_broke_after_the_commit_hides_no_publish(checkpoint: str, restated: Site) -> None:
    """Where the run published and then lost its connection, it says so and is on record as published, once."""
    run = restated.start("date", DATE, "--json", stop_at=checkpoint)
    run.wait_until_stopped()
    cut(restated, f"reingest run {DATE}")
    run.send(SIGCONT)
    ran = run.finish()
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published"), ran.err
    assert restated.runs()[-1] == ("published", 0)
    stages = restated.rows("select stage from run_event where event = 'done' order by id desc limit 8")
    assert len(set(stages)) == 8


def test_a_holder_that_lost_its_lease_connection_is_overtaken_at_once(restated: Site, elexon: StandIn) -> None:
    """Where the heartbeat's connection broke the lease is free: another run publishes, and this one does not."""
    run = restated.start("date", DATE, "--json", stop_at="after_verify")
    run.wait_until_stopped()
    cut(restated, f"reingest lease {DATE}")
    elexon.restate(DATE, unit="E_MOORW-1", volume_factor="2")
    assert restated.date(DATE).json["version"] == 2
    after = restated.dump(DATE)
    run.send(SIGCONT)
    ran = run.finish()
    assert (ran.exit_code, ran.error["code"]) == (5, "lease_lost")
    assert restated.dump(DATE) == after


def test_a_run_outlives_its_connections(restated: Site, elexon: StandIn) -> None:
    """Where the server ends both connections of a run while it fetches, the run goes on over others and publishes."""
    elexon.script([{"kind": "latency", "ms": 3000, "periods": "40-48", "dataset": "ISPSTACK"}])
    before = restated.value('select max(id) from "fetch"')
    run = restated.start("date", DATE, "--json")
    wait_for(lambda: restated.value('select count(*) from "fetch" where id > %s', before) >= 60)
    cut(restated, f"reingest run {DATE}")
    cut(restated, f"reingest lease {DATE}")
    elexon.script([])
    ran = run.finish()
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published"), ran.err
    assert_each_answer_is_kept_once(restated, before)


def test_answers_whose_commit_was_lost_are_kept_once(restated: Site) -> None:
    """Where the commit of fetch rows was heard and its answer lost, the run finds them and writes none twice."""
    before = restated.value('select max(id) from "fetch"')
    direct = restated.database_url
    with CommitThief(direct, wrote=b'insert into "fetch"', most=2) as thief:
        restated.database_url = thief.url
        ran = restated.date(DATE)
    restated.database_url = direct
    assert thief.stolen == 2
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published"), ran.err
    assert_each_answer_is_kept_once(restated, before)


def assert_each_answer_is_kept_once(site: Site, after: int) -> None:
    """Check that the fetches after that one are those of one date, and that each has its line in the manifest."""
    ids = [row[0] for row in site.rows('select id from "fetch" where id > %s', after)]
    assert len(ids) == 101
    assert site.value("select requests from run order by started_at desc limit 1") == 101
    lines = (site.home / "archive/manifest/2024-01.jsonl").read_text(encoding="utf-8").splitlines()
    mirrored = [int(json.loads(line)["fetch_id"]) for line in lines]
    assert sorted(number for number in mirrored if number > after) == sorted(ids)


def cut(site: Site, purpose: str) -> None:
    """End the one connection of this purpose, at the server's end."""
    ended = site.rows(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and application_name = %s",
        purpose,
    )
    assert ended == [(True,)]


def test_a_failed_run_ends_though_its_row_is_held(published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that a dead network left behind may hold the run's row: the failure is told all the same, and soon."""
    monkeypatch.setattr(reingest, "STORED_WITHIN_SECONDS", 0.1)
    published.elexon_url = NOWHERE
    with psycopg.connect(published.database_url) as left_behind:

        def hold(checkpoint: str) -> None:
            if checkpoint == "after_basis":
                left_behind.execute("select from run where outcome is null for no key update")

        with watched(hold):
            ran = published.date(DATE)
        assert ran.exit_code == 4
        assert ran.error["code"] == "source_unreachable"
    assert published.value("select count(*) from run where outcome is null") == 1
