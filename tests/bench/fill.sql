-- Years of published versions, made by the server itself: every row that a version has, of plausible values, in the
-- order of the indexes. The dates end with %(last)s; those that are there already are left alone.

-- name: runs
insert into run (id, kind, settlement_date, holder, host, pid, code_version, started_at, finished_at, outcome, exit_code)
select gen_random_uuid(), 'reingest', %(last)s::date - back, 'bench', 'bench', 1, 'bench', clock_timestamp(),
    clock_timestamp(), 'published', 0
from generate_series(%(versions)s - 1, 0, -1) as back
where not exists (select from settlement_day where settlement_date = %(last)s::date - back);

-- name: versions
insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, served_from)
select run.settlement_date, 1, 'published', 'ingest', '{bid,offer}', 0, run.id, register.id, register.hash,
    '{so_flagged@1,all_bids@1,net@1}', md5(''), 'available', 'bench', 14400, 0, %(records)s,
    md5(run.settlement_date::text), clock_timestamp()
from run cross join (select id, hash from register order by id desc limit 1) as register
where run.host = 'bench'
order by run.settlement_date;

-- name: days
insert into settlement_day (settlement_date, current_version_id, generation, last_number)
select settlement_date, id, 1, 1 from version where code_version = 'bench' order by settlement_date;

-- name: payloads
insert into payload (sha256, size, stored_size)
select encode(sha256(format('%%s %%s %%s', version.id, period, side)::bytea), 'hex'), 150000, 9000
from version cross join generate_series(1, 48) as period cross join unnest('{bid,offer}'::text[]) as side
where version.code_version = 'bench';

-- name: fetches
insert into "fetch" (run_id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256,
    requested_at, answered_at, attempts)
select version.run_id, 'ISPSTACK', version.settlement_date, period, side, 'xml',
    format('https://elexon.invalid/stack/all/%%s/%%s/%%s', side, version.settlement_date, period), 200,
    'application/xml', encode(sha256(format('%%s %%s %%s', version.id, period, side)::bytea), 'hex'),
    clock_timestamp(), clock_timestamp(), 1
from version cross join generate_series(1, 48) as period cross join unnest('{bid,offer}'::text[]) as side
where version.code_version = 'bench'
order by version.id, period, side;

-- name: periods
insert into version_period (version_id, period, side, outcome, fetch_id, rows, accepted, wind_rows)
select version.id, "fetch".period, "fetch".side, 'fetched', "fetch".id, 150, 150, 80
from version join "fetch" on "fetch".run_id = version.run_id and "fetch".dataset = 'ISPSTACK'
where version.code_version = 'bench'
order by version.id, "fetch".period, "fetch".side;

-- name: records
-- The rows of one period are worked out once, and then only written.
with rows as materialized (
    select number, format('T_BENCH-%%s', 1000 + number) as bm_unit, 100000 + number as acceptance_id,
        number %% 10 <> 0 as so_flag, -179.759999999999990905 + number as price,
        -10.166666666666666075 - number as volume, 0.9912345 as multiplier, clock_timestamp() as created_at
    from generate_series(1, %(records)s / 48) as number
), parts as materialized (
    select version_id, period, fetch_id
    from version_period join version on version.id = version_period.version_id
    where version.code_version = 'bench' and side = 'bid'
    order by version_id, period
)
insert into curtailment_record (version_id, period, side, sequence_number, bm_unit, acceptance_id, pair_id, cadl_flag,
    so_flag, stor_flag, repriced, original_price, volume, final_price, transmission_loss_multiplier, created_at,
    fetch_id, payload_row)
select version_id, period, 'bid', number, bm_unit, acceptance_id, -1, false, so_flag, false, false, price, volume, price,
    multiplier, created_at, fetch_id, number - 1
from parts cross join rows;

-- name: summaries
insert into daily_summary (version_id, definition, energy_mwh, payment_gbp, records, bm_units, periods,
    indicative_cashflow_gbp)
select id, definition, 66574.190966101, 4858195.4655962884, records, records / 48, 48, 4801234.4655962884
from version cross join unnest('{all_bids,net,so_flagged}'::text[]) as definition
where code_version = 'bench'
order by id, definition;

-- name: unit_summaries
insert into daily_unit_summary (version_id, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods,
    indicative_cashflow_gbp)
select id, definition, format('T_BENCH-%%s', 1000 + place), 'Bench Wind Limited', 840.123456789, 61497.4109569157, 48, 48,
    60774.4109569157
from version cross join unnest('{all_bids,net,so_flagged}'::text[]) as definition
cross join generate_series(1, %(records)s / 48) as unit (place)
where code_version = 'bench'
order by id, definition, place;

-- name: mining
insert into daily_mining (version_id, definition, miner_model, btc)
select id, definition, name, 33.801575470000000000
from version cross join unnest('{all_bids,net,so_flagged}'::text[]) as definition cross join miner_model
where code_version = 'bench'
order by id, definition, name;

-- name: mining_rates
insert into mining_rate (version_id, period, miner_model, difficulty, reward, btc_per_mwh)
select id, period, name, 112149504190349.28, 3.125, 0.000765764612374512
from version cross join generate_series(1, 48) as period cross join miner_model
where code_version = 'bench'
order by id, period, name;
