-- name: add_notice
-- One a cause: who comes second to the same one says nothing new.
insert into notice (cause, kind, settlement_date, subject, text, detail)
values (%(cause)s, %(kind)s, %(settlement_date)s, %(subject)s, %(text)s, %(detail)s)
on conflict (cause) do nothing
returning id;

-- name: know_channels
insert into notice_channel (channel) select unnest(%(channels)s::text[]) on conflict do nothing;

-- name: owe_notices
-- Each notice that a channel has no row of yet, whenever its transaction was committed. What nobody wants by this
-- channel is noted, so that it does not come after all when the wish changes.
insert into notice_delivery (notice_id, channel, settlement_date, state)
select notice.id, known.channel, notice.settlement_date,
    case when notice.kind = any (%(kinds)s::text[]) then 'pending' else 'unwanted' end
from notice_channel known
join notice on notice.created_at >= known.known_since
where known.channel = any (%(channels)s::text[])
    and not exists (
        select from notice_delivery delivery
        where delivery.notice_id = notice.id and delivery.channel = known.channel
    )
on conflict do nothing;

-- name: claim_notice
-- The oldest notice that is due and has no earlier one pending of its date, or, of no date, no earlier one of none; one
-- that another deliverer has is passed by.
select notice.id, delivery.attempts, notice.cause as dedupe_key, notice.kind, notice.settlement_date, notice.subject,
    notice.text, notice.detail, notice.created_at
from notice_delivery delivery
join notice on notice.id = delivery.notice_id
where delivery.channel = %(channel)s and delivery.state = 'pending' and delivery.next_attempt_at <= clock_timestamp()
    and not exists (
        select from notice_delivery earlier
        where earlier.channel = delivery.channel and earlier.state = 'pending'
            and earlier.settlement_date is not distinct from delivery.settlement_date
            and earlier.notice_id < delivery.notice_id
    )
order by delivery.notice_id
limit 1
for update of delivery skip locked;

-- name: notice_succeeded
update notice_delivery
set state = 'delivered', attempts = attempts + 1, last_attempt_at = clock_timestamp(), last_error = null,
    delivered_at = clock_timestamp()
where notice_id = %(notice_id)s and channel = %(channel)s;

-- name: notice_failed
update notice_delivery
set attempts = attempts + 1, last_attempt_at = clock_timestamp(), last_error = %(error)s,
    next_attempt_at = clock_timestamp() + %(wait)s,
    state = case when attempts + 1 >= %(most)s then 'dead' else state end,
    dead_at = case when attempts + 1 >= %(most)s then clock_timestamp() end
where notice_id = %(notice_id)s and channel = %(channel)s
returning state;

-- name: channel_lags
-- By known channel: how many notices wait, since when the oldest does, how many are dead, and how long until the next
-- may be tried, of those that no earlier one holds up.
with open as (
    select delivery.*, notice.created_at,
        row_number() over (
            partition by delivery.channel, delivery.settlement_date, delivery.state order by delivery.notice_id
        ) as turn
    from notice_delivery delivery
    join notice on notice.id = delivery.notice_id
    where delivery.state in ('pending', 'dead')
)
select known.channel as sink,
    count(*) filter (where open.state = 'pending') as pending,
    count(*) filter (where open.state = 'dead') as dead,
    round(extract(epoch from clock_timestamp() - min(open.created_at) filter (where open.state = 'pending')), 3)
        as oldest_pending_seconds,
    round(extract(epoch from min(open.next_attempt_at) filter (where open.state = 'pending' and open.turn = 1)
        - clock_timestamp()), 3) as next_attempt_seconds
from notice_channel known
left join open on open.channel = known.channel
group by known.channel
order by known.channel;

-- name: list_notices
-- A row a notice and channel; one that no channel was told of yet has none.
select notice.id, notice.created_at, notice.kind, notice.settlement_date, notice.subject, notice.text, notice.detail,
    notice.cause, delivery.channel, coalesce(delivery.state, 'no_channel') as state,
    coalesce(delivery.attempts, 0) as attempts,
    case when delivery.state = 'pending' then delivery.next_attempt_at end as next_attempt_at,
    delivery.delivered_at, delivery.last_error
from notice
left join notice_delivery delivery on delivery.notice_id = notice.id
where coalesce(delivery.state, 'no_channel') = any (%(states)s::text[])
order by notice.id desc, delivery.channel
limit %(limit)s;

-- name: retry_notices
-- Dead letters begin anew; what is pending, or was not wanted, becomes due. What was delivered stays as it is.
update notice_delivery
set state = 'pending', dead_at = null, next_attempt_at = clock_timestamp(),
    attempts = case when state = 'dead' then 0 else attempts end
where state = any (%(states)s::text[]) and (%(notice_id)s::bigint is null or notice_id = %(notice_id)s);

-- name: has_notice
select id from notice where id = %(notice_id)s;
