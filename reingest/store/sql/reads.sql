-- name: shown_version
-- What a report on a date is about: the version served or, where none ever was, the newest one held.
select version.id, version.number, version.state, coalesce(day.generation, 0) as generation, version.sides,
    version.register_hash, version.definitions, version.mining_state, version.mining_inputs_hash,
    version.code_version, version.content_hash, version.rows, version.rejects, version.records, version.reason,
    version.created_at, version.served_from,
    case when version.state = 'published' then day.provisional_until else version.provisional_until end
        as provisional_until,
    (
        select count(distinct gap.period)
        from source_gap gap
        join version_period period on period.version_id = version.id and period.period = gap.period
            and period.side = gap.side and period.outcome = 'not_published'
        where gap.settlement_date = version.settlement_date and gap.retired_at is null
    ) as accepted_gaps
from version
left join settlement_day day using (settlement_date)
where version.settlement_date = %(settlement_date)s
    and (version.id = day.current_version_id or (day.current_version_id is null and version.state = 'held'))
order by version.number desc
limit 1;

-- name: pending_version
-- The newest held version that could still be published: its basis has not moved.
select version.number
from version
left join settlement_day day using (settlement_date)
where version.settlement_date = %(settlement_date)s and version.state = 'held'
    and version.basis_generation = coalesce(day.generation, 0)
order by version.number desc
limit 1;

-- name: period_totals_of_version
-- Totals by period and definition; a period without records has no row here.
select record.period, definition.name as definition, -sum(record.volume) as energy_mwh,
    coalesce(sum(record.volume * record.original_price), 0) as payment_gbp, count(*) as records,
    count(distinct record.bm_unit) as bm_units,
    case when count(*) = count(record.volume * record.original_price * record.transmission_loss_multiplier)
        then sum(record.volume * record.original_price * record.transmission_loss_multiplier)
    end as indicative_cashflow_gbp
from version
join curtailment_record record on record.version_id = version.id
cross join lateral (values
    ('so_flagged', record.side = 'bid' and coalesce(record.so_flag, false)),
    ('all_bids', record.side = 'bid'),
    ('net', coalesce(record.pair_id < 0, false) and version.sides @> '{bid,offer}')
) as definition (name, counts)
where version.id = %(version_id)s and definition.counts
group by record.period, definition.name;

-- name: totals_of_version
select definition, energy_mwh, payment_gbp, records, bm_units, periods, indicative_cashflow_gbp
from daily_summary where version_id = %(version_id)s;

-- name: side_outcomes_of_version
select period, outcome from version_period where version_id = %(version_id)s order by period, side;

-- name: checks_of_version
-- What the newest run that checked the version said, the failures first. Run ids sort by time.
select name, status, expected, actual, detail
from check_result
where version_id = %(version_id)s
    and run_id = (select run_id from check_result where version_id = %(version_id)s order by run_id desc limit 1)
order by array_position('{fail,warn,pass}'::text[], status), name;

-- name: miner_model_names
select name from miner_model order by name;

-- name: months_of_totals
select month as span, definition, energy_mwh, payment_gbp, records, bm_units, days_expected, days_published,
    days_provisional, indicative_cashflow_gbp, days_verified
from month where month >= %(start)s and month < %(end)s order by month;

-- name: months_of_mining
select month as span, definition, miner_model, btc, days_estimated
from month_mining where month >= %(start)s and month < %(end)s;

-- name: years_of_totals
select year as span, definition, energy_mwh, payment_gbp, records, bm_units, days_expected, days_published,
    days_provisional, indicative_cashflow_gbp, days_verified
from year where year >= %(start)s and year < %(end)s order by year;

-- name: years_of_mining
select year as span, definition, miner_model, btc, days_estimated
from year_mining where year >= %(start)s and year < %(end)s;

-- name: status_of_dates
-- One row a date of the span, published or not. `cells` has each period of the version served, or else of the newest
-- held one, with the outcomes of its sides: `1:fetched,confirmed_empty 2:...`.
select calendar.settlement_date, served.number as version, held.number as held_version,
    served.id is not null and day.provisional_until is not null as provisional, period.cells,
    served.id is not null and day.stale_since is not null as stale, standing.verification
from (select generate_series(%(start)s::date, %(end)s::date - 1, interval '1 day')::date as settlement_date) calendar
left join settlement_day day using (settlement_date)
left join version served on served.id = day.current_version_id
left join lateral (
    select version.id, version.number from version
    where version.settlement_date = calendar.settlement_date and version.state = 'held'
        and version.basis_generation = coalesce(day.generation, 0)
    order by version.number desc limit 1
) held on true
left join lateral (
    select string_agg(side.cell, ' ' order by side.period) as cells
    from (
        select period, period || ':' || string_agg(outcome, ',' order by side) as cell
        from version_period where version_id = coalesce(served.id, held.id) group by period
    ) side
) period on true
left join standing_verdict standing on standing.version_id = coalesce(served.id, held.id)
order by calendar.settlement_date;

-- name: status_of_months
-- One row a month that has a version: how many of its dates are served, provisional, only held, or stale.
select date_trunc('month', version.settlement_date)::date as month,
    count(distinct version.settlement_date) filter (where day.current_version_id is not null) as published,
    count(distinct version.settlement_date)
        filter (where day.current_version_id is not null and day.provisional_until is not null) as provisional,
    count(distinct version.settlement_date)
        filter (where version.state = 'held' and version.basis_generation = coalesce(day.generation, 0)) as held,
    count(distinct version.settlement_date)
        filter (where day.current_version_id is not null and day.stale_since is not null) as stale
from version
left join settlement_day day using (settlement_date)
where version.state in ('published', 'superseded', 'held')
group by 1
order by 1;

-- name: facts_of_version
-- What a version was made from, for the question why two versions differ.
select id, number, state, sides, register_id, register_hash, definitions, mining_inputs_hash, mining_state, code_version,
    content_hash, created_at, served_from, served_to
from version where settlement_date = %(settlement_date)s and number = %(number)s;

-- name: current_and_before
-- The version served and the one that it replaced.
select number from version
where settlement_date = %(settlement_date)s and state in ('published', 'superseded')
order by served_from desc
limit 2;

-- name: newest_held
select number from version
where settlement_date = %(settlement_date)s and state = 'held' and number > %(after)s
order by number desc
limit 1;

-- name: dates_without_mining
select settlement_date from version where state = 'published' and mining_state = 'unavailable' order by 1;
