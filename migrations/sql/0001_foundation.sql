-- The foundation: what a settlement date is made of, who may change it, and the views that people read.
-- Energy is in MWh, payment in GBP, both exact numeric; instants are timestamptz; a version's rows are append-only.

-- ── payloads and fetches ────────────────────────────────────────────────────────────────────────────────────────

create table payload (
    sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
    size bigint not null check (size >= 0),
    stored_size bigint not null check (stored_size > 0),
    first_seen_at timestamptz not null default clock_timestamp()
);
comment on table payload is 'The bytes of one answer, kept in the archive under their sha256.';

create table run (
    id uuid primary key,
    kind text not null check (kind in ('reingest', 'plan', 'publish', 'units')),
    settlement_date date,
    periods smallint[],
    sides text[] not null default '{bid,offer}',
    source text not null default 'live' check (source in ('live', 'archive')),
    reason text,
    holder text not null,
    host text not null,
    pid integer not null,
    code_version text not null,
    flow_run_id uuid,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    outcome text check (outcome in (
        'published', 'unchanged', 'planned', 'held', 'refused', 'locked', 'source_failed', 'partial', 'conflict',
        'lease_lost', 'database_unreachable', 'bug'
    )),
    exit_code smallint,
    error jsonb,
    version_id bigint,
    requests integer not null default 0,
    retries integer not null default 0,
    check ((outcome is null) = (finished_at is null))
);
create index run_by_date on run (settlement_date, started_at desc);
create index run_by_start on run (started_at desc);
create index run_by_flow_run on run (flow_run_id) where flow_run_id is not null;
comment on table run is 'One act of a person or a schedule: what was asked, by whom, and how it ended.';

create table run_event (
    id bigint generated always as identity primary key,
    run_id uuid not null references run (id),
    at timestamptz not null default clock_timestamp(),
    stage text not null,
    event text not null,
    detail jsonb not null default '{}'
);
create index run_event_by_run on run_event (run_id, id);

create table "fetch" (
    id bigint generated always as identity primary key,
    run_id uuid not null references run (id),
    dataset text not null check (dataset in ('ISPSTACK', 'DISEBSP', 'BMUNITS')),
    settlement_date date,
    period smallint check (period between 1 and 50),
    side text check (side in ('bid', 'offer')),
    wire text not null check (wire in ('xml', 'json', 'csv')),
    url text not null,
    status smallint not null,
    content_type text not null,
    payload_sha256 text not null references payload (sha256),
    requested_at timestamptz not null,
    answered_at timestamptz not null,
    attempts smallint not null check (attempts >= 1)
);
create index fetch_by_subject on "fetch" (settlement_date, dataset, period, side, answered_at desc);
create index fetch_by_run on "fetch" (run_id);
create index fetch_by_payload on "fetch" (payload_sha256);
comment on table "fetch" is 'One answered request: which date, period, dataset and URL gave which payload, when, with what status.';

-- ── BM units ────────────────────────────────────────────────────────────────────────────────────────────────────

create table register (
    id bigint generated always as identity primary key,
    hash text not null unique,
    fetch_id bigint not null references "fetch" (id),
    recorded_at timestamptz not null default clock_timestamp(),
    units integer not null,
    null_ids integer not null,
    duplicates integer not null
);
comment on table register is 'One state of Elexon''s register of BM units; the newest row is in force.';

create table bm_unit (
    register_id bigint not null references register (id),
    elexon_bm_unit text not null,
    national_grid_bm_unit text,
    name text,
    fuel_type text,
    lead_party_name text,
    lead_party_id text,
    bm_unit_type text,
    generation_capacity_mw numeric,
    demand_capacity_mw numeric,
    gsp_group_id text,
    gsp_group_name text,
    interconnector_id text,
    eic text,
    primary key (register_id, elexon_bm_unit)
);

create table unit_override (
    id bigint generated always as identity primary key,
    elexon_bm_unit text not null,
    decision text not null check (decision in ('include', 'exclude')),
    reason text not null,
    decided_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz
);
create unique index unit_override_in_force on unit_override (elexon_bm_unit) where retired_at is null;
comment on table unit_override is 'A person''s decision that a BM unit counts as wind, or does not, whatever its fuel type says.';

