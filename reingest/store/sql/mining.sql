-- name: add_difficulty
-- A table that knows an epoch's start better replaces the start; the difficulty itself never changes.
insert into difficulty_epoch (number, height, start, start_uncertainty, bits, difficulty)
values (%(number)s, %(height)s, %(start)s, %(start_uncertainty)s, %(bits)s, %(difficulty)s)
on conflict (number) do update set start = excluded.start, start_uncertainty = excluded.start_uncertainty;

-- name: difficulty_epochs
select number, height, start, start_uncertainty, bits, difficulty from difficulty_epoch order by number;

-- name: difficulty_unless_known
-- No row where they are what the asker knows by their hash. Epochs are added, and never taken away.
with stored as (
    select encode(sha256(convert_to(string_agg(
        concat_ws(' ', number, height, start, start_uncertainty, bits, difficulty), E'\n' order by number
    ), 'UTF8')), 'hex') as hash
    from difficulty_epoch
)
select stored.hash, number, height, start, start_uncertainty, bits, difficulty
from stored join difficulty_epoch on stored.hash is distinct from %(known)s
order by number;

-- name: miner_models
select name, hashrate_th, power_w from miner_model order by name;

-- name: rates_of_version
select rate.period, rate.difficulty, rate.reward, rate.segments, model.name, model.hashrate_th, model.power_w
from mining_rate rate join miner_model model on model.name = rate.miner_model
where rate.version_id = %(version_id)s order by rate.period, model.name;
