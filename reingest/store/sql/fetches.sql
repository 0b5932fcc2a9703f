-- name: add_payloads
insert into payload (sha256, size, stored_size)
select * from unnest(%(sha256)s::text[], %(size)s::bigint[], %(stored_size)s::bigint[])
on conflict (sha256) do nothing;

-- name: add_fetches
-- One statement for the answers that came in together; the ids come back in the order of the arrays.
with answered as (
    select * from unnest(
        %(dataset)s::text[], %(settlement_date)s::date[], %(period)s::smallint[], %(side)s::text[], %(wire)s::text[],
        %(url)s::text[], %(status)s::smallint[], %(content_type)s::text[], %(sha256)s::text[],
        %(requested_at)s::timestamptz[], %(answered_at)s::timestamptz[], %(attempts)s::smallint[]
    ) with ordinality as answer (
        dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256, requested_at,
        answered_at, attempts, place
    )
)
insert into "fetch" (run_id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256,
    requested_at, answered_at, attempts)
select %(run_id)s, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256,
    requested_at, answered_at, attempts
from answered order by place
returning id;

-- name: fetches_of_version
-- The named list of fetches that a version was built from: its stacks, the system prices that judged its zeros, and
-- the witnesses that its own run judged it by.
-- By ids and not by a join with OR, which would read every fetch there is.
select id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256, requested_at,
    answered_at, attempts
from "fetch"
where id in (
    select fetch_id from version_period where version_id = %(version_id)s
    union all
    select system_prices_fetch_id from version where id = %(version_id)s
    union all
    select named.fetch_id
    from version_witness named join version on version.id = named.version_id and version.run_id = named.run_id
    where version.id = %(version_id)s
);

-- name: fetches_by_id
select id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256, requested_at,
    answered_at, attempts
from "fetch" where id = any (%(ids)s) order by dataset, period, side, id;

-- name: newest_fetches
-- What a withdrawn version was built from goes before what is newer: the archive gives back what was served.
with named as materialized (
    select dataset, period, side from "fetch"
    where id in (
        select fetch_id from version_period where version_id = %(beside)s
        union all
        select system_prices_fetch_id from version where id = %(beside)s
        union all
        select witness.fetch_id
        from version_witness witness join version on version.id = witness.version_id and version.run_id = witness.run_id
        where version.id = %(beside)s
    )
)
select distinct on (dataset, period, side) id, dataset, settlement_date, period, side, wire, url, status,
    content_type, payload_sha256, requested_at, answered_at, attempts
from "fetch"
left join (
    select unnest(withdrawn_fetches) as id, true as withdrawn
    from settlement_day where settlement_date = %(settlement_date)s
) served using (id)
where settlement_date = %(settlement_date)s and dataset in ('ISPSTACK', 'DISEBSP', 'BOAV', 'EBOCF', 'DISPTAV')
    and (status = 200 or withdrawn)
    and (dataset, coalesce(period, 0), coalesce(side, '')) not in (
        select dataset, coalesce(period, 0), coalesce(side, '') from named
    )
order by dataset, period, side, withdrawn nulls last, answered_at desc, id desc;

-- name: fetched_from
-- Whether any answer came from this machine, and whether any came from elsewhere.
select
    exists (select from "fetch" where starts_with(url, 'http://127.0.0.1:')),
    exists (select from "fetch" where not starts_with(url, 'http://127.0.0.1:'));

-- name: stored_fetches
-- A run asks nothing twice at one instant, so address and instant tell its answers apart.
select "fetch".id
from unnest(%(url)s::text[], %(answered_at)s::timestamptz[]) with ordinality as answer (url, answered_at, place)
join "fetch" on "fetch".run_id = %(run_id)s and "fetch".url = answer.url and "fetch".answered_at = answer.answered_at
order by answer.place;

-- name: judge_fetches
-- All answers of a date in one statement; a fetch is judged once, by its own run or by the one that took it over.
update "fetch" set outcome = judged.outcome
from unnest(%(ids)s::bigint[], %(outcomes)s::text[]) as judged (id, outcome)
where "fetch".id = judged.id and "fetch".outcome = 'answered';

-- name: resumable_fetches
-- The newest answer of each stack from the runs of the date that broke off since the last one that came to its end.
-- Answers that a killed run had no time to judge come too; whoever takes them over judges them first. What a run that
-- came to its end has staged by now was taken over once; to stage it again is to ask again.
with ended as (
    select coalesce(max(finished_at), '-infinity') as at from run
    where settlement_date = %(settlement_date)s and kind in ('reingest', 'apply') and outcome in ('published', 'unchanged', 'held')
), newest as (
    select distinct on ("fetch".period, "fetch".side) "fetch".id, dataset, "fetch".settlement_date, period, side, wire,
        url, status, content_type, payload_sha256, requested_at, answered_at, attempts, "fetch".outcome, forgotten_at,
        run.id as run_id, clock_timestamp() - run.started_at as age
    from run
    join "fetch" on "fetch".run_id = run.id
    cross join ended
    where run.settlement_date = %(settlement_date)s and run.kind = %(kind)s and run.id <> %(run_id)s
        and run.started_at > ended.at and run.started_at > clock_timestamp() - %(no_older_than)s::interval
        and (run.outcome is null or run.outcome = any(%(broken_off)s::text[]))
        and run.source = %(source)s and run.sides = %(sides)s::text[] and starts_with("fetch".url, %(base_url)s)
        and "fetch".dataset = 'ISPSTACK' and "fetch".settlement_date = %(settlement_date)s
    order by "fetch".period, "fetch".side, answered_at desc, "fetch".id desc
)
select id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256, requested_at,
    answered_at, attempts, outcome, run_id, age
from newest
where outcome in ('answered', 'fetched') and status = 200 and forgotten_at is null and not exists (
    select from staged_stack staged join run staging on staging.id = staged.run_id
    where staged.settlement_date = newest.settlement_date and staged.period = newest.period
        and staged.side = newest.side and staged.fetch_id >= newest.id and staging.outcome = 'staged'
)
order by period, side;

-- name: forget_fetches
-- Of these dates, or of all; what is forgotten stays archived and named by its versions, and is asked again.
update "fetch" set forgotten_at = clock_timestamp()
where forgotten_at is null and settlement_date is not null
    and (%(dates)s::date[] is null or settlement_date = any(%(dates)s::date[]));

-- name: newest_requests
select run_id, count(*) as requests, count(*) filter (where attempts > 1) as retried, max(attempts) as most_attempts
from "fetch"
where run_id = (
    select run.id from run
    where run.settlement_date = %(settlement_date)s and exists (select from "fetch" where run_id = run.id)
    order by run.started_at desc limit 1
)
group by run_id;