insert into unit_override (elexon_bm_unit, decision, reason) values
    ('T_SOFOW-11', 'include', 'Sofia offshore wind, 457 MW; the register gives no fuel type'),
    ('T_SOFOW-12', 'include', 'Sofia offshore wind, 457 MW; the register gives no fuel type'),
    ('T_SOFOW-21', 'include', 'Sofia offshore wind, 457 MW; the register gives no fuel type'),
    ('T_SOFOW-22', 'include', 'Sofia offshore wind, 457 MW; the register gives no fuel type'),
    ('T_HAGHW-2', 'include', 'Hagshaw Hill repowering, onshore wind; the register gives no fuel type');

create view wind_unit as
select unit.register_id, unit.elexon_bm_unit, unit.national_grid_bm_unit, unit.name, unit.lead_party_name,
    unit.fuel_type, unit.generation_capacity_mw, override.decision as override
from bm_unit unit
join (select max(id) as id from register) newest on newest.id = unit.register_id
left join unit_override override on override.elexon_bm_unit = unit.elexon_bm_unit and override.retired_at is null
where coalesce(override.decision = 'include', unit.fuel_type = 'WIND', false);
comment on view wind_unit is 'BM units that count as wind now: fuel type WIND, less the excluded, plus the included.';

-- ── mining inputs ───────────────────────────────────────────────────────────────────────────────────────────────

create table miner_model (
    name text primary key,
    hashrate_th numeric not null check (hashrate_th > 0),
    power_w numeric not null check (power_w > 0)
);
comment on table miner_model is 'Mining hardware: hashrate in TH/s, power in W.';
insert into miner_model (name, hashrate_th, power_w) values
    ('S19J_PRO', 100, 3050), ('S9', 13.5, 1323), ('M20S', 68, 3360);

create table difficulty_epoch (
    number integer primary key,
    height integer not null unique,
    start timestamptz not null unique,
    start_uncertainty interval not null check (start_uncertainty >= interval '0'),
    bits text not null,
    difficulty numeric not null check (difficulty > 0)
);
comment on table difficulty_epoch is 'Bitcoin difficulty by epoch of 2,016 blocks, in force from its first block.';

-- ── versions of a date ──────────────────────────────────────────────────────────────────────────────────────────

create table version (
    id bigint generated always as identity primary key,
    settlement_date date not null,
    number integer not null check (number >= 1),
    state text not null default 'staging'
        check (state in ('staging', 'candidate', 'published', 'superseded', 'held', 'abandoned')),
    kind text not null check (kind in ('ingest', 'periods', 'restore')),
    sides text[] not null check (sides <@ '{bid,offer}'),
    basis_generation bigint not null,
    run_id uuid not null references run (id),
    register_id bigint not null references register (id),
    register_hash text not null,
    definitions text[] not null,
    mining_inputs_hash text not null,
    mining_state text not null check (mining_state in ('available', 'unavailable')),
    code_version text not null,
    system_prices_fetch_id bigint references "fetch" (id),
    rows integer not null,
    rejects integer not null,
    records integer not null,
    provisional_until timestamptz,
    content_hash text not null,
    seal text,
    reason text,
    created_at timestamptz not null default clock_timestamp(),
    served_from timestamptz,
    served_to timestamptz,
    unique (settlement_date, number),
    check ((state in ('published', 'superseded')) = (served_from is not null)),
    check ((state = 'superseded') = (served_to is not null))
);
create unique index version_one_published on version (settlement_date) where state = 'published';
create index version_open on version (state) where state in ('staging', 'candidate', 'held');
comment on table version is 'An immutable set of records of one date, built from a named list of fetches.';

alter table run add foreign key (version_id) references version (id);

create table settlement_day (
    settlement_date date primary key,
    current_version_id bigint references version (id),
    generation bigint not null default 0 check (generation >= 0),
    provisional_until timestamptz,
    confirmed_at timestamptz,
    confirmed_by uuid references run (id)
);
comment on table settlement_day is 'One settlement date: the version served, and the generation that every publish moves by one.';

create table version_period (
    version_id bigint not null references version (id),
    period smallint not null check (period between 1 and 50),
    side text not null check (side in ('bid', 'offer')),
    outcome text not null check (outcome in ('fetched', 'confirmed_empty', 'not_published', 'failed', 'not_asked')),
    fetch_id bigint references "fetch" (id),
    rows integer not null default 0,
    accepted integer not null default 0,
    rejects integer not null default 0,
    wind_rows integer not null default 0,
    created_at timestamptz,
    primary key (version_id, period, side),
    check (rows = accepted + rejects),
    check (outcome in ('not_asked', 'failed') or fetch_id is not null)
);
comment on column version_period.created_at is 'Elexon''s createdDateTime, the earliest of the answer''s rows (an empty answer''s: DISEBSP''s).';

