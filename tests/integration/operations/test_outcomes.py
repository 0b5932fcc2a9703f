"""How a run of a date ends: each outcome with its exit code, what it stores, and what it leaves served."""

from datetime import datetime, timedelta

import anyio
import pytest

from reingest.clock import utc_now
from reingest.elexon.client import Answer
from reingest.operations.answer_keeper import AnswerKeeper
from reingest.standin.server import StandIn
from reingest.store.database import connect
from reingest.store.leases import hold_lease
from reingest.store.runs import Run, begin_run
from tests.support.days import A_DAY, DATE, NEXT_DATE
from tests.support.sites import NOWHERE, Serve, Site


def test_a_first_run_publishes(site: Site) -> None:
    """A date that was never published is published as version 1, generation 1, and the run says so."""
    ran = site.date(DATE, "--reason", "first time")
    assert (ran.exit_code, ran.json["outcome"], ran.json["version"], ran.json["generation"]) == (0, "published", 1, 1)
    assert site.runs() == [("published", 0)]
    assert site.states(DATE) == {1: "published"}
    assert site.value("select reason from run") == "first time"


def test_a_publish_tells_the_outbox(published: Site) -> None:
    """The publish writes one message with the instant, the generation and the exact totals, to be delivered later."""
    ((body, generation, key),) = published.rows("select body, generation, dedupe_key from outbox")
    assert (body["type"], body["version"], body["generation"], generation) == ("date_published", 1, 1, 1)
    assert body["totals"]["net"]["payment_gbp"] == "523.954475230864197583456789012345678"
    assert (body["replaces"], body["change"]) == (None, None)
    assert key == "date_published:2024-01-15:1"
    served_from = published.value("select served_from from version")
    assert datetime.fromisoformat(body["timestamp"]) == served_from


