-- Notices: what people are told, and what became of each message.

-- ── notices and their deliveries ────────────────────────────────────────────────────────────────────────────────

create table notice (
    id bigint generated always as identity primary key,
    cause text not null unique,
    kind text not null check (kind in (
        'date_held', 'date_failed', 'range_ended', 'history_changed', 'doctor_findings', 'dead_letters'
    )),
    settlement_date date,
    subject text not null check (subject <> ''),
    text text not null,
    detail jsonb not null,
    created_at timestamptz not null default clock_timestamp()
);
create index notice_created on notice (created_at);
comment on table notice is 'What people are told, at most once a cause; written by the transaction that it tells of.';

create table notice_channel (
    channel text primary key check (channel in ('email', 'slack', 'webhook')),
    known_since timestamptz not null default clock_timestamp() - interval '1 day'
);
comment on table notice_channel is 'By which ways people are told. A channel is owed every notice since; a new one those of the last day.';

create table notice_delivery (
    notice_id bigint not null references notice (id) on delete cascade,
    channel text not null references notice_channel (channel),
    settlement_date date,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'dead', 'unwanted')),
    attempts integer not null default 0 check (attempts >= 0),
    next_attempt_at timestamptz not null default clock_timestamp(),
    last_attempt_at timestamptz,
    last_error text,
    delivered_at timestamptz,
    dead_at timestamptz,
    primary key (notice_id, channel),
    check ((state = 'delivered') = (delivered_at is not null)),
    check ((state = 'dead') = (dead_at is not null))
);
create index notice_delivery_open on notice_delivery (channel, settlement_date, notice_id)
    where state in ('pending', 'dead');
comment on table notice_delivery is 'One notice owed by one channel: whether it was delivered, and how often that was tried.';

grant select, insert on notice, notice_channel, notice_delivery to reingest_app;
grant update (state, attempts, next_attempt_at, last_attempt_at, last_error, delivered_at, dead_at)
    on notice_delivery to reingest_app;

-- ── facts as events of Prefect ──────────────────────────────────────────────────────────────────────────────────

alter table outbox_sink drop constraint outbox_sink_sink_check;
alter table outbox_sink add constraint outbox_sink_sink_check check (sink in ('log', 'prefect', 'webhook'));
