-- name: stage_answer
-- What it is about is what the fetch is about. An answer never gives way to an older one, whoever is the last to stage.
insert into staged_stack (settlement_date, period, side, outcome, rows, fetch_id, run_id)
select settlement_date, period, side, %(outcome)s, %(rows)s, id, %(run_id)s
from "fetch" where id = %(fetch_id)s and dataset = 'ISPSTACK' and status = 200
on conflict (settlement_date, period, side) do update
set outcome = excluded.outcome, rows = excluded.rows, fetch_id = excluded.fetch_id, run_id = excluded.run_id,
    staged_at = excluded.staged_at
where staged_stack.fetch_id <= excluded.fetch_id;

-- name: staged_stacks
-- What is staged of a date, with who staged it, how old the answer is, and whether what is served came later: from the
-- version's own answers, or from those of a run that published, or confirmed, by newer ones.
select staged.period, staged.side, staged.outcome, staged.rows, staged.fetch_id, staged.run_id, staged.staged_at,
    answer.answered_at, clock_timestamp() - answer.answered_at as age, run.holder, run.host,
    day.current_version_id is not null and (
        coalesce(served.answered_at > answer.answered_at, false)
        or exists (
            select from "fetch" newer join run by on by.id = newer.run_id
            where newer.settlement_date = staged.settlement_date and newer.dataset = 'ISPSTACK'
                and newer.period = staged.period and newer.side = staged.side
                and newer.answered_at > answer.answered_at and newer.status = 200
                and by.outcome in ('published', 'unchanged')
        )
    ) as overtaken
from staged_stack staged
join "fetch" answer on answer.id = staged.fetch_id
join run on run.id = staged.run_id
left join settlement_day day on day.settlement_date = staged.settlement_date
left join version_period period on period.version_id = day.current_version_id and period.period = staged.period
    and period.side = staged.side
left join "fetch" served on served.id = period.fetch_id
where staged.settlement_date = %(settlement_date)s
order by staged.period, staged.side;

-- name: staged_dates
-- Every date of which something is staged, the one that waits longest first.
select staged_stack.settlement_date, count(distinct period) as periods, count(*) as stacks, min(staged_at) as first_staged_at,
    max(staged_at) as last_staged_at, array_agg(distinct run.holder || '@' || run.host) as staged_by
from staged_stack join run on run.id = staged_stack.run_id
group by staged_stack.settlement_date
order by first_staged_at, staged_stack.settlement_date;

-- name: old_staged_dates
-- As above, of those alone that were staged to the last period longer ago.
select staged_stack.settlement_date, count(distinct period) as periods, count(*) as stacks, min(staged_at) as first_staged_at,
    max(staged_at) as last_staged_at, array_agg(distinct run.holder || '@' || run.host) as staged_by
from staged_stack join run on run.id = staged_stack.run_id
group by staged_stack.settlement_date
having max(staged_at) < clock_timestamp() - %(older_than)s::interval
order by first_staged_at, staged_stack.settlement_date;

-- name: unstage_served
-- What a version names of the staged answers is served now, whichever way the version was published.
delete from staged_stack using version_period
where version_period.version_id = %(version_id)s and staged_stack.settlement_date = %(settlement_date)s
    and staged_stack.fetch_id = version_period.fetch_id;

-- name: unstage
delete from staged_stack where settlement_date = %(settlement_date)s and fetch_id = any (%(fetch_ids)s::bigint[]);

-- name: drop_staged
-- Nobody takes the answers up again either: whoever stages the periods next wants to know what the source says then.
with dropped as (
    delete from staged_stack
    where settlement_date = %(settlement_date)s
        and (%(periods)s::smallint[] is null or period = any (%(periods)s::smallint[]))
    returning period, side
), forgotten as (
    update "fetch" set forgotten_at = clock_timestamp()
    from dropped
    where "fetch".settlement_date = %(settlement_date)s and "fetch".dataset = 'ISPSTACK'
        and "fetch".period = dropped.period and "fetch".side = dropped.side and "fetch".forgotten_at is null
)
select period, side from dropped order by period, side;
