"""The language of conditions: what may be written, and what a text from outside cannot become."""

import pytest

from features.conditions import ConditionError, compile_condition, condition_problem

COLUMNS = {
    "a": ("a", "number"),
    "b": ("b", "number"),
    "segment": ("segment", "text"),
    "churn": ("probability_churn", "number"),
}


def compiled(text: str) -> str:
    return compile_condition(text, COLUMNS).sql


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("a > 1", '("a" > 1.0::DOUBLE)'),
        ("A >= -5", '("a" >= (-5.0::DOUBLE))'),
        ("churn < 0.5 and not a = 2", '(("probability_churn" < 0.5::DOUBLE) AND (NOT ("a" = 2.0::DOUBLE)))'),
        ("a / b > 2", '(("a" / NULLIF("b", 0)) > 2.0::DOUBLE)'),
        ("a between 1 and b or segment is null", '(("a" BETWEEN 1.0::DOUBLE AND "b") OR ("segment" IS NULL))'),
        ("segment in ('x', 'it''s')", "(\"segment\" IN ('x', 'it''s'))"),
        ("lower(segment) not like 'x%'", "(LOWER(\"segment\") NOT LIKE 'x%')"),
        (
            "coalesce(a, b, 0) + abs(b) * 2 != 1",
            '((COALESCE("a", "b", 0.0::DOUBLE) + (ABS("b") * 2.0::DOUBLE)) <> 1.0::DOUBLE)',
        ),
        ("(a > 1) is not true", '(NOT (("a" > 1.0::DOUBLE) IS TRUE))'),
        ("a = 1 -- and a comment", '("a" = 1.0::DOUBLE)'),
    ],
)
def test_a_condition_is_rebuilt_from_its_parts(text: str, sql: str) -> None:
    assert compiled(text) == sql


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "a = 1; DROP TABLE candidates",
        "a IN (SELECT a FROM candidates)",
        "EXISTS (SELECT 1)",
        "a = (SELECT max(a) FROM candidates)",
        "read_csv('/etc/passwd') = 'x'",
        "segment = read_text('/etc/passwd')",
        "getenv('HOME') = 'x'",
        "a::VARCHAR = 'x'",
        "CAST(a AS INT) = 1",
        "CASE WHEN a > 1 THEN TRUE END",
        "sum(a) > 1",
        "row_number() OVER () = 1",
        "a > now()",
        "a > random()",
        "candidates.a = 1",
        "a[1] = 1",
        "a = $1",
        "a = ?",
        "segment LIKE segment",
        "segment LIKE 'x' ESCAPE '!'",
        "segment SIMILAR TO '(a+)+$'",
        "segment ~ '(a+)+$'",
        "a BETWEEN SYMMETRIC 3 AND 1",
        "a IS DISTINCT FROM b",
        "(a, b) = (1, 2)",
        "{'x': 1} = 1",
        "a = ANY([1, 2])",
        "x -> x > 1",
        "COLUMNS('.*') > 1",
        "* = 1",
        "ATTACH 'x.db'",
        "COPY candidates TO 'x'",
        "PRAGMA version",
        "a = 1e999",
        "segment = 'a\0b'",
    ],
)
def test_nothing_else_can_be_written(text: str) -> None:
    with pytest.raises(ConditionError):
        compiled(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a", "is a number, not a condition"),
        ("NULL", "is unknown for every account"),
        ("a = NULL", "write IS NULL"),
        ("a AND b > 1", "needs a condition where it has the number a"),
        ("segment + 1 > 2", "needs a number where it has the text segment"),
        ("a > 1 > 0", "compares the condition a > 1 with the number 0"),
        ("a = 'x'", "compares the number a with the text 'x'"),
        ("abs(segment) > 1", "needs a number"),
        ("upper(segment) = 'X'", "uses the function upper: only coalesce, abs and lower may be used"),
        ("sgment = 'x'", "names the unknown column sgment; did you mean segment?"),
        ("zzz = 1", "names the unknown column zzz; `rescue policy explain --columns` lists the columns"),
        ("a >", "cannot be read near character 3"),
        ("segment = 'x", "is a quotation mark missing?"),
        ("a = 1 AND " * 500 + "a = 1", "split it in two"),
        ("(" * 200 + "a = 1" + ")" * 200, "split it in two"),
        ("NOT " * 200 + "a = 1", "split it in two"),
        ("-" * 3000 + "a = 1", ""),
    ],
)
def test_a_mistake_is_told(text: str, said: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compiled(text)
    assert said in str(caught.value)


def test_quoted_names_and_texts_cannot_break_out() -> None:
    columns = {'a"; drop table x; --': ('a"; drop table x; --', "number")}
    found = compile_condition('"a""; drop table x; --" > 1', columns)
    assert found.sql == '("a""; drop table x; --" > 1.0::DOUBLE)'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("amont > 1", "The condition names the unknown column amont; did you mean amount?"),
        ("x1y2 > 1", "The condition names the unknown column x1y2; its columns are amount."),
    ],
)
def test_a_problem_is_one_sentence_that_says_where_the_columns_are(text: str, sentence: str) -> None:
    with pytest.raises(ConditionError) as refused:
        compile_condition(text, {"amount": ("amount", "number")}, listing="its columns are amount")
    assert condition_problem("The condition", refused.value) == sentence
