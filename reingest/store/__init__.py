"""Postgres: tables, named SQL blocks, versions, publish, leases, outbox, the embedded server."""
