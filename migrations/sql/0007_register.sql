-- The register of BM units with its history: what Elexon said of each unit, and what was taken to be true of it when.
-- A span without a beginning (null) began before all dates, one without an end has none; ends are exclusive.

-- In contrib, and trusted: whoever may create in the database may create it, where the server has the package.
create extension if not exists btree_gist;

-- ── what Elexon said ────────────────────────────────────────────────────────────────────────────────────────────

drop view wind_unit;
alter table register drop constraint register_hash_key;  -- it may say again what it said before
comment on table register is 'One answer of Elexon''s register of BM units that differed from the one before.';

alter table bm_unit rename to register_entry;
alter table register_entry rename constraint bm_unit_pkey to register_entry_pkey;
alter table register_entry rename constraint bm_unit_register_id_fkey to register_entry_register_id_fkey;
alter table register_entry add column gone boolean not null default false;
comment on table register_entry is
    'What a register says of a BM unit, where the register before said something else, or that it is gone.';

-- A unit that a register lacks and the one before had was gone from then on; one that says the same says nothing new.
insert into register_entry (register_id, elexon_bm_unit, national_grid_bm_unit, name, fuel_type, lead_party_name,
    lead_party_id, bm_unit_type, generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name,
    interconnector_id, eic, gone)
select next.id, entry.elexon_bm_unit, national_grid_bm_unit, name, fuel_type, lead_party_name, lead_party_id,
    bm_unit_type, generation_capacity_mw, demand_capacity_mw, gsp_group_id, gsp_group_name, interconnector_id, eic, true
from register_entry entry
join lateral (select min(id) as id from register where id > entry.register_id) next on next.id is not null
where not exists (
    select from register_entry later where later.register_id = next.id and later.elexon_bm_unit = entry.elexon_bm_unit
);

-- ── what was taken to be true ───────────────────────────────────────────────────────────────────────────────────

create table register_change (
    id bigint generated always as identity primary key,
    recorded_at timestamptz not null unique,
    kind text not null check (kind in ('refresh', 'correct', 'accept', 'include', 'exclude', 'reset', 'migrate')),
    register_id bigint not null references register (id),
    action_id bigint references operator_action (id)
);
comment on table register_change is
    'An act that changed what is taken to be true of BM units; the register in force is the one as of the newest.';
comment on column register_change.register_id is 'The newest register then.';

create table bm_unit (
    id bigint generated always as identity primary key,
    elexon_bm_unit text not null,
    name text,
    fuel_type text,
    lead_party_name text,
    lead_party_id text,
    generation_capacity_mw numeric,
    demand_capacity_mw numeric,
    gsp_group_id text,
    gsp_group_name text,
    valid_from date,
    valid_to date,
    recorded_from timestamptz not null,
    recorded_to timestamptz,
    change_id bigint not null references register_change (id),
    check (valid_from < valid_to),
    check (recorded_from < recorded_to),
    constraint bm_unit_one_truth exclude using gist (
        elexon_bm_unit with =, daterange(valid_from, valid_to) with &&, tstzrange(recorded_from, recorded_to) with &&
    )
);
create index bm_unit_in_force on bm_unit (elexon_bm_unit) where recorded_to is null;
comment on table bm_unit is
    'What was taken to be true of a BM unit, for which settlement dates (valid), and as of when (recorded).';

create function keep_what_was_recorded() returns trigger
language plpgsql
as $$
begin
    raise check_violation using message = format('what was recorded of %s is not rewritten', old.elexon_bm_unit);
end $$;
create trigger keep_what_was_recorded before update on bm_unit
    for each row when (old.recorded_to is not null) execute function keep_what_was_recorded();

create table unit_proposal (
    id bigint generated always as identity primary key,
    elexon_bm_unit text not null,
    register_id bigint not null references register (id),
    fuel_type text not null,
    valid_from date not null,
    proposed_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'accepted', 'declined', 'withdrawn')),
    decided_at timestamptz,
    action_id bigint references operator_action (id),
    check ((state = 'open') = (decided_at is null))
);
create unique index unit_proposal_open on unit_proposal (elexon_bm_unit) where state = 'open';
comment on table unit_proposal is
    'A fuel type that the register gives a known unit which had none; a person accepts it, or declines it.';

-- ── which units count as wind, on which date, as recorded when ──────────────────────────────────────────────────

