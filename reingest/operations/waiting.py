"""Taking a date's lease in turn: where another run holds it, waiting for as long as was asked."""

import asyncio
import logging
import time
from typing import Final

from reingest.errors import Locked
from reingest.operations.date_run import DateRun
from reingest.store.database import cut
from reingest.store.heartbeat import Lease
from reingest.store.leases import hold_lease
from reingest.store.runs import add_run_events

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5


async def lease_in_turn(run: DateRun) -> Lease:
    """Take the run's lease; it is released when the run's block ends.

    It waits without blocking the event loop, so that an interrupt is heard, and it asks anew each time: a holder that
    dies, or is overtaken, is found out by the asking.

    Raises:
        Locked: another run still holds the date when the time is over; it names the holder.
    """
    began, limit, told = time.monotonic(), run.request.wait_seconds, False
    while True:
        try:
            lease = run.cleanup.enter_context(
                hold_lease(
                    run.database_url,
                    run.settlement_date,
                    run.run.holder,
                    run.settings.lease_ttl_seconds,
                    lender=run.services.connections,
                )
            )
        except Locked as busy:
            waited = time.monotonic() - began
            if waited >= limit:
                raise
            if not told:
                log.warning("%s; waiting for up to %d s", busy, limit)
                told = True
            run.progress(f"waiting for {busy.key}, seconds", int(waited), int(limit))
            await asyncio.sleep(min(POLL_SECONDS, limit - waited))
        else:
            # Whatever waits on the run's connection then, perhaps on a dead network, hears of its end.
            lease.on_loss = lambda: cut(run.connection)
            _tell_of_the_wait(run, time.monotonic() - began)
            return lease


def _tell_of_the_wait(run: DateRun, waited: float) -> None:
    if waited >= POLL_SECONDS:
        run.note(f"waited {waited:.0f} s for the date")
        add_run_events(run.connection, run.run, [("lease", "waited", {"seconds": round(waited, 3)})])
