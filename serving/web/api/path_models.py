"""The response of the API about escalation paths: the same values as ``rescue paths metrics --json``."""

from pydantic import BaseModel, ConfigDict, Field


class PathResponseModel(BaseModel):
    """The base of the models of this module."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IntervalResponse(PathResponseModel):
    """A 95% interval; null where it cannot be estimated or is beyond every case."""

    low: float | None
    high: float | None
    not_reached: bool = Field(description="Fewer than half of the cases have had the event so far.")


class MedianResponse(IntervalResponse):
    """The median hours to an event."""

    cases: int
    reached: int = Field(description="Cases that had the event; the others count with their age so far.")
    median: float | None


class ShareResponse(IntervalResponse):
    """A share of the cases that count."""

    cases: int
    count: int
    share: float | None


class DifferenceResponse(IntervalResponse):
    """After − before."""

    difference: float | None


class PathGroupResponse(PathResponseModel):
    """The figures of the cases of one squad, skill, severity or policy version, or of all."""

    dimension: str = Field(description="`all`, `squad`, `skill`, `severity` or `policy_version`.")
    name: str
    cases: int
    account_groups: int
    enough_cases: bool = Field(description="Whether there are `min_cases`.")
    hours_are: str = Field(description="`working hours` where every squad of the cases has a calendar, else `hours`.")
    times: dict[str, MedianResponse] = Field(description="`accept`, `contact` and `resolve`.")
    shares: dict[str, ShareResponse] = Field(
        description="`response_breached`, `resolution_breached`, `returned`, and `saved` of those saved or lost."
    )


class PathComparisonResponse(PathResponseModel):
    """The cases of a policy version after those of the version before it; no experiment."""

    before: str
    after: str
    enough_cases: bool
    hours_are: str
    times: dict[str, DifferenceResponse]
    shares: dict[str, DifferenceResponse]


class PathMetricsResponse(PathResponseModel):
    """How escalation paths work, for the squads that you see."""

    at: str
    since: str | None
    min_cases: int
    groups: list[PathGroupResponse]
    comparisons: list[PathComparisonResponse]
