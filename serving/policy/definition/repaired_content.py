"""A policy with its wrong values replaced, so that one mistake does not hide the others.

Rules between keys, between sections and in conditions are only checked once every value has its type. So a file with a
misspelled key and a wrong condition was reported in two rounds. Here what is wrong is renamed, left out or replaced by
some valid value, and what is then reported at a place that was replaced is no mistake of the file.
"""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from features.errors import nearest_name
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.definition.schema_errors import Schema, keys_at, options_of, schema_at
from serving.policy.definition.toml_lines import Path

ROUNDS = 6
"""Rounds of repair: types, then the rules between the keys of a table, then tables that no value repairs."""
_ROUNDS_OF_VALUES = 2
_NAMES = frozenset({"skills", "members", "name"})
"""Keys whose values are names that other sections refer to."""
_MEANT = frozenset({"when"})
"""Keys whose absence has a meaning of its own, so that they are replaced, and never left out."""
_NOUNS = {
    "squads": ("squad", "skill", "member"),
    "severities": ("severity",),
    "risks": ("risk",),
    "calendars": ("calendar",),
    "people": ("person", "nobody"),
    "paths": ("path",),
    "roles": ("role",),
}
"""The words of messages about a name that a section defines."""


@dataclass
class RepairedContent:
    """The content that is repaired, and where it differs from the file."""

    content: dict[str, Any]
    read_schema: Callable[[], Schema]
    renamed: Mapping[str, str]
    places: set[Path] = field(default_factory=set)
    rounds: int = 0

    @classmethod
    def of(
        cls, content: Mapping[str, Any], read_schema: Callable[[], Schema], renamed: Mapping[str, str]
    ) -> "RepairedContent":
        """A copy of the content of a file; the schema, which takes a tenth of a second, is read where it is needed."""
        return cls(copy.deepcopy(dict(content)), read_schema, renamed)

    @property
    def schema(self) -> Schema:
        """The schema of a policy."""
        return self.read_schema()

    def validate(self) -> tuple[PolicyFile | None, list[Any]]:
        """The rules, or None and everything that the validator refuses."""
        try:
            return PolicyFile.model_validate(self.content), []
        except ValidationError as error:
            return None, error.errors(include_url=False)

    def repair(self, errors: list[Any]) -> list[Any]:
        """Replace what the validator refuses; the errors that are mistakes of the file, misspelled keys first."""
        misspelled = [found for found in errors if found["type"] == "extra_forbidden"]
        named = {self._rename(found) for found in misspelled}
        others = [
            found
            for found in errors
            if found not in misspelled and not (found["type"] == "missing" and found["loc"] in named)
        ]
        reported = [found for found in others if not self._follows(found)]
        for found in others:
            self._replace(found)
        self.rounds += 1
        return [*misspelled, *reported]

    def concerns(self, path: Path) -> bool:
        """Whether a problem at this path is about a value that was replaced."""
        return any(path[: len(place)] == place for place in self.places)

    def _follows(self, found: Mapping[str, Any]) -> bool:
        """Whether an error follows from a replacement: at that place, between it and another key, or a lost entry."""
        place = error_place(found)
        emptied = found["type"] == "too_short" and any(place == lost[: len(place)] for lost in self.places)
        return emptied or self.concerns(place) or bool(self._replaced_keys(found))

    def _replaced_keys(self, found: Mapping[str, Any]) -> list[Path]:
        """The replaced keys of a table that the sentence of a rule between its keys compares."""
        if found["type"] != "policy":
            return []
        table, words = tuple(found["loc"]), set(re.findall(r"\w+", str(found["ctx"]["reason"])))
        keys = [place for place in self.places if place[:-1] == table and place[-1] in words]
        return sorted(keys, key=str)

    def caused(self, path: Path, sentence: str) -> bool:
        """Whether a problem follows from a replacement: it is about that place, or a name that was lost with it."""
        lost = {str(place[0]) for place in self.places if len(place) < 3 or not _NAMES.isdisjoint(place)}
        about_names = any(f"no {noun} " in f"{sentence} " for section in lost for noun in _NOUNS.get(section, ()))
        return about_names or self.concerns(path)

    def _replace(self, found: Mapping[str, Any]) -> None:
        """Leave the value out, or put a valid one in its place; where both have failed, leave its table out."""
        place = error_place(found)
        compared = [key for key in self._replaced_keys(found) if key != place]
        if compared and self.rounds <= _ROUNDS_OF_VALUES:
            place = compared[0]  # of two keys that do not fit together, the value that is not the file's
        if self.rounds > _ROUNDS_OF_VALUES:
            place = place[: max(1, len(place) - self.rounds + _ROUNDS_OF_VALUES)]
        table, length = self._holder(place)
        if table is None or (isinstance(table, list) and not isinstance(place[length - 1], int)):
            return
        place, key = place[:length], place[length - 1]
        self.places.add(place)
        required = (schema_at(self.schema, place[:-1]) or {}).get("required", ())
        needed = key in required or key in _MEANT
        if isinstance(table, dict) and key in table and (not needed or self.rounds > _ROUNDS_OF_VALUES):
            del table[key]
        else:
            here = schema_at(self.schema, place) or {}
            table[key] = sample_value(self.schema, here, high=self.rounds > 0)

    def _rename(self, found: Mapping[str, Any]) -> Path:
        """Give a value the name that was probably meant; its path, which may be that of a key that is there already."""
        *above, key = found["loc"]
        table, length = self._holder(found["loc"])
        known = set(keys_at(self.schema, tuple(above)))
        name = self.renamed.get(key, "")
        name = name if name in known else nearest_name(key, known) or ""
        if isinstance(table, dict) and length == len(found["loc"]):
            value = table.pop(key, None)
            if name:
                table.setdefault(name, value)
        return (*above, name)

    def _holder(self, place: Path) -> tuple[Any, int]:
        """The innermost table or list on the path, and how much of the path leads to a value of it."""
        here: Any = self.content
        holder: tuple[Any, int] = (None, 0)
        for length, part in enumerate(place, 1):
            if not isinstance(here, dict | list):
                break
            within: Any = here
            holder = (within, length)
            try:
                here = within[part]
            except (KeyError, IndexError, TypeError):
                break
        return holder


def error_place(found: Mapping[str, Any]) -> Path:
    """The path of the key that an error is about."""
    named = found.get("ctx", {}).get("field") if found["type"] == "policy" else None
    return (*found["loc"], named) if named else tuple(found["loc"])


def sample_value(schema: Schema, here: Schema, *, high: bool) -> Any:
    """Some value that the schema allows: a low number, or a ``high`` one where a low one did not help."""
    forms = options_of(schema, here)
    form = forms[0] if forms else {}
    kind = form.get("type")
    if "enum" in form or "const" in form:
        return form.get("const", next(iter(form.get("enum", [None]))))
    if kind in {"integer", "number"}:
        return _sample_number(form, high=high)
    if kind == "array":
        return [sample_value(schema, form.get("items", {}), high=high)]
    if kind == "object":
        inner = form.get("properties", {})
        return {name: sample_value(schema, inner[name], high=high) for name in form.get("required", ())}
    return {"boolean": False}.get(str(kind), "replaced")


def _sample_number(form: Schema, *, high: bool) -> float:
    low = form.get("minimum", form.get("exclusiveMinimum", 0))
    top = form.get("maximum", form.get("exclusiveMaximum", low + 1))
    if form["type"] == "integer":
        return int(top if high else low)
    return float(low + (top - low) * (0.999 if high else 0.001))
