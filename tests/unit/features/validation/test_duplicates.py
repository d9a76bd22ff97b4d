"""Duplicates and conflicting rows: few or many repeated keys, one hash for two keys, an id of its own."""

from pathlib import Path

import duckdb
import pytest

from features.contract import TABLES
from features.source_table import SourceTable
from features.validation import duplicates
from features.validation.duplicates import reject_duplicates
from features.validation.incoming_table import IncomingTable, create_rejected_table


def incoming_scores(folder: Path, rows: str) -> IncomingTable:
    duckdb.sql(rows).write_parquet(str(folder / "scores.parquet"))
    source = SourceTable("health_scores", (str(folder / "scores.parquet"),))
    connection = duckdb.connect()
    types = {name: kind for name, kind in source.types(connection).items() if name in TABLES["health_scores"].names}
    incoming = IncomingTable(connection.cursor(), TABLES["health_scores"], source, types)
    create_rejected_table(incoming)
    return incoming


def rejected(incoming: IncomingTable) -> list[tuple[int, str]]:
    return incoming.cursor.execute(f'SELECT "row", rule FROM {incoming.rejected} ORDER BY "row"').fetchall()


SCORES = (
    "SELECT 'a' AS account_id, TIMESTAMP '2026-03-01' + to_days(CAST(n AS INTEGER)) AS measured_at, score "
    "FROM (VALUES {}) v(n, score)"
)


@pytest.mark.parametrize("few", [0.02, 9.0])
def test_a_duplicate_and_conflicting_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: float) -> None:
    monkeypatch.setattr("features.history.repeated_keys.FEW", few)
    incoming = incoming_scores(tmp_path, SCORES.format("(1, 5.0), (2, 6.0), (1, 5.0), (2, 7.0), (3, 8.0)"))
    assert len(reject_duplicates(incoming, 5).hashes) == 2
    assert rejected(incoming) == [(2, "conflicting_rows"), (3, "duplicate"), (4, "conflicting_rows")]


def test_versions_known_at_different_times_are_not_rejected(tmp_path: Path) -> None:
    known = SCORES.replace(
        "score FROM", "score, TIMESTAMP '2026-05-01' + to_days(CAST(score AS INTEGER)) AS known_at FROM"
    )
    incoming = incoming_scores(tmp_path, known.format("(1, 5.0), (1, 6.0), (2, 7.0)"))
    assert len(reject_duplicates(incoming, 3).hashes) == 1
    assert rejected(incoming) == []


def test_two_keys_with_one_hash_are_not_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "key_hash", lambda *_, **__: "CAST(1 AS UBIGINT)")
    monkeypatch.setattr("features.history.repeated_keys.FEW", 9.0)
    incoming = incoming_scores(tmp_path, SCORES.format("(1, 5.0), (2, 6.0), (3, 5.0), (3, 5.0)"))
    reject_duplicates(incoming, 4)
    assert rejected(incoming) == [(4, "duplicate")]
