"""The settings of ``rescue monitor``: ``[monitoring]`` in ``rescue.toml``."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class MonitoringSettings(BaseModel):
    """When a model should be trained again, and whether the monitoring flow does it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retrain: Literal["never", "when_needed"] = Field(
        default="never", description="Whether the monitoring flow trains the risks that the monitor says should be."
    )
    champion_days: int = Field(
        default=180, ge=1, description="Days since the data of the champion end from which on it is old."
    )
    new_events: int = Field(default=50, ge=1, description="Events since then without which an old champion is kept.")