create table curtailment_record (
    version_id bigint not null references version (id),
    period smallint not null,
    side text not null check (side in ('bid', 'offer')),
    sequence_number integer not null,
    bm_unit text not null,
    acceptance_id bigint,
    pair_id integer,
    cadl_flag boolean,
    so_flag boolean,
    stor_flag boolean,
    repriced boolean not null,
    original_price numeric,
    volume numeric not null,
    final_price numeric,
    transmission_loss_multiplier numeric,
    created_at timestamptz,
    fetch_id bigint not null references "fetch" (id),
    payload_row integer not null,
    extra jsonb,
    unique nulls not distinct (version_id, period, side, bm_unit, acceptance_id, pair_id, sequence_number),
    check (side = 'offer' or volume < 0),
    check (side = 'bid' or (volume > 0 and pair_id < 0))
);
comment on table curtailment_record is 'A stack row of a wind BM unit: a bid, or an offer in a negative pair, which undoes one. Signed as Elexon signs it.';

create table reject (
    version_id bigint not null references version (id),
    fetch_id bigint not null references "fetch" (id),
    period smallint not null,
    side text not null,
    payload_row integer not null,
    code text not null,
    field text,
    message text not null,
    bm_unit text,
    wind boolean not null,
    raw jsonb not null
);
create index reject_by_version on reject (version_id);

create table daily_summary (
    version_id bigint not null references version (id),
    definition text not null check (definition in ('so_flagged', 'all_bids', 'net')),
    energy_mwh numeric not null,
    payment_gbp numeric not null,
    records integer not null,
    bm_units integer not null,
    periods integer not null,
    primary key (version_id, definition)
);

create table daily_unit_summary (
    version_id bigint not null references version (id),
    definition text not null check (definition in ('so_flagged', 'all_bids', 'net')),
    bm_unit text not null,
    lead_party text,
    energy_mwh numeric not null,
    payment_gbp numeric not null,
    records integer not null,
    periods integer not null,
    primary key (version_id, definition, bm_unit)
);

create table daily_mining (
    version_id bigint not null references version (id),
    definition text not null check (definition in ('so_flagged', 'all_bids', 'net')),
    miner_model text not null references miner_model (name),
    btc numeric not null,
    primary key (version_id, definition, miner_model)
);

create table mining_rate (
    version_id bigint not null references version (id),
    period smallint not null,
    miner_model text not null references miner_model (name),
    difficulty numeric not null,
    reward numeric not null,
    btc_per_mwh numeric not null,
    segments jsonb,
    primary key (version_id, period, miner_model)
);
comment on column mining_rate.segments is 'Where difficulty or reward changed inside the period: each part with its start, share, difficulty and reward.';

-- ── checks, expectations, people ────────────────────────────────────────────────────────────────────────────────

create table expected_total (
    id bigint generated always as identity primary key,
    settlement_date date not null,
    definition text not null check (definition in ('so_flagged', 'all_bids', 'net')),
    energy_mwh numeric,
    payment_gbp numeric,
    energy_tolerance_mwh numeric not null default 0.001 check (energy_tolerance_mwh >= 0),
    payment_tolerance_gbp numeric not null default 0.01 check (payment_tolerance_gbp >= 0),
    origin text not null,
    set_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz,
    check (energy_mwh is not null or payment_gbp is not null)
);
create unique index expected_total_in_force on expected_total (settlement_date, definition) where retired_at is null;

create table check_result (
    version_id bigint not null references version (id),
    run_id uuid not null references run (id),
    name text not null,
    status text not null check (status in ('pass', 'warn', 'fail')),
    expected text,
    actual text,
    detail text not null default '',
    primary key (version_id, run_id, name)
);

create table operator_action (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    who text not null,
    host text not null,
    action text not null,
    settlement_date date,
    version_id bigint references version (id),
    reason text not null,
    detail jsonb not null default '{}'
);

-- ── leases and the outbox ───────────────────────────────────────────────────────────────────────────────────────

create sequence lease_token;

