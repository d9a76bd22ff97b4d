"""Accounts that are computed by ranges give the same night and the same rows to learn from, bit for bit."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select
from support.nights.night_home import NightHome

from features import frame
from features.engine.account_range import RANGES_FILE
from features.engine.memory_budget import Budget
from features.frame import build
from features.history.history import History
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night import known_rows
from pipelines.night.night import run_nights
from pipelines.sources.validated_source import validate_source
from pipelines.step_runner import plain_runner
from serving.store import Store
from serving.store.tables import NightRow, Score

STEPS = Steps(quiet=True)


@pytest.fixture
def history(night_home: NightHome, tmp_path: Path) -> History:
    (tmp_path / "scratch").mkdir()
    settings = configuration.load(data=str(night_home.data), home=night_home.copy(tmp_path / "home"))
    return validate_source(settings, tmp_path / "scratch").history


def recorded(home: Path) -> tuple[list[str], list[tuple[object, ...]]]:
    with Store(f"sqlite:///{home / 'rescue.db'}") as store, store.reading() as session:
        nights = select(NightRow.content_hash).where(NightRow.status == "recorded").order_by(NightRow.as_of)
        scores = select(Score.as_of, Score.account_id, Score.risk, Score.probability).order_by(
            Score.as_of, Score.risk, Score.account_id
        )
        return [str(one) for one in session.scalars(nights)], [tuple(row) for row in session.execute(scores)]


def test_a_night_by_ranges_is_the_same_night(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, ranged = (night_home.copy(tmp_path / name) for name in ("whole", "ranged"))
    for day in (1, 2):  # the second night uses what the first one kept, by range
        as_of = night_home.first.as_of + timedelta(days=day)
        for home in (whole, ranged):
            with monkeypatch.context() as patch:
                if home is ranged:
                    patch.setattr(frame.Budget, "of", lambda *_: Budget(40, 25))
                    patch.setattr(known_rows, "FACTS_AT_ONCE", 2)
                settings = configuration.load(data=str(night_home.data), home=home)
                run_nights(settings, as_of, plain_runner(STEPS), STEPS)
    assert (ranged / "state" / RANGES_FILE).is_file()
    assert not (whole / "state" / RANGES_FILE).exists()
    assert recorded(ranged) == recorded(whole)


def test_rows_to_learn_from_are_the_same_by_ranges(history: History) -> None:
    cutoffs = [history.until - timedelta(days=7 * week) for week in range(6)]
    rows = np.random.default_rng(1).random((len(cutoffs), len(history.accounts))) < 0.3
    whole = build(history, cutoffs, rows=rows)
    assert build(history, cutoffs, rows=rows, memory="1MiB").equals(whole)
    assert history.scratch and any((history.scratch / "ranges").iterdir())


def test_a_frame_of_one_night_by_ranges_stays_on_disk(history: History) -> None:
    whole = build(history, [history.until])
    ranged = build(history, [history.until], memory="1MiB")
    assert ranged.column(0).num_chunks > 3
    assert ranged.combine_chunks().equals(whole)
    assert ranged.schema.equals(whole.schema, check_metadata=True)
    before = pa.total_allocated_bytes()
    again = build(history, [history.until], memory="1MiB")
    assert pa.total_allocated_bytes() - before < again.nbytes / 4
