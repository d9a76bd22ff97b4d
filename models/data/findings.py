"""What a report has to say, as data: a code and the numbers that its sentence is rendered from.

Sentences are for people and change with the wording. Whatever decides, filters or compares uses the code and the
numbers; `models.reports.sentences` renders the sentence, and nothing reads it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One statement of a report: ``code`` says which, ``parameters`` hold its numbers and names (plain JSON values)."""

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """``{"code", "parameters"}``."""
        return {"code": self.code, "parameters": dict(self.parameters)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        """What :meth:`to_json` wrote."""
        return cls(data["code"], data["parameters"])
