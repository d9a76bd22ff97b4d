"""The setting of the currency: what money without a currency is in, and the rates of others into it.

Amounts in two currencies cannot be added, and a priority that did so would be wrong by the rate. So amounts in another
currency are converted with the rates of the settings, and are unknown where there is none.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class CurrencySettings(BaseModel):
    """The section ``[currency]`` of the settings; ``currency = "EUR"`` is the same with a code only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code = Field(description="The currency of the pages and of amounts without one, such as EUR.")
    rates: dict[Code, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="What one unit of another currency is worth, e.g. USD = 0.92."
    )

    def rate_of(self, currency: str | None) -> float | None:
        """What one unit of a currency is worth in this one; ``None`` where it is unknown."""
        if currency is None or currency.upper() == self.code:
            return 1.0
        return self.rates.get(currency.upper())
