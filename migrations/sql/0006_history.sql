-- History: what each date served when, what was served at an instant, and rows that newer answers no longer have.

-- ── what was served when ────────────────────────────────────────────────────────────────────────────────────────
-- The version's own served_from and served_to go with it when a reset takes it, and are those of the backup when one is
-- put back. This record of spans stays: no act takes from it, so what was served then is known, or known to be lost.

create table served_span (
    settlement_date date not null,
    number integer not null,
    content_hash text not null,
    version_id bigint references version (id) on delete set null,
    provisional boolean not null,
    final_from timestamptz,
    served_from timestamptz not null,
    served_to timestamptz,
    primary key (settlement_date, served_from)
);
create unique index served_span_open on served_span (settlement_date) where served_to is null;
create index served_span_by_version on served_span (version_id);
comment on table served_span is 'A span in which a date served a version; it stays when the version is taken away.';
comment on column served_span.number is 'The number of the version that was served, as it was then.';
comment on column served_span.version_id is 'Where its figures stand: the version, or one of the same content; null where neither is there any more.';
comment on column served_span.provisional is 'Whether it was provisional when it was published.';
comment on column served_span.final_from is 'Since when a final run of Elexon had confirmed it.';

insert into served_span (settlement_date, number, content_hash, version_id, provisional, served_from, served_to)
select settlement_date, number, content_hash, id, provisional_until is not null, served_from, served_to
from version where served_from is not null;
-- Of versions that a reset took before this table was made, the facts for consumers tell when they were served.
insert into served_span (settlement_date, number, content_hash, provisional, served_from, served_to)
select settlement_date, number, content_hash, provisional, served_from, served_to
from (
    select settlement_date, version_id, kind, (body ->> 'version')::integer as number, body ->> 'content_hash' as content_hash,
        coalesce((body ->> 'provisional')::boolean, false) as provisional, (body ->> 'timestamp')::timestamptz as served_from,
        lead((body ->> 'timestamp')::timestamptz) over (partition by settlement_date order by generation) as served_to
    from outbox
) told
where kind = 'date_published' and version_id is null and served_to is not null;

create function note_what_is_served() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
declare
    served version;
    moment timestamptz := clock_timestamp();
begin
    if exists (
        select from served_span
        where settlement_date = new.settlement_date and served_to is null and version_id = new.current_version_id
    ) then
        return null;  -- the date was pointed at what it served anyway
    end if;
    select * into served from version where id = new.current_version_id;
    -- The first time, it is the instant of the publish; one that is served once more is so from now on.
    if not exists (select from served_span where version_id = served.id) then
        moment := coalesce(served.served_from, moment);
    end if;
    -- A clock that was set back must not make two versions be served at one instant: a sum would count both.
    moment := greatest(moment, (
        select max(greatest(served_from, served_to)) + interval '1 microsecond' from served_span
        where settlement_date = new.settlement_date and greatest(served_from, served_to) >= moment
    ));
    update served_span set served_to = moment where settlement_date = new.settlement_date and served_to is null;
    if served.id is not null then
        -- What was taken away is known again when a version says the same.
        update served_span set version_id = served.id
        where settlement_date = new.settlement_date and version_id is null and content_hash = served.content_hash;
        insert into served_span (settlement_date, number, content_hash, version_id, provisional, served_from)
        values (new.settlement_date, served.number, served.content_hash, served.id,
            new.provisional_until is not null, moment);
    end if;
    return null;
end $$;
revoke execute on function note_what_is_served from public;
create trigger note_first_served after insert on settlement_day
    for each row when (new.current_version_id is not null) execute function note_what_is_served();
create trigger note_served after update of current_version_id on settlement_day
    for each row when (new.current_version_id is distinct from old.current_version_id)
    execute function note_what_is_served();

create function note_what_is_final() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    update served_span set final_from = clock_timestamp()
    where settlement_date = new.settlement_date and served_to is null and final_from is null;
    return null;
end $$;
revoke execute on function note_what_is_final from public;
create trigger note_final after update of provisional_until on settlement_day
    for each row when (
        new.current_version_id = old.current_version_id
        and old.provisional_until is not null and new.provisional_until is null
    )
    execute function note_what_is_final();

