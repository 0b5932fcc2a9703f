-- Staged periods: what people fetched of a date, to be published when its calendar is complete.

create table staged_stack (
    settlement_date date not null,
    period smallint not null check (period between 1 and 50),
    side text not null check (side in ('bid', 'offer')),
    outcome text not null check (outcome in ('fetched', 'confirmed_empty', 'not_published')),
    rows integer not null check (rows >= 0),
    fetch_id bigint not null references "fetch" (id),
    run_id uuid not null references run (id),
    staged_at timestamptz not null default clock_timestamp(),
    primary key (settlement_date, period, side),
    check ((outcome = 'fetched') = (rows > 0))
);
create index staged_stack_by_run on staged_stack (run_id);
comment on table staged_stack is 'The answer that stands ready for one side of one period of a date until the date is published; nothing of it is served.';
comment on column staged_stack.outcome is 'What the system prices made of the answer when it was staged; the publish judges it again.';
comment on column staged_stack.run_id is 'The run that staged it, which may have taken the answer from one that broke off.';

-- ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

alter table run drop constraint run_kind_check;
alter table run add constraint run_kind_check
    check (kind in ('reingest', 'plan', 'apply', 'publish', 'restore', 'units', 'stage'));
alter table run drop constraint run_source_check;
alter table run add constraint run_source_check check (source in ('live', 'archive', 'staged'));
alter table run drop constraint run_outcome_check;
alter table run add constraint run_outcome_check check (outcome in (
    'published', 'unchanged', 'planned', 'staged', 'held', 'refused', 'locked', 'source_failed', 'partial', 'conflict',
    'lease_lost', 'database_unreachable', 'bug'
));

create or replace function runs_without_trace(before timestamptz) returns setof uuid
language sql stable
begin atomic
    select run.id from run
    where run.id in (select runs_ended(before)) and run.version_id is null
        and not exists (select from "fetch" where "fetch".run_id = run.id)
        and not exists (select from version where version.run_id = run.id)
        and not exists (select from check_result where check_result.run_id = run.id)
        and not exists (select from version_witness where version_witness.run_id = run.id)
        and not exists (select from witness_verdict where witness_verdict.run_id = run.id)
        and not exists (select from settlement_day where settlement_day.confirmed_by = run.id)
        and not exists (select from staged_stack where staged_stack.run_id = run.id);
end;

-- ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────
-- What is staged is work under way, like a lease: it is replaced and taken away by whoever stages, publishes or drops.

grant select, insert, delete on staged_stack to reingest_app;
grant update (outcome, rows, fetch_id, run_id, staged_at) on staged_stack to reingest_app;
