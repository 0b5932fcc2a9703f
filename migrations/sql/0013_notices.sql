-- Notices: what people are told, and what became of each message.

-- ── facts as events of Prefect ──────────────────────────────────────────────────────────────────────────────────

alter table outbox_sink drop constraint outbox_sink_sink_check;
alter table outbox_sink add constraint outbox_sink_sink_check check (sink in ('log', 'prefect', 'webhook'));