-- ── history for people ──────────────────────────────────────────────────────────────────────────────────────────

create view served_history as
select span.settlement_date, span.number as version, span.provisional, span.final_from, span.served_from, span.served_to,
    span.version_id is not null as known, figures.number as figures_of, span.content_hash
from served_span span
left join version figures on figures.id = span.version_id;
comment on view served_history is 'Which version a date served when; known is false where its figures were taken away and no version says the same.';

drop view daily_summary_history;
create view daily_summary_history as
select span.settlement_date, span.number as version, summary.definition, summary.energy_mwh, summary.payment_gbp,
    summary.records, summary.bm_units, summary.periods, span.served_from, span.served_to,
    summary.indicative_cashflow_gbp, span.provisional, span.final_from
from served_span span
join daily_summary summary on summary.version_id = span.version_id;
comment on view daily_summary_history is 'Totals of every version that was ever served, with the spans in which it was.';

create view daily_unit_summary_history as
select span.settlement_date, span.number as version, summary.definition, summary.bm_unit, summary.lead_party,
    summary.energy_mwh, summary.payment_gbp, summary.records, summary.periods, span.served_from, span.served_to,
    summary.indicative_cashflow_gbp
from served_span span
join daily_unit_summary summary on summary.version_id = span.version_id;
comment on view daily_unit_summary_history is 'Totals by BM unit of every version that was ever served, with the spans in which it was.';

create view daily_mining_history as
select span.settlement_date, span.number as version, mining.definition, mining.miner_model, mining.btc,
    span.served_from, span.served_to
from served_span span
join daily_mining mining on mining.version_id = span.version_id;
comment on view daily_mining_history is 'BTC of every version that was ever served, with the spans in which it was.';

create view verification_history as
select span.settlement_date, span.number as version, span.served_from, verdict.verification, verdict.judged_at,
    verdict.run_id
from served_span span
join version on version.id = span.version_id and version.number = span.number
join version_verification verdict on verdict.version_id = span.version_id;
comment on view verification_history is 'What Elexon''s other datasets said of each version that was ever served, and when that was judged.';

-- ── what was served at an instant ───────────────────────────────────────────────────────────────────────────────
-- One SELECT each and nothing that hides it from the planner, so that a condition on the date reaches the tables.

create function served_as_of(reported timestamptz) returns table (
    settlement_date date, version integer, provisional boolean, served_from timestamptz, served_to timestamptz,
    known boolean, figures_of integer
)
language sql stable
begin atomic
    select history.settlement_date, history.version,
        history.provisional and (history.final_from is null or reported < history.final_from),
        history.served_from, history.served_to, history.known, history.figures_of
    from served_history history
    where history.served_from <= reported and (history.served_to is null or reported < history.served_to);
end;
comment on function served_as_of is 'The version that each date served at an instant, and whether its figures are still known.';

create function day_as_of(reported timestamptz) returns table (
    settlement_date date, definition text, energy_mwh numeric, payment_gbp numeric, records integer, bm_units integer,
    periods integer, version integer, provisional boolean, served_from timestamptz, served_to timestamptz,
    indicative_cashflow_gbp numeric, verification text
)
language sql stable
begin atomic
    select history.settlement_date, history.definition, history.energy_mwh, history.payment_gbp, history.records,
        history.bm_units, history.periods, history.version,
        history.provisional and (history.final_from is null or reported < history.final_from),
        history.served_from, history.served_to, history.indicative_cashflow_gbp,
        coalesce((
            select judged.verification from verification_history judged
            where judged.settlement_date = history.settlement_date and judged.served_from = history.served_from
                and judged.judged_at <= reported
            order by judged.verification = 'unverified', judged.run_id desc limit 1
        ), 'unverified')
    from daily_summary_history history
    where history.served_from <= reported and (history.served_to is null or reported < history.served_to);
end;
comment on function day_as_of is 'The view day as it was at an instant.';

create function day_unit_as_of(reported timestamptz) returns table (
    settlement_date date, definition text, bm_unit text, lead_party text, energy_mwh numeric, payment_gbp numeric,
    records integer, periods integer, indicative_cashflow_gbp numeric
)
language sql stable
begin atomic
    select history.settlement_date, history.definition, history.bm_unit, history.lead_party, history.energy_mwh,
        history.payment_gbp, history.records, history.periods, history.indicative_cashflow_gbp
    from daily_unit_summary_history history
    where history.served_from <= reported and (history.served_to is null or reported < history.served_to);
