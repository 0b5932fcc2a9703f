-- name: current_version
select day.generation, day.provisional_until, version.id, version.number, version.content_hash, version.sides,
    version.register_hash, version.definitions, version.mining_inputs_hash, version.mining_state
from settlement_day day
left join version on version.id = day.current_version_id
where day.settlement_date = %(settlement_date)s;

-- name: version_by_number
select id, settlement_date, number, state, basis_generation, content_hash, sides, provisional_until, mining_state
from version
where settlement_date = %(settlement_date)s and number = %(number)s;

-- name: held_twin
-- A held candidate of the same content is not made twice.
select id, number from version
where settlement_date = %(settlement_date)s and state = 'held' and content_hash = %(content_hash)s
    and basis_generation = %(basis_generation)s and register_hash = %(register_hash)s
order by number desc limit 1;

-- name: abandon_leftovers
-- The caller holds the date's lease, so what is still open belongs to a run that died.
update version set state = 'abandoned'
where settlement_date = %(settlement_date)s and state in ('staging', 'candidate');

-- name: abandon_version
update version set state = 'abandoned' where id = %(version_id)s and state in ('staging', 'candidate');

-- name: add_version
-- The number comes from a counter that outlives the versions: a purge or a reset gives none of them away again.
with numbered as (
    insert into settlement_day (settlement_date, last_number) values (%(settlement_date)s, 1)
    on conflict (settlement_date) do update set last_number = settlement_day.last_number + 1
    returning last_number
)
insert into version (settlement_date, number, kind, sides, basis_generation, run_id, register_id, register_hash,
    register_recorded_at, other_units, definitions, mining_inputs_hash, mining_state, code_version,
    system_prices_fetch_id, rows, rejects, records, provisional_until, content_hash, reason)
select %(settlement_date)s, last_number, %(kind)s, %(sides)s, %(basis_generation)s, %(run_id)s,
    %(register_id)s, %(register_hash)s, %(register_recorded_at)s, %(other_units)s, %(definitions)s,
    %(mining_inputs_hash)s, %(mining_state)s, %(code_version)s, %(system_prices_fetch_id)s, %(rows)s, %(rejects)s,
    %(records)s, %(provisional_until)s, %(content_hash)s, %(reason)s
from numbered
returning id, number;

-- name: copy_version_periods
copy version_period (version_id, period, side, outcome, fetch_id, rows, accepted, rejects, wind_rows, created_at)
from stdin;

-- name: copy_records
copy curtailment_record (version_id, period, side, sequence_number, bm_unit, acceptance_id, pair_id, cadl_flag,
    so_flag, stor_flag, repriced, original_price, volume, final_price, transmission_loss_multiplier, created_at,
    fetch_id, payload_row, extra) from stdin;

-- name: copy_rejects
copy reject (version_id, fetch_id, period, side, payload_row, code, field, message, bm_unit, wind, raw) from stdin;

-- name: copy_daily_summaries
copy daily_summary (version_id, definition, energy_mwh, payment_gbp, records, bm_units, periods,
    indicative_cashflow_gbp) from stdin;

-- name: copy_daily_unit_summaries
copy daily_unit_summary (version_id, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods,
    indicative_cashflow_gbp) from stdin;

-- name: copy_version_other_units
copy version_other_unit (version_id, bm_unit, rows, energy_mwh) from stdin;

-- name: copy_daily_mining
copy daily_mining (version_id, definition, miner_model, btc) from stdin;

-- name: copy_mining_rates
copy mining_rate (version_id, period, miner_model, difficulty, reward, btc_per_mwh, segments) from stdin;

-- name: move_version
update version set state = %(to)s where id = %(version_id)s and state = any(%(from)s);

-- name: copy_check_results
copy check_result (version_id, run_id, name, status, expected, actual, detail) from stdin;

