"""Training as a command and as a Prefect flow: read a source, fit each risk, register, and meet the gate."""

from __future__ import annotations

import tempfile
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError
from models import risks
from pipelines import assembly
from pipelines.intake import open_data
from pipelines.settings import Settings, writable_home
from pipelines.trainer import Registered
from pipelines.trainer import train as train_risks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.risks import Risk
    from pipelines.console import Steps


def train_from(settings: Settings, risk: str, through: date | None, tune: int, steps: Steps) -> list[Registered]:
    """Train ``risk`` (or ``all``) on the settings' source and register what came of it.

    Raises:
        UsageError: the source has no such risk.
        DataGateError: the source is not fit to be read.
        NotLearnableError: it is too short, or too little happened in it.
    """
    writable_home(settings)
    with tempfile.TemporaryDirectory(prefix="rescue-") as scratch:
        with steps.step("admit", f"Reading {settings.data} and checking its rows"):
            opened = open_data(settings, Path(scratch))
        wanted = _chosen(risks.for_history(opened.history, opened.risk_settings), risk)
        return train_risks(
            opened.history,
            wanted,
            assembly.registry(settings),
            source=opened.facts(),
            through=through,
            tune=tune,
            memory=settings.memory,
            tell=steps.tell,
        )


def _chosen(known: Mapping[str, Risk], risk: str) -> list[Risk]:
    if risk == "all":
        return list(known.values())
    if risk in known:
        return [known[risk]]
    near = get_close_matches(risk, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)} and all."
    raise UsageError(f"This source has no risk {risk!r}; {hint}")