end;
comment on function day_unit_as_of is 'The view day_unit as it was at an instant.';

create function day_mining_as_of(reported timestamptz) returns table (
    settlement_date date, definition text, miner_model text, btc numeric
)
language sql stable
begin atomic
    select history.settlement_date, history.definition, history.miner_model, history.btc
    from daily_mining_history history
    where history.served_from <= reported and (history.served_to is null or reported < history.served_to);
end;
comment on function day_mining_as_of is 'The view day_mining as it was at an instant.';

create function month_as_of(reported timestamptz) returns table (
    month date, definition text, energy_mwh numeric, payment_gbp numeric, records bigint, bm_units bigint,
    days_expected integer, days_published bigint, days_provisional bigint, days_unknown bigint,
    indicative_cashflow_gbp numeric, days_verified bigint
)
language sql stable
begin atomic
    with totals as (
        select date_trunc('month', day.settlement_date)::date as month, day.definition,
            sum(day.energy_mwh) as energy_mwh, sum(day.payment_gbp) as payment_gbp, sum(day.records) as records,
            count(*) as days_published, count(*) filter (where day.provisional) as days_provisional,
            case when count(day.indicative_cashflow_gbp) = count(*) then sum(day.indicative_cashflow_gbp) end
                as indicative_cashflow_gbp,
            count(*) filter (where day.verification = 'verified') as days_verified
        from day_as_of(reported) day group by 1, 2
    ), units as (
        select date_trunc('month', day.settlement_date)::date as month, day.definition,
            count(distinct day.bm_unit) as bm_units
        from day_unit_as_of(reported) day group by 1, 2
    ), unknown as (
        select date_trunc('month', day.settlement_date)::date as month, count(*) as days
        from served_as_of(reported) day where not day.known group by 1
    )
    select totals.month, totals.definition, totals.energy_mwh, totals.payment_gbp, totals.records,
        coalesce(units.bm_units, 0),
        extract(day from totals.month + interval '1 month - 1 day')::integer,
        totals.days_published, totals.days_provisional, coalesce(unknown.days, 0), totals.indicative_cashflow_gbp,
        totals.days_verified
    from totals
    left join units on units.month = totals.month and units.definition = totals.definition
    left join unknown on unknown.month = totals.month;
end;
comment on function month_as_of is 'The view month as it was at an instant; days_unknown were served, and their figures were taken away.';

create function year_as_of(reported timestamptz) returns table (
    year date, definition text, energy_mwh numeric, payment_gbp numeric, records bigint, bm_units bigint,
    days_expected integer, days_published bigint, days_provisional bigint, days_unknown bigint,
    indicative_cashflow_gbp numeric, days_verified bigint
)
language sql stable
begin atomic
    with totals as (
        select date_trunc('year', day.settlement_date)::date as year, day.definition,
            sum(day.energy_mwh) as energy_mwh, sum(day.payment_gbp) as payment_gbp, sum(day.records) as records,
            count(*) as days_published, count(*) filter (where day.provisional) as days_provisional,
            case when count(day.indicative_cashflow_gbp) = count(*) then sum(day.indicative_cashflow_gbp) end
                as indicative_cashflow_gbp,
            count(*) filter (where day.verification = 'verified') as days_verified
        from day_as_of(reported) day group by 1, 2
    ), units as (
        select date_trunc('year', day.settlement_date)::date as year, day.definition,
            count(distinct day.bm_unit) as bm_units
        from day_unit_as_of(reported) day group by 1, 2
    ), unknown as (
        select date_trunc('year', day.settlement_date)::date as year, count(*) as days
        from served_as_of(reported) day where not day.known group by 1
    )
    select totals.year, totals.definition, totals.energy_mwh, totals.payment_gbp, totals.records,
        coalesce(units.bm_units, 0),
        extract(doy from totals.year + interval '1 year - 1 day')::integer,
        totals.days_published, totals.days_provisional, coalesce(unknown.days, 0), totals.indicative_cashflow_gbp,
        totals.days_verified
    from totals
    left join units on units.year = totals.year and units.definition = totals.definition
    left join unknown on unknown.year = totals.year;
