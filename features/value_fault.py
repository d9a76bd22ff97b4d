"""What is wrong with a value of a settings file, in words of the file and not of Python.

The library that checks the values says "Input is not a valid path for <class 'pathlib.Path'>". One rule words its
errors for `rescue.toml`, channels, mappings and adapters alike.
"""

import re
from collections.abc import Mapping
from typing import Any

_NUMBER, _WHOLE, _FLAG, _TEXT = "a number", "a whole number", "true or false", "a text"
_DATE, _TABLE, _LIST = "a date such as 2026-12-24", "a table", "a list"
_KINDS = {
    "int": _WHOLE,
    "float": _NUMBER,
    "finite": _NUMBER,
    "decimal": _NUMBER,
    "bool": _FLAG,
    "string": _TEXT,
    "bytes": _TEXT,
    "path": "a path, written as a text",
    "url": "a URL",
    "date": _DATE,
    "datetime": "a time such as 2026-06-01T09:00:00",
    "time": "a time of day such as 09:00",
    "dict": _TABLE,
    "mapping": _TABLE,
    "model": _TABLE,
    "dataclass": _TABLE,
    "list": _LIST,
    "tuple": _LIST,
    "set": _LIST,
    "frozen": _LIST,
    "iterable": _LIST,
}
"""What a value has to be, by the first word of the error's type."""

_PATTERNS = {
    r"^[A-Z]{3}$": "a code of three capital letters, such as EUR",
    r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and _, with a letter first",
    r"^[a-z_][a-z0-9_]*$": "lower-case letters, digits and _",
    r"^[^{}\[\]|\n]*$": "one line of text without braces, brackets and |",
}
"""The patterns of texts, in words."""

_LIMITS = {
    "greater_than_equal": "at least",
    "greater_than": "more than",
    "less_than_equal": "at most",
    "less_than": "less than",
}


def fault_text(name: str, found: Mapping[str, Any], *, with_value: bool = True) -> str:
    """What is wrong with the setting of this name, without a full stop: "days has to be a whole number, not 'x'".

    ``found`` is one of the library's errors. ``with_value`` is left off where the value may be a secret.
    """
    allowed = allowed_text(found)
    if allowed is None:
        message = str(found["msg"]).removeprefix("Value error, ").rstrip(".")
        return f"{name}: {message}" if name else message
    given = found.get("input")
    shown = f", not {given!r}" if with_value and isinstance(given, str | int | float | bool) else ""
    return f"{name or 'the value'} has to be {allowed}{shown}"


def allowed_text(found: Mapping[str, Any]) -> str | None:
    """What the value has to be; ``None`` where the message is that of a check of ours."""
    kind, context = str(found["type"]), found.get("ctx", {})
    if kind in _LIMITS:
        return f"{_LIMITS[kind]} {next(iter(context.values())):.12g}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"a text of the form {context['pattern']}")
    if kind.endswith(("too_short", "too_long")):
        return _length_text(kind, context)
    if kind in ("literal_error", "enum"):
        allowed = re.findall("'([^']*)'", str(context["expected"]))
        return f"one of {', '.join(allowed)}"
    return None if kind == "value_error" else _KINDS.get(kind.partition("_")[0])


def _length_text(kind: str, context: Mapping[str, Any]) -> str:
    what = _TEXT if kind.startswith("string") else _LIST
    if kind.endswith("too_long"):
        return f"{what} of at most {context['max_length']}"
    return f"{what} that is not empty" if context["min_length"] == 1 else f"{what} of at least {context['min_length']}"
