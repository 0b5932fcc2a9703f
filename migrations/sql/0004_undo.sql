-- Undo: older versions published again, purges, resets. A number is never used twice; what was published stays.

-- ── numbers and references ──────────────────────────────────────────────────────────────────────────────────────

alter table settlement_day add column last_number integer not null default 0 check (last_number >= 0);
comment on column settlement_day.last_number is 'The largest version number that the date ever had; it stays when versions are purged or withdrawn.';
insert into settlement_day (settlement_date, last_number)
select settlement_date, max(number) from version group by settlement_date
on conflict (settlement_date) do update set last_number = excluded.last_number;

alter table settlement_day add column withdrawn_fetches bigint[];
comment on column settlement_day.withdrawn_fetches is 'What the version taken away by a reset was built from; a run from the archive builds on the same.';

alter table version add column restored_from integer;
alter table version add foreign key (settlement_date, restored_from) references version (settlement_date, number);
comment on column version.restored_from is 'The number of the older version whose content this one publishes again.';

-- What people did and what consumers were told outlives the versions that it was about.
alter table run drop constraint run_version_id_fkey;
alter table run add foreign key (version_id) references version (id) on delete set null;
alter table outbox drop constraint outbox_version_id_fkey;
alter table outbox alter column version_id drop not null;
alter table outbox add foreign key (version_id) references version (id) on delete set null;
alter table operator_action drop constraint operator_action_version_id_fkey;
alter table operator_action add foreign key (version_id) references version (id) on delete set null;
create index run_by_version on run (version_id) where version_id is not null;
create index outbox_by_version on outbox (version_id) where version_id is not null;
create index operator_action_by_version on operator_action (version_id) where version_id is not null;

alter table run drop constraint run_kind_check;
alter table run add check (kind in ('reingest', 'plan', 'publish', 'restore', 'units'));

-- ── what may be deleted, and by whom ────────────────────────────────────────────────────────────────────────────

create function remove_versions(doomed bigint[]) returns void
language sql
begin atomic
    delete from check_result where version_id = any (doomed);
    delete from mining_rate where version_id = any (doomed);
    delete from daily_mining where version_id = any (doomed);
    delete from daily_unit_summary where version_id = any (doomed);
    delete from daily_summary where version_id = any (doomed);
    delete from reject where version_id = any (doomed);
    delete from curtailment_record where version_id = any (doomed);
    delete from version_period where version_id = any (doomed);
    delete from version where id = any (doomed);
end;
comment on function remove_versions is 'Delete versions with all their rows; only the owner of the tables has the rights.';
revoke execute on function remove_versions from public;

create function purge_versions(doomed bigint[]) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    found bigint;
begin
    perform from version where id = any (doomed) order by id for update;
    if exists (select from version where id = any (doomed) and state not in ('abandoned', 'held')) then
        raise check_violation using message = 'only abandoned and held versions may be purged';
    end if;
    select count(*) into found from version where id = any (doomed);
    perform remove_versions(doomed);
    return found;
end $$;
comment on function purge_versions is 'Delete abandoned and held versions with all their rows; it refuses every other state.';
revoke execute on function purge_versions from public;
grant execute on function purge_versions to reingest_app;

