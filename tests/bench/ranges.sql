-- What the bench of ranges asks of a database.

-- name: dates_done_of_newest_range
-- Until the range that is watched has begun, that is the one before it, all of whose dates are done.
select count(*) from range_date
where range_id = (select id from range_run order by started_at desc limit 1) and state = 'done';

-- name: outcomes_of_newest_range
select outcome, count(*) from range_date
where range_id = (select id from range_run order by started_at desc limit 1)
group by outcome;

-- name: a_date
-- What a date has on average: answers, and curtailment records of what is served; and the bytes of the whole database.
select (select count(*)::float8 / nullif(count(distinct settlement_date), 0) from "fetch" where settlement_date is not null),
    (select avg(records)::float8 from version where state = 'published'),
    pg_database_size(current_database())::float8;
