"""The use-cases: each is a list of stages that joins Elexon, the archive and Postgres."""
