-- Seals, which bind a version to its payloads and to the version before it; and digests of days, months and years,
-- which two installations compare. The texts that are hashed stand in docs/proofs.md; reingest/curtailment makes the same.

-- ── seals ───────────────────────────────────────────────────────────────────────────────────────────────────────

alter table version add column previous_seal text;
comment on column version.previous_seal is 'The seal of the version that this one replaced; - where the date never served one.';
grant update (previous_seal) on version to reingest_app;

alter table settlement_day add column withdrawn_seal text;
comment on column settlement_day.withdrawn_seal is 'The seal of the version that a reset took away; the next version names it as the one before.';

create function version_seal(which bigint, previous text) returns text
language sql stable
begin atomic
    select encode(sha256(convert_to(
        concat(
            'reingest-seal', chr(9), '1', chr(10),
            'content', chr(9), version.content_hash, chr(10),
            (
                select string_agg(concat_ws(chr(9), 'payload', named.dataset, named.period, named.side, named.sha256)
                    || chr(10), '' order by named.dataset collate "C", named.at, named.side collate "C",
                        named.sha256 collate "C")
                from (
                    select distinct dataset, coalesce(period::text, '-') as period, coalesce(side, '-') as side,
                        payload_sha256 as sha256, coalesce(period, 0) as at
                    from version_payload
                    where version_payload.version_id = which
                ) named
            ),
            'previous', chr(9), previous, chr(10)
        ), 'UTF8')), 'hex')
    from version where version.id = which;
end;
comment on function version_seal is 'The seal of a version after a previous one: sha256 over its content digest, its payloads and that one''s seal.';

create or replace function keep_what_was_published() returns trigger
language plpgsql
as $$
begin
    if (new.reason, new.seal, new.previous_seal, new.served_from)
            is distinct from (old.reason, old.seal, old.previous_seal, old.served_from)
        or (old.state = 'superseded' and new.served_to is distinct from old.served_to) then
        raise check_violation
            using message = format('version %s of %s was published: it is not rewritten', old.number, old.settlement_date);
    end if;
    return new;
end $$;

-- What was published before there were seals gets them now, in the order in which it was served.
do $$
declare
    served record;
    previous text;
    of_date date;
begin
    alter table version disable trigger keep_what_was_published;
    for served in
        select id, settlement_date from version where state in ('published', 'superseded')
        order by settlement_date, served_from, number
    loop
        if of_date is distinct from served.settlement_date then
            of_date := served.settlement_date;
            previous := '-';
        end if;
        update version set previous_seal = previous, seal = version_seal(id, previous)
        where id = served.id returning seal into previous;
    end loop;
    alter table version enable trigger keep_what_was_published;
end $$;

-- ── digests ─────────────────────────────────────────────────────────────────────────────────────────────────────

create view day_digest as
select day.settlement_date, version.number as version, version.content_hash as digest, version.seal,
    version.previous_seal, version.served_from
from settlement_day day
join version on version.id = day.current_version_id;
comment on view day_digest is 'The content digest of each settlement date that is served, with the seal of its version.';

create function span_digest(span text, days text) returns text
language sql immutable strict parallel safe
return encode(sha256(convert_to(
    concat('reingest-digest', chr(9), '1', chr(10), 'span', chr(9), span, chr(10), days), 'UTF8')), 'hex');
comment on function span_digest is 'The digest of a month (2025-03) or year over the lines of its days, each with its line feed.';

create view month_digest as
select date_trunc('month', settlement_date)::date as month, count(*) as days_published,
    span_digest(
        to_char(date_trunc('month', settlement_date), 'YYYY-MM'),
        string_agg(concat('day', chr(9), to_char(settlement_date, 'YYYY-MM-DD'), chr(9), digest, chr(10)), ''
            order by settlement_date)
    ) as digest
from day_digest group by 1, to_char(date_trunc('month', settlement_date), 'YYYY-MM');
comment on view month_digest is 'One digest of each month, over the dates that are served and their content digests.';

create view year_digest as
select date_trunc('year', settlement_date)::date as year, count(*) as days_published,
    span_digest(
        to_char(date_trunc('year', settlement_date), 'YYYY'),
        string_agg(concat('day', chr(9), to_char(settlement_date, 'YYYY-MM-DD'), chr(9), digest, chr(10)), ''
            order by settlement_date)
    ) as digest
from day_digest group by 1, to_char(date_trunc('year', settlement_date), 'YYYY');
comment on view year_digest is 'One digest of each year, over the dates that are served and their content digests.';

grant select on day_digest, month_digest, year_digest to reingest_app, reingest_reader;
