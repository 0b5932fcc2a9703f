-- name: day_digests
select settlement_date, digest from day_digest
where settlement_date >= %(start)s and settlement_date < %(end)s order by 1;

-- name: payloads_of_version
select dataset, period, side, payload_sha256 as sha256 from version_payload where version_id = %(version_id)s;
