-- name: audited_version
select version.id, version.number, version.state, version.kind, version.sides, version.reason, version.code_version,
    version.content_hash, version.register_hash, version.created_at, version.served_from, version.served_to,
    version.rows, version.rejects, version.records,
    run.id as run_id, run.kind as run_kind, run.source, run.holder, run.host, run.pid, run.flow_run_id, run.started_at,
    run.finished_at, run.outcome, run.reason as run_reason
from version
join run on run.id = version.run_id
where version.settlement_date = %(settlement_date)s and version.number = %(number)s;

-- name: audited_answers
-- Every answer that a version was built from: stacks by period and side, then system prices, register and witnesses.
select period.period, period.side, coalesce("fetch".dataset, 'ISPSTACK') as dataset, period.outcome,
    period.rows, period.accepted, period.rejects, period.wind_rows, coalesce(record.records, 0) as records,
    "fetch".id as fetch_id, "fetch".run_id as fetched_by, "fetch".url, "fetch".answered_at,
    "fetch".payload_sha256 as sha256, payload.size, payload.stored_size
from version_period period
left join "fetch" on "fetch".id = period.fetch_id
left join payload on payload.sha256 = "fetch".payload_sha256
left join (
    select period, side, count(*) as records from curtailment_record where version_id = %(version_id)s group by 1, 2
) record on record.period = period.period and record.side = period.side
where period.version_id = %(version_id)s
union all
select null, null, "fetch".dataset, null, null, null, null, null, null, "fetch".id, "fetch".run_id, "fetch".url,
    "fetch".answered_at, "fetch".payload_sha256, payload.size, payload.stored_size
from version
join register on register.id = version.register_id
join "fetch" on "fetch".id in (version.system_prices_fetch_id, register.fetch_id)
left join payload on payload.sha256 = "fetch".payload_sha256
where version.id = %(version_id)s
union all
select null, "fetch".side, "fetch".dataset, null, null, null, null, null, null, "fetch".id, "fetch".run_id,
    "fetch".url, "fetch".answered_at, "fetch".payload_sha256, payload.size, payload.stored_size
from version
join version_witness named on named.version_id = version.id and named.run_id = version.run_id
join "fetch" on "fetch".id = named.fetch_id and "fetch".dataset <> 'DISEBSP'
left join payload on payload.sha256 = "fetch".payload_sha256
where version.id = %(version_id)s
order by period nulls last, side, fetch_id;
