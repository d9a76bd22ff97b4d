"""The contract's table that a table of another name probably is: ``customers`` are accounts, ``issues`` are tickets."""

from features.contract import TABLES
from features.errors import nearest_name


def suggest_table(name: str) -> str | None:
    """The table of the contract that was probably meant, by its synonyms and by its spelling; ``None`` if none is."""
    lower = name.lower().strip()
    forms = {lower, f"{lower}s", f"{lower}es", f"{lower.removesuffix('y')}ies"}
    meant = next((table.name for table in TABLES.values() if forms & set(table.other_names)), None)
    return meant or nearest_name(name, TABLES)


def required_columns(table: str) -> str:
    """The columns that a table of the contract needs, as a list in words."""
    return ", ".join(TABLES[table].required)
