"""Rows with several versions are found once for a history, and each version holds until the next."""

from support.worlds.factories import Story

from features.engine.table_rows.corrections import version_intervals
from features.history.history import History


def versions(history: History, name: str, since: int | None = None) -> list[tuple[int, bool]]:
    rows = history.query(
        f"SELECT score, replaced < 2**29 AS ended FROM ({version_intervals(name, history, since)}) ORDER BY known"
    )
    return list(zip(rows.column("score").to_pylist(), rows.column("ended").to_pylist(), strict=True))


def test_a_corrected_row_holds_until_its_correction() -> None:
    story = Story().account("acme").health("acme", "2026-01-05", 80, known_at="2026-01-05 12:00")
    story.health("acme", "2026-01-05", 60, known_at="2026-01-09").health("acme", "2026-01-20", 70)
    assert versions(story.history(), "health_scores") == [(80, True), (60, False), (70, False)]


def test_what_came_once_is_not_put_in_order() -> None:
    history = Story().account("acme").health("acme", "2026-01-05", 80, known_at="2026-01-05 12:00").history()
    assert "UNION" not in version_intervals("health_scores", history)


def test_the_result_is_cached_with_the_history() -> None:
    story = Story().account("acme").health("acme", "2026-01-05", 80, known_at="2026-01-06")
    history = story.health("acme", "2026-01-05", 60, known_at="2026-01-09").history()
    query = version_intervals("health_scores", history)
    history.connection.execute("DROP TABLE health_scores")
    assert version_intervals("health_scores", history) == query
