-- name: doctor_unfinished_runs
-- An hour is longer than any run may fetch: what is that old on a host that cannot be asked has ended there.
select id, kind, settlement_date, holder, host, pid, started_at, started_at < clock_timestamp() - interval '1 hour' as old
from run
where outcome is null and not exists (
    -- A run whose lease was taken over, or unlocked, has its end in its log.
    select from run_event where run_id = run.id and event in ('taken_over', 'unlocked')
)
order by started_at, id;

-- name: doctor_dates
select settlement_date from settlement_day where settlement_date >= %(start)s and settlement_date < %(end)s
union
select settlement_date from version where settlement_date >= %(start)s and settlement_date < %(end)s
order by 1;

-- name: doctor_open_versions
select id, number, settlement_date, state, run_id from version where state in ('staging', 'candidate') order by id;

-- name: doctor_day
select generation, current_version_id, provisional_until, confirmed_at, last_number, withdrawn_seal
from settlement_day where settlement_date = %(settlement_date)s;

-- name: doctor_versions
-- With the outbox's account of each publish: it was written by the same transaction. A version that a backup gave back
-- is told of again, at a later generation. Of one that is not served any more a reset of operations takes the account.
select version.id, version.number, version.state, version.kind, version.basis_generation, version.run_id, version.sides,
    version.register_id, version.register_hash, version.mining_state, version.content_hash, version.rows,
    version.rejects, version.records, version.provisional_until, version.created_at, version.served_from,
    version.served_to,
    coalesce(told.first_generation, case
        when version.served_to < (select max(at) from operator_action where action = 'reset_ops')
        then version.basis_generation + 1
    end) as outbox_generation,
    told.last_generation, told.first_at as outbox_at
from version
left join lateral (
    select min(generation) as first_generation, max(generation) as last_generation,
        min((body ->> 'timestamp')::timestamptz) as first_at
    from outbox where outbox.version_id = version.id and outbox.kind = 'date_published'
) told on true
where version.settlement_date = %(settlement_date)s
order by version.number;

-- name: doctor_seals
-- The seal of each version that is or was served, as stored and as made again from what is stored.
select id as version_id, seal, previous_seal, version_seal(id, previous_seal) as made_again
from version where settlement_date = %(settlement_date)s and state in ('published', 'superseded');

-- name: doctor_periods
-- What became of each period and side, with what its fetch was about, and the rejects that are stored for it.
select period.period, period.side, period.outcome, period.rows, period.accepted, period.rejects, period.wind_rows,
    period.fetch_id,
    period.fetch_id is null or coalesce("fetch".dataset = 'ISPSTACK' and "fetch".side = period.side
        and "fetch".period = period.period and "fetch".settlement_date = version.settlement_date, false) as own_fetch,
    coalesce(rejected.stored, 0) as stored_rejects
from version
join version_period period on period.version_id = version.id
left join "fetch" on "fetch".id = period.fetch_id
left join (
    select period, side, count(*) as stored from reject where version_id = %(version_id)s group by 1, 2
) rejected on rejected.period = period.period and rejected.side = period.side
where version.id = %(version_id)s
order by period.period, period.side;

-- name: doctor_strayed_records
-- Records that stand in another answer than their period's, or in a period that the version does not have.
select record.period, record.side, count(*) as records
from curtailment_record record
left join version_period period on period.version_id = record.version_id and period.period = record.period
    and period.side = record.side and period.fetch_id = record.fetch_id
where record.version_id = %(version_id)s and period.version_id is null
group by 1, 2 order by 1, 2;

-- name: doctor_payloads
-- The payloads that a date's fetches gave (or, without a date, the register's), and whether the served version needs them.
with served as (
    select period.fetch_id
    from settlement_day day join version_period period on period.version_id = day.current_version_id
    where day.settlement_date = %(settlement_date)s
    union all
    select version.system_prices_fetch_id
    from settlement_day day join version on version.id = day.current_version_id
    where day.settlement_date = %(settlement_date)s
    union all
    select named.fetch_id
    from settlement_day day
    join version on version.id = day.current_version_id
    join version_witness named on named.version_id = version.id and named.run_id = version.run_id
    where day.settlement_date = %(settlement_date)s
)
select "fetch".payload_sha256 as sha256, payload.size, payload.stored_size,
    bool_or("fetch".id in (select fetch_id from served)) as served,
    min("fetch".dataset) as dataset, min("fetch".period) as period, min("fetch".side) as side
from "fetch"
left join payload on payload.sha256 = "fetch".payload_sha256
where "fetch".settlement_date is not distinct from %(settlement_date)s and "fetch".id <= %(ceiling)s
group by 1, 2, 3
order by 1;

-- name: doctor_newest_fetch
select coalesce(max(id), 0) from "fetch";

-- name: doctor_unregistered
select file.sha256 from unnest(%(sha256s)s::text[]) as file (sha256)
where not exists (select from payload where payload.sha256 = file.sha256)
    and not exists (select from "fetch" where "fetch".payload_sha256 = file.sha256)
order by 1;

