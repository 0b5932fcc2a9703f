-- name: known_dates
-- What is known of each date of the window and of every other date with a version that is served or could be.
-- A date was heard by a run that asked Elexon for the whole of it, with the sides that are served, and ended with a
-- verdict of its own.
with dates as (
    select generate_series(%(window_start)s::date, %(window_end)s::date, interval '1 day')::date as settlement_date
    union
    select settlement_date from settlement_day where current_version_id is not null and settlement_date <= %(window_end)s::date
    union
    select settlement_date from version where state = 'held' and settlement_date <= %(window_end)s::date
)
select dates.settlement_date, served.id is not null as served, heard.started_at as heard_from,
    held.started_at as held_from, case when served.id is not null then day.stale_since end as stale_from,
    case when served.id is not null then day.provisional_until end as provisional_until,
    reported.judged_at as reported_at
from dates
left join settlement_day day using (settlement_date)
left join version served on served.id = day.current_version_id
left join lateral (
    select run.started_at from run
    where run.settlement_date = dates.settlement_date and run.kind in ('reingest', 'plan') and run.source = 'live'
        and run.periods is null and run.outcome in ('published', 'unchanged', 'held', 'planned')
        and run.sides @> coalesce(served.sides, '{}')
    order by run.started_at desc limit 1
) heard on true
left join lateral (
    select run.started_at
    from version
    join run on run.id = version.run_id
    where version.settlement_date = dates.settlement_date and version.state = 'held'
        and version.basis_generation = coalesce(day.generation, 0)
    order by version.number desc limit 1
) held on true
left join lateral (
    select judged.judged_at
    from (
        select verdict, judged_at from reconciliation_date
        where settlement_date = dates.settlement_date and verdict in ('same', 'changed', 'missing', 'repaired', 'published', 'held')
        order by judged_at desc limit 1
    ) judged
    where judged.verdict in ('changed', 'missing') and not exists (
        select from run
        where run.settlement_date = dates.settlement_date and run.kind <> 'plan'
            and run.outcome in ('published', 'unchanged', 'held') and run.started_at > judged.judged_at
    )
) reported on true
order by dates.settlement_date;

-- name: begin_reconciliation
insert into reconciliation (id, range_id, policy, payment_limit_gbp, energy_limit_mwh, jobs, holder, host, pid, code_version,
    flow_run_id)
values (%(id)s, %(range_id)s, %(policy)s, %(payment_limit_gbp)s, %(energy_limit_mwh)s, %(jobs)s, %(holder)s, %(host)s,
    %(pid)s, %(code_version)s, %(flow_run_id)s)
returning started_at;

-- name: copy_reconciliation_dates
copy reconciliation_date (reconciliation_id, settlement_date, position, reason, due_since) from stdin;

-- name: lock_new_reconciliations
-- One at a time decides what is due, so that two that begin at once do not take the same dates.
select pg_advisory_xact_lock(hashtext('reingest.reconciliation'), 0);

-- name: running_reconciliations
-- Those without an end, the oldest first: somebody works on them, or died.
select id, range_id, policy, payment_limit_gbp, energy_limit_mwh, jobs, started_at
from reconciliation where state = 'running' order by started_at;

-- name: dates_of_reconciliation
select settlement_date, reason, due_since, verdict, run_id, version, energy_before_mwh, energy_after_mwh,
    payment_before_gbp, payment_after_gbp, btc, periods, error
from reconciliation_date where reconciliation_id = %(id)s order by position;

-- name: dates_in_work
-- Dates that a running reconciliation has not judged yet: they are its own.
select date.settlement_date
from reconciliation
join reconciliation_date date on date.reconciliation_id = reconciliation.id
where reconciliation.state = 'running' and date.verdict is null;

-- name: made_by_reconciliation
-- What runs of the reconciliation made: the newest version of each date that they published, else held, beside the one
-- that was served when the reconciliation began. It is told from what is stored, whatever their process lived to say.
with made as (
    select distinct on (run.settlement_date) run.settlement_date, run.id as run_id, version.id, version.number,
        version.state
    from run
    join version on version.run_id = run.id
    where run.settlement_date = any (%(dates)s::date[]) and run.reason = 'reconciliation ' || %(id)s::text
        and run.started_at >= %(started_at)s::timestamptz and version.state in ('published', 'superseded', 'held')
    order by run.settlement_date, version.state = 'held', version.number desc
)
select made.settlement_date, made.run_id, made.number as version, made.state <> 'held' as published,
    before.version_id is not null as served_before, old.energy_mwh as energy_before_mwh,
    new.energy_mwh as energy_after_mwh, old.payment_gbp as payment_before_gbp, new.payment_gbp as payment_after_gbp,
    coalesce(mining.btc, '{}') as btc, differing.periods
