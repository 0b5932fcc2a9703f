-- name: served_then
-- Which version each date of a span served at an instant, and whether its figures are still known.
select settlement_date, version, provisional, served_from, served_to, known, figures_of
from served_as_of(%(reported)s)
where settlement_date >= %(start)s and settlement_date < %(end)s
order by settlement_date;

-- name: as_of_day_totals
select definition, energy_mwh, payment_gbp, records, bm_units, periods, indicative_cashflow_gbp
from day_as_of(%(reported)s) where settlement_date = %(start)s;

-- name: as_of_day_verification
select verification from day_as_of(%(reported)s) where settlement_date = %(start)s limit 1;

-- name: as_of_day_mining
select definition, miner_model, btc from day_mining_as_of(%(reported)s) where settlement_date = %(start)s;

-- name: as_of_month_totals
select month as span, definition, energy_mwh, payment_gbp, records, bm_units, days_expected, days_published,
    days_provisional, indicative_cashflow_gbp, days_verified
from month_as_of(%(reported)s) where month = %(start)s;

-- name: as_of_month_mining
select definition, miner_model, btc, days_estimated from month_mining_as_of(%(reported)s) where month = %(start)s;

-- name: as_of_year_totals
select year as span, definition, energy_mwh, payment_gbp, records, bm_units, days_expected, days_published,
    days_provisional, indicative_cashflow_gbp, days_verified
from year_as_of(%(reported)s) where year = %(start)s;

-- name: as_of_year_mining
select definition, miner_model, btc, days_estimated from year_mining_as_of(%(reported)s) where year = %(start)s;

-- name: as_of_units
-- Totals by BM unit over a span of dates; the lead party is that of the unit's last date in it.
select definition, bm_unit, (array_agg(lead_party order by settlement_date desc))[1] as lead_party,
    sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp, sum(records)::bigint as records, count(*) as days
from day_unit_as_of(%(reported)s)
where settlement_date >= %(start)s and settlement_date < %(end)s
group by definition, bm_unit;

-- name: database_clock
select clock_timestamp();

-- name: first_served
select min(served_from) from served_history where settlement_date >= %(start)s and settlement_date < %(end)s;

-- name: spans_served
-- What a date served when, oldest first.
select history.version, history.served_from, history.served_to, history.provisional, history.final_from,
    history.known, history.figures_of, history.content_hash, version.kind, version.restored_from, version.reason
from served_history history
left join version on version.settlement_date = history.settlement_date and version.number = history.version
where history.settlement_date = %(settlement_date)s
order by history.served_from;

-- name: totals_of_spans
select served_from, definition, energy_mwh, payment_gbp, records
from daily_summary_history where settlement_date = %(settlement_date)s;

-- name: mining_of_spans
select served_from, definition, miner_model, btc
from daily_mining_history where settlement_date = %(settlement_date)s;

-- name: tombstones_of_date
select period, side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, came_with, came_at, gone_with,
    gone_at, back_with, back_at
from tombstones(%(settlement_date)s);
