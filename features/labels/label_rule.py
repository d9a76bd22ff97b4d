"""What counts as the event of a risk, and when its label matures: the settings of one risk's label."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from features.conditions import Columns, Condition, ConditionError, compile_condition, condition_problem
from features.conditions import Kind as ConditionKind
from features.contract import TABLES, ColumnType
from features.errors import UsageError, suggest_name
from features.unit_text import window_text

LabelKind = Literal["contract", "silence", "event", "decrease", "overdue"]
KINDS: tuple[str, ...] = get_args(LabelKind)

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "contract": ("horizon", "lead", "grace"),
    "silence": ("horizon", "lead", "active", "active_on"),
    "event": ("horizon", "lead", "table", "where"),
    "decrease": ("horizon", "lead", "grace", "measure", "share"),
    "overdue": ("horizon", "lead", "days", "active"),
}
"""By kind, the settings of a rule that it reads."""

ACTIVITY = tuple(name for name, table in TABLES.items() if table.shows_activity)
"""The tables whose rows may count as activity."""

MEASURES = ("arr", "seats")
"""The columns of ``subscriptions`` whose sum over an account may decrease."""

_KINDS_OF_COLUMNS: Mapping[ColumnType, ConditionKind] = {
    ColumnType.TEXT: "text",
    ColumnType.NUMBER: "number",
    ColumnType.WHOLE: "number",
    ColumnType.FLAG: "condition",
}
"""What a condition may read. Instants are left out: whether an end date is there yet depends on when one looks."""


def event_tables() -> tuple[str, ...]:
    """The tables whose rows can be events of an account."""
    return tuple(name for name, table in TABLES.items() if table.parent and table.event_time)


@dataclass(frozen=True)
class LabelRule:
    """When the event of a risk has come, seen from a cutoff ``T``; every length is in days.

    The event counts in ``(T + lead, T + lead + horizon]``. What it is depends on the kind:

    - ``contract``: the decision to end the last running subscription. It may be taken back, or another subscription
      start, within ``grace`` days, so the label matures that much later.
    - ``silence``: no activity in ``active_on`` in the whole window, of an account that had some in the ``active`` days
      before ``T``.
    - ``event``: a row of ``table`` that meets the condition ``where`` over that table's columns.
    - ``decrease``: the sum of ``measure`` over the running subscriptions is at least ``share`` below its value at
      ``T``, and does not recover within ``grace`` days.
    - ``overdue``: an invoice is unpaid ``days`` days after it was due, of an account that was invoiced in the
      ``active`` days before ``T``.
    """

    risk: str
    kind: LabelKind
    horizon: int
    lead: int = 0
    grace: int = 30
    active: int = 180
    active_on: tuple[str, ...] = ACTIVITY
    table: str = ""
    where: str = ""
    measure: str = "arr"
    share: float = 0.2
    days: int = 30

    def __post_init__(self) -> None:
        lengths = (self.horizon, self.active, self.lead, self.grace, self.days)
        if (
            any(type(length) is not int for length in lengths)
            or self.horizon < 1
            or self.active < 1
            or min(lengths) < 0
        ):
            raise UsageError(
                f"The risk {self.risk} needs whole days: horizon and active of at least 1, lead, grace and days of at "
                "least 0."
            )
        if not self.active_on or not set(self.active_on) <= set(ACTIVITY):
            raise UsageError(f"The risk {self.risk}: active_on takes one or more of {', '.join(ACTIVITY)}.")
        object.__setattr__(self, "active_on", tuple(name for name in ACTIVITY if name in self.active_on))
        if not all(isinstance(text, str) for text in (self.table, self.where, self.measure)):
            raise UsageError(f"The risk {self.risk}: table, where and measure are texts.")
        if self.kind == "decrease":
            _check_decrease(self)
        if self.kind == "event":
            _check_table(self)
            self.condition()

    @property
    def maturity(self) -> int:
        """Days from the cutoff until the label matures: all that it depends on is over by then."""
        return self.lead + self.horizon + (self.grace if self.kind in {"contract", "decrease"} else 0)

    @property
    def window(self) -> str:
        """When the event counts, in words: "within 14 days", or with a lead "between 7 and 97 days after the night"."""
        return window_text(self.lead, self.horizon)

    @property
    def reads(self) -> str:
        """The table without which nothing can be labelled; empty for silence, which takes any activity."""
        tables = {"contract": "subscriptions", "decrease": "subscriptions", "overdue": "invoices", "event": self.table}
        return tables.get(self.kind, "")

    def matures_on(self, cutoff: date) -> date:
        """The day whose first instant settles the cutoff's label; it is known once the data pass that instant."""
        return cutoff + timedelta(days=self.maturity)

    def title(self, name: str) -> str:
        """What a risk of this rule is called: "Churn within 90 days"."""
        if self.kind == "silence":
            return f"{name}: no activity for {self.horizon} days"
        return f"{name} within {self.horizon} days"

    def condition(self) -> Condition:
        """The checked condition of an ``event``.

        Raises:
            UsageError: it cannot be read, or names a column that the table does not have.
        """
        columns: Columns = {
            column.name: (column.name, _KINDS_OF_COLUMNS[column.kind])
            for column in TABLES[self.table].columns
            if column.kind in _KINDS_OF_COLUMNS
        }
        try:
            listing = f"its columns are {', '.join(columns)}"
            return compile_condition(self.where or "TRUE", columns, listing=listing)
        except ConditionError as error:
            raise UsageError(condition_problem(f"The condition where of the risk {self.risk}", error)) from None


def _check_table(rule: LabelRule) -> None:
    if rule.table not in event_tables():
        hint = suggest_name(rule.table, event_tables())
        raise UsageError(f"The risk {rule.risk} cannot be an event of the table {rule.table!r}; {hint}")


def _check_decrease(rule: LabelRule) -> None:
    if rule.measure not in MEASURES:
        hint = suggest_name(str(rule.measure), MEASURES)
        raise UsageError(f"The risk {rule.risk} cannot measure {rule.measure!r}; {hint}")
    if isinstance(rule.share, bool) or not isinstance(rule.share, int | float) or not 0 < rule.share <= 1:
        raise UsageError(f"The share of the risk {rule.risk} is {rule.share!r}; it lies above 0 and is at most 1.")
