-- name: gaps_in_force
select period, side from source_gap where settlement_date = %(settlement_date)s and retired_at is null;

-- name: accept_gaps
-- One that is in force already keeps its reason and its instant.
insert into source_gap (settlement_date, period, side, reason)
select %(settlement_date)s, period, side, %(reason)s
from unnest(%(periods)s::smallint[]) as period cross join unnest(%(sides)s::text[]) as side
on conflict (settlement_date, period, side) where retired_at is null do nothing
returning period, side;

-- name: retire_gaps
update source_gap set retired_at = clock_timestamp()
where settlement_date = %(settlement_date)s and retired_at is null
    and period = any (%(periods)s::smallint[]) and side = any (%(sides)s::text[])
returning period, side;

-- name: listed_gaps
-- Gaps in force, with what became of each in the version served; null where nothing is served, or not of that side.
select gap.settlement_date, gap.period, gap.side, gap.reason, gap.accepted_at, period.outcome as served
from source_gap gap
left join settlement_day day using (settlement_date)
left join version_period period on period.version_id = day.current_version_id and period.period = gap.period
    and period.side = gap.side
where gap.retired_at is null and (%(start)s::date is null or gap.settlement_date >= %(start)s::date)
    and (%(end)s::date is null or gap.settlement_date < %(end)s::date)
order by gap.settlement_date, gap.period, gap.side;
