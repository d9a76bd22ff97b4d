"""The base of every table: one naming convention, and instants that are always UTC.

SQLite has no time zones and PostgreSQL has two kinds of timestamp, so a time that has a zone would be stored as
different instants on the two. Rescue stores naive UTC everywhere and refuses anything else.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, DateTime, Double, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A naive UTC instant; a time with a zone is refused, not converted."""

    impl = DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What Python sees."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The value as it is stored."""
        if value is not None and value.tzinfo is not None:
            raise ValueError(f"instants are naive UTC, and {value.isoformat()} has a zone")
        return value


class Base(DeclarativeBase):
    """The queue's schema."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        str: String,
        float: Double,
        date: Date,
        datetime: Instant,
        dict[str, Any]: JSON(none_as_null=True),
        dict[str, float]: JSON,
        list[str]: JSON,
        list[float]: JSON,
    }
