"""What a query does with its columns decides their types, and nothing else does."""

import pytest

from pipelines.sources.mappings.column_use import ColumnUse, read_query, with_safe_casts

TEXT, NUMBER, INSTANT, FLAG, COMPARED = ColumnUse

USES = [
    ("SELECT a FROM t", {}),
    ("SELECT * FROM t", {}),
    ("SELECT a AS b, coalesce(a, c) AS d FROM t GROUP BY ALL", {}),
    ("SELECT a FROM t JOIN u ON t.a = u.b WHERE a IS NOT NULL", {}),
    ("SELECT a / 100 AS a FROM t", {"a": NUMBER}),
    ("SELECT sum(a) OVER (PARTITION BY b) FROM t", {"a": NUMBER}),
    ("SELECT a + INTERVAL 1 DAY AS b FROM t", {"a": INSTANT}),
    ("SELECT date_trunc('month', a) AS b FROM t", {"a": INSTANT}),
    ("SELECT CAST(a AS TIMESTAMP) AS b, c::INTEGER AS d FROM t", {"a": INSTANT, "c": NUMBER}),
    ("SELECT lower(a) || 'x' AS b FROM t WHERE c LIKE 'x%' AND d = 'y'", {"a": TEXT, "c": TEXT, "d": TEXT}),
    ("SELECT strptime(a, '%d.%m.%Y') AS b FROM t", {"a": TEXT}),
    ("SELECT 1 FROM t WHERE a AND b = true AND c > 5", {"a": FLAG, "b": FLAG, "c": NUMBER}),
    ("SELECT max(a) AS b FROM t ORDER BY c", {"a": COMPARED, "c": COMPARED}),
    ("SELECT a FROM t WHERE a >= '2024-01-01' AND b < c", {"a": COMPARED, "b": COMPARED, "c": COMPARED}),
    ("WITH u AS (SELECT a AS b FROM t) SELECT b + INTERVAL 1 DAY AS c FROM u", {"a": INSTANT, "b": INSTANT}),
    ("SELECT coalesce(a, b) * 2 AS c FROM t", {"a": NUMBER, "b": NUMBER}),
]


@pytest.mark.parametrize(("query", "expected"), USES)
def test_a_column_is_what_the_query_needs_it_to_be(query: str, expected: dict[str, ColumnUse]) -> None:
    use = read_query(query)
    assert use is not None
    found = {name: uses for name, uses in use.columns.items() if uses}
    assert found == {name: frozenset({kind}) for name, kind in expected.items()}


def test_the_tables_of_a_query_are_those_of_the_source() -> None:
    use = read_query('WITH u AS (SELECT * FROM "My Table") SELECT * FROM u JOIN Other USING (id)')
    assert use is not None
    assert use.tables == {"my table", "other"}


def test_a_query_that_is_not_understood_has_no_use() -> None:
    assert read_query("SELECT FROM WHERE (") is None
    assert with_safe_casts("SELECT FROM WHERE (") is None


def test_safe_casts_make_missing_values_of_values_that_cannot_be_read() -> None:
    safe = with_safe_casts("SELECT CAST(a AS DATE), strptime(b, '%-d.%m.%Y') FROM t")
    assert safe == "SELECT TRY_CAST(a AS DATE), TRY_STRPTIME(b, '%-d.%m.%Y') FROM t"
    assert with_safe_casts("SELECT a FROM t") is None


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT a.Id, count(*) FROM a JOIN b USING (key) WHERE b.x > 1 GROUP BY 1", {"id", "key", "x"}),
        ("SELECT a.* FROM a", None),
        ("SELECT * EXCLUDE (x) FROM a", None),
        ("SELECT COLUMNS('x.*') FROM a", None),
        ("SELECT to_json(a) FROM a", None),
        ("SELECT x FROM a NATURAL JOIN b", None),
        ("WITH c AS (SELECT y AS x FROM a) SELECT x FROM c", {"x", "y"}),
        ("SELECT (SELECT max(t) FROM b WHERE b.k = a.k) FROM a", {"t", "k"}),
    ],
)
def test_the_columns_that_a_query_names(sql: str, named: set[str] | None) -> None:
    use = read_query(sql)
    assert use is not None
    assert use.named == named
