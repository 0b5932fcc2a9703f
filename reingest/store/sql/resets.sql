-- name: versions_in_span
select id, settlement_date, number, state, sides
from version
where settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity')
order by settlement_date, number;

-- name: operations_taken
-- What a reset of operations takes: with run logs the log lines of ended runs, and runs that nothing refers to.
select 'run_event' as name, count(*)::bigint as rows, coalesce(sum(pg_column_size(run_event)), 0)::bigint as bytes
from run_event where %(run_logs)s and run_id in (select runs_ended(%(before)s))
union all
select 'run', count(*), coalesce(sum(pg_column_size(run)), 0)
from run where %(run_logs)s and id in (select runs_without_trace(%(before)s))
union all
select 'outbox_delivery', count(*), coalesce(sum(pg_column_size(outbox_delivery)), 0)
from outbox_delivery where outbox_id in (select facts_delivered(%(before)s))
union all
select 'outbox', count(*), coalesce(sum(pg_column_size(outbox)), 0)
from outbox where id in (select facts_delivered(%(before)s));

-- name: owner_delete_events
delete from run_event where run_id in (select runs_ended(%(before)s));

-- name: owner_delete_runs
delete from run where id in (select runs_without_trace(%(before)s));

-- name: owner_delete_facts
-- Their deliveries first: the cascade would not be counted.
with delivery as (
    delete from outbox_delivery where outbox_id in (select facts_delivered(%(before)s)) returning 1
), fact as (
    delete from outbox where id in (select facts_delivered(%(before)s)) returning 1
)
select (select count(*) from delivery)::bigint, (select count(*) from fact)::bigint;

-- name: withdraw_dates
-- Each date of the span serves nothing from now on: its generation moves, consumers are told, and what the version was
-- built from is noted, so that a run from the archive gives it back, with its seal, which the next one names.
with served as (
    select day.settlement_date, version.id, version.number, version.seal
    from settlement_day day
    join version on version.id = day.current_version_id
    where day.settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity')
    order by day.settlement_date for update of day
), withdrawn as (
    update settlement_day day
    set current_version_id = null, generation = generation + 1, provisional_until = null, confirmed_at = null,
        confirmed_by = null, withdrawn_seal = served.seal,
        register_recorded_at = null, stale_since = null, stale_reason = null,
        withdrawn_fetches = array(
            select fetch_id from version_period where version_id = served.id and fetch_id is not null
            union select system_prices_fetch_id from version
                where version.id = served.id and system_prices_fetch_id is not null
            union select fetch_id from version_witness
                where version_id = served.id and run_id = (select run_id from version where id = served.id)
        )
    from served
    where day.settlement_date = served.settlement_date
    returning day.settlement_date, day.generation, served.number
), fact as (
    insert into outbox (settlement_date, generation, kind, body, dedupe_key)
    select settlement_date, generation, 'date_withdrawn',
        jsonb_build_object(
            'type', 'date_withdrawn',
            'settlement_date', settlement_date,
            'generation', generation,
            'replaces', number,
            'timestamp', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'reason', %(reason)s::text
        ),
        format('date_withdrawn:%%s:%%s', settlement_date, generation)
    from withdrawn order by settlement_date
    returning id, settlement_date
), delivery as (
    insert into outbox_delivery (outbox_id, sink, settlement_date)
    select fact.id, outbox_sink.sink, fact.settlement_date
    from fact, outbox_sink where outbox_sink.forgotten_at is null
)
select count(*)::integer from withdrawn;

-- name: owner_remove_versions
select remove_versions(%(ids)s);

-- name: state_taken
-- Versions that would be abandoned, answers that no later run would take over, and what is staged.
select 'version' as name, count(*)::bigint as rows, coalesce(sum(pg_column_size(version)), 0)::bigint as bytes
from version
where state in ('staging', 'candidate', 'held')
    and settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity')
union all
select 'fetch', count(*), coalesce(sum(pg_column_size("fetch")), 0)
from "fetch"
where forgotten_at is null
    and settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity')
union all
select 'staged_stack', count(*), coalesce(sum(pg_column_size(staged_stack)), 0)
from staged_stack
where settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity');

-- name: unstage_span
delete from staged_stack
where settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity');

-- name: abandon_versions_in_span
update version set state = 'abandoned'
where state in ('staging', 'candidate', 'held')
    and settlement_date between coalesce(%(first)s::date, '-infinity') and coalesce(%(last)s::date, 'infinity');
