-- The rate gate that all workers share: one row a source, which says when its next request may go out.

create table rate_gate (
    source text primary key,
    next_at timestamptz not null,
    slots bigint not null default 0 check (slots >= 0),
    waited_seconds numeric not null default 0 check (waited_seconds >= 0),
    pauses bigint not null default 0 check (pauses >= 0)
) with (fillfactor = 20);  -- one row that changes with every request: its page has room for the old ones
comment on table rate_gate is 'When the next request to a source may go out, for all processes together; with counts for metrics.';

grant select, insert on rate_gate to reingest_app;
grant update (next_at, slots, waited_seconds, pauses) on rate_gate to reingest_app;
