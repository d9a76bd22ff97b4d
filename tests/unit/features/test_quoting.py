"""A quoted text or name is read back unchanged by SQL."""

import duckdb
import pytest

from features.quoting import quote_name, quote_text

TEXTS = ["", "plain", "it's", 'a "name"', "';--", "\\", "é\n"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_back(text: str) -> None:
    assert duckdb.sql(f"SELECT {quote_text(text)}").fetchall() == [(text,)]


@pytest.mark.parametrize("name", TEXTS[1:])
def test_a_name_is_read_back(name: str) -> None:
    assert duckdb.sql(f"SELECT 1 AS {quote_name(name)}").columns == [name]
