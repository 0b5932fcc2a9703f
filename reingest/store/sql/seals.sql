-- name: day_digests
select settlement_date, digest from day_digest
where settlement_date >= %(start)s and settlement_date < %(end)s order by 1;

-- name: asked_payloads
select dataset, period, side, payload_sha256 as sha256, wire from version_payload where version_id = %(version_id)s;

-- name: seal_of_version
select seal, previous_seal, served_from, version_seal(id, previous_seal) as made_again
from version where id = %(version_id)s and seal is not null and previous_seal is not null and served_from is not null;
