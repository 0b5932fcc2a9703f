-- Witnesses: what other datasets of Elexon say of a version, and what differs. Gaps of the source, accepted by a person.

alter table "fetch" drop constraint fetch_dataset_check;
alter table "fetch" add constraint fetch_dataset_check
    check (dataset in ('ISPSTACK', 'DISEBSP', 'BMUNITS', 'BOAV', 'EBOCF', 'DISPTAV'));
alter table run drop constraint run_kind_check;
alter table run add constraint run_kind_check
    check (kind in ('reingest', 'plan', 'apply', 'publish', 'restore', 'units'));

-- ── what witnesses say ──────────────────────────────────────────────────────────────────────────────────────────

create table version_witness (
    version_id bigint not null references version (id),
    run_id uuid not null references run (id),
    fetch_id bigint not null references "fetch" (id),
    primary key (version_id, run_id, fetch_id)
);
comment on table version_witness is 'The answers that a run judged a version by; those of the version''s own run are its named witnesses.';
create index version_witness_by_run on version_witness (run_id);

create table witness_verdict (
    version_id bigint not null references version (id),
    run_id uuid not null references run (id),
    rule text not null,
    rules text not null,
    status text not null check (status in ('verified', 'unverified', 'differs')),
    compared integer not null check (compared >= 0),
    not_compared integer not null check (not_compared >= 0),
    reasons jsonb not null default '{}',
    differences integer not null check (differences >= 0),
    judged_at timestamptz not null default clock_timestamp(),
    primary key (version_id, run_id, rule),
    check ((status = 'differs') = (differences > 0))
);
comment on table witness_verdict is 'What one rule of a named set of rules found, in one run that judged the version.';
comment on column witness_verdict.reasons is 'Why amounts were not compared: how many for each reason.';
create index witness_verdict_by_run on witness_verdict (run_id);

create table witness_difference (
    version_id bigint not null,
    run_id uuid not null,
    rule text not null,
    period smallint not null check (period between 1 and 50),
    side text not null check (side in ('bid', 'offer')),
    bm_unit text,
    acceptance_id bigint,
    pair_id integer,
    stack numeric,
    witness numeric,
    difference numeric not null,
    wind boolean not null,
    cause text check (cause in ('rejected', 'carried')),
    foreign key (version_id, run_id, rule) references witness_verdict (version_id, run_id, rule),
    unique nulls not distinct (version_id, run_id, rule, period, side, bm_unit, acceptance_id, pair_id)
);
comment on table witness_difference is 'One figure that stacks and witness give differently, exact: stack less witness; null is one that the other does not have, and counts as zero.';
comment on column witness_difference.cause is 'What may have caused it and is told elsewhere: a rejected row, or a stack of an earlier fetch.';

create view version_verification as
select version_id, run_id, min(rules) as rules,
    case when bool_or(status = 'differs') then 'differs' when bool_and(status = 'verified') then 'verified'
        else 'unverified' end as verification,
    sum(compared)::bigint as compared, sum(not_compared)::bigint as not_compared,
    sum(differences)::bigint as differences,
    max(judged_at) as judged_at
from witness_verdict group by version_id, run_id;
comment on view version_verification is 'What the witnesses come to for each version and run: verified, unverified or differs.';

-- A witness that could not be had says nothing against an earlier one that could: the content has not moved since.
create view standing_verdict as
select version.id as version_id, judged.run_id, coalesce(judged.verification, 'unverified') as verification
from version
left join lateral (
    select run_id, verification from version_verification where version_id = version.id
    order by verification = 'unverified', run_id desc limit 1
) judged on true;
comment on view standing_verdict is 'The verdict on each version that counts: of the newest run that verified it or found a difference, else of the newest.';

create view witness as
select day.settlement_date, version.number as version, verdict.rule, verdict.rules, verdict.status, verdict.compared,
    verdict.not_compared, verdict.reasons, verdict.differences, verdict.run_id, verdict.judged_at
from settlement_day day
join version on version.id = day.current_version_id
join standing_verdict standing on standing.version_id = version.id
join witness_verdict verdict on verdict.version_id = version.id and verdict.run_id = standing.run_id;
comment on view witness is 'What each rule says of what is served, by the run whose verdict counts.';

create view witness_differences as
select day.settlement_date, version.number as version, difference.rule, difference.period, difference.side,
    difference.bm_unit, difference.acceptance_id, difference.pair_id, difference.stack, difference.witness,
    difference.difference, difference.wind, difference.cause, difference.run_id
