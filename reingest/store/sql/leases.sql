-- name: next_lease_token
select nextval('lease_token');

-- name: hold_token
-- Session lock on the holder's token: free means that the holder's connection, and so the holder, is gone.
select pg_advisory_lock(%(token)s);

-- name: pass_lease_gate
-- Who takes a date shares the gate: two dates do not wait for each other, and nobody takes everything meanwhile.
select pg_advisory_xact_lock_shared(hashtext('reingest.lease'), 0);

-- name: close_lease_gate
select pg_advisory_xact_lock(hashtext('reingest.lease'), 0);

-- name: lock_rival_leases
-- What stands in the way: of a date its own lease and the exclusive one, of the exclusive one all there are. The row
-- locks make contenders take turns, and keep a publish and a takeover apart.
select key, token, run_id, holder, host, pid, acquired_at, heartbeat_at, expires_at,
    clock_timestamp() - heartbeat_at as silent_for, expires_at <= clock_timestamp() as expired, false as alive
from lease
where key in (%(key)s, 'exclusive:all') or %(exclusive)s
order by key for update;

-- name: try_token
select pg_try_advisory_lock(%(token)s);

-- name: let_token_go
select pg_advisory_unlock(%(token)s);

-- name: insert_lease
insert into lease (key, token, run_id, holder, host, pid, acquired_at, heartbeat_at, expires_at)
select %(key)s, %(token)s, %(run_id)s, %(holder)s, %(host)s, %(pid)s, now, now, now + %(ttl)s
from (select clock_timestamp() as now) clock
on conflict (key) do nothing
returning token;

-- name: beat_lease
-- The instant is read after the row is ours: a wait behind a publish must not write a past expiry.
with held as (select key from lease where key = %(key)s and token = %(token)s for update)
update lease
set heartbeat_at = clock_timestamp(), expires_at = clock_timestamp() + %(ttl)s
from held
where lease.key = held.key and lease.expires_at > clock_timestamp();

-- name: release_lease
delete from lease where key = %(key)s and token = %(token)s;

-- name: tell_holder
-- A run that lost its lease without an end of its own has no outcome; its log says what became of it.
insert into run_event (run_id, stage, event, detail)
select id, 'lease', %(event)s, %(detail)s from run where id = %(run_id)s and outcome is null;

-- name: require_lease
-- Publish's own look, under the row lock and by the wall clock: now() would be the transaction's start.
select token = %(token)s and expires_at > clock_timestamp() as mine
from lease where key = %(key)s for update;

-- name: leases
-- A session advisory lock on a bigint is kept as two halves, with objsubid 1.
select lease.key, lease.token, lease.run_id, lease.holder, lease.host, lease.pid, lease.acquired_at,
    lease.heartbeat_at, lease.expires_at, clock.now - lease.heartbeat_at as silent_for,
    lease.expires_at <= clock.now as expired,
    lease.expires_at > clock.now and exists (
        select from pg_locks
        where locktype = 'advisory' and objsubid = 1 and granted
            and database = (select oid from pg_database where datname = current_database())
            and classid::bigint = lease.token >> 32 and objid::bigint = lease.token & 4294967295
    ) as alive
from lease cross join (select clock_timestamp() as now) clock
order by lease.key;
