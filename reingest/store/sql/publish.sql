-- name: begin_publish
-- Both limits lie below the lease's TTL: a publish that waits or stalls longer than that must not commit.
select set_config('lock_timeout', %(limit)s, true),
    set_config('idle_in_transaction_session_timeout', %(limit)s, true);

-- name: ensure_day
insert into settlement_day (settlement_date) values (%(settlement_date)s) on conflict do nothing;

-- name: lock_day
select generation, current_version_id, clock_timestamp() as now
from settlement_day where settlement_date = %(settlement_date)s for update;

-- name: retire_version
update version set state = 'superseded', served_to = %(now)s where id = %(version_id)s and state = 'published';

-- name: serve_version
update version set state = 'published', served_from = %(now)s, reason = coalesce(%(reason)s, reason)
where id = %(version_id)s and state in ('candidate', 'held');

-- name: was_served
select number from version where id = %(version_id)s and state in ('published', 'superseded');

-- name: move_day
-- Compare and swap: the generation that the run began from must still be the date's.
update settlement_day
set current_version_id = %(version_id)s, generation = generation + 1, provisional_until = %(provisional_until)s,
    confirmed_at = %(now)s, confirmed_by = %(run_id)s
where settlement_date = %(settlement_date)s and generation = %(basis_generation)s
returning generation;

-- name: add_outbox
insert into outbox (settlement_date, generation, version_id, kind, body, dedupe_key)
values (%(settlement_date)s, %(generation)s, %(version_id)s, 'date_published', %(body)s, %(dedupe_key)s);

-- name: confirm_day
-- The same content was seen again: the generation stays, the confirmation moves, a provisional mark goes when due.
-- What a final run confirmed does not become provisional again because an earlier payload was read once more.
update settlement_day
set confirmed_at = clock_timestamp(), confirmed_by = %(run_id)s,
    provisional_until = case when provisional_until is not null then %(provisional_until)s::timestamptz end
where settlement_date = %(settlement_date)s and generation = %(basis_generation)s
    and current_version_id = %(version_id)s
returning provisional_until;
