-- name: add_restored_version
-- A new version with what an older one was made from; its rows are copied after it, and nothing of the older one moves.
with numbered as (
    update settlement_day set last_number = last_number + 1 where settlement_date = %(settlement_date)s
    returning last_number
)
insert into version (settlement_date, number, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, system_prices_fetch_id, rows, rejects, records,
    provisional_until, content_hash, reason, restored_from)
select source.settlement_date, numbered.last_number, 'restore', source.sides, %(basis_generation)s, %(run_id)s,
    source.register_id, source.register_hash, source.definitions, source.mining_inputs_hash, source.mining_state,
    source.code_version, source.system_prices_fetch_id, source.rows, source.rejects, source.records,
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
insert into daily_summary (version_id, definition, energy_mwh, payment_gbp, records, bm_units, periods)
select %(version_id)s, definition, energy_mwh, payment_gbp, records, bm_units, periods
from daily_summary where version_id = %(source_id)s;

-- name: restore_daily_unit_summaries
insert into daily_unit_summary (version_id, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods)
select %(version_id)s, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods
from daily_unit_summary where version_id = %(source_id)s;

-- name: restore_daily_mining
insert into daily_mining (version_id, definition, miner_model, btc)
select %(version_id)s, definition, miner_model, btc from daily_mining where version_id = %(source_id)s;

-- name: restore_mining_rates
insert into mining_rate (version_id, period, miner_model, difficulty, reward, btc_per_mwh, segments)
select %(version_id)s, period, miner_model, difficulty, reward, btc_per_mwh, segments
from mining_rate where version_id = %(source_id)s;
