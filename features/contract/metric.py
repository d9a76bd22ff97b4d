"""A company's own number, as it is declared in the settings.

Every company measures something that no contract foresees: a satisfaction survey, an adoption share, licences in use.
Such a number arrives by name in the table ``metrics``. What it means and whether a high value is good cannot be read
from the rows, so a number is used only where it is declared.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One declared number.

    Attributes:
        key: the word for it in the names of its features: lower-case letters, digits and ``_``.
        title: what it is called in a sentence.
        unit: the unit of its values.
        higher: whether a higher value is good or bad for the account.
        name: its name in the column ``metric``.
    """

    key: str
    title: str
    unit: str
    higher: Literal["good", "bad"]
    name: str

    @property
    def direction(self) -> Literal[-1, 1]:
        """+1 where risk is expected to rise with the value, −1 where it falls."""
        return -1 if self.higher == "good" else 1
