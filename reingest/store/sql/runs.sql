-- name: begin_run
insert into run (id, kind, settlement_date, periods, sides, source, reason, holder, host, pid, code_version,
    flow_run_id)
values (%(id)s, %(kind)s, %(settlement_date)s, %(periods)s, %(sides)s, %(source)s, %(reason)s, %(holder)s, %(host)s,
    %(pid)s, %(code_version)s, %(flow_run_id)s);

-- name: end_run
-- A run ends once: a second end would hide how the first one went.
update run
set finished_at = clock_timestamp(), outcome = %(outcome)s, exit_code = %(exit_code)s, error = %(error)s,
    version_id = %(version_id)s, requests = %(requests)s, retries = %(retries)s
where id = %(id)s and outcome is null;

-- name: add_run_events
insert into run_event (run_id, stage, event, detail)
select %(run_id)s, stage, event, detail
from unnest(%(stages)s::text[], %(events)s::text[], %(details)s::jsonb[]) with ordinality
    as line (stage, event, detail, place)
order by place;

-- name: add_operator_action
insert into operator_action (who, host, action, settlement_date, version_id, reason, detail)
values (%(who)s, %(host)s, %(action)s, %(settlement_date)s, %(version_id)s, %(reason)s, %(detail)s)
returning id;
