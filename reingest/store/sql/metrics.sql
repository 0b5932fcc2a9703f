-- name: metric_samples
-- Everything that is counted, of one moment: a series, its label values in the order of their names, and the value.
with held as (
    select distinct version.settlement_date
    from version left join settlement_day day using (settlement_date)
    where version.state = 'held' and version.basis_generation = coalesce(day.generation, 0)
), sink_lag as (
    select sink.sink, count(*) filter (where delivery.state = 'pending') as pending,
        coalesce(extract(epoch from clock_timestamp() - min(outbox.created_at)
            filter (where delivery.state = 'pending')), 0) as oldest_pending_seconds
    from outbox_sink sink
    left join outbox_delivery delivery on delivery.sink = sink.sink and delivery.state = 'pending'
    left join outbox on outbox.id = delivery.outbox_id
    where sink.forgotten_at is null
    group by sink.sink
)
select 'reingest_runs_total' as series, array[kind, outcome] as labels, count(*)::numeric as value
from run where outcome is not null group by kind, outcome
union all
select 'reingest_runs_open', '{}', count(*) from run where outcome is null
union all
select 'reingest_requests_total', '{}', coalesce(sum(requests), 0) from run
union all
select 'reingest_retries_total', '{}', coalesce(sum(retries), 0) from run
union all
select 'reingest_records_published_total', '{}', coalesce(sum(records), 0) from version
where state in ('published', 'superseded')
union all
select 'reingest_lock_failures_total', '{}', count(*) from run where outcome = 'locked'
union all
select 'reingest_lease_waits_total', '{}', count(*) from run_event where stage = 'lease' and event = 'waited'
union all
select 'reingest_lease_wait_seconds_total', '{}', coalesce(sum((detail ->> 'seconds')::numeric), 0)
from run_event where stage = 'lease' and event = 'waited'
union all
select 'reingest_recoveries_total', array[event], count(distinct run_id) from run_event
where event in ('resumed', 'taken_over') group by event
union all
select 'reingest_doctor_fixes_total', array[detail ->> 'id'], count(*) from operator_action
where action = 'doctor:' || (detail ->> 'id') group by detail ->> 'id'
union all
select 'reingest_dates', array['published'], count(*) from settlement_day where current_version_id is not null
union all
select 'reingest_dates', array['provisional'], count(*) from settlement_day
where current_version_id is not null and provisional_until is not null
union all
select 'reingest_dates', array['held'], count(*) from held
union all
select 'reingest_verification', array[standing.verification], count(*)
from settlement_day day join standing_verdict standing on standing.version_id = day.current_version_id
group by standing.verification
union all
select 'reingest_periods', array[period.outcome, period.side], count(*)
from settlement_day day join version_period period on period.version_id = day.current_version_id
group by period.outcome, period.side
union all
select 'reingest_staged_dates', '{}', count(distinct settlement_date) from staged_stack
union all
select 'reingest_staged_idle_seconds', '{}', coalesce(extract(epoch from clock_timestamp() - min(last_staged_at)), 0)
from (select max(staged_at) as last_staged_at from staged_stack group by settlement_date) staged
union all
select 'reingest_versions', array[state], count(*) from version group by state
union all
select 'reingest_abandoned_ratio', '{}',
    coalesce(round(count(*) filter (where state = 'abandoned')::numeric / nullif(count(*), 0), 6), 0) from version
union all
select 'reingest_outbox_facts', array[delivery.sink, delivery.state], count(*)
from outbox_delivery delivery group by delivery.sink, delivery.state
union all
select 'reingest_outbox_oldest_pending_seconds', array[sink], oldest_pending_seconds from sink_lag
union all
select 'reingest_outbox_position', '{}', coalesce(max(position), 0) from outbox
union all
select 'reingest_notices_total', array[kind], count(*) from notice group by kind
union all
select 'reingest_notice_deliveries', array[channel, state], count(*) from notice_delivery group by channel, state
union all
select 'reingest_gate_slots_total', array[source], slots from rate_gate
union all
select 'reingest_gate_wait_seconds_total', array[source], waited_seconds from rate_gate
union all
select 'reingest_gate_pauses_total', array[source], pauses from rate_gate;

-- name: metric_seconds
-- How long stages and whole runs took: a series, its label, the bucket (the first bound that is not exceeded; the last
-- one has none), how many fell into it, and their sum. Seconds have six decimals at most, so less than half of the last
-- one makes a bound belong to the bucket below it.
with seconds as (
    select 'reingest_stage_seconds' as series, stage as label, (detail ->> 'seconds')::numeric as value
    from run_event where event = 'done' and detail ? 'seconds'
    union all
    select 'reingest_run_seconds', kind, extract(epoch from finished_at - started_at) from run
    where finished_at is not null
)
select series, label, width_bucket(value - 0.0000001, %(bounds)s::numeric[]) as bucket, count(*) as count,
    sum(value) as sum
from seconds group by series, label, bucket order by series, label, bucket;
