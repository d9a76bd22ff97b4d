"""The fields of a signal that ``[incidents.NAME]`` may use, in conditions and in ``by``."""

from features.conditions import Columns, Kind

SIGNAL_FIELDS: dict[str, Kind] = {
    "source": "text",
    "kind": "text",
    "product": "text",
    "service": "text",
    "environment": "text",
    "severity": "text",
    "status": "text",
    "code": "text",
    "fingerprint": "text",
    "account_id": "text",
    "user_id": "text",
    "region": "text",
    "message": "text",
    "value": "number",
}
"""The fields of a signal besides its id and its times."""

FIELD_ALIASES = {"account": "account_id", "user": "user_id", "type": "kind"}
"""Shorter words for fields: `by = "account"`; and `type`, as CloudEvents calls the kind."""

GROUP_FIELDS = tuple(name for name, kind in SIGNAL_FIELDS.items() if kind == "text" and name != "message")
"""The fields that signals can be grouped and counted by."""

SIGNAL_LISTING = f"the fields of a signal are {', '.join(SIGNAL_FIELDS)}"
"""Where an unknown field of a condition is near none."""


def signal_columns() -> Columns:
    """Every name that the condition of an incident may use, with the field that it reads and its kind."""
    known: dict[str, tuple[str, Kind]] = {name: (name, kind) for name, kind in SIGNAL_FIELDS.items()}
    return known | {alias: known[name] for alias, name in FIELD_ALIASES.items()}


def field_name(word: str) -> str:
    """The field that a word of `by` or `distinct` means."""
    return FIELD_ALIASES.get(word, word)
