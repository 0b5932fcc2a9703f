-- Stored moves: the states that a version and a fetch go through, and the trigger that refuses every other step.

create table state_move (
    subject text not null check (subject in ('version', 'fetch')),
    before text not null,
    after text not null,
    primary key (subject, before, after)
);
comment on table state_move is 'The legal moves of a version''s state and of a fetch''s outcome; every other is refused by a trigger.';
insert into state_move (subject, before, after) values
    ('version', 'staging', 'candidate'),
    ('version', 'staging', 'abandoned'),
    ('version', 'candidate', 'published'),
    ('version', 'candidate', 'held'),
    ('version', 'candidate', 'abandoned'),
    ('version', 'held', 'published'),
    ('version', 'held', 'abandoned'),
    ('version', 'published', 'superseded'),
    ('fetch', 'answered', 'fetched'),
    ('fetch', 'answered', 'empty'),
    ('fetch', 'answered', 'refused'),
    ('fetch', 'answered', 'unreadable');

-- ── versions ────────────────────────────────────────────────────────────────────────────────────────────────────

create function refuse_illegal_version_move() returns trigger
language plpgsql
as $$
begin
    if tg_op = 'INSERT' then
        raise check_violation
            using message = format('version %s of %s cannot begin as %s', new.number, new.settlement_date, new.state);
    end if;
    if not exists (
        select from state_move where subject = 'version' and before = old.state and after = new.state
    ) then
        raise check_violation using message = format(
            'version %s of %s cannot go from %s to %s', old.number, old.settlement_date, old.state, new.state
        );
    end if;
    return new;
end $$;
create trigger refuse_illegal_version_move before update on version
    for each row when (old.state <> new.state) execute function refuse_illegal_version_move();
-- The owner, who makes databases for tests and benches, may begin a version anywhere; the application may not.
create trigger refuse_illegal_version_start before insert on version
    for each row when (current_user = 'reingest_app' and new.state <> 'staging')
    execute function refuse_illegal_version_move();

-- ── fetches ─────────────────────────────────────────────────────────────────────────────────────────────────────

alter table "fetch" add column outcome text not null default 'answered'
    check (outcome in ('answered', 'fetched', 'empty', 'refused', 'unreadable'));
alter table "fetch" add column forgotten_at timestamptz;
comment on column "fetch".outcome is 'What was read of the answer: rows, none, an error status, nothing usable; answered: not read yet.';
comment on column "fetch".forgotten_at is 'Since when no later run may take this answer instead of asking again.';

update "fetch" set outcome = 'refused' where status not in (200, 204);
update "fetch" set outcome = read.outcome
from (
    select fetch_id, case when max(rows) > 0 then 'fetched' else 'empty' end as outcome
    from version_period where fetch_id is not null and outcome not in ('failed', 'not_asked') group by fetch_id
    union select system_prices_fetch_id, 'fetched' from version
    union select fetch_id, 'fetched' from register
) read
where read.fetch_id = "fetch".id and "fetch".outcome = 'answered';

create function refuse_illegal_fetch_move() returns trigger
language plpgsql
as $$
begin
    if tg_op = 'INSERT' then
        raise check_violation using message = format('a fetch cannot begin as %s', new.outcome);
    end if;
    if not exists (
        select from state_move where subject = 'fetch' and before = old.outcome and after = new.outcome
    ) then
        raise check_violation
            using message = format('fetch %s cannot go from %s to %s', old.id, old.outcome, new.outcome);
    end if;
    return new;
end $$;
create trigger refuse_illegal_fetch_move before update on "fetch"
    for each row when (old.outcome <> new.outcome) execute function refuse_illegal_fetch_move();
create trigger refuse_illegal_fetch_start before insert on "fetch"
    for each row when (current_user = 'reingest_app' and new.outcome <> 'answered')
    execute function refuse_illegal_fetch_move();

-- ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

grant select on state_move to reingest_app;
grant update (outcome, forgotten_at) on "fetch" to reingest_app;
