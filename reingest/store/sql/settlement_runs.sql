-- name: settlement_runs
select name, working_days, months, enabled from settlement_run order by position;

-- name: enable_settlement_runs
update settlement_run set enabled = %(enabled)s
where name = any (%(names)s::text[]) and enabled is distinct from %(enabled)s::boolean
returning name;
