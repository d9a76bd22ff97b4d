"""Rows are read once: the next night maps what was kept, unless something that it depends on has changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.worlds.factories import Story

from features.catalogue import FEATURES
from features.engine.table_rows import added_rows, kept_rows
from features.engine.table_rows.countable_rows import lookbacks
from features.engine.table_rows.read_rows import read_countable_rows
from features.frame import build
from features.history.cache_files import read_cache_file
from features.history.history import History
from pipelines.sources import open_source, validate_rows

NIGHT, NEXT = date(2026, 2, 1), date(2026, 2, 2)
WANTED = ("tickets_opened_28d", "tickets_open", "health_score", "health_mean_90d")
SUPPORT = [feature for feature in FEATURES if feature.name in WANTED]


def told() -> Story:
    story = Story().account("acme").account("beta")
    story.ticket("acme", "2026-01-20").event("comment", "2026-01-21", actor="customer")
    story.ticket("beta", "2025-06-01").event("solved", "2025-06-02").event("solved", "2025-06-05")
    return story.health("acme", "2026-01-10", 70).health("acme", "2026-01-20", 50)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    place.mkdir()
    write(told(), place)
    return place


def write(story: Story, place: Path, part: str = "") -> None:
    """The tables of a story; each has a folder where ``part`` is the name of the file."""
    history = story.history()
    for name in story.rows:
        file = place / name / f"{part}.parquet" if part else place / f"{name}.parquet"
        file.parent.mkdir(exist_ok=True)
        pq.write_table(history.query(f"SELECT * FROM {name}"), file)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source in which each table has a folder; a few new rows are not too many to be kept beside the others."""
    monkeypatch.setattr(kept_rows, "MAX_ADDED", 1)
    story = told()
    for number in range(9):
        story.ticket("beta", f"2025-12-{number + 10}", f"B{number}").event("comment", f"2025-12-{number + 11}")
        story.health("beta", f"2025-12-{number + 10}", 60 + number)
    place = tmp_path / "source"
    place.mkdir()
    write(story, place, "first")
    return place


def assert_is_that_of_a_new_home(frame: pa.Table, folder: Path, day: date) -> None:
    with opened(folder) as history:
        object.__setattr__(history, "state", None)
        assert frame.equals(build(history, [day], features=SUPPORT))


def added_file(folder: Path, relation: str) -> Path:
    return folder.parent / "state" / relation / "0.added.rows"