create function unit_at(which date, moment timestamptz)
returns table (elexon_bm_unit text, lead_party_name text, wind boolean)
language sql stable
begin atomic
    select unit.elexon_bm_unit, unit.lead_party_name,
        coalesce(override.decision = 'include', unit.fuel_type = 'WIND', false)
    from bm_unit unit
    left join unit_override override on override.elexon_bm_unit = unit.elexon_bm_unit
        and override.decided_at <= moment and (override.retired_at is null or override.retired_at > moment)
    where (unit.valid_from is null or unit.valid_from <= which) and (unit.valid_to is null or unit.valid_to > which)
        and unit.recorded_from <= moment and (unit.recorded_to is null or unit.recorded_to > moment);
end;
comment on function unit_at is 'The BM units of a settlement date as recorded at an instant, and whether they count as wind.';

create function register_hash(units text[], lead_parties text[]) returns text
language sql immutable
begin atomic
    select encode(sha256(convert_to(coalesce(string_agg(
        concat_ws(E'\t', unit, lead_party), E'\n' order by unit collate "C"
    ), ''), 'UTF8')), 'hex')
    from unnest(units, lead_parties) as wind (unit, lead_party);
end;
comment on function register_hash is 'sha256 over the units that count as wind with their lead parties: all that a date''s figures take from the register.';

create function register_of(which date, moment timestamptz)
returns table (hash text, wind text[], lead_parties text[], units text[])
language sql stable
begin atomic
    select register_hash(found.wind, found.lead_parties), found.wind, found.lead_parties, found.units
    from (
        select coalesce(array_agg(elexon_bm_unit) filter (where unit.wind), '{}') as wind,
            coalesce(array_agg(lead_party_name) filter (where unit.wind), '{}') as lead_parties,
            coalesce(array_agg(elexon_bm_unit), '{}') as units
        from unit_at(which, moment) unit
    ) found;
end;
comment on function register_of is
    'The register of a settlement date as recorded at an instant: its wind units, their lead parties, and all its units.';

create function wind_cover(moment timestamptz)
returns table (elexon_bm_unit text, lead_party_name text, valid datemultirange)
language sql stable
begin atomic
    select unit.elexon_bm_unit, unit.lead_party_name, range_agg(daterange(unit.valid_from, unit.valid_to))
    from bm_unit unit
    left join unit_override override on override.elexon_bm_unit = unit.elexon_bm_unit
        and override.decided_at <= moment and (override.retired_at is null or override.retired_at > moment)
    where unit.recorded_from <= moment and (unit.recorded_to is null or unit.recorded_to > moment)
        and coalesce(override.decision = 'include', unit.fuel_type = 'WIND', false)
    group by 1, 2;
end;
comment on function wind_cover is 'On which settlement dates each unit counts as wind, by lead party, as recorded at an instant.';

create view wind_unit as
select unit.elexon_bm_unit, entry.national_grid_bm_unit, unit.name, unit.lead_party_name, unit.fuel_type,
    unit.generation_capacity_mw, override.decision as override, unit.valid_from
from bm_unit unit
left join unit_override override on override.elexon_bm_unit = unit.elexon_bm_unit and override.retired_at is null
left join lateral (
    select national_grid_bm_unit from register_entry
    where register_entry.elexon_bm_unit = unit.elexon_bm_unit order by register_id desc limit 1
) entry on true
where unit.recorded_to is null
    and daterange(unit.valid_from, unit.valid_to) @> (clock_timestamp() at time zone 'Europe/London')::date
    and coalesce(override.decision = 'include', unit.fuel_type = 'WIND', false);
comment on view wind_unit is 'BM units that count as wind now: fuel type WIND, less the excluded, plus the included.';
create index register_entry_by_unit on register_entry (elexon_bm_unit, register_id desc);

-- ── what a version names, and what its other units did ──────────────────────────────────────────────────────────

alter table version add column register_recorded_at timestamptz references register_change (recorded_at);
comment on column version.register_recorded_at is
    'As of when the register was read: with the date it gives the wind units again, whatever was recorded since.';
alter table version add column other_units integer;
comment on column version.other_units is
    'How many units of version_other_unit it has; null where they were not counted when it was made.';

