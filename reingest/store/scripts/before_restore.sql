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

-- All tables and views at once, or none of them: to wait for one while others are held could deadlock with a reader.
-- Readers of a snapshot lock settlement_day first, so from here on none of them is between two of its statements.
do $$
declare
    everything text := (
        select string_agg(format('%I', relname), ', ' order by relname) from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and relname <> 'lease'
    );
    give_up timestamptz := clock_timestamp() + interval '60 s';
begin
    loop
        begin
            execute format('lock table %s in access exclusive mode nowait', everything);
            exit;
        exception when lock_not_available then
            if clock_timestamp() > give_up then
                raise exception 'somebody has been reading for a minute';
            end if;
        end;
        perform pg_sleep(0.02);
    end loop;
end $$;

create temporary table mark_day on commit drop as
select day.settlement_date, day.generation, day.last_number, day.current_version_id, version.content_hash,
    coalesce(version.seal, day.withdrawn_seal) as seal
from settlement_day day left join version on version.id = day.current_version_id;

create temporary table mark_sequence on commit drop as
select sequencename, last_value from pg_sequences
where schemaname = 'public' and last_value is not null;

create temporary table mark_span on commit drop as select * from served_span;
