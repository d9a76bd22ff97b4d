"""TOML that somebody else wrote: every mistake is one kind of error, and no text takes long."""

import time
import tomllib

import pytest

from features.toml_text import MOST_NESTED, LimitError, load_toml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("[" + ".".join(["a"] * 10_000) + "]", "nested too deeply"),
        ("a = {b = 1, " + ".".join(["a"] * 50_000) + " = 1}", "nested too deeply"),
        ("a = " + "[" * (MOST_NESTED + 1) + "]" * (MOST_NESTED + 1), "nested too deeply"),
        ("a = " + "9" * 10_000, "numbers is too large"),
    ],
    ids=["brackets", "dots", "dots in a key", "one too many", "digits"],
)
def test_a_text_over_a_limit_is_refused_quickly(text: str, message: str) -> None:
    start = time.process_time()
    with pytest.raises(LimitError, match=message):
        load_toml(text)
    assert time.process_time() - start < 3


def test_a_text_that_is_not_toml_has_its_own_message() -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        load_toml("a = ")
    assert not isinstance(caught.value, LimitError)


def test_a_usual_text_is_read() -> None:
    assert load_toml("[a.b]\nc = [1, [2]]\n") == {"a": {"b": {"c": [1, [2]]}}}
    assert load_toml(f"a = '{'and so on. ' * 300}'")["a"].startswith("and so on.")
