"""The same act from Python: `reingest_date`, as a flow or a script calls it."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from reingest.clock import FixedClock, use_clock
from reingest.curtailment.checks import ExpectedTotal
from reingest.errors import FutureDate, SourceUnreachable
from reingest.operations.reingest import reingest_date
from reingest.operations.report import DateReport
from reingest.operations.request import DateRequest
from reingest.operations.stages import STAGES
from reingest.settings import Settings
from tests.support.days import DATE, SO_FLAGGED
from tests.support.sites import NOWHERE, Site


def settings_of(site: Site) -> Settings:
    """Return the site's settings as a caller in Python makes them."""
    return Settings(
        home=site.home,
        database_url=site.database_url,
        elexon_url=site.elexon_url,
        requests_per_second=0,
        attempts=1,
    )


def rebuild(site: Site, request: DateRequest, told: list[tuple[str, int, int]] | None = None) -> DateReport:
    """Run one date in an event loop of its own."""

    def progress(stage: str, done: int, total: int) -> None:
        if told is not None:
            told.append((stage, done, total))

    return asyncio.run(reingest_date(settings_of(site), site.database_url, request, progress))


def test_the_report_says_what_was_done(site: Site) -> None:
    """The report has outcome, exit code, version, totals with their exact digits, and the seconds of every stage."""
    report = rebuild(site, DateRequest(DATE, reason="a script"))
    assert (report.outcome, report.exit_code, report.version, report.served_version) == ("published", 0, 1, None)
    (day,) = [one for one in report.outlook if (one.span, one.definition) == ("day", "so_flagged")]
    assert (day.new.energy_mwh, day.new.payment_gbp, day.new.records) == SO_FLAGGED
    assert list(report.seconds) == [stage.name for stage in STAGES if not stage.sealed]
    assert site.value("select id from run") == UUID(report.run_id)


def test_progress_counts_every_stack_once(site: Site) -> None:
    """Whoever asks is told after each stack how many of the 96 are there."""
    told: list[tuple[str, int, int]] = []
    rebuild(site, DateRequest(DATE), told)
    assert told == [("fetch", done, 96) for done in range(1, 97)]


def test_an_outcome_that_is_no_success_is_returned_or_raised(published: Site) -> None:
    """A hold is a report; a failure is an error of the project's own tree with its exit code."""
    expected = ExpectedTotal(definition="net", energy_mwh=Decimal(0))
    assert rebuild(published, DateRequest(DATE, expected=(expected,))).exit_code == 1
    published.elexon_url = NOWHERE
    with pytest.raises(SourceUnreachable) as raised:
        rebuild(published, DateRequest(DATE))
    assert raised.value.settlement_date == DATE


def test_the_clock_decides_what_the_future_is(site: Site) -> None:
    """A date is refused until midnight in London by the one clock, and taken from then on."""
    midnight = datetime(2024, 1, 15, tzinfo=UTC)
    clock = FixedClock(midnight)
    with use_clock(clock):
        clock.instant = midnight.replace(day=14, hour=23, minute=59)
        with pytest.raises(FutureDate):
            rebuild(site, DateRequest(DATE))
        clock.instant = midnight
        assert rebuild(site, DateRequest(DATE)).outcome == "published"
