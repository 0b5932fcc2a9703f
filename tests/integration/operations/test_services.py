"""Dates that one process rebuilds one after the other share connections; each ends as it would by itself."""

import asyncio
import gc
import weakref
from collections.abc import Iterator, Sequence

import pytest

from reingest.errors import SourceUnreachable
from reingest.operations.reingest import go_through, open_date_run, reingest_date
from reingest.operations.report import DateReport
from reingest.operations.request import DateRequest
from reingest.operations.services import DateServices, date_services
from reingest.standin.server import StandIn
from tests.integration.operations.test_from_python import settings_of
from tests.support.days import DATE, NEXT_DATE
from tests.support.sites import NOWHERE, Site

BACKENDS = """
select pid, (select count(*) from pg_locks where locktype = 'advisory' and pg_locks.pid = pg_stat_activity.pid)
from pg_stat_activity where datname = current_database() and starts_with(application_name, 'reingest ')
"""


def backends(site: Site) -> dict[int, int]:
    """Return our server processes, and how many advisory locks each has."""
    return dict(site.rows(BACKENDS))


def rebuilt(site: Site, services: DateServices, *requests: DateRequest) -> Sequence[DateReport]:
    """Run dates one after the other with what is lent to all of them."""

    async def run() -> list[DateReport]:
        return [await reingest_date(settings_of(site), site.database_url, one, services=services) for one in requests]

    return asyncio.run(run())


def test_dates_share_two_connections(site: Site) -> None:
    """However many dates there are, one connection does their work and one beats for their leases; none is left."""
    again = [DateRequest(day, source="archive") for day in (DATE, NEXT_DATE)]
    with date_services(site.database_url) as services:
        reports = rebuilt(site, services, DateRequest(DATE), DateRequest(NEXT_DATE), *again)
        assert [report.outcome for report in reports] == ["published", "published", "unchanged", "unchanged"]
        assert [*backends(site).values()] == [0, 0]
        assert site.value("select count(*) from lease") == 0
    assert backends(site) == {}
    assert site.runs() == [("published", 0), ("published", 0), ("unchanged", 0), ("unchanged", 0)]


def test_a_date_that_fails_leaves_the_next_one_whole(published: Site, elexon: StandIn) -> None:
    """After a date that ended in an error the next one finds everything that it needs."""
    served_at, published.elexon_url = published.elexon_url, NOWHERE
    with date_services(published.database_url) as services:
        with pytest.raises(SourceUnreachable):
            rebuilt(published, services, DateRequest(DATE))
        published.elexon_url = served_at
        elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
        (report,) = rebuilt(published, services, DateRequest(DATE, fresh=True))
    assert (report.outcome, report.version) == ("published", 2)


def test_connections_that_broke_between_dates_are_replaced(published: Site) -> None:
    """Where Postgres ended every connection after one date, the next one does not notice."""
    unchanged = DateRequest(DATE, source="archive")
    with date_services(published.database_url) as services:
        rebuilt(published, services, unchanged)
        for pid in backends(published):
            assert published.value("select pg_terminate_backend(%s, 5000)", pid)
        (report,) = rebuilt(published, services, unchanged)
    assert report.outcome == "unchanged"


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Let nothing be freed but by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_a_date_is_forgotten_when_it_has_ended(published: Site) -> None:
    """Nothing of a date is held after it, so that memory does not grow with the dates of a range."""

    async def run(services: DateServices) -> "weakref.ref[object]":
        request, settings = DateRequest(DATE, source="archive"), settings_of(published)
        async with open_date_run(settings, published.database_url, request, services=services) as run:
            await go_through(run)
        return weakref.ref(run)

    with date_services(published.database_url) as services:
        assert asyncio.run(run(services))() is None


def test_a_decision_on_a_unit_is_seen_by_the_next_date(published: Site) -> None:
    """What is decided of a unit between two dates counts for the second, though the first one's register was read."""
    unchanged = DateRequest(DATE, source="archive")
    with date_services(published.database_url) as services:
        rebuilt(published, services, unchanged)
        assert published.reingest("units", "exclude", "T_HILLW-2", "--reason", "sold").exit_code == 0
        (report,) = rebuilt(published, services, unchanged)
    assert (report.outcome, report.records) == ("published", 4)
