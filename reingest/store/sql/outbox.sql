-- name: number_changes
select number_changes();

-- name: know_sinks
-- A sink that was forgotten and is configured again is owed what is published from now on.
insert into outbox_sink (sink) select unnest(%(sinks)s::text[])
on conflict (sink) do update set known_since = clock_timestamp(), forgotten_at = null
where outbox_sink.forgotten_at is not null;

-- name: known_sinks
select sink from outbox_sink where forgotten_at is null order by sink;

-- name: begin_notify
-- A deliverer that is stopped while it holds a fact must let go of it: its send takes no longer than this.
select set_config('idle_in_transaction_session_timeout', %(limit)s, true);

-- name: claim_delivery
-- The oldest fact that is due and has no earlier one pending on its date; one that another deliverer has is passed by,
-- and so is everything after it on its date, because it is still pending.
select delivery.outbox_id, delivery.settlement_date, delivery.attempts, change.dedupe_key, change.message
from outbox_delivery delivery
join outbox on outbox.id = delivery.outbox_id
join changes change using (position)
where delivery.sink = %(sink)s and delivery.state = 'pending'
    and delivery.next_attempt_at <= clock_timestamp()
    and (%(settlement_date)s::date is null or delivery.settlement_date = %(settlement_date)s)
    -- Its date's earliest: one look into an index, whatever the planner knows of the table.
    and delivery.outbox_id = (
        select earliest.outbox_id from outbox_delivery earliest
        where earliest.sink = delivery.sink and earliest.state = 'pending'
            and earliest.settlement_date = delivery.settlement_date
        order by earliest.outbox_id limit 1
    )
order by delivery.outbox_id
limit 1
for update of delivery skip locked;

-- name: delivery_succeeded
update outbox_delivery
set state = 'delivered', attempts = attempts + 1, last_attempt_at = clock_timestamp(), last_error = null,
    delivered_at = clock_timestamp()
where outbox_id = %(outbox_id)s and sink = %(sink)s;

-- name: delivery_failed
update outbox_delivery
set attempts = attempts + 1, last_attempt_at = clock_timestamp(), last_error = %(error)s,
    next_attempt_at = clock_timestamp() + %(wait)s,
    state = case when attempts + 1 >= %(most)s then 'dead' else state end,
    dead_at = case when attempts + 1 >= %(most)s then clock_timestamp() end
where outbox_id = %(outbox_id)s and sink = %(sink)s
returning state;

-- name: sink_lags
-- By known sink: how many facts wait, since when the oldest does, how many are dead, and how long until the next may be
-- tried, of those that no earlier one of their date holds up.
select sink.sink,
    count(*) filter (where delivery.state = 'pending') as pending,
    count(*) filter (where delivery.state = 'dead') as dead,
    round(extract(epoch from clock_timestamp() - min(outbox.created_at) filter (where delivery.state = 'pending')), 3)
        as oldest_pending_seconds,
    round(extract(epoch from min(delivery.next_attempt_at) filter (where delivery.outbox_id = (
        select earliest.outbox_id from outbox_delivery earliest
        where earliest.sink = delivery.sink and earliest.state = 'pending'
            and earliest.settlement_date = delivery.settlement_date
        order by earliest.outbox_id limit 1
    )) - clock_timestamp()), 3) as next_attempt_seconds
from outbox_sink sink
left join outbox_delivery delivery on delivery.sink = sink.sink and delivery.state in ('pending', 'dead')
left join outbox on outbox.id = delivery.outbox_id
where sink.forgotten_at is null
group by sink.sink
order by sink.sink;

-- name: list_outbox
-- A row a fact and sink; a fact that no sink is owed is marked no_sink.
select outbox.id, outbox.position, outbox.settlement_date, outbox.generation,
    (outbox.body ->> 'version')::integer as version,
    delivery.sink, coalesce(delivery.state, 'no_sink') as state, coalesce(delivery.attempts, 0) as attempts,
    outbox.created_at, case when delivery.state = 'pending' then delivery.next_attempt_at end as next_attempt_at,
    delivery.delivered_at, delivery.last_error, outbox.dedupe_key
from outbox
left join outbox_delivery delivery on delivery.outbox_id = outbox.id
where coalesce(delivery.state, 'no_sink') = any (%(states)s::text[])
order by outbox.id desc, delivery.sink
limit %(limit)s;

-- name: retry_deliveries
-- Dead letters begin anew; what is pending becomes due. What was delivered, or is not owed any more, stays as it is.
update outbox_delivery
set state = 'pending', dead_at = null, next_attempt_at = clock_timestamp(),
    attempts = case when state = 'dead' then 0 else attempts end
where state = any (%(states)s::text[]) and (%(outbox_id)s::bigint is null or outbox_id = %(outbox_id)s);

-- name: owe_no_sink
-- Facts that were published when no sink was known are owed to every sink that is known now.
insert into outbox_delivery (outbox_id, sink, settlement_date)
select outbox.id, outbox_sink.sink, outbox.settlement_date
from outbox
cross join outbox_sink
where outbox_sink.forgotten_at is null and (%(outbox_id)s::bigint is null or outbox.id = %(outbox_id)s)
    and not exists (select from outbox_delivery where outbox_id = outbox.id);

-- name: has_fact
select id from outbox where id = %(outbox_id)s;

-- name: forget_sink
with forgotten as (
    update outbox_sink set forgotten_at = clock_timestamp() where sink = %(sink)s and forgotten_at is null
    returning sink
)
select count(*) from forgotten;

-- name: forget_deliveries
update outbox_delivery set state = 'forgotten', dead_at = null
where sink = %(sink)s and state in ('pending', 'dead');

-- name: changes_since
select position, message from changes where position > %(since)s order by position limit %(limit)s;
