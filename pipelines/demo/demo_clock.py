"""The simulated time of the demo: it is set to when something begins, and moves on with each action."""

from datetime import date, datetime, time, timedelta


class DemoClock:
    """Returns the simulated time, UTC without a zone; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self.now = start

    def __call__(self) -> datetime:
        """The simulated time."""
        return self.now

    def go_to(self, day: date, hour: int, minute: int = 0) -> datetime:
        """Go on to a time of a day; stay where that is in the past."""
        self.now = max(self.now, datetime.combine(day, time(hour, minute)))
        return self.now

    def pass_minutes(self, minutes: float) -> None:
        """Let some minutes pass."""
        self.now += timedelta(minutes=minutes)