create table version_other_unit (
    version_id bigint not null references version (id),
    bm_unit text not null,
    rows integer not null check (rows > 0),
    energy_mwh numeric not null,
    primary key (version_id, bm_unit)
);
comment on table version_other_unit is
    'A unit that did not count as wind in a version: the rows that would be curtailment records if it did, and the energy of its bids.';

create or replace function remove_versions(doomed bigint[]) returns void
language sql
begin atomic
    delete from witness_difference where version_id = any (doomed);
    delete from witness_verdict where version_id = any (doomed);
    delete from version_witness where version_id = any (doomed);
    delete from check_result where version_id = any (doomed);
    delete from mining_rate where version_id = any (doomed);
    delete from daily_mining where version_id = any (doomed);
    delete from daily_unit_summary where version_id = any (doomed);
    delete from daily_summary where version_id = any (doomed);
    delete from version_other_unit where version_id = any (doomed);
    delete from reject where version_id = any (doomed);
    delete from curtailment_record where version_id = any (doomed);
    delete from version_period where version_id = any (doomed);
    delete from version where id = any (doomed);
end;

-- ── stale dates ─────────────────────────────────────────────────────────────────────────────────────────────────

alter table settlement_day add column register_recorded_at timestamptz;
alter table settlement_day add column stale_since timestamptz;
alter table settlement_day add column stale_reason text;
alter table settlement_day add check ((stale_since is null) = (stale_reason is null));
comment on column settlement_day.register_recorded_at is
    'As of when the register was read by the run that published or confirmed what is served: it is right by that.';
comment on column settlement_day.stale_since is
    'Since when what is served is not what the register as it is now would give.';
create index settlement_day_stale on settlement_day (settlement_date) where stale_since is not null;

create or replace view day as
select day.settlement_date, summary.definition, summary.energy_mwh, summary.payment_gbp, summary.records,
    summary.bm_units, summary.periods, version.number as version, day.generation,
    coalesce(day.provisional_until > '-infinity', false) as provisional, day.provisional_until, version.served_from,
    summary.indicative_cashflow_gbp, standing.verification,
    (
        select count(distinct gap.period)
        from source_gap gap
        join version_period period on period.version_id = version.id and period.period = gap.period
            and period.side = gap.side and period.outcome = 'not_published'
        where gap.settlement_date = day.settlement_date and gap.retired_at is null
    )::integer as accepted_gaps,
    day.stale_since is not null as stale
from settlement_day day
join version on version.id = day.current_version_id
join daily_summary summary on summary.version_id = version.id
join standing_verdict standing on standing.version_id = version.id;

create function register_effect(first date, last date)
returns table (settlement_date date, bm_unit text, effect text, rows bigint, energy_mwh numeric)
language sql stable
begin atomic
    with newest as (
        select max(recorded_at) as moment from register_change
    ), served as materialized (
        select day.settlement_date, day.current_version_id as version_id, day.register_recorded_at as moment
        from settlement_day day, newest
        where day.current_version_id is not null and day.register_recorded_at < newest.moment
            and day.settlement_date between coalesce(first, '-infinity') and coalesce(last, 'infinity')
    ), basis as materialized (
        select distinct moment from served
    ), before as materialized (
        select basis.moment, cover.* from basis cross join lateral wind_cover(basis.moment) cover
    ), after as materialized (
        select basis.moment, cover.* from basis, newest cross join lateral wind_cover(newest.moment) cover
    ), moved as materialized (
        select after.moment, after.elexon_bm_unit, after.lead_party_name, true as gained,
            after.valid - coalesce(before.valid, '{}') as valid
        from after left join before on before.moment = after.moment
            and before.elexon_bm_unit = after.elexon_bm_unit
            and before.lead_party_name is not distinct from after.lead_party_name
        union all
        select before.moment, before.elexon_bm_unit, before.lead_party_name, false,
            before.valid - coalesce(after.valid, '{}')
        from before left join after on after.moment = before.moment
            and after.elexon_bm_unit = before.elexon_bm_unit
            and after.lead_party_name is not distinct from before.lead_party_name
    ), moved_date as (
        select served.settlement_date, served.version_id, moved.elexon_bm_unit as bm_unit,
            case when not bool_or(gained) then 'left' when bool_and(gained) then 'came' else 'lead_party' end as effect,
            max(lead_party_name) filter (where gained) as lead_party
        from served join moved on moved.moment = served.moment and moved.valid @> served.settlement_date
        group by 1, 2, 3
    ), effect as (
        select moved_date.*, version.other_units is null as uncounted,
            other.rows as other_rows, other.energy_mwh as other_mwh,
            recorded.records, recorded.energy_mwh as recorded_mwh, recorded.renamed,
            exists (
                select from reject where reject.version_id = version.id and reject.bm_unit = moved_date.bm_unit
            ) as rejected
        from moved_date
        join version on version.id = moved_date.version_id
        left join version_other_unit other on other.version_id = version.id and other.bm_unit = moved_date.bm_unit
        left join lateral (
            select max(summary.records) as records, max(summary.energy_mwh) filter (where definition = 'all_bids')
                as energy_mwh, bool_or(summary.lead_party is distinct from moved_date.lead_party) as renamed
            from daily_unit_summary summary
            where summary.version_id = version.id and summary.bm_unit = moved_date.bm_unit
        ) recorded on true
    )
    select effect.settlement_date, effect.bm_unit, effect.effect,
        case when effect.effect = 'came' then other_rows else records end,
        case when effect.effect = 'came' then other_mwh else recorded_mwh end
    from effect
    where (effect.effect = 'came' and (other_rows is not null or uncounted or rejected))
        or (effect.effect = 'left' and (records is not null or rejected))
        or (effect.effect = 'lead_party' and renamed)
    order by 1, 2;
