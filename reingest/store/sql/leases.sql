-- name: next_lease_token
select nextval('lease_token');

-- name: hold_token
-- Session lock on the holder's token: free means that the holder's connection, and so the holder, is gone.
select pg_advisory_lock(%(token)s);

-- name: insert_lease
insert into lease (key, token, run_id, holder, host, pid, acquired_at, heartbeat_at, expires_at)
select %(key)s, %(token)s, %(run_id)s, %(holder)s, %(host)s, %(pid)s, now, now, now + %(ttl)s
from (select clock_timestamp() as now) clock
on conflict (key) do nothing
returning token;

-- name: lock_lease
-- The row lock makes contenders for one date take turns, and keeps a publish and a takeover apart.
select token, run_id, holder, host, pid, acquired_at, heartbeat_at, expires_at,
    expires_at <= clock_timestamp() as expired
from lease where key = %(key)s for update;

-- name: try_token
select pg_try_advisory_lock(%(token)s);

-- name: let_token_go
select pg_advisory_unlock(%(token)s);

-- name: take_lease_over
update lease
set token = %(token)s, run_id = %(run_id)s, holder = %(holder)s, host = %(host)s, pid = %(pid)s,
    acquired_at = clock.now, heartbeat_at = clock.now, expires_at = clock.now + %(ttl)s
from (select clock_timestamp() as now) clock
where key = %(key)s;

-- name: beat_lease
-- The instant is read after the row is ours: a wait behind a publish must not write a past expiry.
with held as (select key from lease where key = %(key)s and token = %(token)s for update)
update lease
set heartbeat_at = clock_timestamp(), expires_at = clock_timestamp() + %(ttl)s
from held
where lease.key = held.key and lease.expires_at > clock_timestamp();

-- name: release_lease
delete from lease where key = %(key)s and token = %(token)s;

-- name: require_lease
-- Publish's own look, under the row lock and by the wall clock: now() would be the transaction's start.
select token = %(token)s and expires_at > clock_timestamp() as mine
from lease where key = %(key)s for update;
