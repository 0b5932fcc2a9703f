-- Witnesses: what other datasets of Elexon say of a version, and what differs.

alter table "fetch" drop constraint fetch_dataset_check;
alter table "fetch" add constraint fetch_dataset_check
    check (dataset in ('ISPSTACK', 'DISEBSP', 'BMUNITS', 'BOAV', 'EBOCF', 'DISPTAV'));
alter table run drop constraint run_kind_check;
alter table run add constraint run_kind_check
    check (kind in ('reingest', 'plan', 'apply', 'publish', 'restore', 'units'));

create view version_payload as
select version.id as version_id, "fetch".dataset, "fetch".period, "fetch".side, "fetch".wire, "fetch".id as fetch_id,
    "fetch".payload_sha256
from version
join version_period period on period.version_id = version.id
join "fetch" on "fetch".id = period.fetch_id
union all
select version.id, "fetch".dataset, "fetch".period, "fetch".side, "fetch".wire, "fetch".id, "fetch".payload_sha256
from version join "fetch" on "fetch".id = version.system_prices_fetch_id;
comment on view version_payload is 'The payloads that a version was built from: its stacks, and the system prices that judged its zeros.';
grant select on version_payload to reingest_app, reingest_reader;
