"""One date of a range: a run like any other, whose end is kept and never raised."""

import logging
import time
from typing import TYPE_CHECKING

from reingest.errors import Bug, ReingestError
from reingest.operations.ranges.report import DateEnd, end_of_error, end_of_report
from reingest.operations.reingest import go_through, open_date_run, outcome_of_error
from reingest.operations.request import DateRequest
from reingest.operations.services import DateServices
from reingest.settings import Settings

if TYPE_CHECKING:
    from reingest.operations.date_run import DateRun

log = logging.getLogger(__name__)


async def run_one_date(settings: Settings, database_url: str, request: DateRequest, services: DateServices) -> DateEnd:
    """Re-ingest one date, and return how it ended, whatever that is; only an interrupt is raised.

    Args:
        settings: of the site.
        database_url: of its database.
        request: what is asked of the date.
        services: what this process lends to each of its dates.
    """
    began = time.perf_counter()
    run: DateRun | None = None
    try:
        async with open_date_run(settings, database_url, request, services=services) as run:
            report = await go_through(run)
        return end_of_report(report, time.perf_counter() - began)
    except ReingestError as error:
        return _failed(request, run, error, began)
    except Exception as error:
        # The edge of a date: not even a fault of ours may stop the dates after it.
        log.exception("%s ended by a fault of Reingest's own", request.settlement_date)
        found = Bug(f"{type(error).__name__}: {error}", settlement_date=request.settlement_date)
        return _failed(request, run, found, began)


def _failed(request: DateRequest, run: "DateRun | None", error: ReingestError, began: float) -> DateEnd:
    error.settlement_date = error.settlement_date or request.settlement_date
    return end_of_error(
        request.settlement_date,
        outcome_of_error(error),
        error,
        run_id=run.run.id if run else None,
        requests=run.run.requests if run else 0,
        seconds=time.perf_counter() - began,
    )
