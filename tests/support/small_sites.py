"""Small sites for reconciliations: three dates of a few rows, two of them served."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.support.days import TINY_DATE, TINY_DAY, of_date
from tests.support.postgres import Databases
from tests.support.sites import Site, recorded_elexon

ONE, TWO, THREE = (TINY_DATE + timedelta(days=offset) for offset in range(3))
DATES: Final = (ONE, TWO, THREE)
ROWS: Final = tuple(row for day in DATES for row in of_date(day, TINY_DAY))
LONG_AGO: Final = datetime(2024, 4, 2, tzinfo=UTC)


@contextmanager
def small_site(databases: Databases, template: str, folder: Path) -> Iterator[Site]:
    """Give a site to be copied, where the first two of three small dates are served with their bids."""
    with databases.database(template) as url, recorded_elexon(folder, ROWS) as elexon:
        site = Site(
            url, folder / "home", elexon.url, {"REINGEST_RECONCILE_WINDOW_DAYS": "0", "REINGEST_WITNESSES": "off"}
        )
        for day in (ONE, TWO):
            assert site.date(day, "--side", "bid").exit_code == 0
        site.elexon_url = Site.elexon_url
        yield site


def heard_long_ago(site: Site, *days: date, at: datetime = LONG_AGO) -> None:
    """Have the runs of these dates, or of all, be of then, before their D+31, so that they are due."""
    site.rows("update run set started_at = %s where settlement_date = any (%s) or %s", at, list(days), not days)
