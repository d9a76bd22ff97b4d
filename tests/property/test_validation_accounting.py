"""500 dirty tables: every row is accepted, a duplicate, or in quarantine, and accepted rows are clean."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.source_table import SourceTable
from features.validation.validate import validate_tables

at = datetime.fromisoformat
NOON = at("2025-03-03T12:00")
IDS = [
    b"a1",
    b"a2",
    b"A1",
    b"a1\xe2\x80\x8b",
    b"\xe2\x80\xaea1",
    b"a1\x00",
    b"\xed\xa0\x80",
    b"\xff\xfe",
    b"",
    None,
    b"unknown",
]
SCORES = [0.0, -0.0, 50.0, 100.0, 100.5, -1.0, float("nan"), float("inf"), float("-inf"), 1e308, None]
TEXT_SCORES = [b"50", b"5e1", b"nan", b"inf", b"-1", b"1e400", b"50,0", b"", b"\xff", None]
TIMES = [
    NOON,
    NOON + timedelta(hours=1),
    at("2099-12-31"),
    at("1970-01-20T17:00"),
    at("7005-01-01"),
    at("2025-03-30T02:30"),
    None,
]
TEXT_TIMES = [
    b"2025-03-03T12:00:00Z",
    b"2025-03-03T14:00:00+02:00",
    b"2025-03-30 02:30:00 Europe/Berlin",
    b"2025-03-03",
    b"1741003200",
    b"1741003200000",
    b"03/03/2025",
    b"infinity",
    b"2025-02-30",
    b"",
    b"\xc3\x28",
    None,
]
EPOCHS = [1741003200, 1741003200000, -1, 2**62, None]
KNOWN = [NOON, NOON - timedelta(days=1), NOON + timedelta(days=3), at("2500-01-01"), None]


def texts(values: list[bytes | None]) -> pa.Array:
    """An Arrow string column of any bytes: a file from elsewhere need not be UTF-8."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers(), raw.null_count)


def column(pools: list[tuple[list[object], object]], rows: int) -> st.SearchStrategy[pa.Array]:
    """A column of some length in one of several representations."""

    def made(choice: tuple[list[object], object]) -> st.SearchStrategy[pa.Array]:
        pool, kind = choice
        values = st.lists(st.sampled_from(pool), min_size=rows, max_size=rows)
        return values.map(lambda drawn: texts(drawn) if kind is None else pa.array(drawn, kind))  # type: ignore[arg-type]

    return st.sampled_from(pools).flatmap(made)


@st.composite
def dirty_tables(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    size, clients = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    instants = [(TIMES, pa.timestamp("us")), (TEXT_TIMES, None), (EPOCHS, pa.int64())]
    accounts = {
        "account_id": draw(column([(IDS, None)], clients)),
        "created_at": draw(column([([NOON, at("2020-01-01"), None], pa.timestamp("us"))], clients)),
    }
    scores = {
        "account_id": draw(column([(IDS, None)], size)),
        "measured_at": draw(column(instants, size)),
        "score": draw(column([(SCORES, pa.float64()), (TEXT_SCORES, None)], size)),
    }
    if draw(st.booleans()):
        scores["known_at"] = draw(column([(KNOWN, pa.timestamp("us")), (TEXT_TIMES, None)], size))
    return pa.table(accounts), pa.table(scores)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    # The examples write the same files within one second, which DuckDB's cache of files cannot tell apart.
    with duckdb.connect(config={"threads": 1, "enable_external_file_cache": False}) as opened:
        yield opened


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dirty")


@settings(
    max_examples=80,  # of two dirty tables each
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(tables=dirty_tables())
def test_every_row_is_accepted_a_duplicate_or_in_quarantine(
    tables: tuple[pa.Table, pa.Table], connection: duckdb.DuckDBPyConnection, scratch: Path
) -> None:
    sources = []
    for name, rows in zip(("accounts", "health_scores"), tables, strict=True):
        pq.write_table(rows, scratch / f"{name}.parquet")
        sources.append(SourceTable(name, (str(scratch / f"{name}.parquet"),)))

    validation = validate_tables(connection, sources, scratch=scratch / "accepted", tolerance=1.0)

    for name, rows in zip(("accounts", "health_scores"), tables, strict=True):
        report = validation.report.tables[name]
        quarantined = sum(report.quarantined.values())
        assert report.rows == rows.num_rows == report.accepted + report.duplicates + quarantined
        places = connection.execute(f'SELECT count(DISTINCT "row"), count(*) FROM rejected_{name}').fetchall()[0]
        assert places == (report.duplicates + quarantined, report.duplicates + quarantined)
    _is_clean(connection, "known_at" in tables[1].column_names)


def _is_clean(connection: duckdb.DuckDBPyConnection, versioned: bool) -> None:
    """Accepted rows keep the contract, checked by independent queries."""
    key = "account_id, measured_at" + (", coalesce(known_at, measured_at)" if versioned else "")
    bad = connection.execute(
        "SELECT count(*) FROM health_scores WHERE account_id IS NULL OR account_id = '' OR measured_at IS NULL "
        "OR isnan(score) OR isinf(score) OR score < 0 OR score > 100 "
        "OR year(measured_at) NOT BETWEEN 1990 AND 2099 OR measured_at > known_at "
        "OR account_id NOT IN (SELECT account_id FROM accounts)"
    ).fetchall()[0][0]
    repeated = connection.execute(f"SELECT 1 FROM health_scores GROUP BY {key} HAVING count(*) > 1").fetchall()
    assert (bad, repeated) == (0, [])
    assert connection.execute("SELECT 1 FROM accounts GROUP BY account_id HAVING count(*) > 1").fetchall() == []


def test_the_generator_reaches_every_kind_of_fault(connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
    rows = pa.table({"account_id": texts(IDS), "created_at": pa.array([NOON] * len(IDS), pa.timestamp("us"))})
    pq.write_table(rows, scratch / "accounts.parquet")
    source = SourceTable("accounts", (str(scratch / "accounts.parquet"),))

    report = validate_tables(connection, [source], scratch=scratch / "accepted", tolerance=1.0).report.tables[
        "accounts"
    ]

    assert {rule.value: count for rule, count in report.quarantined.items()} == {"wrong_type": 3, "required_missing": 2}
    assert report.accepted == 6  # ids that differ by case, by a zero-width space or a bidi mark are different ids
