"""The newest hand-over of a case with a form, and its answers as a person reads them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.handoff.render import day
from serving.store.handover_tables import HandOverRow


def newest_hand_over(session: Session, case_id: str) -> HandOverRow | None:
    """The newest hand-over with a form; None where there is none."""
    rows = select(HandOverRow).where(HandOverRow.case_id == case_id).order_by(HandOverRow.id.desc())
    return session.scalar(rows.limit(1))


def answer_texts(answers: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Label and text of each field, in the order of the form; a dash where it is empty."""
    return tuple((answer["label"], _shown(answer)) for answer in answers.values())


def _shown(answer: Mapping[str, Any]) -> str:
    value = answer["value"]
    if value is None:
        return "–"
    return day(date.fromisoformat(value)) if answer["kind"] == "date" else str(value)
