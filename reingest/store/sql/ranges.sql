-- name: insert_range
insert into range_run (id, kind, side, source, plan, energy_limit_mwh, payment_limit_gbp, jobs, reason, flow_run_id,
    holder, host, pid, code_version, token)
values (%(id)s, %(kind)s, %(side)s, %(source)s, %(plan)s, %(energy_limit_mwh)s, %(payment_limit_gbp)s, %(jobs)s,
    %(reason)s, %(flow_run_id)s, %(holder)s, %(host)s, %(pid)s, %(code_version)s, nextval('lease_token'));

-- name: insert_range_dates
insert into range_date (range_id, position, settlement_date)
select %(id)s, chosen.position, chosen.settlement_date
from unnest(%(dates)s::date[]) with ordinality as chosen (settlement_date, position);

-- name: range_by_id
-- One that runs by its own account while nobody works on it was broken off: its processes are dead.
select id, kind, side, source, plan, energy_limit_mwh, payment_limit_gbp, jobs, reason, flow_run_id, holder, host, pid,
    token, started_at, ended_at, state, error,
    exists (
        select from pg_locks
        where locktype = 'advisory' and objsubid = 1 and granted
            and database = (select oid from pg_database where datname = current_database())
            and classid::bigint = token >> 32 and objid::bigint = token & 4294967295
    ) as alive
from range_run where id = %(id)s;

-- name: list_ranges
select range_run.id, kind, source, plan, jobs, reason, holder, host, pid, started_at, ended_at, range_run.state,
    exists (
        select from pg_locks
        where locktype = 'advisory' and objsubid = 1 and granted
            and database = (select oid from pg_database where datname = current_database())
            and classid::bigint = range_run.token >> 32 and objid::bigint = range_run.token & 4294967295
    ) as alive,
    dates.first, dates.last, dates.dates, dates.ended, dates.failed
from range_run
cross join lateral (
    select min(settlement_date) as first, max(settlement_date) as last, count(*) as dates,
        count(*) filter (where range_date.state = 'done') as ended, count(*) filter (where exit_code > 0) as failed
    from range_date where range_id = range_run.id
) dates
order by started_at desc, range_run.id desc
limit %(limit)s;

-- name: newest_open_range
-- The newest range that is not done: what `range resume` means where no id is said.
select id from range_run where state <> 'done' and kind = 'range' order by started_at desc, id desc limit 1;

-- name: dates_of_range
select position, settlement_date, state, outcome, exit_code, decision, run_id, version, error, changes, requests,
    seconds::double precision as seconds
from range_date where range_id = %(id)s order by position;

-- name: share_range
select pg_advisory_lock_shared(%(token)s);

-- name: leave_range
select pg_advisory_unlock_shared(%(token)s);

-- name: reopen_range
update range_run set state = 'running', ended_at = null, error = null where id = %(id)s and state = 'interrupted';

-- name: claim_range_date
-- What another had locked comes last: whoever had it may be done by then.
with next as (
    select position, claimed_at from range_date
    where range_id = %(range_id)s and state = 'pending'
    order by locked_before, position
    limit 1
    for update skip locked
)
update range_date
set state = 'running', token = %(token)s, host = %(host)s, pid = %(pid)s,
    claimed_at = coalesce(next.claimed_at, clock_timestamp())
from next
where range_date.range_id = %(range_id)s and range_date.position = next.position
returning range_date.position, settlement_date, locked_before, deaths, next.claimed_at as had_since;

-- name: made_since
-- What runs published of a date since an instant, though their process did not live to say so: the newest of it, beside
-- what was served before.
with made as (
    select version.id, version.number, version.run_id
    from version join run on run.id = version.run_id
    where version.settlement_date = %(settlement_date)s and version.state = 'published'
        and run.started_at >= %(since)s and version.served_from >= %(since)s
), before as (
    select version_id as id from served_span
    where settlement_date = %(settlement_date)s and served_from < %(since)s
        and (served_to is null or served_to >= %(since)s)
    order by served_from desc limit 1
), figure as (
    select version_id, 'energy_mwh' as figure, definition, energy_mwh as amount from daily_summary
    union all
    select version_id, 'payment_gbp', definition, payment_gbp from daily_summary
    union all
    select version_id, 'btc:' || miner_model, definition, btc from daily_mining
)
select made.number as version, made.run_id, coalesce(change.changes, '[]') as changes
from made
left join lateral (
    select jsonb_agg(jsonb_build_object(
        'figure', figure, 'definition', definition, 'before', old.amount::text, 'after', new.amount::text
    ) order by definition, figure) as changes
    from (select figure, definition, amount from figure where version_id = made.id) new
    full join (
        select figure, definition, amount from figure where version_id = (select id from before)
    ) old using (figure, definition)
    where new.amount is distinct from old.amount
) change on true;

-- name: end_range_date
-- Only by whoever has it: a date that was taken from a process that seemed dead is another's to end.
update range_date
set state = 'done', token = null, ended_at = clock_timestamp(), outcome = %(outcome)s, exit_code = %(exit_code)s,
    decision = %(decision)s, run_id = %(run_id)s, version = %(version)s, error = %(error)s, changes = %(changes)s,
    requests = %(requests)s, seconds = %(seconds)s
where range_id = %(range_id)s and position = %(position)s and token = %(token)s;

