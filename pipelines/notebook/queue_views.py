"""The queue in a notebook: nights, open cases, and a replay of policies over past nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import assembly
from pipelines.notebook import html_parts
from pipelines.notebook.data_frames import to_pandas
from pipelines.notebook.effect_view import EffectView
from pipelines.notebook.uplift_view import UpliftView

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.notebook.notebook_source import NotebookSource
    from pipelines.replay.replay_nights import Replay
    from serving.night_report.report_schema import NightReport
    from serving.policy.decision.decide import Policy

CASE_COLUMNS = ("name", "segment", "lane", "arr", "risk", "raised_probability", "priority", "first_reason")


@dataclass(frozen=True, repr=False)
class NightView:
    """The report of a night, with the cases that it opened or raised again."""

    report: NightReport

    @property
    def cases(self) -> pd.DataFrame:
        """The cases of the night in the order in which to work them."""
        import pandas as pd

        rows = [case.model_dump() for case in self.report.queue]
        frame = pd.DataFrame(rows, columns=["account_id", *CASE_COLUMNS])
        return frame.set_index("account_id")

    @property
    def warnings(self) -> list[str]:
        """What the night warns of."""
        from serving.night_report.report_text import warning_lines

        return warning_lines(self.report)

    def __repr__(self) -> str:
        return f"Night of {self.report.as_of}: {len(self.report.queue)} cases"

    def _repr_html_(self) -> str:
        title = html_parts.title(f"Night of {self.report.as_of}", f"{len(self.report.queue)} cases")
        warnings = html_parts.bullets(f"Warning: {warning}" for warning in self.warnings)
        return title + html_parts.table(self.cases) + (html_parts.details("Warnings", warnings) if warnings else "")


@dataclass(frozen=True, repr=False)
class ReplayView:
    """What one or two policies would have done on past nights, and what then happened."""

    replay: Replay

    @cached_property
    def figures(self) -> pd.DataFrame:
        """The figures of each policy as texts: precision, events and revenue caught, lead time, cases and waiting."""
        import pandas as pd

        from serving.policy.replay.replay_figures import comparison_table

        done = {name: result.figures() for name, result in self.replay.done.items()}
        rows = comparison_table(done, self.replay.currency)
        return pd.DataFrame(rows, columns=["figure", *done]).set_index("figure")

    @cached_property
    def nights(self) -> pd.DataFrame:
        """The counts of each night by policy: cases opened, raised again, waiting, held out, and open after it."""
        import pandas as pd

        rows = [
            {"policy": name, **night._asdict()} for name, result in self.replay.done.items() for night in result.nights
        ]
        return pd.DataFrame(rows).set_index(["policy", "as_of"])

    @property
    def models(self) -> dict[str, str]:
        """By risk, which model scored the nights: one that has not learned from them, where that was possible."""
        return {risk: model.origin.value for risk, model in self.replay.models.items()}

    def __repr__(self) -> str:
        return f"Replay from {self.replay.first} to {self.replay.last} of {', '.join(self.replay.done)}"

    def _repr_html_(self) -> str:
        title = html_parts.title(f"Replay of the nights from {self.replay.first} to {self.replay.last}")
        models = ", ".join(f"{risk}: {origin.replace('_', ' ')}" for risk, origin in self.models.items())
        return title + html_parts.table(self.figures) + html_parts.paragraph(f"Models by risk: {models}.")


def run_night(source: NotebookSource, day: date | None) -> NightView:
    """Run one night of the source, as the command `rescue nightly` does.

    Raises:
        UsageError: the day or a setting is not valid.
        DataGateError: the source is not fit for a night.
    """
    from pipelines.night.night import run_nights
    from pipelines.step_runner import plain_runner

    with source.steps.step("night", "Running the night"):
        (report,) = run_nights(source.settings, day, plain_runner(source.steps), source.steps)
    return NightView(report)


def open_cases(source: NotebookSource) -> pd.DataFrame:
    """The open cases in the order in which to work them, one row a case.

    Raises:
        UsageError: there is no queue yet.
    """
    from serving.store.queries import night_queries

    with assembly.open_queue(source.settings) as store, store.reading() as session:
        return to_pandas(night_queries.queue_table(session)).set_index("case_id")


def replay_policies(
    source: NotebookSource, first: date, last: date, policies: Sequence[str | Path | None]
) -> ReplayView:
    """Replay each policy file over the nights; None is the policy of the settings.

    Raises:
        UsageError: a policy is not valid, or the nights do not lie within the data.
    """
    from pipelines.replay.replay_nights import replay_nights

    loaded: dict[str, Policy] = {}
    for file in policies:
        name = "policy in use" if file is None else Path(file).name
        loaded[f"{name} (against)" if name in loaded else name] = _load_policy(source, file)
    with source.steps.step("replay", "Replaying past nights"):
        return ReplayView(replay_nights(source.settings, loaded, first, last, source.steps))


def _load_policy(source: NotebookSource, file: str | Path | None) -> Policy:
    """The policy in a file, or the one in force."""
    if file is None:
        return assembly.current_policy(source.settings).policy
    return assembly.load_policy(source.settings.model_copy(update={"policy": Path(file)}))


def measure_effect(source: NotebookSource, risk: str) -> EffectView:
    """The effect of the team on a risk, by what the nights in the home folder recorded and what happened since.

    Raises:
        UsageError: there is no such risk, or no queue yet.
    """
    from pipelines.monitoring.effect import effect

    known = source.risk(risk)
    with assembly.open_queue(source.settings) as store, store.reading() as session:
        return EffectView(known, effect(session, source.history, known.label))


def train_uplift_model(source: NotebookSource, risk: str, before: date | None) -> UpliftView:
    """Train an uplift model from the enrolments of the queue, as ``rescue train --uplift`` does.

    Raises:
        UsageError: there is no such risk, or no queue yet.
    """
    from pipelines.monitoring.uplift_training import train_uplift_from

    known = source.risk(risk)
    (report,) = train_uplift_from(source.settings, known.name, before, source.steps).reports
    return UpliftView(known, report)