-- name: doctor_fetches_of_month
-- The rows that a month's manifest mirrors; without a month, those that belong to no settlement date.
select "fetch".id::text as fetch_id, "fetch".run_id::text as run_id, dataset, settlement_date, period, side, wire, url,
    status, content_type, payload_sha256 as sha256, payload.size, requested_at, answered_at, attempts
from "fetch"
left join payload on payload.sha256 = "fetch".payload_sha256
where (%(start)s::date is null and settlement_date is null)
    or (settlement_date >= %(start)s::date and settlement_date < %(start)s::date + interval '1 month')
order by "fetch".id;

-- name: doctor_months
select distinct date_trunc('month', settlement_date)::date as month from "fetch" where id <= %(ceiling)s order by 1;

-- name: doctor_impossible_times
-- Host clocks may be some minutes off; what the database's own clock wrote cannot be.
select * from (
    select 'run ' || id as subject, settlement_date, null::integer as version,
        'started ' || started_at || ', finished ' || coalesce(finished_at::text, 'never') as found,
        'finished after it started, and started before now' as expected
    from run where finished_at < started_at or started_at > clock_timestamp()
    union all
    select 'fetch ' || id, settlement_date, null, 'requested ' || requested_at || ', answered ' || answered_at,
        'answered after it was requested, and before now'
    from "fetch"
    where answered_at < requested_at or answered_at > clock_timestamp() + interval '5 minutes'
    union all
    select settlement_date || ' version ' || number, settlement_date, number, 'made ' || created_at, 'made before now'
    from version where created_at > clock_timestamp()
    union all
    select settlement_date || ' version ' || number, settlement_date, number, 'of a date that has not begun',
        'no version'
    from version where settlement_date > (clock_timestamp() at time zone 'Europe/London')::date
    union all
    select settlement_date::text, settlement_date, null, 'confirmed ' || confirmed_at, 'confirmed before now'
    from settlement_day where confirmed_at > clock_timestamp()
    union all
    select 'outbox ' || id, settlement_date, null, 'written ' || created_at, 'written before now'
    from outbox where created_at > clock_timestamp()
    union all
    select 'action ' || id, settlement_date, null, 'at ' || at, 'at an instant before now'
    from operator_action where at > clock_timestamp()
) impossible
order by settlement_date, subject;

-- name: doctor_explained
select detail ->> 'key' from operator_action where action = 'doctor:explain';

-- name: doctor_moment
select clock_timestamp();

-- name: precheck
-- The served version in one pass over its rows: what the date says of it, and its totals as stored and as counted.
with served as (
    select version.id, version.number, version.state, version.basis_generation, version.records, version.sides,
        version.settlement_date, day.generation
    from settlement_day day join version on version.id = day.current_version_id
    where day.settlement_date = %(settlement_date)s
), counted as (
    select count(*) as records,
        count(*) filter (where side = 'bid' and so_flag) as so_flagged_records,
        -sum(volume) filter (where side = 'bid' and so_flag) as so_flagged_mwh,
        sum(volume * original_price) filter (where side = 'bid' and so_flag) as so_flagged_gbp,
        count(*) filter (where side = 'bid') as all_bids_records,
        -sum(volume) filter (where side = 'bid') as all_bids_mwh,
        sum(volume * original_price) filter (where side = 'bid') as all_bids_gbp,
        count(*) filter (where pair_id < 0) as net_records,
        -sum(volume) filter (where pair_id < 0) as net_mwh,
        sum(volume * original_price) filter (where pair_id < 0) as net_gbp
    from curtailment_record where version_id = (select id from served)
), by_definition as (
    select definition.* from counted cross join lateral (values
        ('so_flagged', so_flagged_mwh, so_flagged_gbp, so_flagged_records),
        ('all_bids', all_bids_mwh, all_bids_gbp, all_bids_records),
        ('net', net_mwh, net_gbp, net_records)
    ) as definition (name, energy_mwh, payment_gbp, records)
)
select served.number, served.state, served.settlement_date, served.generation,
    coalesce(
        (select max(outbox.generation) from outbox where outbox.version_id = served.id and kind = 'date_published'),
        served.basis_generation + 1
    ) as published_generation,
    served.records, counted.records as counted_records,
    (select count(*) from version_period where version_id = served.id) as periods, cardinality(served.sides) as sides,
    (
        select coalesce(json_agg(json_build_object(
            'definition', coalesce(stored.definition, by_definition.name),
            'found', concat_ws(' ', stored.energy_mwh, stored.payment_gbp, stored.records),
            'expected', concat_ws(' ', coalesce(by_definition.energy_mwh, 0), coalesce(by_definition.payment_gbp, 0),
                by_definition.records)
        )), '[]')
        from (select * from daily_summary where version_id = served.id) stored
        full join (
            select * from by_definition where name <> 'net' or served.sides @> '{bid,offer}'
        ) by_definition on by_definition.name = stored.definition
        where (stored.energy_mwh, stored.payment_gbp, stored.records::bigint) is distinct from
            (coalesce(by_definition.energy_mwh, 0), coalesce(by_definition.payment_gbp, 0), by_definition.records)
    ) as totals
from served, counted;
