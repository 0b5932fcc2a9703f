-- name: register_of_date
-- One statement, so that units and hash are of one moment. JSON is read faster than arrays are, which is all it is for.
select newest.register_id, newest.recorded_at, register.hash, to_json(register.wind), to_json(register.lead_parties),
    to_json(register.units)
from (select register_id, recorded_at from register_change order by recorded_at desc limit 1) newest
cross join lateral register_of(%(settlement_date)s, newest.recorded_at) register;

-- name: newest_register_change
select register_id, recorded_at from register_change order by recorded_at desc limit 1;

-- name: register_span
-- The dates around one for which the register as recorded at an instant is the same: nothing begins or ends to be true
-- between them.
select max(bound) filter (where bound <= %(settlement_date)s), min(bound) filter (where bound > %(settlement_date)s)
from bm_unit cross join lateral (values (valid_from), (valid_to)) as fact (bound)
where recorded_from <= %(recorded_at)s and (recorded_to is null or recorded_to > %(recorded_at)s);

-- name: register_named
select named.register_id, named.register_recorded_at, register.hash, to_json(register.wind),
    to_json(register.lead_parties), to_json(register.units)
from (
    select settlement_date, register_id, register_recorded_at from version
    where register_id = %(register_id)s and register_hash = %(register_hash)s and register_recorded_at is not null
    limit 1
) named
cross join lateral register_of(named.settlement_date, named.register_recorded_at) register;

-- name: lock_register
-- Acts on the register come one after the other, so that what is recorded as of an instant never changes afterwards.
select pg_advisory_xact_lock(x'7265676973746572'::bigint);

-- name: register_instant
-- Later than every instant of the acts before, whatever the clock says.
select greatest(clock_timestamp(), (select max(recorded_at) from register_change) + interval '1 microsecond');

-- name: newest_register
select id, hash from register order by id desc limit 1;

-- name: add_register
insert into register (hash, fetch_id, units, null_ids, duplicates)
values (%(hash)s, %(fetch_id)s, %(units)s, %(null_ids)s, %(duplicates)s)
returning id;

-- name: add_register_change
insert into register_change (recorded_at, kind, register_id, action_id)
values (%(recorded_at)s, %(kind)s, %(register_id)s, %(action_id)s)
returning id;

-- name: copy_register_entries
copy register_entry (register_id, elexon_bm_unit, national_grid_bm_unit, name, fuel_type, lead_party_name,
    lead_party_id, bm_unit_type, generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name,
    interconnector_id, eic, gone) from stdin;

-- name: newest_entries
-- What was last said of each unit, those that are gone among them.
select distinct on (elexon_bm_unit) elexon_bm_unit, national_grid_bm_unit, name, fuel_type, lead_party_name,
    lead_party_id, bm_unit_type, generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name,
    interconnector_id, eic, gone
from register_entry order by elexon_bm_unit, register_id desc;

-- name: copy_bm_units
copy bm_unit (elexon_bm_unit, valid_from, valid_to, name, fuel_type, lead_party_name, lead_party_id,
    generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name, recorded_from, change_id) from stdin;

-- name: spans_in_force
select id, elexon_bm_unit, valid_from, valid_to, name, fuel_type, lead_party_name, lead_party_id,
    generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name
from bm_unit where recorded_to is null and elexon_bm_unit = any (%(bm_units)s)
order by elexon_bm_unit, valid_from nulls first;

-- name: close_spans
update bm_unit set recorded_to = %(recorded_at)s where id = any (%(ids)s);

-- name: mark_stale
select mark_stale(%(first)s, %(last)s);

-- name: mark_stale_again
-- After a publish or confirmation: where the register was changed since it was read, that is looked at anew.
select mark_stale(settlement_date, settlement_date) from settlement_day
where settlement_date = %(settlement_date)s
    and register_recorded_at < (select max(recorded_at) from register_change);

-- name: retire_override
update unit_override set retired_at = %(at)s where elexon_bm_unit = %(bm_unit)s and retired_at is null;

-- name: add_override
insert into unit_override (elexon_bm_unit, decision, reason, decided_at)
values (%(bm_unit)s, %(decision)s, %(reason)s, %(at)s);

-- name: open_proposals
select elexon_bm_unit from unit_proposal where state = 'open';

-- name: add_proposal
insert into unit_proposal (elexon_bm_unit, register_id, fuel_type, valid_from, proposed_at)
values (%(bm_unit)s, %(register_id)s, %(fuel_type)s, %(valid_from)s, %(at)s);

-- name: decide_proposal
-- An open one; a unit has one at the most.
update unit_proposal set state = %(state)s, decided_at = %(at)s, action_id = %(action_id)s
where elexon_bm_unit = %(bm_unit)s and state = 'open'
returning valid_from, fuel_type;
