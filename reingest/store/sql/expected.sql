-- name: expected_in_force
select settlement_date, definition, energy_mwh, payment_gbp, energy_tolerance_mwh, payment_tolerance_gbp, origin
from expected_total
where settlement_date = %(settlement_date)s and retired_at is null
order by definition;

-- name: retire_expected
update expected_total set retired_at = clock_timestamp()
where settlement_date = %(settlement_date)s and definition = %(definition)s and retired_at is null;

-- name: retire_expected_of_date
update expected_total set retired_at = clock_timestamp()
where settlement_date = %(settlement_date)s and retired_at is null
    and definition = coalesce(%(definition)s, definition)
returning definition;

-- name: add_expected
insert into expected_total (settlement_date, definition, energy_mwh, payment_gbp, energy_tolerance_mwh,
    payment_tolerance_gbp, origin)
values (%(settlement_date)s, %(definition)s, %(energy_mwh)s, %(payment_gbp)s, %(energy_tolerance_mwh)s,
    %(payment_tolerance_gbp)s, %(origin)s);