from settlement_day day
join version on version.id = day.current_version_id
join standing_verdict standing on standing.version_id = version.id
join witness_difference difference on difference.version_id = version.id and difference.run_id = standing.run_id;
comment on view witness_differences is 'Every figure of what is served that stacks and witness give differently.';

create view version_payload as
select version.id as version_id, "fetch".dataset, "fetch".period, "fetch".side, "fetch".wire, "fetch".id as fetch_id,
    "fetch".payload_sha256
from version
join version_period period on period.version_id = version.id
join "fetch" on "fetch".id = period.fetch_id
union all
select version.id, "fetch".dataset, "fetch".period, "fetch".side, "fetch".wire, "fetch".id, "fetch".payload_sha256
from version join "fetch" on "fetch".id = version.system_prices_fetch_id
union all
select version.id, "fetch".dataset, "fetch".period, "fetch".side, "fetch".wire, "fetch".id, "fetch".payload_sha256
from version
join version_witness named on named.version_id = version.id and named.run_id = version.run_id
join "fetch" on "fetch".id = named.fetch_id
where "fetch".dataset <> 'DISEBSP';
comment on view version_payload is 'The payloads that a version was built from: its stacks, the system prices that judged its zeros, and its witnesses.';

-- ── gaps of the source ──────────────────────────────────────────────────────────────────────────────────────────

create table source_gap (
    id bigint generated always as identity primary key,
    settlement_date date not null,
    period smallint not null check (period between 1 and 50),
    side text not null check (side in ('bid', 'offer')),
    reason text not null,
    accepted_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz
);
create unique index source_gap_in_force on source_gap (settlement_date, period, side) where retired_at is null;
comment on table source_gap is 'A person''s decision that the source will never publish a period: unpublished, it does not hold the date.';

-- ── the indicative cashflow ─────────────────────────────────────────────────────────────────────────────────────

alter table daily_summary add column indicative_cashflow_gbp numeric;
alter table daily_unit_summary add column indicative_cashflow_gbp numeric;
comment on column daily_summary.indicative_cashflow_gbp is 'Volume times price times transmission loss multiplier; null, not known, where a record lacks one of them.';
comment on column daily_unit_summary.indicative_cashflow_gbp is 'Volume times price times transmission loss multiplier; null, not known, where a record lacks one of them.';
update daily_summary summary set indicative_cashflow_gbp = counted.cashflow
from (
    select summary.version_id, summary.definition, case
        when count(record.version_id) = count(record.volume * record.original_price * record.transmission_loss_multiplier)
        then coalesce(sum(record.volume * record.original_price * record.transmission_loss_multiplier), 0)
    end as cashflow
    from daily_summary summary
    left join curtailment_record record on record.version_id = summary.version_id and case summary.definition
        when 'so_flagged' then record.side = 'bid' and coalesce(record.so_flag, false)
        when 'all_bids' then record.side = 'bid'
        else coalesce(record.pair_id < 0, false)
    end
    group by 1, 2
) counted
where counted.version_id = summary.version_id and counted.definition = summary.definition;
update daily_unit_summary summary set indicative_cashflow_gbp = counted.cashflow
from (
    select summary.version_id, summary.definition, summary.bm_unit, case
        when count(*) = count(record.volume * record.original_price * record.transmission_loss_multiplier)
        then sum(record.volume * record.original_price * record.transmission_loss_multiplier)
    end as cashflow
    from daily_unit_summary summary
    join curtailment_record record on record.version_id = summary.version_id and record.bm_unit = summary.bm_unit
        and case summary.definition
            when 'so_flagged' then record.side = 'bid' and coalesce(record.so_flag, false)
            when 'all_bids' then record.side = 'bid'
            else coalesce(record.pair_id < 0, false)
        end
    group by 1, 2, 3
) counted
where counted.version_id = summary.version_id and counted.definition = summary.definition
    and counted.bm_unit = summary.bm_unit;

create or replace view curtailment as
select day.settlement_date, record.period, record.side, record.bm_unit, record.acceptance_id, record.pair_id,
    record.sequence_number, record.so_flag, record.original_price, record.volume,
    -record.volume as energy_mwh, record.volume * record.original_price as payment_gbp,
    record.side = 'bid' and coalesce(record.so_flag, false) as so_flagged,
    record.side = 'bid' as all_bids,
    coalesce(record.pair_id < 0, false) and version.sides @> '{bid,offer}' as net,
    record.final_price, record.transmission_loss_multiplier, record.created_at,
    version.number as version, "fetch".payload_sha256, record.payload_row,
    record.volume * record.original_price * record.transmission_loss_multiplier as indicative_cashflow_gbp
