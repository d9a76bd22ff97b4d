"""Errors of a schema as sentences: the key, what is allowed there, and what the file has.

The library that validates the file describes types in words of Python. A person who writes TOML needs the key, the
allowed values with their range, and the nearest name; all of it is in the generated JSON Schema.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from features.errors import suggest_name
from features.value_fault import allowed_text
from serving.policy.definition.toml_lines import Path

MOST_SHOWN = 60
"""Characters of a wrong value that a message repeats."""
_LENGTHS = {"string_too_long": "characters", "too_long": "entries"}
_OWN = frozenset({"duration", "count", "start"})
"""Errors whose message is already written for the reader of a policy."""
_TYPES = {"integer": "a whole number", "boolean": "true or false", "string": "a text", "object": "a table"}
_DATE = 'a date such as "2026-12-24"'
_TIME = 'a time such as "2026-06-01T09:00:00"'

Schema = Mapping[str, Any]


def error_sentence(found: Mapping[str, Any], schema: Schema, renamed: Mapping[str, str] | None = None) -> str:
    """The sentence, without its full stop, of one of the validator's errors; ``schema`` is that of the whole file."""
    path, context = found["loc"], found.get("ctx", {})
    key, shown = key_text(path), shown_value(found.get("input"))
    match found["type"]:
        case "policy":
            return str(context["reason"])
        case "extra_forbidden":
            suggestion = _suggest_key(str(path[-1]), set(keys_at(schema, path[:-1])), renamed or {})
            rest = f"is not a known key: {suggestion}"
        case "missing":
            rest = "is missing"
        case "too_short" | "string_too_short":
            rest = "must not be empty"
        case "too_long" | "string_too_long" as kind:
            rest = f"may have at most {context['max_length']:,} {_LENGTHS[kind]}"
        case kind if kind in _OWN:
            repeats = str(found["input"]) in found["msg"] and isinstance(found["input"], str)
            rest = found["msg"] if repeats else f"{found['msg']}, and it is {shown}"
        case "literal_error" if isinstance(found["input"], str) and (words := _words_at(schema, path)):
            rest = f"cannot be {shown}: {suggest_name(found['input'], words).rstrip('.')}"
        case _:
            rest = f"has to be {_allowed_text(found, schema)}, not {shown}"
    return f"{key} {rest}"


def key_text(path: Path) -> str:
    """A path as the file writes it: ``squads.care.capacity``, ``severities[1].name``."""
    written = ""
    for part in path:
        if part != "":
            written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written


def shown_value(value: object) -> str:
    """A wrong value as the file has it, shortened."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple) and any(isinstance(entry, Mapping) for entry in value):
        return "a list of tables"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"


def keys_at(schema: Schema, path: Path) -> Iterator[str]:
    """The keys that the table at this path may have."""
    here = schema_at(schema, path)
    for form in options_of(schema, here) if here else ():
        yield from form.get("properties", {})


def schema_at(schema: Schema, path: Path) -> Schema | None:
    """The schema of the value at this path; None where it has no place in the file."""
    here: Schema | None = schema
    for part in path:
        here = _inner(schema, here, part) if here else None
    return here


def options_of(schema: Schema, here: Schema) -> list[Schema]:
    """The forms that a value may have, without the absent one; references are followed."""
    forms = [_followed(schema, form) for form in here.get("anyOf", [here])]
    return [form for form in forms if form.get("type") != "null"]


def _inner(schema: Schema, here: Schema, part: int | str) -> Schema | None:
    for form in options_of(schema, here):
        if isinstance(part, int):
            inner = form.get("items")
        else:
            inner = form.get("properties", {}).get(part) or form.get("additionalProperties")
        if isinstance(inner, Mapping):
            return _followed(schema, inner)
    return None


def _followed(schema: Schema, here: Schema) -> Schema:
    reference = here.get("$ref")
    if reference is None:
        return here
    followed: Schema = schema["$defs"][reference.rsplit("/", 1)[-1]]
    return followed


def _suggest_key(key: str, allowed: set[str], renamed: Mapping[str, str]) -> str:
    present = renamed.get(key)
    return f"did you mean {present!r}?" if present in allowed else suggest_name(key, allowed)


def _words_at(schema: Schema, path: Path) -> list[str]:
    here = schema_at(schema, path)
    forms = options_of(schema, here) if here else []
    return [word for form in forms for word in form.get("enum", [form["const"]] if "const" in form else [])]


def _allowed_text(found: Mapping[str, Any], schema: Schema) -> str:
    """What is allowed, by the schema of the place; where that has no word for it, by the kind of the error."""
    if found["type"].startswith(("date", "datetime")):
        return _TIME if found["type"].startswith("datetime") else _DATE
    here = schema_at(schema, found["loc"])
    described = [_form_text(schema, form) for form in options_of(schema, here)] if here else []
    known = list(dict.fromkeys(text for text in described if text))
    if known:
        return " or ".join(known)
    return allowed_text(found) or re.sub(r"^(Input|String|Value) should be ", "", found["msg"])


def _form_text(schema: Schema, form: Schema) -> str:
    if words := form.get("enum"):
        return f"one of {', '.join(str(word) for word in words)}"
    if "const" in form:
        return str(form["const"])
    kind = form.get("type", "")
    if form.get("format") == "date":
        return _DATE
    if kind in {"integer", "number"}:
        return f"{_TYPES.get(kind, 'a number')}{_range_text(form)}"
    if kind == "array":
        inner = [_form_text(schema, each) for each in options_of(schema, form.get("items", {}))]
        return f"a list of {_plural(inner)}"
    return _TYPES.get(kind, "")


def _plural(inner: Iterable[str]) -> str:
    words = set(inner)
    if words == {"a table"}:
        return "tables"
    return 'texts, such as ["a", "b"]' if words == {"a text"} else "values"


def _range_text(form: Schema) -> str:
    low, high = form.get("minimum"), form.get("maximum")
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    above, below = form.get("exclusiveMinimum"), form.get("exclusiveMaximum")
    lower = f"at least {low:,}" if low is not None else f"more than {above:,}" if above is not None else ""
    upper = f"at most {high:,}" if high is not None else f"less than {below:,}" if below is not None else ""
    limits = " and ".join(limit for limit in (lower, upper) if limit)
    return f", {limits}" if limits else ""