create function purge_events(older_than timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    deleted bigint;
begin
    if older_than > clock_timestamp() - interval '1 day' then
        raise check_violation using message = 'events of the last day may not be purged';
    end if;
    delete from run_event using run
    where run.id = run_event.run_id and run.finished_at < older_than and run_event.at < older_than;
    get diagnostics deleted = row_count;
    return deleted;
end $$;
comment on function purge_events is 'Delete log lines of ended runs from before an instant at least a day ago.';
revoke execute on function purge_events from public;
grant execute on function purge_events to reingest_app;

-- ── what was published is not rewritten ─────────────────────────────────────────────────────────────────────────

create function keep_what_was_published() returns trigger
language plpgsql
as $$
begin
    if (new.reason, new.seal, new.served_from) is distinct from (old.reason, old.seal, old.served_from)
        or (old.state = 'superseded' and new.served_to is distinct from old.served_to) then
        raise check_violation
            using message = format('version %s of %s was published: it is not rewritten', old.number, old.settlement_date);
    end if;
    return new;
end $$;
create trigger keep_what_was_published before update on version
    for each row when (old.state in ('published', 'superseded')) execute function keep_what_was_published();

-- ── what a reset of operations takes ────────────────────────────────────────────────────────────────────────────

create function runs_ended(before timestamptz) returns setof uuid
language sql stable
begin atomic
    -- One without an end that began a day ago has died: no run takes that long.
    select id from run where finished_at < before or (finished_at is null and started_at < before - interval '1 day');
end;
comment on function runs_ended is 'Runs that had ended by an instant, dead ones included.';

create function runs_without_trace(before timestamptz) returns setof uuid
language sql stable
begin atomic
    select run.id from run
    where run.id in (select runs_ended(before)) and run.version_id is null
        and not exists (select from "fetch" where "fetch".run_id = run.id)
        and not exists (select from version where version.run_id = run.id)
        and not exists (select from check_result where check_result.run_id = run.id)
        and not exists (select from settlement_day where settlement_day.confirmed_by = run.id);
end;
comment on function runs_without_trace is 'Ended runs that no version, fetch, check or date refers to.';
create index check_result_by_run on check_result (run_id);
create index version_by_run on version (run_id);

create function facts_delivered(before timestamptz) returns setof bigint
language sql stable
begin atomic
    select fact.id from outbox fact
    where fact.position is not null
        and exists (select from outbox newer where newer.settlement_date = fact.settlement_date and newer.id > fact.id)
        -- Of a version that a backup gave back, only its facts tell its generations.
        and not exists (select from outbox other where other.version_id = fact.version_id and other.id <> fact.id)
        and exists (select from outbox_delivery delivery where delivery.outbox_id = fact.id)
        and not exists (
            select from outbox_delivery delivery
            where delivery.outbox_id = fact.id and delivery.state <> 'forgotten'
                and (delivery.state <> 'delivered' or delivery.delivered_at >= before)
        );
end;
comment on function facts_delivered is 'Facts that every sink has had by an instant, but the newest of each date: the feed keeps what is so now.';
create index outbox_by_date on outbox (settlement_date, id);

-- ── the doctor: spans that do not fit together ──────────────────────────────────────────────────────────────────

create function mend_served_span(which bigint, new_from timestamptz, new_to timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    mended version;
begin
    select * into strict mended from version where id = which and state in ('published', 'superseded') for update;
    -- Only to an instant that another row of the publish tells: nobody can say with this what was served when.
    if new_from is distinct from mended.served_from and not exists (
        select from version before
        where before.settlement_date = mended.settlement_date and before.served_to = new_from
            and before.basis_generation = mended.basis_generation - 1
        union all
        select from outbox where version_id = which and (body ->> 'timestamp')::timestamptz = new_from
    ) then
        raise check_violation using message = 'no publish of the version was at that instant';
    end if;
    if new_to is distinct from mended.served_to and not exists (
        select from version after
        left join outbox on outbox.version_id = after.id
        where after.settlement_date = mended.settlement_date and after.basis_generation = mended.basis_generation + 1
            and new_to in (after.served_from, (outbox.body ->> 'timestamp')::timestamptz)
    ) then
        raise check_violation using message = 'no publish after that of the version was at that instant';
    end if;
    alter table version disable trigger user;
    update version set served_from = new_from, served_to = new_to where id = which;
    alter table version enable trigger user;
end $$;
comment on function mend_served_span is 'Set when a version was served to what the other rows of its publishes tell; anything else is refused.';
revoke execute on function mend_served_span from public;
grant execute on function mend_served_span to reingest_app;

-- ── curtailment_record ──────────────────────────────────────────────────────────────────────────────────────────

-- Foreign keys look up each of a date's 2,500 records by itself, twice: three quarters of what its COPY took. Here each
-- statement looks up what it names, once; and asks for more: the fetch is that of the record's own period and side.
alter table curtailment_record drop constraint curtailment_record_version_id_fkey;
alter table curtailment_record drop constraint curtailment_record_fetch_id_fkey;

create function require_periods_of_records() returns trigger
language plpgsql
as $$
declare
    stray record;
begin
    select named.* into stray
    from (select distinct version_id, period, side, fetch_id from added) named
    left join version_period using (version_id, period, side, fetch_id)
    where version_period.version_id is null;
    if found then
        raise foreign_key_violation using message = format('version %s has no %s of period %s from fetch %s',
            stray.version_id, stray.side, stray.period, stray.fetch_id);
    end if;
    return null;
end $$;
create trigger require_periods_of_records after insert on curtailment_record
    referencing new table as added for each statement execute function require_periods_of_records();

create function keep_version_of_records() returns trigger
language plpgsql
as $$
begin
    if exists (select from curtailment_record where version_id = old.id) then
        raise foreign_key_violation using message = format('version %s has records', old.id);
    end if;
    return null;
end $$;
create trigger keep_version_of_records after delete on version
    for each row execute function keep_version_of_records();
