"""Whether a source is a vendor's system in the tables of a loader that Rescue has a mapping for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.onboarding.profile_tables import TableProfile
from pipelines.sources.mappings.mapping_folder import find_mapping, shipped_mappings
from pipelines.sources.mappings.mapping_inputs import MappingInput, read_inputs

LEAST_COLUMNS = 0.5
"""The share of the columns that a mapping reads in the tables that are there, below which the source is another one."""


@dataclass(frozen=True)
class VendorMatch:
    """A mapping that fits a source: the tables that it would read, and the share of their columns that are there.

    ``own_names`` counts the columns that have the first of the names that the mapping knows for them.
    """

    mapping: str
    tables: tuple[str, ...]
    share: float
    own_names: int = 0


def find_vendor(tables: Mapping[str, TableProfile]) -> VendorMatch | None:
    """The mapping that fits best; ``None`` where none fits."""
    matches = [match for name in shipped_mappings() for match in [_match(name, tables)] if match is not None]
    return max(matches, key=lambda match: (len(match.tables) * match.share, match.own_names), default=None)


def _match(name: str, tables: Mapping[str, TableProfile]) -> VendorMatch | None:
    inputs = read_inputs(find_mapping(Path(name)).settings).values()
    found = {it.name: (it, table) for it in inputs for table in [it.table_in(tables)] if table is not None}
    needed = [it for it in inputs if it.needed]
    if not found or not any(it.name in found for it in needed):
        return None
    declared, present, first = 0, 0, 0
    for it, table in found.values():
        columns = {column.lower() for column in tables[table].columns}
        if not _has_required(it, columns):
            return None
        declared += len(it.columns)
        first += sum(column.names[0].lower() in columns for column in it.columns)
        present += sum(any(own.lower() in columns for own in column.names) for column in it.columns)
    share = present / declared
    enough = len(found) > 1 or len(inputs) == 1
    chosen = tuple(table for _, table in found.values())
    return VendorMatch(name, chosen, share, first) if enough and share >= LEAST_COLUMNS else None


def _has_required(it: MappingInput, columns: set[str]) -> bool:
    return all(any(own.lower() in columns for own in column.names) for column in it.columns if column.required)
