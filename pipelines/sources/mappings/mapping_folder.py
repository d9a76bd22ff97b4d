"""Where a mapping is: a folder of one's own, or one of those that Rescue brings for the tables of a vendor's system.

A mapping that Rescue brings is named ``<vendor>/<shape>``, such as ``zendesk/fivetran``: the vendor's queries, and the
tables and columns in which one loader (Fivetran, dlt) lands the vendor's data.
"""

from dataclasses import dataclass
from pathlib import Path

from features.errors import UsageError, nearest_name

SETTINGS_FILE = "mapping.toml"
SHIPPED = Path(__file__).parent / "vendors"


@dataclass(frozen=True)
class MappingFolder:
    """The queries of a mapping, its settings, and its name in messages; ``system`` is the vendor, if it is known."""

    folder: Path
    settings: Path
    name: str
    system: str = ""

    def query_files(self) -> list[Path]:
        """The files ``<table>.sql``, in alphabetical order."""
        return sorted(self.folder.glob("*.sql"))


def shipped_mappings() -> tuple[str, ...]:
    """The names of the mappings that Rescue brings."""
    return tuple(sorted(f"{file.parent.name}/{file.stem}" for file in SHIPPED.glob("*/*.toml")))


def find_mapping(given: Path) -> MappingFolder:
    """The mapping that a setting names: a folder, else one that Rescue brings.

    Raises:
        UsageError: there is no such folder and no such mapping.
    """
    name = given.as_posix()
    if given.is_dir():
        return MappingFolder(given, given / SETTINGS_FILE, str(given))
    if name in shipped_mappings():
        vendor, _, shape = name.partition("/")
        return MappingFolder(SHIPPED / vendor, SHIPPED / vendor / f"{shape}.toml", name, vendor)
    names = shipped_mappings()
    of_vendor = [known for known in names if known.startswith(f"{name}/")]
    near = of_vendor or [known for known in (nearest_name(name, names),) if known]
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; Rescue brings {', '.join(names)}."
    raise UsageError(f"There is no mapping folder {given}{hint}")
