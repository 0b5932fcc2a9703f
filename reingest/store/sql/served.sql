-- name: served_totals
-- By ranges of dates and not from the views of months and years: those would total every month there is. Nor from the
-- view of days, which finds the verdict of each date that it passes.
select span.name as span, definition, sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp,
    sum(records)::bigint as records, count(*) as days
from unnest(%(names)s::text[], %(starts)s::date[], %(ends)s::date[]) as span (name, start, before)
join settlement_day day on day.settlement_date >= span.start and day.settlement_date < span.before
join daily_summary summary on summary.version_id = day.current_version_id
group by 1, 2;

-- name: served_mining
select span.name, definition, miner_model, sum(btc)
from unnest(%(names)s::text[], %(starts)s::date[], %(ends)s::date[]) as span (name, start, before)
join day_mining on settlement_date >= span.start and settlement_date < span.before
group by 1, 2, 3 order by 1, 2, 3;
