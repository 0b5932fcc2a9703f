import psycopg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel, select

from reingest.store import tables

COLUMN_CHANGES = {
    "add_table", "remove_table", "add_column", "remove_column", "modify_nullable", "modify_type",
}  # fmt: skip
MODELS = sorted(
    (
        model
        for model in vars(tables).values()
        if isinstance(model, type) and issubclass(model, tables.Table) and model is not tables.Table
    ),
    key=lambda model: model.__name__,
)


def test_models_and_migrations_agree(database_url: str) -> None:
    """Every table, column, type and null of the migrated schema is what the SQLModel classes say."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": None})
        changes = compare_metadata(context, SQLModel.metadata)
    flat = [change for group in changes for change in (group if isinstance(group, list) else [group])]

    assert [change for change in flat if change[0] in COLUMN_CHANGES] == []


def test_every_model_reads_its_table(database_url: str) -> None:
    """A SELECT of every model runs against the migrated schema."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        for model in MODELS:
            connection.execute(select(model)).all()

    assert {model.__tablename__ for model in MODELS} == set(SQLModel.metadata.tables)
