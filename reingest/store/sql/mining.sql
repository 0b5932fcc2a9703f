-- name: add_difficulty
-- A table that knows an epoch's start better replaces the start; the difficulty itself never changes.
insert into difficulty_epoch (number, height, start, start_uncertainty, bits, difficulty)
values (%(number)s, %(height)s, %(start)s, %(start_uncertainty)s, %(bits)s, %(difficulty)s)
on conflict (number) do update set start = excluded.start, start_uncertainty = excluded.start_uncertainty;

-- name: difficulty_epochs
select number, height, start, start_uncertainty, bits, difficulty from difficulty_epoch order by number;

-- name: miner_models
select name, hashrate_th, power_w from miner_model order by name;
