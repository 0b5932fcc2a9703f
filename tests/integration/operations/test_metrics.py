"""Metrics: what is counted is what happened, in a text that Prometheus reads, and the page lists every series."""

import re
from datetime import date
from pathlib import Path
from signal import SIGKILL

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reingest.operations.metrics import BOUNDS, SERIES
from reingest.standin.server import StandIn
from reingest.store.leases import hold_lease
from reingest.store.runs import Run
from tests.support.days import DATE
from tests.support.sites import NOWHERE, Site
from tests.support.versions import Store

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


class Metrics:
    """The metrics of a site, parsed as Prometheus does."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, series: str, **labels: str) -> float:
        return self.values[series, tuple(sorted(labels.items()))]


def metrics(site: Site, *words: object) -> Metrics:
    ran = site.reingest("metrics", *words)
    assert ran.exit_code == 0, ran.err
    return Metrics(ran.out)


def test_the_page_lists_what_is_emitted(published: Site) -> None:
    """docs/metrics.md has a line for each series that is emitted, with its type and labels, and no other line."""
    listed = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| ", PAGE.read_text("utf-8"), re.MULTILINE)
    emitted = metrics(published, "--doctor")
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", emitted.text, re.MULTILINE))
    assert types == {name: kind for name, kind, _ in listed}
    for name, kind, labels in listed:
        family = emitted.families[name.removesuffix("_total") if kind == "counter" else name]
        named = set(re.findall(r"`(\w+)`", labels))
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == named, sample
    assert len(listed) == len(SERIES)


def test_a_published_date_is_counted(published: Site) -> None:
    """One run, its requests, its stages' seconds, its version with its periods and records are in the counts."""
    found = metrics(published)
    (requests,) = published.rows("select sum(requests) from run")[0]
    assert found("reingest_runs_total", kind="reingest", outcome="published") == 1
    assert found("reingest_runs_total", kind="reingest", outcome="held") == 0
    assert found("reingest_requests_total") == requests > 90
    assert found("reingest_dates", state="published") == 1
    assert found("reingest_periods", outcome="fetched", side="bid") == 3
    assert found("reingest_periods", outcome="confirmed_empty", side="bid") == 45
    assert found("reingest_versions", state="published") == 1
    assert found("reingest_records_published_total") == published.value("select records from version")
    assert found("reingest_stage_seconds_count", stage="fetch") == 1
    assert found("reingest_run_seconds_bucket", kind="reingest", le="+Inf") == 1


def test_an_unchanged_run_adds_a_run_and_no_records(published: Site) -> None:
    """After a run that changes nothing the run is counted, and the records are as many as before."""
    before = metrics(published)
    published.date(DATE)
    after = metrics(published)
    assert after("reingest_runs_total", kind="reingest", outcome="unchanged") == 1
    for series in ("reingest_records_published_total", "reingest_outbox_position"):
        assert after(series) == before(series)


def test_a_locked_run_is_a_lock_failure(published: Site) -> None:
    """A run that ends locked adds one to the lock failures."""
    assert metrics(published)("reingest_lock_failures_total") == 0
    with hold_lease(published.database_url, DATE, Run("reingest").holder, 60):
        assert published.date(DATE).exit_code == 3
    assert metrics(published)("reingest_lock_failures_total") == 1


def test_failures_and_held_dates_are_counted(published: Site, elexon: StandIn) -> None:
    """A run without a source, a held one and one that was killed each move their own count."""
    published.date(DATE, REINGEST_ELEXON_URL=NOWHERE)
    elexon.restate(DATE, volume_factor="2")
    assert published.date(DATE, "--expect-energy", "1").exit_code == 1
    assert published.start("date", DATE, REINGEST_CRASH_AT="after_stage").finish().exit_code == -SIGKILL
    found = metrics(published)
    assert found("reingest_runs_total", kind="reingest", outcome="source_failed") == 1
    assert found("reingest_dates", state="held") == 1
    assert found("reingest_runs_open") == 1


