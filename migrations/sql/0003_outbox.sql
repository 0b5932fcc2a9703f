-- Delivery of the outbox: attempts, dead letters, positions in the feed.
select 1;
