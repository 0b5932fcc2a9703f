"""The 10 faults of the process, its host and Prefect."""

import signal
from functools import partial as bound
from typing import Final

from tests.drills.faults.fault import Fault, Stated, Trial, published
from tests.drills.faults.host_ways import (
    clock_ahead,
    heart_stops,
    run_asleep,
    run_beside_another,
    run_signalled,
)
from tests.drills.faults.prefect_ways import (
    run_by_prefect_that_refuses,
    run_by_prefect_without_a_server,
    run_flow_past_refusals,
)

NO_PREFECT: Final = Stated("prefect_unavailable", 69, "prefect_unavailable", "", "old")
LEASE_LOST: Final = Stated("lease_lost", 5, "lease_lost", "", "old")


def _ended_by(number: signal.Signals) -> Stated:
    return Stated(f"ended by {number.name}", -number, "", "", "old")


PROCESS: Final[tuple[Fault, ...]] = (
    Fault("SIGKILL", (
        Trial("before the candidate is whole", _ended_by(signal.SIGKILL),
              run=bound(run_signalled, place="before_stage_commit", number=signal.SIGKILL), sample=True),
        Trial("inside the publish", _ended_by(signal.SIGKILL),
              run=bound(run_signalled, place="before_publish_commit", number=signal.SIGKILL)),
    )),
    Fault("SIGTERM", (
        Trial("while answers come in", _ended_by(signal.SIGTERM),
              run=bound(run_signalled, place="after_fetch_rows", number=signal.SIGTERM)),
    )),
    Fault("SIGINT", (
        Trial("while answers come in", Stated("interrupted", 130, "interrupted", "", "old"),
              run=bound(run_signalled, place="after_fetch_rows", number=signal.SIGINT)),
        Trial("inside the publish, which is finished first", Stated("interrupted", 130, "interrupted", "", "new"),
              run=bound(run_signalled, place="in_publish", number=signal.SIGINT)),
    )),
    Fault("SIGSTOP and SIGCONT, longer than the TTL", (
        Trial("inside the publish", LEASE_LOST, run=bound(run_asleep, place="in_publish")),
        Trial("before the candidate is written", LEASE_LOST, run=bound(run_asleep, place="after_verify")),
    )),
    Fault("out of memory", (
        Trial("the kernel ends it, by SIGKILL", _ended_by(signal.SIGKILL),
              run=bound(run_signalled, place="after_derive", number=signal.SIGKILL)),
    )),
    Fault("two workers", (
        Trial("the second is refused, the first publishes", Stated("locked", 3, "locked", "is held by", "new"),
              run=run_beside_another),
    )),
    Fault("the heartbeat's thread dies alone", (
        Trial("and the run takes longer than the TTL", LEASE_LOST, make=heart_stops,
              settings={"REINGEST_LEASE_TTL_SECONDS": "2"}),
    )),
    Fault("the host's clock goes back by 1 h", (
        Trial("in the middle of the run", published(), make=bound(clock_ahead, hours=-1, after_readings=40)),
    )),
    Fault("Prefect's API is down", (
        Trial("before a run is asked for", NO_PREFECT, run=run_by_prefect_without_a_server),
    )),
    Fault("Prefect's API answers 429", (
        Trial("to everything", NO_PREFECT, run=run_by_prefect_that_refuses),
        Trial("to every fifth request of a flow", published(), run=run_flow_past_refusals),
    )),
)  # fmt: skip