-- name: give_back_range_date
update range_date
set state = 'pending', token = null, locked_before = %(locked_before)s, deaths = %(deaths)s
where range_id = %(range_id)s and position = %(position)s and token = %(token)s;

-- name: run_range_dates_again
-- Dates that ended while the source was silent: they are to be run when it is back.
update range_date
set state = 'pending', ended_at = null, outcome = null, exit_code = null, decision = null, run_id = null, version = null, error = null,
    changes = '[]', seconds = null
where range_id = %(range_id)s and position = any(%(positions)s) and state = 'done';

-- name: free_dead_claims
update range_date
set state = 'pending', token = null
where range_id = %(range_id)s and state = 'running' and not exists (
    select from pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database())
        and classid::bigint = range_date.token >> 32 and objid::bigint = range_date.token & 4294967295
);

-- name: adopt_claims
-- A process that lost its connection has a new token: what it still works on stays its own, the rest is anybody's.
update range_date
set state = case when position = any(%(in_hand)s) then 'running' else 'pending' end,
    token = case when position = any(%(in_hand)s) then %(token)s::bigint end
where range_id = %(range_id)s and token = %(old_token)s;

-- name: range_dates_left
select count(*) filter (where state = 'pending')::integer as pending,
    count(*) filter (where state = 'running')::integer as running
from range_date where range_id = %(range_id)s and state <> 'done';

-- name: lock_range
select state from range_run where id = %(id)s for update;

-- name: finish_range
update range_run set state = 'done', ended_at = clock_timestamp(), error = null
where id = %(id)s and state <> 'done'
    and not exists (select from range_date where range_id = %(id)s and range_date.state <> 'done')
returning id;

-- name: interrupt_range
-- Unless somebody else still works on it.
update range_run set state = 'interrupted', ended_at = clock_timestamp(), error = %(error)s
where id = %(id)s and state = 'running' and not exists (
    select from pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
        and database = (select oid from pg_database where datname = current_database())
        and classid::bigint = range_run.token >> 32 and objid::bigint = range_run.token & 4294967295
);

-- name: dates_to_choose_from
-- Every date of a span, with what a person may choose it by. Its last run counts, not one that found it locked.
select calendar.settlement_date, served.id is null as missing,
    last.id is not null and coalesce(last.outcome in (
        'source_failed', 'partial', 'conflict', 'lease_lost', 'database_unreachable', 'bug'
    ), true) as failed,
    exists (
        select from version
        where version.settlement_date = calendar.settlement_date and version.state = 'held'
            and version.basis_generation = coalesce(day.generation, 0)
    ) as held,
    served.id is not null and day.provisional_until is not null as provisional,
    served.id is not null and day.stale_since is not null as stale,
    served.id is not null and coalesce(standing.verification, 'unverified') <> 'verified' as unverified
from (select generate_series(%(start)s::date, %(end)s::date - 1, interval '1 day')::date as settlement_date) calendar
left join settlement_day day using (settlement_date)
left join version served on served.id = day.current_version_id
left join standing_verdict standing on standing.version_id = served.id
left join lateral (
    select run.id, run.outcome from run
    where run.settlement_date = calendar.settlement_date and run.kind in ('reingest', 'apply')
        and run.outcome is distinct from 'locked' and run.outcome is distinct from 'refused'
    order by run.started_at desc
    limit 1
) last on true
order by calendar.settlement_date;

-- name: cost_of_similar_dates
-- What whole dates that were asked in the same way cost of late: requests, seconds, rows, bytes of the archive.
with similar_run as (
    select run.id, run.requests, extract(epoch from run.finished_at - run.started_at) as seconds, version.rows
    from run join version on version.id = run.version_id
    where run.kind = 'reingest' and run.outcome in ('published', 'unchanged') and run.source = %(source)s
        and run.sides = %(sides)s and run.periods is null
    order by run.started_at desc
    limit %(most)s
), archived as (
    select coalesce(sum(payload.stored_size), 0) as bytes
    from similar_run
    join "fetch" on "fetch".run_id = similar_run.id
    join payload on payload.sha256 = "fetch".payload_sha256
)
select count(*)::integer as dates,
    coalesce(percentile_cont(0.5) within group (order by requests), 0)::double precision as requests,
    coalesce(percentile_cont(0.5) within group (order by seconds), 0)::double precision as seconds,
    coalesce(percentile_cont(0.5) within group (order by rows), 0)::double precision as rows,
    (select bytes from archived)::double precision / greatest(count(*), 1) as archive_bytes
from similar_run;

-- name: database_sizes
-- The whole database, and what a version takes in it on average; the latter null where there is none.
select pg_database_size(current_database()) as bytes,
    (
        select sum(pg_total_relation_size(oid)) from pg_class
        where relnamespace = 'public'::regnamespace and relname in (
            'version', 'version_period', 'curtailment_record', 'reject', 'daily_summary', 'daily_unit_summary',
            'daily_mining', 'mining_rate', 'check_result', 'version_witness', 'witness_verdict', 'witness_difference',
            'version_other_unit', 'served_span', 'fetch', 'payload', 'run', 'run_event', 'outbox', 'outbox_delivery'
        )
    )::double precision / nullif((select count(*) from version), 0) as bytes_a_version;
