"""The rows of a wrong clock: known on days that are not believed (``span``). They are kept, and told."""

from dataclasses import dataclass
from datetime import date

from features.contract import TABLES
from features.history.history import History
from features.history.span import OURS, telling
from features.history.versions import known_on, literal


@dataclass(frozen=True)
class Astray:
    """The rows of one table that were known after the source's end, on days that are not believed."""

    table: str
    rows: int
    first: date
    last: date

    @property
    def sentence(self) -> str:
        """What is said of them."""
        rows = "1 row says that it was" if self.rows == 1 else f"{self.rows:,} rows say that they were"
        when = f"on {self.first}" if self.first == self.last else f"from {self.first} to {self.last}"
        it, counts, moves = ("it", "counts", "moves") if self.rows == 1 else ("they", "count", "move")
        return (
            f"{self.table}: {rows} known {when}, long after everything else, so a clock of the source is wrong; "
            f"{it} {counts} from then on, and {moves} neither the default night nor what is settled"
        )


def astray(history: History) -> tuple[Astray, ...]:
    """By table, the rows that were known on days that are not believed."""
    found = []
    for name in sorted(history.present) if history.span.ends_early else ():
        day = known_on(TABLES[name])
        (row,) = history.query(
            f"SELECT count(*) AS rows, min({day}) AS first, max({day}) AS last FROM {name} "
            f"WHERE {day} >= {literal(history.until)} AND {OURS.get(name, 'true')} AND {telling(name, history.present)}"
        ).to_pylist()
        if row["rows"]:
            found.append(Astray(name, **row))
    return tuple(found)
