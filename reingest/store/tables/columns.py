"""Types of columns, and the base of all tables."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Numeric, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

Id = Annotated[int, Field(sa_type=BigInteger, primary_key=True)]
KeyPart = Annotated[int, Field(sa_type=SmallInteger, primary_key=True)]
KeyText = Annotated[str, Field(sa_type=Text, primary_key=True)]
Big = Annotated[int, Field(sa_type=BigInteger)]
BigOrNone = Annotated[int | None, Field(sa_type=BigInteger)]
Small = Annotated[int, Field(sa_type=SmallInteger)]
SmallOrNone = Annotated[int | None, Field(sa_type=SmallInteger)]
Words = Annotated[str, Field(sa_type=Text)]
WordsOrNone = Annotated[str | None, Field(sa_type=Text)]
WordList = Annotated[list[str], Field(sa_type=ARRAY(Text))]
Instant = Annotated[datetime, Field(sa_type=DateTime(timezone=True))]
InstantOrNone = Annotated[datetime | None, Field(sa_type=DateTime(timezone=True))]
Exact = Annotated[Decimal, Field(sa_type=Numeric)]
ExactOrNone = Annotated[Decimal | None, Field(sa_type=Numeric)]
Json = Annotated[Any, Field(sa_type=JSONB, nullable=False)]
JsonOrNone = Annotated[Any | None, Field(sa_type=JSONB, nullable=True)]


class Table(SQLModel):
    """A table of the schema, named after its class."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  (a class, as SQLAlchemy has it)
        """Return the class's name in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def as_row(self, *left_out: str) -> dict[str, Any]:
        """Return the values by column, in the order of the columns, without those left out."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in left_out}
