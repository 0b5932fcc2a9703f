"""What is staged of dates, and not published yet."""

from datetime import date
from uuid import UUID

from sqlmodel import Field

from reingest.store.tables.columns import Big, Instant, KeyPart, KeyText, Table, Words


class StagedStack(Table, table=True):
    """The answer that stands ready for one side of one period of a date, until the date is published."""

    settlement_date: date = Field(primary_key=True)
    period: KeyPart
    side: KeyText
    outcome: Words
    rows: int
    fetch_id: Big
    run_id: UUID
    staged_at: Instant
