"""When a training and each of its steps began, so that its runs in MLflow have the times at which they really ran."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

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
        """By number of a test period, when its models were fitted and its rows scored."""
        return dict(self._folds())

    def _folds(self) -> Iterator[tuple[int, Span]]:
        for (began, step), (ended, _) in pairwise([*self.steps, (now(), "")]):
            if match := _FOLD.match(step):
                yield int(match[1]), Span(began, ended)
