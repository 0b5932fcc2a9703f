-- Reconciliation: when dates are due, and what was found.

-- ── settlement runs ─────────────────────────────────────────────────────────────────────────────────────────────
-- Elexon's stacks were not seen to change with these runs; they govern other data. So none of them is enabled.

create table settlement_run (
    name text primary key,
    position smallint not null unique,
    working_days smallint check (working_days > 0),
    months smallint check (months > 0),
    enabled boolean not null default false,
    check ((working_days is null) <> (months is null))
);
comment on table settlement_run is 'A run of settlement, and how long after a date it is; dates are asked again after those that are enabled.';
insert into settlement_run (name, position, working_days, months) values
    ('II', 1, 5, null), ('SF', 2, 16, null), ('R1', 3, 39, null), ('R2', 4, 84, null), ('R3', 5, 154, null),
    ('RF', 6, 292, null), ('DF', 7, null, 28);

-- ── reconciliations ─────────────────────────────────────────────────────────────────────────────────────────────

create table reconciliation (
    id uuid primary key,
    range_id uuid not null unique references range_run (id),
    policy text not null check (policy in ('report', 'repair')),
    payment_limit_gbp numeric check (payment_limit_gbp >= 0),
    energy_limit_mwh numeric check (energy_limit_mwh >= 0),
    jobs smallint not null check (jobs >= 1),
    holder text not null,
    host text not null,
    pid integer not null,
    code_version text not null,
    flow_run_id uuid,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    state text not null default 'running' check (state in ('running', 'done', 'interrupted')),
    check ((state = 'running') = (finished_at is null)),
    check (policy = 'repair' or (payment_limit_gbp is null and energy_limit_mwh is null))
);
create index reconciliation_by_start on reconciliation (started_at desc);
create index reconciliation_running on reconciliation (started_at) where state = 'running';
comment on table reconciliation is 'One comparison of the dates that were due with the source: by which policy, and how it ended.';
comment on column reconciliation.payment_limit_gbp is 'How far the payment of a date may move without a person, GBP either way; null is not limited.';

create table reconciliation_date (
    reconciliation_id uuid not null references reconciliation (id),
    settlement_date date not null,
    position integer not null check (position >= 1),
    reason text not null,
    due_since timestamptz not null,
    verdict text check (verdict in (
        'same', 'changed', 'missing', 'repaired', 'published', 'held', 'failed', 'locked'
    )),
    judged_at timestamptz,
    run_id uuid,
    version integer,
    energy_before_mwh numeric,
    energy_after_mwh numeric,
    payment_before_gbp numeric,
    payment_after_gbp numeric,
    btc jsonb not null default '{}',
    periods smallint[],
    error jsonb,
    primary key (reconciliation_id, settlement_date),
    unique (reconciliation_id, position),
    check ((verdict is null) = (judged_at is null))
);
create index reconciliation_date_by_date on reconciliation_date (settlement_date, judged_at desc);
comment on table reconciliation_date is 'One date of a reconciliation: why it was due, what was found, and how far its figures moved.';
comment on column reconciliation_date.btc is 'By miner model: BTC before and after, as text, exact; by the default definition as all figures here.';
comment on column reconciliation_date.periods is 'The settlement periods that differ; null where that is not known.';

-- ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

grant select on settlement_run, reconciliation, reconciliation_date to reingest_app;
grant insert on reconciliation, reconciliation_date to reingest_app;
grant update (enabled) on settlement_run to reingest_app;
grant update (state, finished_at) on reconciliation to reingest_app;
grant update (verdict, judged_at, run_id, version, energy_before_mwh, energy_after_mwh, payment_before_gbp,
    payment_after_gbp, btc, periods, error) on reconciliation_date to reingest_app;
