-- name: release_dead_lease
-- Only as it was seen: a lease that was taken over meanwhile has another token, and one that beats again lives.
delete from lease where key = %(key)s and token = %(token)s and heartbeat_at = %(heartbeat_at)s;

-- name: what_a_run_came_to
-- What the database shows of a run that died before it could say how it ended.
select
    exists (select from outbox where settlement_date = run.settlement_date and body ->> 'run_id' = run.id::text)
        or exists (select from version where run_id = run.id and state in ('published', 'superseded')) as published,
    exists (select from settlement_day where confirmed_by = run.id) as confirmed,
    exists (select from version where run_id = run.id and state = 'held') as held,
    (select max(version.id) from version where version.run_id = run.id and state in ('published', 'superseded', 'held'))
        as version_id,
    (select count(*) from "fetch" where run_id = run.id) as requests,
    (select coalesce(sum(attempts - 1), 0) from "fetch" where run_id = run.id) as retries
from run where id = %(run_id)s;

-- name: set_generation
update settlement_day set generation = %(generation)s
where settlement_date = %(settlement_date)s and generation = %(seen)s;

-- name: set_last_number
update settlement_day set last_number = greatest(last_number, %(number)s) where settlement_date = %(settlement_date)s;

-- name: point_at_version
insert into settlement_day (settlement_date, current_version_id, generation, provisional_until, last_number,
    register_recorded_at)
select version.settlement_date, version.id, %(generation)s, version.provisional_until, version.number,
    version.register_recorded_at
from version where version.id = %(version_id)s and version.state = 'published'
on conflict (settlement_date) do update
set current_version_id = excluded.current_version_id,
    last_number = greatest(settlement_day.last_number, excluded.last_number),
    register_recorded_at = excluded.register_recorded_at;

-- name: mend_served_span
select mend_served_span(%(version_id)s, %(served_from)s, %(served_to)s);

-- name: register_payload
insert into payload (sha256, size, stored_size) values (%(sha256)s, %(size)s, %(stored_size)s)
on conflict (sha256) do nothing;