def test_of_a_new_file_only_its_rows_are_read(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(files, NIGHT, monkeypatch)
    story = Story().ticket("acme", "2026-01-31", "N1").event("comment", "2026-01-31").health("beta", "2026-01-31", 10)
    write(story.event("solved", "2026-01-31", ticket_id="B0"), files, "second")
    frame, read = night(files, NEXT, monkeypatch)
    assert not read
    assert frame["tickets_opened_28d"].to_pylist() == [2, 0]
    assert frame["health_score"].to_pylist() == [50, 10]
    assert_is_that_of_a_new_home(frame, files, NEXT)
    assert added_file(files, "timeline").exists()
    again, read = night(files, NEXT, monkeypatch)
    assert not read
    assert again.equals(frame)


def test_a_new_account_moves_the_numbers_of_others(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(files, NIGHT, monkeypatch)
    write(
        Story().account("alpha").ticket("alpha", "2026-01-30", "N1").health("alpha", "2026-01-30", 5), files, "second"
    )
    frame, read = night(files, NEXT, monkeypatch)
    assert not read
    assert frame["health_score"].to_pylist() == [50, 5, 68]
    assert_is_that_of_a_new_home(frame, files, NEXT)


@pytest.mark.parametrize(
    "story",
    [
        Story().ticket("acme", "2025-12-10", "B0", known_at="2026-01-31"),  # it moved to another account
        Story().event("merged", "2026-01-31", ticket_id="B0"),
        Story().health("acme", "2026-01-20", 20, known_at="2026-01-31"),
    ],
)
def test_accounts_of_rows_that_change_are_read_again(
    story: Story, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(files, NIGHT, monkeypatch)
    monkeypatch.setattr(added_rows, "LARGEST_SHARE", 1)
    write(story, files, "second")
    frame, read = night(files, NEXT, monkeypatch)
    assert not read
    assert_is_that_of_a_new_home(frame, files, NEXT)


def test_a_file_of_last_night_that_changes_leaves_what_was_kept_before(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(files, NIGHT, monkeypatch)
    write(Story().health("acme", "2026-01-31", 10), files, "second")
    night(files, NEXT, monkeypatch)
    write(Story().health("acme", "2026-01-31", 33).health("beta", "2026-01-31", 34), files, "second")
    frame, read = night(files, NEXT, monkeypatch)
    assert not read
    assert frame["health_score"].to_pylist() == [33, 34]


def test_many_added_rows_become_one_file_with_the_others(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(files, NIGHT, monkeypatch)
    monkeypatch.setattr(kept_rows, "MAX_ADDED", 0.0)
    write(Story().ticket("acme", "2026-01-31", "N1").event("comment", "2026-01-31"), files, "second")
    frame, read = night(files, NEXT, monkeypatch)
    assert not read
    assert not added_file(files, "timeline").exists()
    assert_is_that_of_a_new_home(frame, files, NEXT)
    again, read = night(files, NEXT, monkeypatch)
    assert not read
    assert again.equals(frame)


def test_a_file_that_is_gone_makes_all_rows_be_read(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Story().health("acme", "2026-01-31", 10), files, "second")
    night(files, NIGHT, monkeypatch)
    (files / "health_scores" / "second.parquet").unlink()
    frame, read = night(files, NEXT, monkeypatch)
    assert read == {"health_scores"}
    assert frame["health_score"].to_pylist() == [50, 68]


@contextmanager
def opened(folder: Path) -> Iterator[History]:
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    history = validate_rows(open_source(str(folder)), scratch, state=folder.parent / "state").history
    try:
        yield history
    finally:
        history.connection.close()


def night(folder: Path, day: date, monkeypatch: pytest.MonkeyPatch) -> tuple[pa.Table, set[str]]:
    """The frame, and the relations whose rows were read for it."""
    read: set[str] = set()

    def noted(relation: str, *given: object, **named: object) -> object:
        read.add(relation)
        return read_countable_rows(relation, *given, **named)  # type: ignore[arg-type]

    with opened(folder) as history, monkeypatch.context() as patch:
        patch.setattr("features.engine.cube.read_countable_rows", noted)
        return build(history, [day], features=SUPPORT), read


def test_the_next_night_reads_no_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, first = night(folder, NIGHT, monkeypatch)
    frame, second = night(folder, NEXT, monkeypatch)
    assert first >= {"accounts", "tickets", "timeline", "health_scores"}
    assert not second
    with opened(folder) as history:
        object.__setattr__(history, "state", None)
        assert frame.equals(build(history, [NEXT], features=SUPPORT))


def test_only_what_has_changed_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(folder, NIGHT, monkeypatch)
    write(told().health("acme", "2026-01-30", 20), folder)
    frame, read = night(folder, NEXT, monkeypatch)
    assert "health_scores" in read
    assert frame["health_score"].to_pylist()[0] == 20


def test_an_earlier_night_reads_the_source_and_leaves_what_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(folder, NEXT, monkeypatch)
    frame, read = night(folder, date(2026, 1, 15), monkeypatch)
    assert "health_scores" in read
    assert frame["health_score"].to_pylist()[0] == 70


def test_rows_that_never_count_again_are_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(folder, NIGHT, monkeypatch)
    file = read_cache_file(folder.parent / "state" / "timeline" / "0.rows")
    assert file is not None
    rows = file.tables[0].num_rows
    assert 0 < rows < 6  # beta's ticket was solved twice, long ago


def test_a_row_behind_one_that_will_be_corrected_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story().account("acme").health("acme", "2026-01-10", 70).ticket("acme", "2026-01-20")
    story.event("solved", "2026-01-22", event_id="e1")
    story.event("comment", "2026-01-22", event_id="e1", actor="agent", known_at="2026-02-05")  # it was not solved
    place = tmp_path / "source"
    place.mkdir()
    write(story, place)
    assert night(place, NIGHT, monkeypatch)[0]["tickets_open"].to_pylist() == [0]
    frame, read = night(place, date(2026, 2, 10), monkeypatch)
    assert not read
    assert frame["tickets_open"].to_pylist() == [1]


def test_after_some_months_fewer_rows_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(folder, NIGHT, monkeypatch)
    path, later = folder.parent / "state" / "health_scores" / "0.rows", date(2026, 12, 1)
    before = path.stat().st_size
    frame, read = night(folder, later, monkeypatch)
    assert not read
    assert path.stat().st_size < before
    with opened(folder) as history:
        object.__setattr__(history, "state", None)
        assert frame.equals(build(history, [later], features=SUPPORT))


def test_a_state_of_another_version_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(folder, NIGHT, monkeypatch)
    monkeypatch.setattr(kept_rows, "code_version", lambda: "other")
    assert night(folder, NIGHT, monkeypatch)[1] >= {"timeline", "tickets"}


def test_a_measure_of_an_earlier_time_looks_further_back() -> None:
    features = {feature.name: feature.measure for feature in FEATURES}
    assert lookbacks([features["tickets_opened_28d"]]).get("tickets", 0) == 0
    assert lookbacks(features.values())["subscriptions"] == 365