end;
comment on function year_as_of is 'The view year as it was at an instant; days_unknown were served, and their figures were taken away.';

create function month_mining_as_of(reported timestamptz) returns table (
    month date, definition text, miner_model text, btc numeric, days_estimated bigint
)
language sql stable
begin atomic
    select date_trunc('month', day.settlement_date)::date, day.definition, day.miner_model, sum(day.btc), count(*)
    from day_mining_as_of(reported) day group by 1, 2, 3;
end;
comment on function month_mining_as_of is 'The view month_mining as it was at an instant.';

create function year_mining_as_of(reported timestamptz) returns table (
    year date, definition text, miner_model text, btc numeric, days_estimated bigint
)
language sql stable
begin atomic
    select date_trunc('year', day.settlement_date)::date, day.definition, day.miner_model, sum(day.btc), count(*)
    from day_mining_as_of(reported) day group by 1, 2, 3;
end;
comment on function year_mining_as_of is 'The view year_mining as it was at an instant.';

-- ── rows that came and went ─────────────────────────────────────────────────────────────────────────────────────

-- Its text is read when it is called: what it asks of the register is made by the revision after this one.
set local check_function_bodies = off;
create function record_history(of_date date) returns table (
    period smallint, side text, bm_unit text, acceptance_id bigint, pair_id integer, original_price numeric,
    volume numeric, so_flag boolean, cadl_flag boolean, stor_flag boolean, repriced boolean, final_price numeric,
    transmission_loss_multiplier numeric, came_with integer, came_at timestamptz, gone_with integer,
    gone_at timestamptz, gone_because text, back_with integer, back_at timestamptz
)
language sql stable security definer set search_path = public, pg_temp set enable_nestloop = off
as $$
    -- The planner cannot know how many rows each step has; joined by hash they take seconds, in loops minutes. The large
    -- tables are therefore asked by keys, and not joined.
    with span as materialized (
        select span.*, array_agg(version_id) over () as version_ids from served_span span
        where settlement_date = of_date and version_id is not null
    ), chain as materialized (
        -- For each side of a period the served versions that had it in full, in order: only those can be compared.
        select part.period, part.side, span.version_id, span.number, span.served_from,
            (select register_hash from version where id = span.version_id) as register_hash,
            (select payload_sha256 from "fetch" where id = part.fetch_id) as payload_sha256,
            (select answered_at from "fetch" where id = part.fetch_id) as answered_at,
            row_number() over (partition by part.period, part.side order by span.served_from) as place
        from span
        join version_period part on part.version_id = span.version_id
            and part.version_id = any ((select version_ids from span limit 1)::bigint[])
        where part.outcome in ('fetched', 'confirmed_empty')
            and not exists (
                select from reject
                where reject.version_id = part.version_id and reject.period = part.period and reject.side = part.side
                    and reject.wind
            )
    ), copies as (
        -- Equal rows of one version are told apart by a count, because sequence numbers move without meaning.
        select chain.place, record.period, record.side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag,
            cadl_flag, stor_flag, repriced, final_price, transmission_loss_multiplier,
            row_number() over (
                partition by chain.place, record.period, record.side, bm_unit, acceptance_id, pair_id, original_price,
                    volume, so_flag, cadl_flag, stor_flag, repriced, final_price, transmission_loss_multiplier
                order by sequence_number
            ) as copy
        from chain
        join curtailment_record record on record.version_id = chain.version_id and record.period = chain.period
            and record.side = chain.side
            and record.version_id = any ((select version_ids from span limit 1)::bigint[])
    ), placed as (
        select copies.*,
            place - row_number() over (
                partition by period, side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, cadl_flag,
                    stor_flag, repriced, final_price, transmission_loss_multiplier, copy
                order by place
            ) as stretch
        from copies
    ), stretches as (
        -- A row through versions one after the other is one stretch of its life.
        select period, side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, cadl_flag, stor_flag,
            repriced, final_price, transmission_loss_multiplier, copy, min(place) as first, max(place) as last
        from placed
        group by period, side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, cadl_flag, stor_flag,
            repriced, final_price, transmission_loss_multiplier, copy, stretch
    ), life as materialized (
        select stretches.*,
            dense_rank() over (order by period, side, bm_unit, acceptance_id, pair_id) as identity,
            lead(first) over (
                partition by period, side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, cadl_flag,
                    stor_flag, repriced, final_price, transmission_loss_multiplier, copy
                order by first
            ) as again
        from stretches
    ), gone as (
        select identity, last + 1 as place, count(*) as rows from life group by 1, 2
    ), come as (
        select identity, first as place, count(*) as rows from life group by 1, 2
    ), standing as materialized (
        select identity, at.place, count(*) as rows
        from life cross join generate_series(first, last) as at (place)
        group by 1, 2
    ), whole as (
        -- Where the group has as many rows again as before, whatever they say now, none of it is missing.
        select ended.identity, ended.last, min(later.place) as place
        from (select distinct identity, last from life) ended
        join standing before on before.identity = ended.identity and before.place = ended.last
        join standing later on later.identity = ended.identity and later.place > ended.last + 1
            and later.rows >= before.rows
        group by 1, 2
    ), wind as (
        select version.id as version_id, unit.elexon_bm_unit as bm_unit
        from version cross join lateral unit_at(of_date, version.register_recorded_at) unit
        where version.id = any ((select version_ids from span limit 1)::bigint[]) and unit.wind
            and (select count(distinct register_hash) from chain) > 1
    ), story as (
        select life.*, first.number as came_with, first.served_from as came_at, next.number as gone_with,
            next.served_from as gone_at,
            case
                when next.place is null then null
                when come.rows = gone.rows then 'changed'
                when next.payload_sha256 = last.payload_sha256 then 'same_answer'
                when next.register_hash <> last.register_hash and wind.version_id is null then 'register'
                when next.answered_at < last.answered_at then 'older_answer'
                else 'newer_answer'
            end as gone_because,
            least(life.again, whole.place) as back
        from life
        join chain first on first.period = life.period and first.side = life.side and first.place = life.first
        join chain last on last.period = life.period and last.side = life.side and last.place = life.last
        left join chain next on next.period = life.period and next.side = life.side and next.place = life.last + 1
        left join gone on gone.identity = life.identity and gone.place = life.last + 1
        left join come on come.identity = life.identity and come.place = life.last + 1
        left join whole on whole.identity = life.identity and whole.last = life.last
        left join wind on wind.version_id = next.version_id and wind.bm_unit = life.bm_unit
    )
    select story.period, story.side, bm_unit, acceptance_id, pair_id, original_price, volume, so_flag, cadl_flag,
        stor_flag, repriced, final_price, transmission_loss_multiplier, came_with, came_at, gone_with, gone_at,
        gone_because, back.number, back.served_from
    from story
    left join chain back on back.period = story.period and back.side = story.side and back.place = story.back
        and story.gone_because <> 'changed'
    order by story.period, story.side, bm_unit, acceptance_id, pair_id, story.first, volume, original_price
$$;
set local check_function_bodies = on;
comment on function record_history is 'The curtailment records of a date through its served versions: with which each came, with which it went and why, and whether it is back.';

create function tombstones(of_date date) returns table (
    period smallint, side text, bm_unit text, acceptance_id bigint, pair_id integer, original_price numeric,
    volume numeric, so_flag boolean, came_with integer, came_at timestamptz, gone_with integer, gone_at timestamptz,
    back_with integer, back_at timestamptz
)
language sql stable
begin atomic
    select history.period, history.side, history.bm_unit, history.acceptance_id, history.pair_id,
        history.original_price, history.volume, history.so_flag, history.came_with, history.came_at,
        history.gone_with, history.gone_at, history.back_with, history.back_at
    from record_history(of_date) history
    where history.gone_because = 'newer_answer';
end;
comment on function tombstones is 'Rows of a date that a complete newer answer of Elexon no longer had; back_with where they came back.';

-- ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

grant select on served_span to reingest_app;
grant select on served_history, daily_summary_history, daily_unit_summary_history, daily_mining_history,
    verification_history to reingest_app, reingest_reader;
revoke execute on function record_history from public;
grant execute on function record_history to reingest_app, reingest_reader;