from made
left join lateral (
    select version_id from served_span
    where settlement_date = made.settlement_date and served_from < %(started_at)s::timestamptz
        and (served_to is null or served_to >= %(started_at)s::timestamptz)
    order by served_from desc limit 1
) before on true
join daily_summary new on new.version_id = made.id and new.definition = %(definition)s
left join daily_summary old on old.version_id = before.version_id and old.definition = %(definition)s
left join lateral (
    select jsonb_object_agg(miner_model, jsonb_build_object('before', was.btc::text, 'after', now.btc::text)) as btc
    from (select miner_model, btc from daily_mining where version_id = made.id and definition = %(definition)s) now
    full join (
        select miner_model, btc from daily_mining where version_id = before.version_id and definition = %(definition)s
    ) was using (miner_model)
) mining on true
left join lateral (
    select array_agg(distinct period order by period) as periods
    from (
        (
            select period, side, bm_unit, acceptance_id, pair_id, so_flag, cadl_flag, stor_flag, repriced,
                original_price, volume, final_price, transmission_loss_multiplier
            from curtailment_record where version_id = made.id
            except all
            select period, side, bm_unit, acceptance_id, pair_id, so_flag, cadl_flag, stor_flag, repriced,
                original_price, volume, final_price, transmission_loss_multiplier
            from curtailment_record where version_id = before.version_id
        )
        union all
        (
            select period, side, bm_unit, acceptance_id, pair_id, so_flag, cadl_flag, stor_flag, repriced,
                original_price, volume, final_price, transmission_loss_multiplier
            from curtailment_record where version_id = before.version_id
            except all
            select period, side, bm_unit, acceptance_id, pair_id, so_flag, cadl_flag, stor_flag, repriced,
                original_price, volume, final_price, transmission_loss_multiplier
            from curtailment_record where version_id = made.id
        )
    ) record
    where before.version_id is not null
) differing on true;

-- name: planned_by_reconciliation
-- What plans of the reconciliation would have done, by the log of their runs: a plan leaves nothing else behind.
select distinct on (run.settlement_date) run.settlement_date, event.detail ->> 'decision' as decision,
    array(select jsonb_array_elements_text(event.detail -> 'periods')::smallint) as periods,
    day.current_version_id is not null as served, served.energy_mwh, served.payment_gbp
from run
join run_event event on event.run_id = run.id and event.event = 'planned'
left join settlement_day day on day.settlement_date = run.settlement_date
left join daily_summary served on served.version_id = day.current_version_id and served.definition = %(definition)s
where run.settlement_date = any (%(dates)s::date[]) and run.reason = 'reconciliation ' || %(id)s::text
    and run.started_at >= %(started_at)s::timestamptz
order by run.settlement_date, run.started_at desc;

-- name: judge_date
-- A date is judged once, by whoever comes first.
update reconciliation_date
set verdict = %(verdict)s, judged_at = clock_timestamp(), run_id = %(run_id)s, version = %(version)s,
    energy_before_mwh = %(energy_before_mwh)s, energy_after_mwh = %(energy_after_mwh)s,
    payment_before_gbp = %(payment_before_gbp)s, payment_after_gbp = %(payment_after_gbp)s, btc = %(btc)s,
    periods = %(periods)s, error = %(error)s
where reconciliation_id = %(id)s and settlement_date = %(settlement_date)s and verdict is null;

-- name: lock_reconciliation
-- Two processes may come to the end of one reconciliation: the second waits, and finds it ended.
select state from reconciliation where id = %(id)s for update;

-- name: end_reconciliation
update reconciliation set state = %(state)s, finished_at = clock_timestamp()
where id = %(id)s and state = 'running';

-- name: listed_reconciliations
-- Newest first, each with how many of its dates got which verdict.
select reconciliation.id, range_id, reconciliation.policy, reconciliation.payment_limit_gbp,
    reconciliation.energy_limit_mwh, reconciliation.jobs, reconciliation.holder, reconciliation.host, reconciliation.flow_run_id,
    reconciliation.started_at, reconciliation.finished_at, reconciliation.state, counted.verdicts
from reconciliation
cross join lateral (
    select coalesce(jsonb_object_agg(verdict, dates), '{}') as verdicts
    from (
        select coalesce(verdict, 'unjudged') as verdict, count(*) as dates
        from reconciliation_date where reconciliation_id = reconciliation.id group by 1
    ) grouped
) counted
where %(id)s::uuid is null or reconciliation.id = %(id)s::uuid
order by reconciliation.started_at desc, reconciliation.id desc
limit %(limit)s;
