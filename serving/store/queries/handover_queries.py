"""Hand-overs with forms: the newest of a case with its answers, and their figures by pair of squads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.store.handover_tables import HandOverRow


@dataclass(frozen=True)
class HandOverFigures:
    """The hand-overs from one squad to another.

    ``completeness`` is the share of the fields that were filled, required or not. ``hours_to_answer`` is the median of
    hours of the clock until a hand-over was accepted or returned; None where none was answered. ``hours_lost`` is the
    sum of the hours after which a case was returned: nobody worked on it meanwhile.
    """

    from_squad: str
    to_squad: str
    sent: int
    accepted: int
    returned: int
    pending: int
    completeness: float
    hours_to_answer: float | None
    hours_lost: float

    @property
    def return_share(self) -> float | None:
        """The share of the answered hand-overs that were returned."""
        answered = self.accepted + self.returned
        return self.returned / answered if answered else None

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {**vars(self), "return_share": self.return_share}


def newest_hand_over(session: Session, case_id: str) -> HandOverRow | None:
    """The newest hand-over with a form of a case; None where there is none."""
    rows = select(HandOverRow).where(HandOverRow.case_id == case_id).order_by(HandOverRow.id.desc())
    return session.scalar(rows.limit(1))


def answer_texts(answers: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Label and text of each field, in the order of the form; a dash where it is empty."""
    return tuple((answer["label"], _shown(answer)) for answer in answers.values())


def _shown(answer: Mapping[str, Any]) -> str:
    value = answer["value"]
    if value is None:
        return "–"
    day = date.fromisoformat(value) if answer["kind"] == "date" else None
    return f"{day.day} {day:%b %Y}" if day else str(value)


def handover_figures(
    session: Session, squads: frozenset[str] | None = None, since: datetime | None = None
) -> list[HandOverFigures]:
    """The figures of each pair of squads, by name; only pairs of which one is among ``squads`` (None: every squad)."""
    query = select(HandOverRow).order_by(HandOverRow.id)
    if since is not None:
        query = query.where(HandOverRow.at >= since)
    pairs: dict[tuple[str, str], list[HandOverRow]] = {}
    for row in session.scalars(query):
        if squads is None or {row.from_squad, row.to_squad} & squads:
            pairs.setdefault((row.from_squad, row.to_squad), []).append(row)
    return [_figures(pair, rows) for pair, rows in sorted(pairs.items())]


def _figures(pair: tuple[str, str], rows: Sequence[HandOverRow]) -> HandOverFigures:
    by_status = {
        status: [row for row in rows if row.status == status] for status in ("accepted", "returned", "pending")
    }
    answered = _hours([*by_status["accepted"], *by_status["returned"]])
    return HandOverFigures(
        *pair,
        sent=len(rows),
        accepted=len(by_status["accepted"]),
        returned=len(by_status["returned"]),
        pending=len(by_status["pending"]),
        completeness=sum(row.filled for row in rows) / sum(row.asked for row in rows),
        hours_to_answer=median(answered) if answered else None,
        hours_lost=sum(_hours(by_status["returned"])),
    )


def _hours(rows: Iterable[HandOverRow]) -> list[float]:
    return [(row.answered_at - row.at).total_seconds() / 3600 for row in rows if row.answered_at is not None]
