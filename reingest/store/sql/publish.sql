-- name: begin_publish
-- Both limits lie below the lease's TTL: a publish that waits or stalls longer than that must not commit.
select set_config('lock_timeout', %(limit)s, true),
    set_config('idle_in_transaction_session_timeout', %(limit)s, true);

-- name: ensure_day
insert into settlement_day (settlement_date) values (%(settlement_date)s) on conflict do nothing;

-- name: lock_day
select generation, current_version_id, clock_timestamp() as now
from settlement_day where settlement_date = %(settlement_date)s for update;

-- name: retire_version
update version set state = 'superseded', served_to = %(now)s where id = %(version_id)s and state = 'published';

-- name: serve_version
-- With its seal, which names the version that it replaces; after a reset the one that the reset took away.
update version set state = 'published', served_from = %(now)s, reason = coalesce(%(reason)s, reason),
    previous_seal = chain.previous, seal = version_seal(version.id, chain.previous)
from (
    select coalesce(
        (select seal from version where id = %(retired)s::bigint),
        (select withdrawn_seal from settlement_day where settlement_date = %(settlement_date)s),
        '-'
    ) as previous
) chain
where id = %(version_id)s and state in ('candidate', 'held');

-- name: was_served
select number from version where id = %(version_id)s and state in ('published', 'superseded');

-- name: move_day
-- Compare and swap: the generation that the run began from must still be the date's.
update settlement_day
set current_version_id = %(version_id)s, generation = generation + 1, provisional_until = %(provisional_until)s,
    confirmed_at = %(now)s, confirmed_by = %(run_id)s, stale_since = null, stale_reason = null,
    register_recorded_at = (select register_recorded_at from version where id = %(version_id)s)
where settlement_date = %(settlement_date)s and generation = %(basis_generation)s
returning generation;

-- name: add_outbox
-- The fact, and a delivery of it for each sink that is known. What changed is told by definition, against the version
-- that was served until now; a definition that either of them lacks has no change.
with fact as (
    insert into outbox (settlement_date, generation, version_id, kind, body, dedupe_key)
    select %(settlement_date)s, %(generation)s, version.id, 'date_published',
        %(body)s::jsonb || jsonb_build_object(
            'generation', %(generation)s::bigint,
            'version', version.number,
            'timestamp', to_char(%(now)s::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'replaces', (select number from version where id = %(retired)s::bigint),
            'seal', version.seal,
            'verification', (select verification from standing_verdict where version_id = version.id),
            'change', (
                select jsonb_object_agg(new.definition, jsonb_build_object(
                    'energy_mwh', trim_scale(new.energy_mwh - old.energy_mwh)::text,
                    'payment_gbp', trim_scale(new.payment_gbp - old.payment_gbp)::text
                ))
                from daily_summary new
                join daily_summary old on old.version_id = %(retired)s::bigint and old.definition = new.definition
                where new.version_id = version.id
            )
        ),
        format('date_published:%%s:%%s', version.settlement_date, version.number)
    from version where version.id = %(version_id)s
    returning id, settlement_date
)
insert into outbox_delivery (outbox_id, sink, settlement_date)
select fact.id, outbox_sink.sink, fact.settlement_date
from fact, outbox_sink where outbox_sink.forgotten_at is null;

-- name: confirm_day
-- The same content was seen again: the generation stays, the confirmation moves, a provisional mark goes when due.
-- What a final run confirmed does not become provisional again because an earlier payload was read once more.
update settlement_day
set confirmed_at = clock_timestamp(), confirmed_by = %(run_id)s,
    provisional_until = case when provisional_until is not null then %(provisional_until)s::timestamptz end,
    stale_since = null, stale_reason = null, register_recorded_at = %(register_recorded_at)s
where settlement_date = %(settlement_date)s and generation = %(basis_generation)s
    and current_version_id = %(version_id)s
returning provisional_until;
