-- name: served_totals
-- By a range of dates and not from the views of months and years: those would total every month there is.
select definition, sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp, sum(records)::bigint as records,
    count(*) as days
from day where settlement_date >= %(start)s and settlement_date < %(end)s group by definition;

-- name: served_mining
select definition, miner_model, sum(btc) as btc
from day_mining where settlement_date >= %(start)s and settlement_date < %(end)s group by 1, 2 order by 1, 2;