def test_abandoned_versions_are_a_share(published: Site, elexon: StandIn) -> None:
    """What a killed run left and the next one abandoned is a share of all versions."""
    elexon.restate(DATE, volume_factor="2")
    published.start("date", DATE, REINGEST_CRASH_AT="after_stage").finish()
    assert published.date(DATE, "--wait", "10s").exit_code == 0
    found = metrics(published)
    assert found("reingest_versions", state="abandoned") == 1
    assert found("reingest_abandoned_ratio") == pytest.approx(1 / 3, abs=1e-6)
    assert found("reingest_recoveries_total", how="taken_over") == 1
    assert found("reingest_recoveries_total", how="resumed") == 1


def test_the_outbox_lag(database_url: str, tmp_path: Path) -> None:
    """A pending fact has an age and a dead one is counted; a sink that has everything lags by nothing."""
    log = tmp_path / "facts.jsonl"
    site = Site(database_url, tmp_path / "home", settings={"REINGEST_OUTBOX_LOG": str(log)})
    store = Store(database_url)
    site.reingest("outbox", "deliver")
    store.publish(settlement_date=date(2024, 3, 1))
    site.rows("update outbox set created_at = created_at - interval '1 hour'")
    found = metrics(site)
    assert found("reingest_outbox_facts", sink="log", state="pending") == 1
    assert 3600 <= found("reingest_outbox_oldest_pending_seconds", sink="log") < 3700
    site.reingest("outbox", "deliver", REINGEST_OUTBOX_ATTEMPTS="1", REINGEST_OUTBOX_LOG="/missing/facts.jsonl")
    found = metrics(site)
    assert found("reingest_outbox_facts", sink="log", state="dead") == 1
    assert found("reingest_outbox_oldest_pending_seconds", sink="log") == 0


def test_findings_of_the_doctor_are_counted(published: Site) -> None:
    """A seeded fault is a finding in the gauge, and mended it is none any more, but a fix."""
    assert metrics(published, "--doctor")("reingest_doctor_findings", finding="generation-differs") == 0
    published.rows("update settlement_day set generation = 7")
    assert metrics(published, "--doctor")("reingest_doctor_findings", finding="generation-differs") == 1
    assert published.reingest("doctor", "--fix").exit_code == 0
    mended = metrics(published, "--doctor")
    assert mended("reingest_doctor_findings", finding="generation-differs") == 0
    assert mended("reingest_doctor_fixes_total", finding="generation-differs") == 1


def test_a_bound_belongs_to_the_bucket_below_it(database_url: str, tmp_path: Path) -> None:
    """A stage that took exactly a bound is counted at that bound, one a millisecond slower at the next."""
    site = Site(database_url, tmp_path / "home")
    Store(database_url).publish()
    run_id = site.value("select id from run limit 1")
    for seconds in ("0.5", "0.501", "1000"):
        site.rows(
            "insert into run_event (run_id, stage, event, detail)"
            " values (%s, 'fetch', 'done', jsonb_build_object('seconds', %s::numeric))",
            run_id,
            seconds,
        )
    found = metrics(site)
    counts = [found("reingest_stage_seconds_bucket", stage="fetch", le=str(bound)) for bound in BOUNDS[3:7]]
    assert counts == [0, 1, 2, 2]
    assert found("reingest_stage_seconds_count", stage="fetch") == 3
    assert found("reingest_stage_seconds_sum", stage="fetch") == pytest.approx(1001.001)


@pytest.mark.parametrize("point", ["file_written", "file_synced", "file_renamed"])
def test_the_file_is_old_or_new(point: str, published: Site, tmp_path: Path) -> None:
    """A kill while the file is written leaves the old one or the new one, whole."""
    path = tmp_path / "reingest.prom"
    path.write_text("old\n", encoding="utf-8")
    ran = published.start("metrics", "--out", path, REINGEST_CRASH_AT=point).finish()
    assert ran.exit_code == -SIGKILL
    left = path.read_text(encoding="utf-8")
    assert left == "old\n" if point != "file_renamed" else Metrics(left)("reingest_dates", state="published") == 1
    assert published.reingest("metrics", "--out", path).exit_code == 0
    assert Metrics(path.read_text("utf-8")).text.endswith("\n")


def test_a_folder_that_is_not_there(published: Site, tmp_path: Path) -> None:
    """A file in a folder that does not exist is refused, with the reason."""
    ran = published.reingest("metrics", "--out", tmp_path / "missing" / "reingest.prom")
    assert (ran.exit_code, "No such file or directory" in ran.err) == (2, True)
