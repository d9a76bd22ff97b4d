"""The settings of one of a company's own numbers: what it means, and in which direction it is good.

Without a direction a model could follow an accident of the training data, and no sentence could say whether a change is
good or bad, so a metric that lacks one is refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from features.catalogue import Metric

Wording = Annotated[str, StringConstraints(pattern=r"^[^{}\[\]|\n]*$")]
"""Text that stands in sentences: without the characters of a sentence's template."""


class MetricSettings(BaseModel):
    """One section ``[metrics.KEY]`` of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    higher: Literal["good", "bad"] = Field(description="Whether a higher value is good or bad for the account.")
    title: Wording = Field("", description="What the number is called in a sentence; the key by default.")
    unit: Wording = Field("", description="The unit of its values, for example % or points.")
    name: str = Field("", description="Its name in the column metric; the key by default.")

    @model_validator(mode="before")
    @classmethod
    def _has_direction(cls, given: Any) -> Any:
        if isinstance(given, dict) and "higher" not in given:
            raise PydanticCustomError("direction", "the key higher is missing: write higher = 'good' or 'bad'")
        return given

    def declared(self, key: str) -> Metric:
        """The declaration under its key."""
        return Metric(key, self.title or key.replace("_", " "), self.unit, self.higher, self.name or key)
