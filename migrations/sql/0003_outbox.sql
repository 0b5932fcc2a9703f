-- Delivery of the outbox: which sinks are owed what, attempts, dead letters, and positions in the feed of changes.

-- ── positions ───────────────────────────────────────────────────────────────────────────────────────────────────
-- Ids are given before the commit, so a later id may be seen before an earlier one. A position is given after it.

create sequence outbox_position;

alter table outbox drop column delivered_at;  -- each sink has its own, in outbox_delivery
alter table outbox add column position bigint unique;
create index outbox_unnumbered on outbox (id) where position is null;
comment on column outbox.position is 'Its place in the feed of changes, given once it is committed; later ones are always larger.';

create function number_changes() returns bigint
language plpgsql as $$
declare
    numbered bigint;
begin
    -- One at a time, and nobody waits: whoever has the lock numbers what is committed. Each statement of a function
    -- sees what was committed before it, so the numbering sees all that an earlier one numbered.
    if not pg_try_advisory_xact_lock(x'6f7574626f78'::bigint) then
        return 0;
    end if;
    with unnumbered as materialized (
        select id from outbox where position is null order by id
    ), numbered_now as materialized (
        select id, nextval('outbox_position') as position from unnumbered
    )
    update outbox set position = numbered_now.position
    from numbered_now where outbox.id = numbered_now.id and outbox.position is null;
    get diagnostics numbered = row_count;
    return numbered;
end $$;
comment on function number_changes is 'Give every committed fact without a position the next one; facts of one date keep their order.';

-- ── sinks and deliveries ────────────────────────────────────────────────────────────────────────────────────────

create table outbox_sink (
    sink text primary key check (sink in ('log', 'webhook')),
    known_since timestamptz not null default clock_timestamp(),
    forgotten_at timestamptz
);
comment on table outbox_sink is 'Where facts are delivered. A sink that is known and not forgotten is owed every fact published since.';

create table outbox_delivery (
    outbox_id bigint not null references outbox (id) on delete cascade,
    sink text not null references outbox_sink (sink),
    settlement_date date not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'dead', 'forgotten')),
    attempts integer not null default 0 check (attempts >= 0),
    next_attempt_at timestamptz not null default clock_timestamp(),
    last_attempt_at timestamptz,
    last_error text,
    delivered_at timestamptz,
    dead_at timestamptz,
    primary key (outbox_id, sink),
    check ((state = 'delivered') = (delivered_at is not null)),
    check ((state = 'dead') = (dead_at is not null))
);
create index outbox_delivery_pending on outbox_delivery (sink, outbox_id) where state = 'pending';
create index outbox_delivery_pending_by_date on outbox_delivery (sink, settlement_date, outbox_id)
    where state = 'pending';
create index outbox_delivery_dead on outbox_delivery (sink, outbox_id) where state = 'dead';
comment on table outbox_delivery is 'One fact owed to one sink: whether it was delivered, and how often that was tried.';

-- ── the feed ────────────────────────────────────────────────────────────────────────────────────────────────────

-- From the fact alone: it outlives the version that it tells of.
create view changes as
select position, kind as type, settlement_date, generation, (body ->> 'version')::integer as version,
    (body ->> 'timestamp')::timestamptz as published_at, (body ->> 'provisional')::boolean as provisional, dedupe_key,
    body || jsonb_build_object('position', position, 'dedupe_key', dedupe_key) as message
from outbox
where position is not null;
comment on view changes is 'Every publish in the order of its position; a reader who remembers the last position it saw misses none.';

-- ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

grant usage on sequence outbox_position to reingest_app;
grant update (position) on outbox to reingest_app;
grant select, insert on outbox_sink, outbox_delivery to reingest_app;
grant update (known_since, forgotten_at) on outbox_sink to reingest_app;
grant update (state, attempts, next_attempt_at, last_attempt_at, last_error, delivered_at, dead_at)
    on outbox_delivery to reingest_app;
grant select on changes to reingest_app, reingest_reader;
