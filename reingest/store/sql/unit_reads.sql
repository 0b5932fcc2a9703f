-- name: unit_recorded
select unit.valid_from, unit.valid_to, unit.recorded_from, unit.recorded_to, unit.fuel_type, unit.lead_party_name,
    unit.lead_party_id, unit.name, unit.generation_capacity_mw, unit.demand_capacity_mw, unit.gsp_group_id,
    unit.gsp_group_name, change.kind, action.who, action.reason
from bm_unit unit
join register_change change on change.id = unit.change_id
left join operator_action action on action.id = change.action_id
where unit.elexon_bm_unit = %(bm_unit)s
    and (%(as_of)s::date is null or daterange(unit.valid_from, unit.valid_to) @> %(as_of)s::date)
    and (
        %(recorded_at)s::timestamptz is null
        or tstzrange(unit.recorded_from, unit.recorded_to) @> %(recorded_at)s::timestamptz
    )
order by unit.recorded_to is not null, unit.recorded_from desc, unit.valid_from desc nulls last;

-- name: unit_said
select entry.elexon_bm_unit, entry.national_grid_bm_unit, entry.name, entry.fuel_type, entry.lead_party_name,
    entry.lead_party_id, entry.bm_unit_type, entry.generation_capacity_mw, entry.demand_capacity_mw,
    entry.gsp_group_id, entry.gsp_group_name, entry.interconnector_id, entry.eic, entry.gone,
    register.recorded_at as said_at
from register_entry entry join register on register.id = entry.register_id
where entry.elexon_bm_unit = %(bm_unit)s order by entry.register_id desc limit 1;

-- name: unit_decisions
select decision, reason, decided_at, retired_at from unit_override
where elexon_bm_unit = %(bm_unit)s order by decided_at desc;

-- name: unit_proposals
select proposal.elexon_bm_unit, proposal.fuel_type, proposal.valid_from, proposal.proposed_at, proposal.state,
    proposal.decided_at, action.reason, entry.name, entry.lead_party_name, entry.generation_capacity_mw
from unit_proposal proposal
join register_entry entry on entry.elexon_bm_unit = proposal.elexon_bm_unit
    and entry.register_id = proposal.register_id
left join operator_action action on action.id = proposal.action_id
where (%(bm_unit)s::text is null or proposal.elexon_bm_unit = %(bm_unit)s)
    and (%(every)s or proposal.state = 'open')
order by proposal.proposed_at, proposal.elexon_bm_unit;

-- name: affected_dates
select effect.settlement_date, effect.bm_unit, effect.effect, effect.rows, effect.energy_mwh, day.stale_since
from register_effect(%(first)s, %(last)s) effect
join settlement_day day using (settlement_date)
where cardinality(%(bm_units)s::text[]) = 0 or effect.bm_unit = any (%(bm_units)s)
order by effect.settlement_date, effect.bm_unit;

-- name: unmapped_units
-- When a unit's fuel type is known is looked up once a unit, not once a row.
with mapped as materialized (
    select elexon_bm_unit, range_agg(daterange(valid_from, valid_to)) filter (where fuel_type is not null) as valid,
        max(name) as name, max(lead_party_name) as lead_party_name
    from bm_unit where recorded_to is null group by 1
)
select other.bm_unit, mapped.elexon_bm_unit is not null as registered, mapped.name, mapped.lead_party_name,
    count(*) as dates, min(day.settlement_date) as first, max(day.settlement_date) as last, sum(other.rows) as rows,
    sum(other.energy_mwh) as energy_mwh
from settlement_day day
join version_other_unit other on other.version_id = day.current_version_id and other.energy_mwh > 0
left join mapped on mapped.elexon_bm_unit = other.bm_unit
where day.settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity')
    and coalesce(not mapped.valid @> day.settlement_date, true)
    and not exists (
        select from unit_override where unit_override.elexon_bm_unit = other.bm_unit and retired_at is null
    )
group by other.bm_unit, mapped.elexon_bm_unit, mapped.name, mapped.lead_party_name
order by energy_mwh desc, other.bm_unit;
