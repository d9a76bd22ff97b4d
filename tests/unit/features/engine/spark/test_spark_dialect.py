"""The rules' SQL means the same in Spark's dialect: what sqlglot does not translate by itself."""

import pytest

from features.engine.spark.spark_dialect import accents, to_spark


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("CAST(a AS DATE) - DATE '1970-01-01'", "DATEDIFF(CAST(a AS DATE), CAST('1970-01-01' AS DATE))"),
        ("a SIMILAR TO '.*(b|c)'", "a RLIKE '^(?:.*(b|c))$'"),
        ("epoch_us(a) - epoch_us(b)", "UNIX_MICROS(a) - UNIX_MICROS(b)"),
        ("count(DISTINCT row(a, b))", "COUNT(DISTINCT STRUCT(a, b))"),
        ("arg_max(a, b)", "MAX_BY(a, b) FILTER(WHERE NOT a IS NULL)"),
        ("arg_min(a, b) FILTER (c)", "MIN_BY(a, b) FILTER(WHERE NOT a IS NULL AND c)"),
        ("a BETWEEN 1 AND 2", "(a >= 1 AND a <= 2)"),
        ("TIMESTAMP 'infinity'", "CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP_NTZ)"),
        ("isfinite(a)", "(NOT (ISNAN(a) OR ABS(a) = CAST('Infinity' AS DOUBLE)))"),
        ("CAST(a AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC'", "CAST(CAST(a AS TIMESTAMP) AS TIMESTAMP_NTZ)"),
        ("['a', 'b'][n]", "TRY_ELEMENT_AT(ARRAY('a', 'b'), n)"),
        ("any_value(a) FILTER (b)", "ANY_VALUE(a, TRUE) FILTER(WHERE b)"),
        ("count(*) FILTER (a) OVER (PARTITION BY b)", "COUNT(CASE WHEN a THEN 1 END) OVER (PARTITION BY b)"),
        ("extract(isodow FROM a)", "EXTRACT(DAYOFWEEK_ISO FROM a)"),
        ("strlen(a) + hash(b)", "OCTET_LENGTH(a) + XXHASH64(b)"),
    ],
)
def test_an_expression(duckdb: str, spark: str) -> None:
    assert to_spark(duckdb) == spark


def test_a_list_of_no_values_is_null() -> None:
    collected = "COLLECT_LIST(a) FILTER(WHERE b)"
    assert (
        to_spark("list(a ORDER BY a) FILTER (b)") == f"CASE WHEN SIZE({collected}) > 0 THEN SORT_ARRAY({collected}) END"
    )


def test_a_null_is_the_largest_part_of_a_row() -> None:
    ascending, descending = (to_spark(f"lead(a) OVER (ORDER BY row(b, c){way})") for way in ("", " DESC"))
    assert ascending.endswith("(ORDER BY b NULLS LAST, c NULLS LAST)")
    assert descending.endswith("(ORDER BY b DESC NULLS FIRST, c DESC NULLS FIRST)")


def test_a_condition_on_windows_leaves_order_and_limit_outside() -> None:
    sql = to_spark("SELECT a FROM t QUALIFY row_number() OVER (ORDER BY b) = 1 ORDER BY a LIMIT 3")
    assert sql.startswith("SELECT * EXCEPT (_qualifies) FROM (SELECT a, ROW_NUMBER() OVER")
    assert sql.endswith("AS q WHERE _qualifies ORDER BY a NULLS LAST LIMIT 3")


def test_letters_lose_their_accents() -> None:
    accented, plain = accents()
    table = str.maketrans(accented[: len(plain)], plain, accented[len(plain) :])
    assert "Crème brûlée, naïve Ångström, e\u0301".translate(table) == "Creme brulee, naive Angstrom, e"


def test_a_product_of_no_values_is_unknown() -> None:
    sql = to_spark("SELECT product(a) FROM t")
    times = "AGGREGATE(SORT_ARRAY(COLLECT_LIST(CAST(a AS DOUBLE))), CAST(1 AS DOUBLE), (x, y) -> x * y)"
    assert sql == f"SELECT CASE WHEN COUNT(a) > 0 THEN {times} END FROM t"


def test_the_widest_whole_number_is_a_decimal() -> None:
    assert to_spark("TRY_CAST(a AS HUGEINT)") == "TRY_CAST(a AS DECIMAL(38, 0))"
    assert to_spark("CAST(a AS BIGINT)") == "CAST(a AS BIGINT)"


def test_an_instant_with_a_zone_becomes_one_without() -> None:
    sql = to_spark("CASE WHEN isinf(z) THEN z AT TIME ZONE 'UTC' ELSE make_timestamp(epoch_us(z)) END")
    infinite = "CAST(z AS STRING) IN ('Infinity', '-Infinity')"
    naive = "CAST(z AS TIMESTAMP_NTZ)", "CAST(TIMESTAMP_MICROS(UNIX_MICROS(z)) AS TIMESTAMP_NTZ)"
    assert sql == f"CASE WHEN {infinite} THEN {naive[0]} ELSE {naive[1]} END"
