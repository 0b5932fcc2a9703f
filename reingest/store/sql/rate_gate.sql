-- name: begin_gate
-- A slot need not outlive a crash of Postgres, so nobody waits for the disk: the row is held for no longer than it
-- takes to change it. Who waits for it longer than this asks again.
select set_config('synchronous_commit', 'off', false), set_config('lock_timeout', '5s', false);

-- name: take_slot
-- The next free slot, not before so many seconds from now; behind it a gap is left. Evenly: what nobody took is not
-- saved up. The wall clock is read while the row is locked, so that slots follow each other in every process's eyes.
insert into rate_gate as gate (source, next_at, slots)
values (%(source)s, clock_timestamp() + %(lead)s + %(gap)s, 1)
on conflict (source) do update set
    next_at = greatest(gate.next_at, clock_timestamp() + %(lead)s) + %(gap)s,
    slots = gate.slots + 1,
    waited_seconds = gate.waited_seconds
        + greatest(0, round(extract(epoch from gate.next_at - clock_timestamp()), 6))
returning extract(epoch from next_at - %(gap)s - clock_timestamp())::float8;

-- name: pause_gate
-- A shorter pause does not end a longer one.
insert into rate_gate as gate (source, next_at, pauses)
values (%(source)s, clock_timestamp() + %(pause)s, 1)
on conflict (source) do update set
    next_at = greatest(gate.next_at, clock_timestamp() + %(pause)s), pauses = gate.pauses + 1;
