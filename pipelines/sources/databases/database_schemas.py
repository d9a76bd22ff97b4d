"""Schemas of databases: the names by which their tables are used.

A table of the default schema has its own name. A table of another schema has its own name, too, where no other table
of the database has it (a tool that loads data often writes into a schema of its own); else it is ``schema.table``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from features.errors import UsageError, suggest_name


@dataclass(frozen=True)
class SchemaTable:
    """A table and its schema; ``schema`` is ``None`` where it is the database's default."""

    schema: str | None
    name: str

    @property
    def addresses(self) -> tuple[tuple[str, ...], ...]:
        """The table alone, and after its schema."""
        return ((self.name,),) if self.schema is None else ((self.name,), (self.schema, self.name))


def name_tables(tables: Iterable[SchemaTable]) -> dict[str, SchemaTable]:
    """The tables by the names under which a source offers them, in alphabetical order."""
    listed = sorted(tables, key=lambda table: (table.name, table.schema or ""))
    counts = Counter(table.name for table in listed)
    named = {
        table.name if table.schema is None or counts[table.name] == 1 else f"{table.schema}.{table.name}": table
        for table in listed
    }
    return dict(sorted(named.items()))


def addresses_of(named: Mapping[str, SchemaTable], name: str) -> tuple[tuple[str, ...], ...]:
    """How a query can name a table: alone only where it is offered without its schema."""
    table = named[name]
    return table.addresses if name == table.name else table.addresses[1:]


def check_schema(schema: str, existing: Iterable[str], place: str) -> None:
    """Check the name of a schema.

    Raises:
        UsageError: the database has no such schema, or it may not be seen.
    """
    names = sorted(existing)
    if schema not in names:
        raise UsageError(f"{place} has no schema {schema!r} that this user may see; {suggest_name(schema, names)}")
