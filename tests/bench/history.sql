-- Ten years of dates that were published several times: what an as-of reads, without the records behind it; and one
-- date with the records of many versions, of which each lacks another tenth.

-- name: register
insert into register (hash, fetch_id, units, null_ids, duplicates) values (md5('bench'), 1, 80, 0, 0);

-- name: versions
insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, served_from,
    served_to)
select %(last)s::date - back, number, case when number = %(versions)s then 'published' else 'superseded' end, 'ingest',
    '{bid,offer}', number - 1, gen_random_uuid(), (select id from register), md5('bench'),
    '{so_flagged@1,all_bids@1,net@1}', md5(''), 'available', 'bench', 14400, 0, %(records)s,
    md5(format('%%s %%s', back, number)), %(last)s::date - back + number * interval '9 days',
    case when number < %(versions)s then %(last)s::date - back + (number + 1) * interval '9 days' end
from generate_series(%(dates)s - 1, 0, -1) as back cross join generate_series(1, %(versions)s) as number
order by number, back desc;

-- name: days
insert into settlement_day (settlement_date, current_version_id, generation, last_number)
select settlement_date, id, number, number from version where state = 'published' order by settlement_date;

-- name: spans
insert into served_span (settlement_date, number, content_hash, version_id, provisional, served_from, served_to)
select settlement_date, number, content_hash, id, number = 1, served_from, served_to from version order by id;

-- name: summaries
insert into daily_summary (version_id, definition, energy_mwh, payment_gbp, records, bm_units, periods)
select id, definition, 66574.190966101 + number, 4858195.4655962884 + number, records, %(units)s, 48
from version cross join unnest('{all_bids,net,so_flagged}'::text[]) as definition
order by id, definition;

-- name: unit_summaries
insert into daily_unit_summary (version_id, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods)
select id, definition, format('T_BENCH-%%s', 1000 + place), 'Bench Wind Limited', 840.123456789, 61497.4109569157, 48, 48
from version cross join unnest('{all_bids,net,so_flagged}'::text[]) as definition
cross join generate_series(1, %(units)s) as unit (place)
order by id, definition, place;

-- name: mining
insert into daily_mining (version_id, definition, miner_model, btc)
select id, definition, name, 33.801575470000000000 + number
from version cross join unnest('{all_bids,net,so_flagged}'::text[]) as definition cross join miner_model
order by id, definition, name;

-- name: restless_versions
insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, served_from,
    served_to)
select %(last)s::date + 1, number, case when number = %(restless)s then 'published' else 'superseded' end, 'ingest',
    '{bid,offer}', number - 1, gen_random_uuid(), (select id from register), md5('bench'),
    '{so_flagged@1,all_bids@1,net@1}', md5(''), 'available', 'restless', 14400, 0, %(records)s,
    md5(format('restless %%s', number)), %(last)s::date + number * interval '9 days',
    case when number < %(restless)s then %(last)s::date + (number + 1) * interval '9 days' end
from generate_series(1, %(restless)s) as number
order by number;

-- name: restless_spans
insert into served_span (settlement_date, number, content_hash, version_id, provisional, served_from, served_to)
select settlement_date, number, content_hash, id, false, served_from, served_to
from version where code_version = 'restless' order by id;

-- name: restless_fetches
insert into "fetch" (run_id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256,
    requested_at, answered_at, attempts)
select version.run_id, 'ISPSTACK', version.settlement_date, period, side, 'xml', 'https://elexon.invalid', 200,
    'application/xml', encode(sha256(format('%%s %%s %%s', version.id, period, side)::bytea), 'hex'),
    version.served_from, version.served_from, 1
from version cross join generate_series(1, 48) as period cross join unnest('{bid,offer}'::text[]) as side
where version.code_version = 'restless'
order by version.id, period, side;

-- name: restless_periods
insert into version_period (version_id, period, side, outcome, fetch_id, rows, accepted, wind_rows)
select version.id, "fetch".period, "fetch".side, 'fetched', "fetch".id, 150, 150, 80
from version join "fetch" on "fetch".run_id = version.run_id
where version.code_version = 'restless'
order by version.id, "fetch".period, "fetch".side;

-- name: restless_records
insert into curtailment_record (version_id, period, side, sequence_number, bm_unit, acceptance_id, pair_id, cadl_flag,
    so_flag, stor_flag, repriced, original_price, volume, final_price, transmission_loss_multiplier, created_at,
    fetch_id, payload_row)
select version.id, part.period, 'bid', place, format('T_BENCH-%%s', 1000 + place), 100000 + place, -1, false, true,
    false, false, -179.759999999999990905 + place, -10.166666666666666075 - place, null, 0.9912345, version.served_from,
    part.fetch_id, place - 1
from version
join version_period part on part.version_id = version.id and part.side = 'bid'
cross join generate_series(1, %(records)s / 48) as place
where version.code_version = 'restless' and place %% 10 <> version.number %% 10
order by version.id, part.period, place;
