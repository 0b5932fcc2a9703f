-- Ranges: which dates a run loops over, and how each ended.
-- Whoever works on a range shares a session advisory lock on its token, and holds one of its own, which stands at each
-- date that it has: a free lock means a dead process, as with leases.

create table range_run (
    id uuid primary key,
    kind text not null check (kind in ('range', 'reconcile')),
    side text not null check (side in ('as-served', 'both', 'bid')),
    source text not null check (source in ('live', 'archive')),
    plan boolean not null,
    energy_limit_mwh numeric check (energy_limit_mwh >= 0),
    payment_limit_gbp numeric check (payment_limit_gbp >= 0),
    jobs smallint not null check (jobs >= 1),
    reason text,
    flow_run_id uuid,
    holder text not null,
    host text not null,
    pid integer not null,
    code_version text not null,
    token bigint not null unique,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    state text not null default 'running' check (state in ('running', 'interrupted', 'done')),
    error jsonb,
    check ((state = 'running') = (ended_at is null))
);
create index range_run_by_start on range_run (started_at desc);
comment on table range_run is 'A run over many dates: what was asked of each, by whom, and whether it came to its end.';
comment on column range_run.token is 'The session advisory lock that everyone who works on the range shares.';

create table range_date (
    range_id uuid not null references range_run (id),
    position integer not null check (position >= 1),
    settlement_date date not null,
    state text not null default 'pending' check (state in ('pending', 'running', 'done')),
    token bigint,
    host text,
    pid integer,
    claimed_at timestamptz,
    ended_at timestamptz,
    locked_before boolean not null default false,
    deaths smallint not null default 0,
    outcome text check (outcome in (
        'published', 'unchanged', 'planned', 'held', 'refused', 'locked', 'source_failed', 'partial', 'conflict',
        'lease_lost', 'database_unreachable', 'bug'
    )),
    exit_code smallint,
    decision text check (decision in ('publish', 'hold', 'unchanged')),
    run_id uuid,
    version integer,
    error jsonb,
    changes jsonb not null default '[]',
    requests integer not null default 0,
    seconds numeric,
    primary key (range_id, position),
    unique (range_id, settlement_date),
    check ((state = 'running') = (token is not null)),
    check ((state = 'done') = (outcome is not null and exit_code is not null and ended_at is not null))
);
create index range_date_open on range_date (range_id, position) where state <> 'done';
comment on table range_date is 'One date of a range, written down before the first one runs, and how it ended.';
comment on column range_date.token is 'The session advisory lock of the process that has the date; free where that is dead.';
comment on column range_date.claimed_at is 'When it was first claimed: what a killed process made of the date, it made since then.';
comment on column range_date.run_id is 'The date''s run. It is no reference: a reset may take the run''s row.';

grant select, insert on range_run, range_date to reingest_app;
grant update (state, ended_at, error) on range_run to reingest_app;
grant update (state, token, host, pid, claimed_at, ended_at, locked_before, deaths, outcome, exit_code, decision,
    run_id, version, error, changes, requests, seconds) on range_date to reingest_app;
