-- name: add_register
insert into register (hash, fetch_id, units, null_ids, duplicates)
values (%(hash)s, %(fetch_id)s, %(units)s, %(null_ids)s, %(duplicates)s)
on conflict (hash) do nothing
returning id;

-- name: copy_bm_units
copy bm_unit (register_id, elexon_bm_unit, national_grid_bm_unit, name, fuel_type, lead_party_name, lead_party_id,
    bm_unit_type, generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name, interconnector_id, eic)
from stdin;

-- name: newest_register
select id, hash from register order by id desc limit 1;

-- name: wind_units
select elexon_bm_unit, lead_party_name from wind_unit order by elexon_bm_unit;

-- name: unit_ids
select elexon_bm_unit from bm_unit where register_id = %(register_id)s;

-- name: overrides_in_force
select elexon_bm_unit, decision from unit_override where retired_at is null order by elexon_bm_unit;

-- name: retire_override
update unit_override set retired_at = clock_timestamp()
where elexon_bm_unit = %(bm_unit)s and retired_at is null;

-- name: add_override
insert into unit_override (elexon_bm_unit, decision, reason) values (%(bm_unit)s, %(decision)s, %(reason)s);

-- name: overrides_at
select elexon_bm_unit, decision from unit_override
where decided_at <= %(instant)s and (retired_at is null or retired_at > %(instant)s)
order by elexon_bm_unit;

-- name: override_instants
select decided_at from unit_override
union
select retired_at from unit_override where retired_at is not null
order by 1 desc;

-- name: register_by_id
select hash from register where id = %(register_id)s;

-- name: wind_units_at
-- As the view wind_unit, of an earlier register with the overrides of an earlier instant.
select unit.elexon_bm_unit, unit.lead_party_name
from bm_unit unit
left join unit_override override on override.elexon_bm_unit = unit.elexon_bm_unit
    and override.decided_at <= %(instant)s and (override.retired_at is null or override.retired_at > %(instant)s)
where unit.register_id = %(register_id)s
    and coalesce(override.decision = 'include', unit.fuel_type = 'WIND', false)
order by 1;
