-- name: add_version_witnesses
insert into version_witness (version_id, run_id, fetch_id)
select %(version_id)s, %(run_id)s, fetch_id from unnest(%(fetch_ids)s::bigint[]) as fetch_id;

-- name: add_verdict
insert into witness_verdict (version_id, run_id, rule, rules, status, compared, not_compared, reasons, differences)
values (%(version_id)s, %(run_id)s, %(rule)s, %(rules)s, %(status)s, %(compared)s, %(not_compared)s, %(reasons)s,
    %(differences)s);

-- name: copy_differences
copy witness_difference (version_id, run_id, rule, period, side, bm_unit, acceptance_id, pair_id, stack, witness,
    difference, wind, cause) from stdin;

-- name: standing_verification
select verification from standing_verdict where version_id = %(version_id)s;

-- name: standing_verdicts
-- What each rule says of a version, by the run whose verdict counts.
select verdict.rule, verdict.rules, verdict.status, verdict.compared, verdict.not_compared, verdict.reasons,
    verdict.differences, verdict.run_id, verdict.judged_at
from standing_verdict standing
join witness_verdict verdict using (version_id, run_id)
where version_id = %(version_id)s
order by verdict.rule;

-- name: standing_differences
select rule, period, side, bm_unit, acceptance_id, pair_id, stack, witness, difference, wind, cause
from standing_verdict standing
join witness_difference using (version_id, run_id)
where version_id = %(version_id)s
order by rule, period, side, bm_unit, acceptance_id, pair_id;
