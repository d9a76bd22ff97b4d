"""A column of the company's own in the accounts, as it is declared in the settings.

Every company keeps something about its accounts that no contract foresees: a plan, a customer success manager, the
number of employees. Such a column is used only where it is declared, because neither its type nor whether it changes
can be read from the rows.
"""

from dataclasses import dataclass
from typing import Literal

from features.contract.table_schema import Column, ColumnType


@dataclass(frozen=True)
class Attribute:
    """One declared column of ``accounts``.

    Attributes:
        key: the word for it in the name of its feature: lower-case letters, digits and ``_``.
        title: what it is called in a sentence.
        kind: a number, or a category: a text with few different values.
        unit: the unit of a number.
        higher: whether a higher number is good or bad for the account, or neither.
        column: its name in the table ``accounts``.
        constant: whether the value of an account never changes. Only then may it be read from accounts without
            ``known_at``, which show the value of today beside cutoffs of last year.
    """

    key: str
    title: str
    kind: Literal["number", "category"]
    unit: str
    higher: Literal["good", "bad", "neither"]
    column: str
    constant: bool

    @property
    def direction(self) -> Literal[-1, 0, 1]:
        """+1 where risk is expected to rise with the value, −1 where it falls, 0 where it may do either."""
        return {"good": -1, "bad": 1}.get(self.higher, 0)  # type: ignore[return-value]

    @property
    def entry(self) -> Column:
        """The column as an entry of the contract."""
        kind = ColumnType.NUMBER if self.kind == "number" else ColumnType.TEXT
        return Column(self.column, kind, meaning=self.title, changing=not self.constant)