-- name: recomputed_differences
-- Everything that a version's totals say, counted again from its rows; a row comes back where the two differ.
with version as (
    select id, sides, records from version where id = %(version_id)s
), counted as (
    select definition.name as definition, record.bm_unit, record.period, -record.volume as energy_mwh,
        record.volume * record.original_price as payment_gbp,
        record.volume * record.original_price * record.transmission_loss_multiplier as cashflow_gbp
    from version
    join curtailment_record record on record.version_id = version.id
    cross join lateral (values
        ('so_flagged', record.side = 'bid' and coalesce(record.so_flag, false)),
        ('all_bids', record.side = 'bid'),
        ('net', coalesce(record.pair_id < 0, false) and version.sides @> '{bid,offer}')
    ) as definition (name, counts)
    where definition.counts
), day as (
    select definition, sum(energy_mwh) as energy_mwh, coalesce(sum(payment_gbp), 0) as payment_gbp,
        count(*) as records, count(distinct bm_unit) as bm_units, count(distinct period) as periods,
        case when count(cashflow_gbp) = count(*) then sum(cashflow_gbp) end as indicative_cashflow_gbp
    from counted group by definition
), unit as (
    select definition, bm_unit, sum(energy_mwh) as energy_mwh, coalesce(sum(payment_gbp), 0) as payment_gbp,
        count(*) as records, count(distinct period) as periods,
        case when count(cashflow_gbp) = count(*) then sum(cashflow_gbp) end as indicative_cashflow_gbp
    from counted group by definition, bm_unit
), mined as (
    select energy.definition, rate.miner_model, sum(round_half_even(energy.energy_mwh * rate.btc_per_mwh, 18)) as btc
    from (select definition, period, sum(energy_mwh) as energy_mwh from counted group by 1, 2) energy
    join version on true
    join mining_rate rate on rate.version_id = version.id and rate.period = energy.period
    group by 1, 2
)
select 'day' as level, definition, null as subject,
    concat_ws(' ', coalesce(day.energy_mwh, 0), coalesce(day.payment_gbp, 0), coalesce(day.records, 0),
        coalesce(day.bm_units, 0), coalesce(day.periods, 0),
        case when day.records > 0 then coalesce(day.indicative_cashflow_gbp::text, 'unknown') else '0' end) as recomputed,
    concat_ws(' ', stored.energy_mwh, stored.payment_gbp, stored.records, stored.bm_units, stored.periods,
        coalesce(stored.indicative_cashflow_gbp::text, 'unknown')) as stored
from (select summary.* from daily_summary summary join version on version.id = summary.version_id) stored
full join day using (definition)
where (coalesce(day.energy_mwh, 0), coalesce(day.payment_gbp, 0), coalesce(day.records, 0),
    coalesce(day.bm_units, 0), coalesce(day.periods, 0),
    case when day.records > 0 then day.indicative_cashflow_gbp else 0 end)
    is distinct from (stored.energy_mwh, stored.payment_gbp, stored.records, stored.bm_units, stored.periods,
    stored.indicative_cashflow_gbp)
union all
select 'unit', definition, bm_unit,
    concat_ws(' ', unit.energy_mwh, unit.payment_gbp, unit.records, unit.periods,
        coalesce(unit.indicative_cashflow_gbp::text, 'unknown')),
    concat_ws(' ', stored.energy_mwh, stored.payment_gbp, stored.records, stored.periods,
        coalesce(stored.indicative_cashflow_gbp::text, 'unknown'))
from (select summary.* from daily_unit_summary summary join version on version.id = summary.version_id) stored
full join unit using (definition, bm_unit)
where (unit.energy_mwh, unit.payment_gbp, unit.records, unit.periods, unit.indicative_cashflow_gbp)
    is distinct from (stored.energy_mwh, stored.payment_gbp, stored.records::bigint, stored.periods::bigint,
    stored.indicative_cashflow_gbp)
union all
select 'mining', definition, miner_model, coalesce(mined.btc, 0)::text, stored.btc::text
from (select mining.* from daily_mining mining join version on version.id = mining.version_id) stored
full join mined using (definition, miner_model)
where coalesce(mined.btc, 0) is distinct from stored.btc
union all
select 'records', '', null, rows.count::text, version.records::text
from version
cross join lateral (select count(*) from curtailment_record where version_id = version.id) rows
where version.records <> rows.count
order by 1, 2, 3;

-- name: records_of_version
select period, side, sequence_number, bm_unit, acceptance_id, pair_id, so_flag, cadl_flag, stor_flag, repriced,
    original_price, volume, final_price, transmission_loss_multiplier, created_at, payload_row, extra::text, fetch_id
from curtailment_record where version_id = %(version_id)s
order by period, side, bm_unit, acceptance_id, pair_id, sequence_number;

-- name: periods_of_version
select period, side, outcome, fetch_id, rows, accepted, rejects, wind_rows, created_at
from version_period where version_id = %(version_id)s order by period, side;

-- name: daily_totals_of_version
select definition, energy_mwh, payment_gbp, records, bm_units, periods, indicative_cashflow_gbp
from daily_summary where version_id = %(version_id)s order by definition;

-- name: lead_parties_of_version
select distinct bm_unit, lead_party from daily_unit_summary where version_id = %(version_id)s;

-- name: mining_of_version
select definition, miner_model, btc from daily_mining where version_id = %(version_id)s order by 1, 2;
