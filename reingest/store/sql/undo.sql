-- name: add_restored_version
-- A new version with what an older one was made from; its rows are copied after it, and nothing of the older one moves.
with numbered as (
    update settlement_day set last_number = last_number + 1 where settlement_date = %(settlement_date)s
    returning last_number
)
insert into version (settlement_date, number, kind, sides, basis_generation, run_id, register_id, register_hash,
    register_recorded_at, other_units, definitions, mining_inputs_hash, mining_state, code_version,
    system_prices_fetch_id, rows, rejects, records, provisional_until, content_hash, reason, restored_from)
select source.settlement_date, numbered.last_number, 'restore', source.sides, %(basis_generation)s, %(run_id)s,
    source.register_id, source.register_hash, source.register_recorded_at, source.other_units, source.definitions,
    source.mining_inputs_hash, source.mining_state, source.code_version, source.system_prices_fetch_id, source.rows, source.rejects, source.records,
    source.provisional_until, source.content_hash, %(reason)s, source.number
from version source cross join numbered
where source.id = %(source_id)s
returning id, number;

-- name: restore_periods
insert into version_period (version_id, period, side, outcome, fetch_id, rows, accepted, rejects, wind_rows, created_at)
select %(version_id)s, period, side, outcome, fetch_id, rows, accepted, rejects, wind_rows, created_at
from version_period where version_id = %(source_id)s;

-- name: restore_records
insert into curtailment_record (version_id, period, side, sequence_number, bm_unit, acceptance_id, pair_id, cadl_flag,
    so_flag, stor_flag, repriced, original_price, volume, final_price, transmission_loss_multiplier, created_at,
    fetch_id, payload_row, extra)
select %(version_id)s, period, side, sequence_number, bm_unit, acceptance_id, pair_id, cadl_flag, so_flag, stor_flag,
    repriced, original_price, volume, final_price, transmission_loss_multiplier, created_at, fetch_id, payload_row,
    extra
from curtailment_record where version_id = %(source_id)s;

-- name: restore_rejects
insert into reject (version_id, fetch_id, period, side, payload_row, code, field, message, bm_unit, wind, raw)
select %(version_id)s, fetch_id, period, side, payload_row, code, field, message, bm_unit, wind, raw
from reject where version_id = %(source_id)s;

-- name: restore_daily_summaries
insert into daily_summary (version_id, definition, energy_mwh, payment_gbp, records, bm_units, periods,
    indicative_cashflow_gbp)
select %(version_id)s, definition, energy_mwh, payment_gbp, records, bm_units, periods, indicative_cashflow_gbp
from daily_summary where version_id = %(source_id)s;

-- name: restore_daily_unit_summaries
insert into daily_unit_summary (version_id, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods,
    indicative_cashflow_gbp)
select %(version_id)s, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods,
    indicative_cashflow_gbp
from daily_unit_summary where version_id = %(source_id)s;

-- name: restore_other_units
insert into version_other_unit (version_id, bm_unit, rows, energy_mwh)
select %(version_id)s, bm_unit, rows, energy_mwh from version_other_unit where version_id = %(source_id)s;

-- name: restore_daily_mining
insert into daily_mining (version_id, definition, miner_model, btc)
select %(version_id)s, definition, miner_model, btc from daily_mining where version_id = %(source_id)s;

-- name: restore_mining_rates
insert into mining_rate (version_id, period, miner_model, difficulty, reward, btc_per_mwh, segments)
select %(version_id)s, period, miner_model, difficulty, reward, btc_per_mwh, segments
from mining_rate where version_id = %(source_id)s;

-- name: restore_witnesses
-- What the older version's own run judged it by is named by the new one too.
insert into version_witness (version_id, run_id, fetch_id)
select %(version_id)s, %(run_id)s, fetch_id
from version_witness
join version on version.id = version_witness.version_id and version.run_id = version_witness.run_id
where version_id = %(source_id)s;