from settlement_day day
join version on version.id = day.current_version_id
join curtailment_record record on record.version_id = version.id
join "fetch" on "fetch".id = record.fetch_id;

create or replace view day as
select day.settlement_date, summary.definition, summary.energy_mwh, summary.payment_gbp, summary.records,
    summary.bm_units, summary.periods, version.number as version, day.generation,
    coalesce(day.provisional_until > '-infinity', false) as provisional, day.provisional_until, version.served_from,
    summary.indicative_cashflow_gbp, standing.verification,
    (
        select count(distinct gap.period)
        from source_gap gap
        join version_period period on period.version_id = version.id and period.period = gap.period
            and period.side = gap.side and period.outcome = 'not_published'
        where gap.settlement_date = day.settlement_date and gap.retired_at is null
    )::integer as accepted_gaps
from settlement_day day
join version on version.id = day.current_version_id
join daily_summary summary on summary.version_id = version.id
join standing_verdict standing on standing.version_id = version.id;

create or replace view day_unit as
select day.settlement_date, summary.definition, summary.bm_unit, summary.lead_party, summary.energy_mwh,
    summary.payment_gbp, summary.records, summary.periods, summary.indicative_cashflow_gbp
from settlement_day day
join daily_unit_summary summary on summary.version_id = day.current_version_id;

create or replace view month as
with totals as (
    select date_trunc('month', settlement_date)::date as month, definition,
        sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp, sum(records) as records,
        count(*) as days_published, count(*) filter (where provisional) as days_provisional,
        case when count(indicative_cashflow_gbp) = count(*) then sum(indicative_cashflow_gbp) end
            as indicative_cashflow_gbp,
        count(*) filter (where verification = 'verified') as days_verified
    from day group by 1, 2
), units as (
    select date_trunc('month', settlement_date)::date as month, definition, count(distinct bm_unit) as bm_units
    from day_unit group by 1, 2
)
select totals.month, totals.definition, totals.energy_mwh, totals.payment_gbp, totals.records,
    coalesce(units.bm_units, 0) as bm_units,
    extract(day from totals.month + interval '1 month - 1 day')::integer as days_expected,
    totals.days_published, totals.days_provisional, totals.indicative_cashflow_gbp, totals.days_verified
from totals left join units using (month, definition);

create or replace view year as
with totals as (
    select date_trunc('year', settlement_date)::date as year, definition,
        sum(energy_mwh) as energy_mwh, sum(payment_gbp) as payment_gbp, sum(records) as records,
        count(*) as days_published, count(*) filter (where provisional) as days_provisional,
        case when count(indicative_cashflow_gbp) = count(*) then sum(indicative_cashflow_gbp) end
            as indicative_cashflow_gbp,
        count(*) filter (where verification = 'verified') as days_verified
    from day group by 1, 2
), units as (
    select date_trunc('year', settlement_date)::date as year, definition, count(distinct bm_unit) as bm_units
    from day_unit group by 1, 2
)
select totals.year, totals.definition, totals.energy_mwh, totals.payment_gbp, totals.records,
    coalesce(units.bm_units, 0) as bm_units,
    extract(doy from totals.year + interval '1 year - 1 day')::integer as days_expected,
    totals.days_published, totals.days_provisional, totals.indicative_cashflow_gbp, totals.days_verified
from totals left join units using (year, definition);

create or replace view daily_summary_history as
select version.settlement_date, version.number as version, summary.definition, summary.energy_mwh,
    summary.payment_gbp, summary.records, summary.bm_units, summary.periods, version.served_from, version.served_to,
    summary.indicative_cashflow_gbp
from version
join daily_summary summary on summary.version_id = version.id
where version.state in ('published', 'superseded');

-- ── what may be deleted ─────────────────────────────────────────────────────────────────────────────────────────

create or replace function remove_versions(doomed bigint[]) returns void
language sql
begin atomic
    delete from witness_difference where version_id = any (doomed);
    delete from witness_verdict where version_id = any (doomed);
    delete from version_witness where version_id = any (doomed);
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
        and not exists (select from settlement_day where settlement_day.confirmed_by = run.id);
end;

-- ── roles ───────────────────────────────────────────────────────────────────────────────────────────────────────

grant select on version_witness, witness_verdict, witness_difference, source_gap, version_verification, standing_verdict,
    witness, witness_differences, version_payload to reingest_app;
grant insert on version_witness, witness_verdict, witness_difference, source_gap to reingest_app;
grant update (retired_at) on source_gap to reingest_app;
grant select on version_payload, witness, witness_differences to reingest_reader;
