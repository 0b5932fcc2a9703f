-- name: add_payloads
insert into payload (sha256, size, stored_size)
select * from unnest(%(sha256)s::text[], %(size)s::bigint[], %(stored_size)s::bigint[])
on conflict (sha256) do nothing;

-- name: add_fetches
-- One statement for the answers that came in together; the ids come back in the order of the arrays.
with answered as (
    select * from unnest(
        %(dataset)s::text[], %(settlement_date)s::date[], %(period)s::smallint[], %(side)s::text[], %(wire)s::text[],
        %(url)s::text[], %(status)s::smallint[], %(content_type)s::text[], %(sha256)s::text[],
        %(requested_at)s::timestamptz[], %(answered_at)s::timestamptz[], %(attempts)s::smallint[]
    ) with ordinality as answer (
        dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256, requested_at,
        answered_at, attempts, place
    )
)
insert into "fetch" (run_id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256,
    requested_at, answered_at, attempts)
select %(run_id)s, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256,
    requested_at, answered_at, attempts
from answered order by place
returning id;

-- name: fetches_of_version
-- The named list of fetches that a version was built from: its stacks, and the system prices that judged its zeros.
-- By ids and not by a join with OR, which would read every fetch there is.
select id, dataset, settlement_date, period, side, wire, url, status, content_type, payload_sha256, requested_at,
    answered_at, attempts
from "fetch"
where id in (
    select fetch_id from version_period where version_id = %(version_id)s
    union all
    select system_prices_fetch_id from version where id = %(version_id)s
);

-- name: newest_fetches
-- What a withdrawn version was built from goes before what is newer: the archive gives back what was served.
select distinct on (dataset, period, side) id, dataset, settlement_date, period, side, wire, url, status,
    content_type, payload_sha256, requested_at, answered_at, attempts
from "fetch"
where settlement_date = %(settlement_date)s and status = 200 and dataset in ('ISPSTACK', 'DISEBSP')
order by dataset, period, side,
    id = any (coalesce(
        (select withdrawn_fetches from settlement_day where settlement_date = %(settlement_date)s), '{}')) desc,
    answered_at desc, id desc;

-- name: fetched_from
-- Whether any answer came from this machine, and whether any came from elsewhere.
select
    exists (select from "fetch" where starts_with(url, 'http://127.0.0.1:')),
    exists (select from "fetch" where not starts_with(url, 'http://127.0.0.1:'));