-- name: restore_verdicts
-- The content is the same, so what the witnesses say of it is.
insert into witness_verdict (version_id, run_id, rule, rules, status, compared, not_compared, reasons, differences,
    judged_at)
select %(version_id)s, %(run_id)s, rule, rules, status, compared, not_compared, reasons, differences, judged_at
from witness_verdict verdict
join standing_verdict standing using (version_id, run_id)
where version_id = %(source_id)s;

-- name: restore_differences
insert into witness_difference (version_id, run_id, rule, period, side, bm_unit, acceptance_id, pair_id, stack,
    witness, difference, wind, cause)
select %(version_id)s, %(run_id)s, rule, period, side, bm_unit, acceptance_id, pair_id, stack, witness, difference,
    wind, cause
from witness_difference
join standing_verdict standing using (version_id, run_id)
where version_id = %(source_id)s;

-- name: purgeable_versions
-- Abandoned and held ones beyond the newest few of each date. A held one that is its date's newest, abandoned ones
-- apart, still waits for a person's decision.
select id, settlement_date, number, state
from (
    select version.*, row_number() over (partition by settlement_date order by number desc) as place,
        not exists (
            select from version newer
            where newer.settlement_date = version.settlement_date and newer.number > version.number
                and newer.state <> 'abandoned'
        ) as newest
    from version
    where state = any (%(states)s::text[]) and state in ('abandoned', 'held')
        and (%(settlement_date)s::date is null or settlement_date = %(settlement_date)s)
) candidate
where place > %(keep)s and (state = 'abandoned' or %(pending)s or not newest)
order by settlement_date, number;

-- name: sizes_of_versions
-- What versions are in each table: rows, and the bytes of their values.
with doomed as (select unnest(%(ids)s::bigint[]) as version_id)
select 'version' as name, count(*)::bigint as rows, coalesce(sum(pg_column_size(version)), 0)::bigint as bytes
from version where id in (select version_id from doomed)
union all
select 'version_period', count(*), coalesce(sum(pg_column_size(version_period)), 0)
from version_period join doomed using (version_id)
union all
select 'curtailment_record', count(*), coalesce(sum(pg_column_size(curtailment_record)), 0)
from curtailment_record join doomed using (version_id)
union all
select 'reject', count(*), coalesce(sum(pg_column_size(reject)), 0) from reject join doomed using (version_id)
union all
select 'daily_summary', count(*), coalesce(sum(pg_column_size(daily_summary)), 0)
from daily_summary join doomed using (version_id)
union all
select 'daily_unit_summary', count(*), coalesce(sum(pg_column_size(daily_unit_summary)), 0)
from daily_unit_summary join doomed using (version_id)
union all
select 'version_other_unit', count(*), coalesce(sum(pg_column_size(version_other_unit)), 0)
from version_other_unit join doomed using (version_id)
union all
select 'daily_mining', count(*), coalesce(sum(pg_column_size(daily_mining)), 0)
from daily_mining join doomed using (version_id)
union all
select 'mining_rate', count(*), coalesce(sum(pg_column_size(mining_rate)), 0)
from mining_rate join doomed using (version_id)
union all
select 'check_result', count(*), coalesce(sum(pg_column_size(check_result)), 0)
from check_result join doomed using (version_id)
union all
select 'version_witness', count(*), coalesce(sum(pg_column_size(version_witness)), 0)
from version_witness join doomed using (version_id)
union all
select 'witness_verdict', count(*), coalesce(sum(pg_column_size(witness_verdict)), 0)
from witness_verdict join doomed using (version_id)
union all
select 'witness_difference', count(*), coalesce(sum(pg_column_size(witness_difference)), 0)
from witness_difference join doomed using (version_id);

-- name: purge_versions
select purge_versions(%(ids)s);

-- name: old_events
select 'run_event' as name, count(*)::bigint as rows, coalesce(sum(pg_column_size(run_event)), 0)::bigint as bytes
from run_event join run on run.id = run_event.run_id
where run.finished_at < %(older_than)s and run_event.at < %(older_than)s;

-- name: purge_events
select purge_events(%(older_than)s);
