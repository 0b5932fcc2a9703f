-- name: tables_in_backups
-- Leases are not among them: they are about processes, and outlive a restore as they are.
select relname from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'lease' order by relname;

-- name: served_digest
-- Which version each date serves, as one hash: two databases that serve the same have the same.
select count(*)::integer as dates, min(settlement_date) as first, max(settlement_date) as last,
    encode(sha256(convert_to(coalesce(string_agg(
        format('%%s %%s %%s', settlement_date, number, content_hash), E'\n' order by settlement_date), ''),
        'UTF8')), 'hex') as digest
from version where state = 'published';

-- name: was_put_back
select id from operator_action where action = 'backup_restore' and detail ->> 'act' = %(act)s;
