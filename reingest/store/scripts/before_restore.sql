-- Before a backup is put back, in its transaction: the lease is ours, nobody reads, and the highest numbers are noted.
-- What it needs to know it finds in settings named reingest.*, which stand above it.

set local lock_timeout = '60s';
do $$
begin
    perform from lease
    where key = current_setting('reingest.lease_key') and token = current_setting('reingest.lease_token')::bigint
        and expires_at > clock_timestamp()
    for share;
    if not found then
        raise exception 'the lease on everything is no longer held';
    end if;
end $$;

-- Readers of a snapshot lock this table first, so none of them is between two of its statements from here on.
lock table settlement_day in access exclusive mode;

create temporary table mark_day on commit drop as
select day.settlement_date, day.generation, day.last_number, day.current_version_id, version.content_hash
from settlement_day day left join version on version.id = day.current_version_id;

create temporary table mark_sequence on commit drop as
select sequencename, last_value from pg_sequences
where schemaname = 'public' and last_value is not null;
