-- After the rows of a backup are back, before the commit: they are complete, no number goes back, and it is on record.

reset search_path;
set local lock_timeout = '60s';

do $$
declare
    wanted record;
    found bigint;
begin
    for wanted in select key, value::bigint as rows from jsonb_each_text(current_setting('reingest.tables')::jsonb) loop
        execute format('select count(*) from %I', wanted.key) into found;
        if found <> wanted.rows then
            raise exception 'table % has % rows and should have %', wanted.key, found, wanted.rows;
        end if;
    end loop;
end $$;

-- Ids, and the positions of facts: what was given away after the backup was made is not given away again.
select setval(format('%I', mark.sequencename)::regclass, greatest(mark.last_value, coalesce(now.last_value, 1)))
from pg_temp.mark_sequence mark
join pg_sequences now on now.schemaname = 'public' and now.sequencename = mark.sequencename;

insert into settlement_day (settlement_date)
select settlement_date from pg_temp.mark_day on conflict do nothing;

update settlement_day day
set last_number = greatest(day.last_number, mark.last_number),
    generation = greatest(day.generation, mark.generation) + (
        (day.current_version_id, served.content_hash) is distinct from (mark.current_version_id, mark.content_hash)
    )::integer,
    -- Where nothing is served any more, the next version names the one that was.
    withdrawn_seal = case when served.id is null then coalesce(mark.seal, day.withdrawn_seal) else day.withdrawn_seal end
from pg_temp.mark_day mark
join settlement_day same using (settlement_date)
left join version served on served.id = same.current_version_id
where mark.settlement_date = day.settlement_date;

-- What was served when stays told, also by versions that the backup lacks: spans of the backup give way to those that
-- were known here, and what the date serves from now on begins now, where it is not what it served anyway.
select set_config('reingest.put_back_at', clock_timestamp()::text, true);

delete from served_span backed_up using pg_temp.mark_span known
where known.settlement_date = backed_up.settlement_date
    and known.served_from < coalesce(backed_up.served_to, 'infinity')
    and backed_up.served_from < coalesce(known.served_to, 'infinity');

insert into served_span (settlement_date, number, content_hash, version_id, provisional, final_from, served_from,
    served_to)
select known.settlement_date, known.number, known.content_hash, figures.id, known.provisional, known.final_from,
    known.served_from,
    coalesce(known.served_to, case
        when (known.number, known.content_hash) = (current.number, current.content_hash) then null
        else current_setting('reingest.put_back_at')::timestamptz
    end)
from pg_temp.mark_span known
left join settlement_day day using (settlement_date)
left join version current on current.id = day.current_version_id
left join lateral (
    select id from version
    where version.settlement_date = known.settlement_date and version.content_hash = known.content_hash
        and version.served_from is not null
    order by version.number = known.number desc, version.number limit 1
) figures on true;

insert into served_span (settlement_date, number, content_hash, version_id, provisional, served_from)
select day.settlement_date, version.number, version.content_hash, version.id, day.provisional_until is not null,
    current_setting('reingest.put_back_at')::timestamptz
from settlement_day day
join version on version.id = day.current_version_id
where not exists (
    select from served_span
    where served_span.settlement_date = day.settlement_date and served_span.served_to is null
);

-- Consumers are told of each date that serves another version now, or none; and of one whose fact the backup lacks.
with fact as (
    insert into outbox (settlement_date, generation, version_id, kind, body, dedupe_key)
    select day.settlement_date, day.generation, version.id, told.kind,
        jsonb_strip_nulls(jsonb_build_object(
            'type', told.kind,
            'settlement_date', day.settlement_date,
            'generation', day.generation,
            'version', version.number,
            'run_id', version.run_id,
            'content_hash', version.content_hash,
            'seal', version.seal,
            'provisional', day.provisional_until is not null and version.id is not null,
            'verification', (select verification from standing_verdict where version_id = version.id),
            'timestamp', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'reason', current_setting('reingest.reason'),
            'totals', (
                select jsonb_object_agg(definition, jsonb_build_object(
                    'energy_mwh', trim_scale(energy_mwh)::text, 'payment_gbp', trim_scale(payment_gbp)::text))
                from daily_summary where version_id = version.id
            )
        )),
        concat_ws(':', told.kind, day.settlement_date, version.number, day.generation)
    from settlement_day day
    left join version on version.id = day.current_version_id
    cross join lateral (
        select case when version.id is null then 'date_withdrawn' else 'date_published' end as kind
    ) told
    where day.generation > 0 and not exists (
        select from outbox
        where outbox.settlement_date = day.settlement_date and outbox.generation = day.generation
    )
    order by day.settlement_date
    returning id, settlement_date
)
insert into outbox_delivery (outbox_id, sink, settlement_date)
select fact.id, outbox_sink.sink, fact.settlement_date
from fact, outbox_sink where outbox_sink.forgotten_at is null;

insert into operator_action (who, host, action, reason, detail)
values (
    current_setting('reingest.who'), current_setting('reingest.host'), 'backup_restore',
    current_setting('reingest.reason'), current_setting('reingest.detail')::jsonb
);

commit;
