"""Rescue in a notebook: the same data, features, labels, models and queue as the command line, as pandas objects.

Everything is as of a cutoff: what was known before that day, and nothing that was learned later.

    >>> import rescue
    >>> data = rescue.open("data_samples")
    >>> data.report.fit
    True
    >>> data.frame("2026-06-01", features=["health_score", "tickets_open"]).shape
    (396, 4)

The settings are those of ``rescue.toml`` and the environment, and the arguments of :func:`open` win over both. An error
is one sentence that says what is wrong and what to do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.notebook import feature_tables, model_views, queue_views, simulated_team
from pipelines.notebook.data_frames import Cutoff, cutoff_days, one_day
from pipelines.notebook.notebook_source import NotebookData, NotebookSource, open_notebook_source
from pipelines.notebook.source_report import SourceReport, report_source

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.notebook.backtest_view import BacktestView
    from pipelines.notebook.effect_view import EffectView
    from pipelines.notebook.model_views import PromotionView, TrainingView
    from pipelines.notebook.queue_views import NightView, ReplayView
    from pipelines.notebook.uplift_view import UpliftView

__all__ = ["Workspace", "open", "simulate", "simulate_team"]


def open(
    source: NotebookData = None,
    *,
    mapping: str | Path | None = None,
    home: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Workspace:
    """Open and validate a source: a folder, a DuckDB file or a database URL; by default that of ``rescue.toml``.

    Args:
        source: the source; for several, a dictionary such as ``{"crm": "exports/crm", "helpdesk": "exports/desk"}``.
            Its values may also be the settings of a source: ``{"data": …, "mapping": "zendesk/fivetran"}``.
        mapping: a folder with one ``<table>.sql`` for each table of the data contract.
        home: the folder of queue and models; only what trains, promotes or runs a night writes to it.
        progress: whether long steps show a bar.
        settings: any setting of ``rescue.toml``, such as ``currency="EUR"`` or ``tolerance=0.1``.

    Raises:
        UsageError: there is no such source or setting.

    >>> import rescue
    >>> rescue.open("data_samples")
    Source data_samples: 8 tables. A night can run on this source.
    """
    return Workspace(open_notebook_source(source, mapping, home, progress, **settings))


def simulate(folder: str | Path, accounts: int = 200, months: int = 18, **settings: Any) -> Path:
    """Write a simulated company to a new folder, to try things on; the true risks are in its table ``truth``.

    ``settings`` are those of ``rescue simulate``: ``seed``, ``world`` and others.

    >>> import rescue, tempfile
    >>> folder = rescue.simulate(tempfile.mkdtemp(), accounts=20, months=3)
    >>> sorted(file.name for file in folder.iterdir())[:2]
    ['accounts.parquet', 'health_scores.parquet']
    """
    return feature_tables.simulate_source(Path(folder), accounts, months, **settings)


def simulate_team(
    folder: str | Path, policy: str | Path | None = None, *, progress: bool = True, **settings: Any
) -> Workspace:
    """A simulated company whose team works the queue of every month's night, to see what a measurement would find.

    Args:
        folder: for its tables and its home; new or empty.
        policy: a policy file; by default that of Rescue.
        progress: whether the nights show a bar.
        settings: ``accounts``, ``months``, ``nights``, ``seed``, and ``effect``, by which a rescue multiplies an
            account's risk of leaving for half a year.
    """
    team = simulated_team.SimulatedTeam(**settings)
    file = None if policy is None else Path(policy)
    return Workspace(simulated_team.simulate_team(Path(folder), file, team, progress=progress))


@dataclass(frozen=True, eq=False, repr=False)
class Workspace:
    """An open source, with everything that Rescue can compute from it; made by :func:`open`."""

    source: NotebookSource

    @cached_property
    def report(self) -> SourceReport:
        """The validation report: rows accepted and quarantined by table, with examples, and what is missing.

        >>> import rescue
        >>> data = rescue.open("data_samples")
        >>> data.report.tables.loc["invoices", ["rows", "quarantined"]].tolist()
        [7036, 10]
        """
        return report_source(self.source)

    @property
    def risks(self) -> pd.DataFrame:
        """The risks of this source: what counts as the event, over which horizon, and the team's capacity.

        >>> import rescue
        >>> rescue.open("data_samples").risks["horizon"].to_dict()
        {'churn': 90, 'escalation': 14}
        """
        return feature_tables.risk_table(self.source)

    @property
    def features(self) -> pd.DataFrame:
        """Every feature: its group, its meaning, and its unit.

        >>> import rescue
        >>> rescue.open("data_samples").features.loc["tickets_open", "group"]
        'support'
        """
        return feature_tables.feature_table(self.source)

    def frame(self, *cutoffs: Cutoff, features: Collection[str] | None = None) -> pd.DataFrame:
        """The features of every account as of each cutoff, by default the first day after the newest row.

        Args:
            cutoffs: days, or several at once such as ``pd.date_range(…)``.
            features: the names of those that are wanted; by default all.

        >>> import rescue
        >>> data = rescue.open("data_samples")
        >>> data.frame("2026-05-01", "2026-06-01", features=["tickets_open"]).columns.tolist()
        ['account_id', 'as_of', 'tickets_open']
        """
        return feature_tables.feature_frame(self.source, cutoff_days(cutoffs), features)

    def labels(self, risk: str, *cutoffs: Cutoff) -> pd.DataFrame:
        """Whether the event happened after each cutoff, or why that is not known; by default at weekly cutoffs.

        >>> import rescue
        >>> labels = rescue.open("data_samples").labels("churn", "2026-01-01", "2026-06-25")
        >>> labels.groupby("as_of")["event"].count().tolist()
        [282, 0]
        """
        return feature_tables.label_table(self.source, risk, cutoff_days(cutoffs))

    def cut(self, cutoff: Cutoff) -> Workspace:
        """The same source as it was at a cutoff: a copy of it that holds only what was known before.

        >>> import rescue
        >>> data = rescue.open("data_samples")
        >>> past = data.cut("2026-03-01")
        >>> past.frame("2026-03-01").equals(data.frame("2026-03-01"))
        True
        """
        return Workspace(feature_tables.cut_source(self.source, one_day(cutoff, "cutoff")))

    def find_leaks(self, *cutoffs: Cutoff, accounts: int = 20) -> pd.DataFrame:
        """Features whose value at a cutoff changes when the future does; an empty table is what you want to see.

        The future of some accounts is changed in three ways: later rows removed, extreme rows added, open ends closed.
        In tables without ``known_at`` columns that systems overwrite are changed, too (``overwritten, no known_at``):
        such a feature has the value of today at every cutoff, until the source keeps versions.

        >>> import rescue
        >>> len(rescue.open("data_samples").find_leaks("2026-03-01", accounts=3))
        0
        """
        return feature_tables.leak_table(self.source, cutoff_days(cutoffs), accounts)

    def backtest(self, risk: str, before: Cutoff = None) -> BacktestView:
        """What a model of the risk would have been worth on nights that it had not seen. Nothing is registered.

        Args:
            risk: its name.
            before: use only what was known before this day.

        >>> import rescue
        >>> result = rescue.open("data_samples").backtest("churn", before="2026-01-01")
        >>> bool(result.figures.loc["auc", "low"] > 0.5)
        True
        >>> "gain_and_lift" in result.plots
        True
        """
        return model_views.run_backtest(self.source, risk, None if before is None else one_day(before, "before"))

    def train(self, risk: str = "all", before: Cutoff = None, tune: int = 0) -> TrainingView:
        """Train and register a model of the risk, or of all; the gate decides whether it becomes champion.

        For example ``data.train("churn").table``, and then ``data.reasons("churn")``. The runs are in MLflow's store.
        """
        return model_views.train_models(self.source, risk, None if before is None else one_day(before, "before"), tune)

    def promote(self, risk: str, version: str | None = None, reason: str | None = None) -> PromotionView:
        """Put a version, by default the newest challenger, before the gate; with a ``reason`` promote it anyway."""
        return model_views.promote_model(self.source, risk, version, reason)

    def reasons(self, risk: str, accounts: Collection[str] | None = None, as_of: Cutoff = None) -> pd.DataFrame:
        """Why accounts are at risk, by the champion: one row a reason; by default for those most at risk."""
        day = None if as_of is None else one_day(as_of, "as_of")
        return model_views.explain_accounts(self.source, risk, day, accounts)

    def nightly(self, as_of: Cutoff = None) -> NightView:
        """Run one night: score, decide, and write the queue in the home folder, as ``rescue nightly`` does."""
        return queue_views.run_night(self.source, None if as_of is None else one_day(as_of, "as_of"))

    def queue(self) -> pd.DataFrame:
        """The open cases in the order in which to work them."""
        return queue_views.open_cases(self.source)

    def replay(
        self, first: Cutoff, last: Cutoff, policy: str | Path | None = None, against: str | Path | None = None
    ) -> ReplayView:
        """What a policy would have done on past nights, and what then happened; and a second one beside it."""
        policies = [policy] if against is None else [policy, against]
        return queue_views.replay_policies(self.source, one_day(first, "first"), one_day(last, "last"), policies)

    def effect(self, risk: str) -> EffectView:
        """Whether rescues help: worked accounts against held-out ones, by what the nights in the home recorded."""
        return queue_views.measure_effect(self.source, risk)

    def uplift(self, risk: str, before: Cutoff = None) -> UpliftView:
        """Whom a rescue helps: train an uplift model from the hold-out and register it, and see what it is worth."""
        return queue_views.train_uplift_model(self.source, risk, None if before is None else one_day(before, "before"))

    def __repr__(self) -> str:
        return repr(self.report)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()