end;
comment on function register_effect is
    'The served dates of a span whose figures the register as it is now would change: by which unit, and how.';

create function mark_stale(first date, last date) returns integer
language plpgsql
as $$
declare
    stale integer;
begin
    -- A publish that is under way is waited for here, and seen below; a later one looks for itself.
    perform from settlement_day
    where settlement_date between coalesce(first, '-infinity') and coalesce(last, 'infinity')
    order by settlement_date for update;
    with effect as (
        select moved.settlement_date, string_agg(
            case
                when place > 3 then null
                when effect = 'lead_party' then format('%s has another lead party', bm_unit)
                else format(
                    '%s %s%s', bm_unit,
                    case effect when 'came' then 'counts as wind' else 'does not count as wind any more' end,
                    case when moved.rows is not null then format(', %s rows', moved.rows) end
                )
            end, '; ' order by place
        ) || case when max(place) > 3 then format('; and %s more', max(place) - 3) else '' end as reason
        from (
            select found.*, row_number() over (partition by found.settlement_date order by found.bm_unit) as place
            from register_effect(first, last) found
        ) moved
        group by 1
    )
    update settlement_day day
    set stale_reason = effect.reason,
        stale_since = case when effect.reason is not null then coalesce(day.stale_since, clock_timestamp()) end
    from settlement_day same left join effect using (settlement_date)
    where same.settlement_date = day.settlement_date and day.stale_reason is distinct from effect.reason
        and day.settlement_date between coalesce(first, '-infinity') and coalesce(last, 'infinity');
    select count(*) into stale from settlement_day
    where stale_since is not null
        and settlement_date between coalesce(first, '-infinity') and coalesce(last, 'infinity');
    return stale;
end $$;
comment on function mark_stale is 'Mark the dates of a span that the register as it is now would change, and no others; return how many are stale.';

-- ── what was there before ───────────────────────────────────────────────────────────────────────────────────────
-- Each register was taken to be true of all dates, until the next one was: so it was recorded. From this revision on
-- the first is true of all dates before the second came, and each later one from its day on.

insert into register_change (recorded_at, kind, register_id)
select recorded_at, 'refresh', id from register
union all
select decision.at, decision.kind, newest.id
from (
    select decided_at as at, decision as kind from unit_override
    union all
    select retired_at, 'reset' from unit_override where retired_at is not null
) decision
join lateral (select max(id) as id from register where recorded_at <= decision.at) newest on newest.id is not null
on conflict do nothing;

create temporary table said on commit drop as
select register.id as register_id, register.recorded_at,
    lead(register.recorded_at) over (order by register.id) as next_at,
    (register.recorded_at at time zone 'Europe/London')::date as day
from register;

insert into bm_unit (elexon_bm_unit, name, fuel_type, lead_party_name, lead_party_id, generation_capacity_mw,
    demand_capacity_mw, gsp_group_id, gsp_group_name, recorded_from, recorded_to, change_id)
