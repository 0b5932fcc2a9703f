"""What a site holds that must be the same whatever happened on the way: no run ids, no clock, no version numbers."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from tests.support.days import TINY_DATE
from tests.support.sites import Site

_IN_FORCE: Final = """
select 'expected', settlement_date::text, definition, energy_mwh::text, payment_gbp::text, origin
from expected_total where retired_at is null
union all
select 'gap', settlement_date::text, period::text, side, reason, null from source_gap where retired_at is null
union all
select 'verification', settlement_date::text, verification, null, null, null from day group by 1, 2, 3
union all
select 'override', elexon_bm_unit, decision, reason, null, null from unit_override where retired_at is null
union all
select 'register', hash, units::text, null, null, null from register
union all
select 'unit', elexon_bm_unit, fuel_type, lead_party_name, valid_from::text, valid_to::text
from bm_unit where recorded_to is null
union all
select 'proposal', elexon_bm_unit, state, null, null, null from unit_proposal
union all
select 'verdict', settlement_date::text, verdict, energy_before_mwh::text, energy_after_mwh::text, periods::text
from reconciliation_date
union all
select 'settlement run', name, null, null, null, null from settlement_run where enabled
union all
select 'stale', settlement_date::text, stale_reason, null, null, null from settlement_day where stale_since is not null
union all
select 'day', settlement_date::text, generation::text, (provisional_until is not null)::text, null, null
from settlement_day where current_version_id is not null
union all
select 'staged', settlement_date::text, period::text, side, outcome, rows::text from staged_stack
union all
select 'version', settlement_date::text, state, content_hash, count(*)::text, null
from version where state in ('published', 'held', 'superseded') group by 1, 2, 3, 4
order by 1, 2, 3, 4, 5
"""
_TOLD: Final = """
select outbox.settlement_date::text, generation, sink, state, attempts, kind, body
from outbox left join outbox_delivery on outbox_id = id order by 1, 2, 3
"""
_OPEN: Final = """
select 'lease', key from lease
union all
select 'version', number::text from version where state in ('staging', 'candidate')
union all
select 'stray rows', version_id::text from curtailment_record where version_id not in (select id from version)
"""

_OF_THE_RUN: Final = frozenset({"run_id", "version", "replaces", "timestamp", "seal"})
"""What messages say that depends on how often a date was tried, when, and which witnesses were in time."""


@dataclass(frozen=True)
class State:
    """A site's state, to be compared with another's.

    Attributes:
        dump: What the date serves.
        in_force: Decisions, expectations, registers, generations, verdicts, and versions by state and content.
        told: The outbox: one message a generation, and what became of it at each sink.
    """

    dump: str
    in_force: list[tuple[Any, ...]] = field(default_factory=list)
    told: list[tuple[Any, ...]] = field(default_factory=list)


def state_of(site: Site, day: date = TINY_DATE) -> State:
    """Return the state of a site where nothing runs."""
    return State(site.dump(day), site.rows(_IN_FORCE), [_told(row) for row in site.rows(_TOLD)])


def left_open(site: Site) -> list[tuple[Any, ...]]:
    """Return what a run leaves behind only where it was killed: leases, and versions half made."""
    return site.rows(_OPEN)


def _told(row: tuple[Any, ...]) -> tuple[Any, ...]:
    body = {name: value for name, value in row[-1].items() if name not in _OF_THE_RUN}
    return (*row[:-1], json.dumps(body, sort_keys=True))
