-- name: bytes
select pg_database_size(current_database()),
    pg_total_relation_size('events') + pg_total_relation_size('event_resources')

-- name: make_older
with made_older as (
    update flow_run set start_time = start_time - %(age)s, end_time = end_time - %(age)s
), of_events as (
    update events set occurred = occurred - %(age)s, received = received - %(age)s
)
update event_resources set occurred = occurred - %(age)s

-- name: past_retention
select (select count(*) from flow_run where end_time < now() - %(age)s)
    + (select count(*) from events where occurred < now() - %(age)s)
    + (select count(*) from event_resources where occurred < now() - %(age)s)
    + (select count(*) from artifact where flow_run_id is not null and flow_run_id not in (select id from flow_run))
    + (select count(*) from log where flow_run_id is not null and flow_run_id not in (select id from flow_run))
