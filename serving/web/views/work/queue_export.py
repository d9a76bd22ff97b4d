"""The queue as a table for a spreadsheet: the columns of the list, one row a case, in the order of the view."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from serving.web import display_text
from serving.web.reader import PageReader
from serving.web.views.work.queue_view import QueueRow

EXPORT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The formats, by the ending of the file."""

MOST_EXPORTED = 10_000
"""Cases in one file."""


def export_table(rows: Sequence[QueueRow], risks: Sequence[str], reader: PageReader) -> pa.Table:
    """What the list shows of these cases; numbers stay numbers, deadlines are in the time zone of the reader."""
    columns: dict[str, pa.Array] = {
        "Account": _texts(row.name for row in rows),
        "Segment": _texts(row.account.segment for row in rows),
        "Account owner": _texts(reader.name_of(row.account.owner) or None for row in rows),
        "Priority": _amounts(row.case.priority for row in rows),
        "How the priority is calculated": _texts(row.price.words for row in rows),
        "Revenue": _amounts(row.case.revenue for row in rows),
        "Currency": _texts(row.currency or None for row in rows),
    }
    for place, risk in enumerate(risks):
        title = display_text.code_title(risk)
        columns[title] = pa.array([_rounded(row.probabilities[place][1]) for row in rows], pa.float64())
    columns |= {
        "Change": _texts(_plain_change(row.change) or None for row in rows),
        "First reason": _texts(row.reason for row in rows),
        "Contract": _texts(row.end or None for row in rows),
        "Lane": _texts(display_text.lane_title(row.case.lane) for row in rows),
        "State": _texts(display_text.state_title(row.case.state) for row in rows),
        "Severity": _texts(display_text.code_title(row.case.severity) for row in rows),
        "Squad": _texts(row.case.squad for row in rows),
        "Assigned to": _texts(reader.name_of(row.case.owner) or None for row in rows),
        "Next step": _texts(row.next_step for row in rows),
        "Next deadline": _texts(display_text.code_title(row.timer.target) if row.timer else None for row in rows),
        f"Due ({reader.zone})": _texts(
            reader.local(row.timer.due).strftime("%Y-%m-%d %H:%M") if row.timer else None for row in rows
        ),
        "Opened": pa.array([row.case.opened_on for row in rows], pa.date32()),
        **(_closed_columns(rows, reader) if any(row.case.closed_at for row in rows) else {}),
        "Account id": _texts(row.account.account_id for row in rows),
        "Case id": _texts(row.case.id for row in rows),
    }
    return pa.table(columns)


def _closed_columns(rows: Sequence[QueueRow], reader: PageReader) -> dict[str, pa.Array]:
    """When and why cases were closed, and the revenue saved or lost a year, as it counts and as it was recorded."""
    closed = [reader.local(row.case.closed_at).date() if row.case.closed_at else None for row in rows]
    return {
        "Closed": pa.array(closed, pa.date32()),
        "Reason of the outcome": _texts(row.outcome_reason or None for row in rows),
        "Revenue saved or lost": _amounts(row.amount.counted if row.amount else None for row in rows),
        "Amount of the case": _amounts(row.amount.recorded if row.amount else None for row in rows),
        "Estimated": _texts(("yes" if row.amount.estimated else "no") if row.amount else None for row in rows),
        "Currency of the amount": _texts((row.amount.currency or None) if row.amount else None for row in rows),
        "Left on": pa.array([row.case.left_on for row in rows], pa.date32()),
    }


def _rounded(probability: float | None) -> float | None:
    """A probability as exact as anybody can use it."""
    return None if probability is None else round(probability, 4)


def _amounts(values: Iterable[float | None]) -> pa.Array:
    """Money to the cent; unknown values are empty."""
    return pa.array([None if value is None else round(value, 2) for value in values], pa.float64())


def _plain_change(text: str) -> str:
    """A change without a sign at its beginning, which a spreadsheet takes for a formula."""
    return text.replace("+", "up ", 1) if text.startswith("+") else text.replace("−", "down ", 1)


def _texts(values: Iterable[str | None]) -> pa.Array:
    return pa.array(list(values), pa.string())
