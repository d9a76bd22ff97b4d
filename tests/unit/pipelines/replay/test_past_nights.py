"""Past nights: the columns that conditions read are those of a night, so a replay decides what the night would."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
from support.worlds.factories import Story

from features.history.history import History
from models.risks.configuration import for_history
from pipelines.night.evidence_columns import EVIDENCE_COLUMNS
from pipelines.replay.past_nights import PastNights

DAYS = (date(2026, 3, 1), date(2026, 3, 20))
COMPETITOR = "ticket_names_competitor_28d"


def build(history: History, days: Sequence[date]) -> pa.Table:
    """A frame without features."""
    accounts = history.accounts.to_pylist()
    keys = [(account, day) for day in days for account in accounts]
    ids, as_of = zip(*keys, strict=True)
    return pa.table({"account_id": list(ids), "as_of": pa.array(as_of, pa.date32())})


def nights(conditions: set[str], *competitors: str) -> list[pa.Table]:
    """The accounts of each past night."""
    story = Story().account("A").ticket("A", "2026-02-10", body="Zorblat is cheaper.", subject="Question")
    history = story.subscription("A", "2026-01-01").history()
    past = PastNights(history, for_history(history, {}), {}, build, frozenset(conditions), competitors)
    return [night.accounts for night in past.nights(DAYS)]


def test_competitors_of_the_settings_are_evidence_at_each_night() -> None:
    assert [rows[COMPETITOR].to_pylist() for rows in nights({COMPETITOR}, "Zorblat")] == [[1.0], [0.0]]
    assert [rows[COMPETITOR].to_pylist() for rows in nights({COMPETITOR})] == [[0.0], [0.0]]


def test_evidence_that_no_condition_reads_is_left_out() -> None:
    assert not {name for rows in nights({"arr"}, "Zorblat") for name in rows.column_names} & set(
        EVIDENCE_COLUMNS.values()
    )