select entry.elexon_bm_unit, entry.name, entry.fuel_type, entry.lead_party_name, entry.lead_party_id,
    entry.generation_capacity_mw, entry.demand_capacity_mw, entry.gsp_group_id, entry.gsp_group_name,
    said.recorded_at, said.next_at, change.id
from register_entry entry
join said using (register_id)
join register_change change on change.recorded_at = said.recorded_at
where not entry.gone;

do $$
begin
    if (select count(*) from register) < 2 then
        return;  -- the one there is goes on being true of all dates
    end if;
    insert into register_change (recorded_at, kind, register_id)
    select clock_timestamp(), 'migrate', max(id) from register;
    update bm_unit set recorded_to = (select max(recorded_at) from register_change) where recorded_to is null;
    -- Of several registers of one day the last one counts; the first of all has no beginning.
    with kept as (
        select register_id, place, case when place > 1 then day end as valid_from,
            lead(day) over (order by place) as valid_to
        from (
            select register_id, day, row_number() over (order by register_id) as place
            from (
                select register_id, day, register_id = min(register_id) over () as first,
                    register_id = max(register_id) over (partition by day) as last_of_day
                from said
            ) of_day
            where first or last_of_day
        ) numbered
    ), fact as (
        select kept.*, entry.*, place - row_number() over (
            partition by elexon_bm_unit, name, fuel_type, lead_party_name, lead_party_id, generation_capacity_mw,
                demand_capacity_mw, gsp_group_id, gsp_group_name
            order by place
        ) as island
        from kept join register_entry entry using (register_id)
        where not entry.gone and (kept.valid_from is null or kept.valid_to is null or kept.valid_from < kept.valid_to)
    )
    insert into bm_unit (elexon_bm_unit, name, fuel_type, lead_party_name, lead_party_id, generation_capacity_mw,
        demand_capacity_mw, gsp_group_id, gsp_group_name, valid_from, valid_to, recorded_from, change_id)
    select elexon_bm_unit, name, fuel_type, lead_party_name, lead_party_id, generation_capacity_mw,
        demand_capacity_mw, gsp_group_id, gsp_group_name,
        case when bool_or(fact.valid_from is null) then null else min(fact.valid_from) end,
        case when bool_or(fact.valid_to is null) then null else max(fact.valid_to) end,
        change.recorded_at, change.id
    from fact cross join (select id, recorded_at from register_change order by recorded_at desc limit 1) change
    group by elexon_bm_unit, name, fuel_type, lead_party_name, lead_party_id, generation_capacity_mw,
        demand_capacity_mw, gsp_group_id, gsp_group_name, island, change.recorded_at, change.id;
end $$;

-- What says the same as the register before is no entry of its own.
delete from register_entry entry using register_entry before
where before.elexon_bm_unit = entry.elexon_bm_unit
    and before.register_id = (select max(id) from register where id < entry.register_id)
    and (to_jsonb(before) - 'register_id') = (to_jsonb(entry) - 'register_id');

-- The register that a version named is found by its old hash: over the register's and the overrides in force.
update version set register_recorded_at = (
    select max(change.recorded_at)
    from register_change change
    join register on register.id = change.register_id
    where change.register_id = version.register_id and change.recorded_at <= version.created_at
        and change.kind <> 'migrate'
        and version.register_hash = encode(sha256(convert_to(format('[%s,[%s]]', to_json(register.hash), (
            select string_agg(
                format('[%s,%s]', to_json(elexon_bm_unit), to_json(decision)), ',' order by elexon_bm_unit
            )
            from unit_override
            where decided_at <= change.recorded_at and (retired_at is null or retired_at > change.recorded_at)
        )), 'UTF8')), 'hex')
);
update version set register_hash = (select hash from register_of(settlement_date, register_recorded_at))
where register_recorded_at is not null;
update settlement_day set register_recorded_at = version.register_recorded_at
from version where version.id = settlement_day.current_version_id;

-- ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

grant select, insert on register_entry, register_change, bm_unit, unit_proposal, version_other_unit to reingest_app;
grant update (recorded_to) on bm_unit to reingest_app;
grant update (state, decided_at, action_id) on unit_proposal to reingest_app;
grant select on wind_unit to reingest_app, reingest_reader;
