"""When the timers ran last, so that a clock that jumps is noticed before it changes anything."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from serving.store.base import Base


class TimerTick(Base):
    """The newest run of the timers; there is one row. ``alarm`` is why they stopped; null while they run."""

    __tablename__ = "timer_ticks"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    alarm: Mapped[str | None]
