"""When a training and each of its steps began, so that its runs in MLflow have the times at which they really ran."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

_FOLD = re.compile(r"test period (\d+) of ")


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Span:
    """The time from one instant to another."""

    start: datetime
    end: datetime

    @property
    def milliseconds(self) -> tuple[int, int]:
        """Start and end as MLflow stores them."""
        return round(self.start.timestamp() * 1000), round(self.end.timestamp() * 1000)


@dataclass
class StepTimes:
    """The steps of one training with the instant at which each began; :meth:`note` is called at each."""

    started: datetime = field(default_factory=now)
    steps: list[tuple[datetime, str]] = field(default_factory=list)

    def note(self, step: str) -> None:
        """Record that a step begins now."""
        self.steps.append((now(), step))

    def folds(self) -> dict[int, Span]:
        """By test period, the time from the start until its result was there: folds run beside each other."""
        matches = ((at, _FOLD.match(step)) for at, step in self.steps)
        return {int(match[1]): Span(self.started, at) for at, match in matches if match}