create table lease (
    key text primary key,
    token bigint not null unique,
    run_id uuid not null,
    holder text not null,
    host text not null,
    pid integer not null,
    acquired_at timestamptz not null,
    heartbeat_at timestamptz not null,
    expires_at timestamptz not null,
    check (acquired_at <= heartbeat_at and heartbeat_at < expires_at)
);
comment on table lease is 'The right to change one date. The holder keeps a session advisory lock on its token; a free lock means a dead holder.';

create table outbox (
    id bigint generated always as identity primary key,
    settlement_date date not null,
    generation bigint not null,
    version_id bigint not null references version (id),
    kind text not null,
    body jsonb not null,
    dedupe_key text not null unique,
    created_at timestamptz not null default clock_timestamp(),
    delivered_at timestamptz
);
create index outbox_pending on outbox (id) where delivered_at is null;
comment on table outbox is 'Facts written by the publish transaction, delivered after it.';

-- ── views for people: current versions only ─────────────────────────────────────────────────────────────────────

create view curtailment as
select day.settlement_date, record.period, record.side, record.bm_unit, record.acceptance_id, record.pair_id,
    record.sequence_number, record.so_flag, record.original_price, record.volume,
    -record.volume as energy_mwh, record.volume * record.original_price as payment_gbp,
    record.side = 'bid' and coalesce(record.so_flag, false) as so_flagged,
    record.side = 'bid' as all_bids,
    coalesce(record.pair_id < 0, false) and version.sides @> '{bid,offer}' as net,
    record.final_price, record.transmission_loss_multiplier, record.created_at,
    version.number as version, "fetch".payload_sha256, record.payload_row
from settlement_day day
join version on version.id = day.current_version_id
join curtailment_record record on record.version_id = version.id
join "fetch" on "fetch".id = record.fetch_id;
comment on view curtailment is 'Every curtailment record that is served, with the definitions that count it and the payload it stands in.';

create view day as
select day.settlement_date, summary.definition, summary.energy_mwh, summary.payment_gbp, summary.records,
    summary.bm_units, summary.periods, version.number as version, day.generation,
    coalesce(day.provisional_until > '-infinity', false) as provisional, day.provisional_until, version.served_from
from settlement_day day
join version on version.id = day.current_version_id
join daily_summary summary on summary.version_id = version.id;
comment on view day is 'Totals by settlement date and definition.';

create view day_unit as
select day.settlement_date, summary.definition, summary.bm_unit, summary.lead_party, summary.energy_mwh,
    summary.payment_gbp, summary.records, summary.periods
from settlement_day day
join daily_unit_summary summary on summary.version_id = day.current_version_id;
comment on view day_unit is 'Totals by settlement date, definition and BM unit, with its lead party.';

create view day_mining as
select day.settlement_date, mining.definition, mining.miner_model, mining.btc
from settlement_day day
join daily_mining mining on mining.version_id = day.current_version_id;
comment on view day_mining is 'BTC that the curtailed energy could have mined, by settlement date, definition and miner model.';

create function round_half_even(amount numeric, places integer) returns numeric
language sql immutable strict parallel safe
return case
    when (amount - trunc(amount, places)) * (10::numeric ^ places) in (0.5, -0.5)
        and mod(trunc(amount, places) * (10::numeric ^ places), 2) = 0 then trunc(amount, places)
    else round(amount, places)
end;
comment on function round_half_even is 'Round to even on a tie, as BTC is rounded; numeric round() goes away from zero.';

create view mining_estimate as
select energy.settlement_date, energy.period, energy.definition, rate.miner_model, energy.energy_mwh,
    rate.difficulty, rate.reward, rate.btc_per_mwh,
    round_half_even(energy.energy_mwh * rate.btc_per_mwh, 18) as btc
from (
    select day.settlement_date, day.current_version_id, record.period, definition.name as definition,
        -sum(record.volume) as energy_mwh
    from settlement_day day
    join version on version.id = day.current_version_id
    join curtailment_record record on record.version_id = version.id
    cross join lateral (values
        ('so_flagged', record.side = 'bid' and coalesce(record.so_flag, false)),
        ('all_bids', record.side = 'bid'),
        ('net', coalesce(record.pair_id < 0, false) and version.sides @> '{bid,offer}')
    ) as definition (name, counts)
    where definition.counts
    group by day.settlement_date, day.current_version_id, record.period, definition.name
) energy
join mining_rate rate on rate.version_id = energy.current_version_id and rate.period = energy.period;
comment on view mining_estimate is 'BTC by settlement period, definition and miner model, with the difficulty and reward that gave it.';

