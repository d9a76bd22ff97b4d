"""What a night tells: one JSON object for machines, and a page of plain text for whoever looks in the morning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from serving.contracts import RealisedOutcomes


@dataclass(frozen=True)
class NightReport:
    """The documented keys of ``rescue nightly --json``; see docs/nightly-json.md."""

    as_of: date
    run_id: str
    tables: Mapping[str, Mapping[str, Any]]
    eligible: Mapping[str, int]
    scored: Mapping[str, int]
    not_scored: Mapping[str, Mapping[str, int]]
    flagged: int
    cases_opened: int
    models: Mapping[str, str]
    seconds: Mapping[str, float]
    queue: Sequence[Mapping[str, Any]]
    files: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    missing: Sequence[str] = ()
    warnings: Sequence[str] = ()
    came_of: Mapping[str, RealisedOutcomes] = field(default_factory=dict)
    unchanged: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_json(cls, found: Mapping[str, Any], *, unchanged: bool) -> NightReport:
        """The report as it was recorded, of a night that was run before."""
        known = {name: found[name] for name in cls.__dataclass_fields__ if name in found}
        came_of = {risk: RealisedOutcomes(**told) for risk, told in found.get("came_of", {}).items()}
        given = {**known, "as_of": date.fromisoformat(found["as_of"]), "came_of": came_of, "unchanged": unchanged}
        return cls(**given)

    def write(self, folder: Path) -> None:
        """Keep the report beside the night's quarantine, as ``report.json``; whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / ".report.json"
        half.write_text(json.dumps(self.to_json(), indent=1), encoding="utf-8")
        half.replace(folder / "report.json")