def test_a_message_says_what_changed(published: Site, elexon: StandIn) -> None:
    """The message of a second version names the one it replaces, and the exact change of each definition's totals."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE).json["outcome"] == "published"
    (body,) = published.rows("select body from outbox where generation = 2")[0]
    assert body["replaces"] == 1
    assert body["change"]["so_flagged"] == {"energy_mwh": "11.75", "payment_gbp": "590.4375"}


def test_an_unchanged_date_is_confirmed_and_not_published_again(published: Site) -> None:
    """The same content moves no generation, makes no version and no message; the confirmation is on record."""
    before = published.value("select confirmed_at from settlement_day")
    ran = published.date(DATE)
    assert (ran.exit_code, ran.json["outcome"], ran.json["version"], ran.json["generation"]) == (0, "unchanged", 1, 1)
    assert published.states(DATE) == {1: "published"}
    assert published.value("select count(*) from outbox") == 1
    confirmed_at, confirmed_by = published.rows("select confirmed_at, confirmed_by::text from settlement_day")[0]
    assert confirmed_at > before
    assert confirmed_by == ran.json["run_id"]
    assert published.runs() == [("published", 0), ("unchanged", 0)]


def test_the_future_is_refused(site: Site, elexon: StandIn) -> None:
    """A date that has not begun is refused with 2, asks Elexon nothing, and the refusal is on record."""
    ran = site.date((utc_now() + timedelta(days=2)).date())
    assert (ran.exit_code, ran.error["code"]) == (2, "future_date")
    assert site.runs() == [("refused", 2)]
    assert elexon.requests() == []


def test_a_date_that_another_run_holds_is_locked(published: Site, elexon: StandIn) -> None:
    """A held lease ends the run with 3 before it asks Elexon anything; it names holder, host, process and run."""
    held_by = Run("reingest", settlement_date=DATE)
    with connect(published.database_url, purpose="test") as connection:
        begin_run(connection, held_by)
    holder = held_by.holder
    with hold_lease(published.database_url, DATE, holder, 60):
        ran = published.date(DATE)
    assert (ran.exit_code, ran.error["code"]) == (3, "locked")
    for named in (holder.run_id, holder.holder, holder.host, holder.pid):
        assert str(named) in ran.error["message"]
    assert "locked" in [outcome for outcome, _ in published.runs()]
    assert elexon.requests() == []
    assert published.date(DATE).exit_code == 0


def test_a_source_that_is_down_changes_nothing(published: Site) -> None:
    """An Elexon that nobody answers at ends the run with 4, and the served version goes on."""
    before = published.dump(DATE)
    published.elexon_url = NOWHERE
    ran = published.date(DATE)
    assert (ran.exit_code, ran.error["code"]) == (4, "source_unreachable")
    assert published.runs()[-1] == ("source_failed", 4)
    assert published.dump(DATE) == before


def test_a_first_run_without_a_source_is_source_failed(site: Site) -> None:
    """Where not even the register can be had, the run ends with 4 and stores nothing of the date."""
    site.elexon_url = NOWHERE
    assert site.date(DATE).exit_code == 4
    assert site.runs() == [("source_failed", 4)]
    assert site.states(DATE) == {}


def test_a_period_that_fails_makes_the_date_partial(published: Site, serve: Serve) -> None:
    """A period that answers 500 for ever fails the date with 4; what came is kept, what was served is served."""
    before, fetches = published.dump(DATE), published.value('select count(*) from "fetch"')
    elexon = serve(faults=[{"kind": "status", "status": 500, "dataset": "ISPSTACK", "periods": 17}])
    published.elexon_url = elexon.url
    ran = published.date(DATE, REINGEST_ATTEMPTS="2")
    assert (ran.exit_code, ran.error["code"], ran.error["period"]) == (4, "partial", 17)
    assert "2 of 96 stacks could not be had: period 17 bid: source_refused" in ran.error["message"]
    assert published.runs()[-1] == ("partial", 4)
    assert published.dump(DATE) == before
    assert published.states(DATE) == {1: "published"}
    kept = "select count(distinct (period, side)) from \"fetch\" where id > %s and dataset = 'ISPSTACK' and status = %s"
    assert (published.value(kept, fetches, 200), published.value(kept, fetches, 500)) == (94, 2)
    assert published.value('select max(attempts) from "fetch" where status = 500') == 2


def test_a_request_that_fails_first_of_all_makes_the_date_partial(
    published: Site, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is given up before any answer is archived fails its own period, and not the source."""
    keep = AnswerKeeper.keep

    async def keep_late(self: AnswerKeeper, answer: Answer) -> int:
        await anyio.sleep(1)  # longer than the first of two attempts is waited for
        return await keep(self, answer)

    monkeypatch.setattr(AnswerKeeper, "keep", keep_late)
    elexon = serve(faults=[{"kind": "close_early", "dataset": "ISPSTACK", "periods": 1, "side": "bid"}])
    published.elexon_url = elexon.url
    ran = published.date(DATE, REINGEST_ATTEMPTS="2")
    assert (ran.exit_code, ran.error["code"], ran.error["period"]) == (4, "partial", 1)
    assert "1 of 96 stacks could not be had: period 1 bid: source_unreachable" in ran.error["message"]


def test_a_failed_first_run_is_followed_by_one_that_publishes(site: Site, serve: Serve) -> None:
    """After a partial date the same command, asked again, rebuilds it from nothing."""
    site.elexon_url = serve(
        faults=[{"kind": "status", "status": 503, "dataset": "ISPSTACK", "periods": 3, "times": 1}]
    ).url
    assert [site.date(DATE).exit_code, site.date(DATE).exit_code] == [4, 0]
    assert site.states(DATE) == {1: "published"}


def test_transient_faults_are_outlived(site: Site, serve: Serve) -> None:
    """Requests that fail once and then succeed leave nothing but a count of retries."""
    site.elexon_url = serve(
        faults=[
            {"kind": "status", "status": 429, "dataset": "ISPSTACK", "periods": 1, "attempts": 1, "retry_after": 0},
            {"kind": "close_early", "dataset": "ISPSTACK", "periods": 2, "attempts": 1},
        ]
    ).url
    ran = site.date(DATE, REINGEST_ATTEMPTS="3")
    assert (ran.exit_code, ran.json["retries"]) == (0, 4)