create view month as
with totals as (
    select date_trunc('month', settlement_date)::date as month, definition,
        sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp, sum(records) as records,
        count(*) as days_published, count(*) filter (where provisional) as days_provisional
    from day group by 1, 2
), units as (
    select date_trunc('month', settlement_date)::date as month, definition, count(distinct bm_unit) as bm_units
    from day_unit group by 1, 2
)
select totals.month, totals.definition, totals.energy_mwh, totals.payment_gbp, totals.records,
    coalesce(units.bm_units, 0) as bm_units,
    extract(day from totals.month + interval '1 month - 1 day')::integer as days_expected,
    totals.days_published, totals.days_provisional
from totals left join units using (month, definition);
comment on view month is 'Totals by month and definition, over the dates published; compare days_published with days_expected.';

create view year as
with totals as (
    select date_trunc('year', settlement_date)::date as year, definition,
        sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp, sum(records) as records,
        count(*) as days_published, count(*) filter (where provisional) as days_provisional
    from day group by 1, 2
), units as (
    select date_trunc('year', settlement_date)::date as year, definition, count(distinct bm_unit) as bm_units
    from day_unit group by 1, 2
)
select totals.year, totals.definition, totals.energy_mwh, totals.payment_gbp, totals.records,
    coalesce(units.bm_units, 0) as bm_units,
    extract(doy from totals.year + interval '1 year - 1 day')::integer as days_expected,
    totals.days_published, totals.days_provisional
from totals left join units using (year, definition);
comment on view year is 'Totals by year and definition, over the dates published; compare days_published with days_expected.';

create view month_mining as
select date_trunc('month', settlement_date)::date as month, definition, miner_model, sum(btc) as btc,
    count(*) as days_estimated
from day_mining group by 1, 2, 3;
comment on view month_mining is 'BTC by month, definition and miner model; days_estimated are the dates with known difficulty.';

create view year_mining as
select date_trunc('year', settlement_date)::date as year, definition, miner_model, sum(btc) as btc,
    count(*) as days_estimated
from day_mining group by 1, 2, 3;
comment on view year_mining is 'BTC by year, definition and miner model; days_estimated are the dates with known difficulty.';

create view daily_summary_history as
select version.settlement_date, version.number as version, summary.definition, summary.energy_mwh,
    summary.payment_gbp, summary.records, summary.bm_units, summary.periods, version.served_from, version.served_to
from version
join daily_summary summary on summary.version_id = version.id
where version.state in ('published', 'superseded');
comment on view daily_summary_history is 'What was served when: totals of every version that was ever current, with the span it was served.';

-- ── roles ───────────────────────────────────────────────────────────────────────────────────────────────────────
-- Roles belong to the whole server, so another database of Reingest may have made them already.

do $$
begin
    if not exists (select from pg_roles where rolname = 'reingest_app') then
        create role reingest_app nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'reingest_reader') then
        create role reingest_reader nologin;
    end if;
exception when duplicate_object or unique_violation then
    null;  -- another database's migration made them between the look and the create
end $$;
-- The one who migrates is the one who runs: it must be able to take the application's role.
do $$
begin
    if not pg_has_role(current_user, 'reingest_app', 'member') then
        execute format('grant reingest_app, reingest_reader to %I', current_user);
    end if;
end $$;

grant usage on schema public to reingest_app, reingest_reader;
grant select on all tables in schema public to reingest_app;
grant usage on all sequences in schema public to reingest_app;
grant insert on payload, run, run_event, "fetch", register, bm_unit, unit_override, difficulty_epoch, version,
    settlement_day, version_period, curtailment_record, reject, daily_summary, daily_unit_summary, daily_mining,
    mining_rate, expected_total, check_result, operator_action, lease, outbox to reingest_app;
-- What may change after it was written, column by column; records, totals and fetches are not on this list.
grant update (finished_at, outcome, exit_code, error, version_id, requests, retries) on run to reingest_app;
grant update (state, reason, seal, served_from, served_to) on version to reingest_app;
grant update on settlement_day to reingest_app;
grant update (retired_at) on unit_override, expected_total to reingest_app;
grant update, delete on lease to reingest_app;
grant update (delivered_at) on outbox to reingest_app;
grant update (start, start_uncertainty) on difficulty_epoch to reingest_app;

grant select on curtailment, mining_estimate, day, day_unit, day_mining, month, month_mining, year, year_mining,
    daily_summary_history, wind_unit to reingest_reader;
