"""Answers about contracts that are kept, and the accounts that are asked about again."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features.history.history import History
from features.succession import succession
from features.succession.succession import contracts_at
from pipelines.sources import open_source, validate_rows

NIGHT, NEXT = date(2026, 2, 1), date(2026, 2, 2)


def write(story: Story, folder: Path, part: str) -> None:
    history = story.history()
    for name in story.rows:
        (folder / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(history.query(f"SELECT * FROM {name}"), folder / name / f"{part}.parquet")


def answers(folder: Path, state: Path, day: date) -> pa.Table:
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    history = validate_rows(open_source(str(folder)), scratch, state=state).history
    try:
        return contracts_at(history, day)
    finally:
        history.connection.close()


def told() -> Story:
    story = Story()
    for name in ("acme", "beta", "gamma"):
        story.account(name, parent_id="group")
        story.subscription(name, "2025-01-01", f"{name}-1", ended_at="2026-03-01", known_at="2025-01-01", arr=10.0)
    return story


NEW_FILES = [
    Story().subscription("beta", "2026-01-31", "beta-2", replaces="acme-1", known_at="2026-01-31", arr=1.0),
    Story().subscription("gamma", "2025-01-01", "acme-1", known_at="2026-01-31", arr=10.0),  # it moved
    Story().account("alpha", known_at="2026-01-31").subscription("alpha", "2026-01-31", known_at="2026-01-31", arr=2.0),
    Story().account("beta", parent_id="other", known_at="2026-01-31"),
]


@pytest.mark.parametrize("more", NEW_FILES)
@pytest.mark.parametrize("replaces", [None, "acme-1"])
def test_accounts_of_new_rows_are_asked_again(
    more: Story, replaces: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = tmp_path / "source", tmp_path / "state"
    first = told().subscription("gamma", "2026-01-10", "gamma-2", replaces=replaces, known_at="2026-01-10", arr=3.0)
    write(first, folder, "first")
    answers(folder, state, NIGHT)
    write(more, folder, "second")
    asked: list[list[str] | None] = []
    ask: Callable[[History, date, pa.Array | None], pa.Table] = succession._contracts

    def noted(history: History, cutoff: date, accounts: pa.Array | None) -> pa.Table:
        asked.append(None if accounts is None else accounts.to_pylist())
        return ask(history, cutoff, accounts)

    monkeypatch.setattr(succession, "_contracts", noted)
    kept = answers(folder, state, NEXT)
    assert len(asked) == 1
    assert asked[0]
    assert repr(kept.to_pylist()) == repr(answers(folder, tmp_path / "new", NEXT).to_pylist())  # NaN equals NaN


def test_an_account_has_lost_a_contract_that_is_another_ones_now() -> None:
    story = Story().account("acme").account("beta").subscription("acme", "2025-01-01", "s1", known_at="2025-01-01")
    history = story.subscription("beta", "2025-01-01", "s1", known_at="2025-06-01").history()
    every = succession._contracts(history, NIGHT, None)
    alone = succession._contracts(history, NIGHT, pa.array(["acme"]))
    assert every["status"].to_pylist() == ["none", "running"]
    assert alone["status"].to_pylist() == ["none"]
