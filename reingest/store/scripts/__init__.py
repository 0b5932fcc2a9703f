"""SQL scripts that psql runs; see `reingest.store.putting_back`."""