def test_a_wrong_path_is_never_an_empty_period(published: Site, serve: Serve) -> None:
    """A 404 means a wrong URL, so the period has failed, though an empty answer there would be believed."""
    published.elexon_url = serve(faults=[{"kind": "status", "status": 404, "dataset": "ISPSTACK", "periods": 40}]).url
    ran = published.date(DATE)
    assert (ran.exit_code, ran.error["code"], ran.error["period"]) == (4, "partial", 40)


def test_a_spent_time_budget_ends_the_run_and_keeps_what_came(site: Site, serve: Serve) -> None:
    """A source slower than the run's budget ends it with 4; each answer that was kept has its payload and row."""
    site.elexon_url = serve(faults=[{"kind": "hang", "dataset": "ISPSTACK", "periods": "30-48", "seconds": 30}]).url
    ran = site.date(DATE, REINGEST_FETCH_BUDGET_SECONDS="2")
    assert (ran.exit_code, ran.error["code"]) == (4, "source_too_slow")
    assert site.runs() == [("source_failed", 4)]
    manifest = (site.home / "archive/manifest/2024-01.jsonl").read_text(encoding="utf-8").splitlines()
    registered = site.value("""select count(*) from "fetch" where dataset <> 'BMUNITS'""")
    assert registered == len(manifest) > 20


@pytest.mark.parametrize("words", [["--periods", "49"], ["--periods", "x"], ["--side", "offer"]], ids=" ".join)
def test_bad_usage_is_refused_before_anything_begins(words: list[str], site: Site) -> None:
    """A flag that cannot be used ends with 2 and leaves no trace."""
    ran = site.date(DATE, *words)
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage")
    assert site.runs() == []


def test_a_database_that_does_not_answer_ends_with_69(site: Site) -> None:
    """An unreachable Postgres ends the run with 69."""
    site.database_url = "postgresql://nobody@127.0.0.1:9/none"
    ran = site.date(DATE)
    assert (ran.exit_code, ran.error["code"]) == (69, "database_unreachable")


def test_a_schema_that_is_behind_ends_with_69(empty_database_url: str, site: Site) -> None:
    """A database that was never migrated is told apart from an unreachable one, with the command that migrates it."""
    site.database_url = empty_database_url
    ran = site.date(DATE)
    assert (ran.exit_code, ran.error["code"], ran.error["next"]) == (69, "schema_behind", "reingest db upgrade")


def test_dates_are_apart(published: Site) -> None:
    """A run of one date changes nothing of another."""
    before = published.dump(DATE)
    assert published.date(NEXT_DATE).json["version"] == 1
    assert published.dump(DATE) == before
    assert published.dump(NEXT_DATE) != before


def test_force_publishes_the_same_content_again(published: Site) -> None:
    """With --force the same content becomes a new version of the same content hash, and a new generation."""
    before = published.dump(DATE)
    ran = published.date(DATE, "--force", "--reason", "to see it happen")
    assert (ran.json["outcome"], ran.json["version"], ran.json["generation"]) == ("published", 2, 2)
    assert published.states(DATE) == {1: "superseded", 2: "published"}
    assert published.rows("select count(distinct content_hash), count(*) from version") == [(1, 2)]
    assert published.dump(DATE) == before


def test_a_date_serves_one_version_at_every_instant(published: Site) -> None:
    """What a version stops serving the next one begins, so that any instant since the first has one answer."""
    published.date(DATE, "--force")
    rows = published.rows(
        "select version, served_from, served_to from daily_summary_history where definition = 'net' order by version"
    )
    (_, _, first_to), (_, second_from, second_to) = rows
    assert first_to == second_from
    assert second_to is None


def test_the_rows_of_each_run_can_be_told_from_its_id(published: Site) -> None:
    """Every fetch names the run that asked, and every record the payload and row it stands in."""
    assert published.value('select count(distinct run_id) from "fetch"') == 1
    rows = published.rows(
        "select curtailment.volume, payload_sha256, payload_row from curtailment where period = 1 order by volume"
    )
    assert [(str(volume), row) for volume, _, row in rows] == [("-10.5", 0), ("-1.25", 1), ("0.5", 0)]
    assert {sha256 for _, sha256, _ in rows} <= {path.stem for path in published.home.rglob("*.zst")}
    assert len(A_DAY) == published.value("select rows from version")
