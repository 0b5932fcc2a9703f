-- Leases for more than dates; stored moves of versions and fetches.
select 1;
