"""Models in a notebook: what was trained, what the gate decided, and why an account is at risk."""

from __future__ import annotations

import getpass
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import UsageError
from pipelines.notebook import html_parts
from pipelines.notebook.backtest_view import BacktestView

if TYPE_CHECKING:
    import pandas as pd

    from models.promotion.gate import Promotion
    from pipelines.notebook.notebook_source import NotebookSource
    from pipelines.training.train_models import Training

REASON_COLUMNS = ("account_id", "name", "probability", "reason", "group", "strength", "weak")
ALL_ACCOUNTS = 10
"""So many accounts are explained where none are named: those most at risk."""


@dataclass(frozen=True, repr=False)
class TrainingView:
    """What a training registered, by risk, and whether it is champion now."""

    training: Training

    @property
    def table(self) -> pd.DataFrame:
        """One row a risk: version, learner, whether it is champion, the figures, and the reason of the decision."""
        import pandas as pd

        registered = [
            {
                "risk": one.risk,
                "version": one.version,
                "learner": one.trained.kind,
                "champion": one.champion,
                "rows": one.trained.rows,
                "events": one.trained.events,
                "auc": one.trained.evaluation.overall.scorers["model"]["auc"].value,
                "reason": one.reason,
            }
            for one in self.training.registered
        ]
        missing = [{"risk": risk, "reason": reason} for risk, reason in self.training.not_learnable.items()]
        return pd.DataFrame([*registered, *missing]).set_index("risk")

    def decision(self, risk: str) -> PromotionView:
        """What the gate decided on the version of a risk, check by check.

        Raises:
            UsageError: no version of this risk was registered, or none met the gate.
        """
        for one in self.training.registered:
            if one.risk == risk and one.decision is not None:
                return PromotionView(one.decision, one.champion)
        raise UsageError(f"The gate did not decide on a model of {risk} in this training.")

    def __repr__(self) -> str:
        warnings = (f"Warning: {warning}" for warning in self.training.warnings)
        return "\n".join([*(one.summary() for one in self.training.registered), *warnings])

    def _repr_html_(self) -> str:
        return html_parts.table(self.table) + html_parts.bullets([f"Warning: {it}" for it in self.training.warnings])


@dataclass(frozen=True, repr=False)
class PromotionView:
    """The gate's decision on a version, with each of its checks, and whether the version is champion now."""

    decision: Promotion
    promoted: bool

    @property
    def text(self) -> str:
        """The decision in a sentence or two."""
        from models.reports.gate_text import render_decision

        return render_decision(self.decision)

    @property
    def checks(self) -> pd.DataFrame:
        """One row a check: whether it passed, and what was compared."""
        import pandas as pd

        from models.reports.gate_text import decision_tags

        name = "check."
        rows = [
            {
                "check": key.removeprefix(name).replace("_", " "),
                "passed": text.startswith("passed"),
                "result": text.partition(": ")[2],
            }
            for key, text in decision_tags(self.decision).items()
            if key.startswith(name)
        ]
        return pd.DataFrame(rows, columns=["check", "passed", "result"]).set_index("check")

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return html_parts.paragraph(self.text) + html_parts.table(self.checks)


def explain_accounts(
    source: NotebookSource, risk: str, day: date | None, accounts: Collection[str] | None
) -> pd.DataFrame:
    """The reasons of accounts as of a day, one row a reason, by the champion; the strongest account first.

    Raises:
        UsageError: there is no champion of this risk, or an account cannot be scored on that day.
    """
    import pandas as pd

    from models.explain.reasons import explain
    from pipelines.night.scoring import score_accounts

    known = source.risk(risk)
    champion = source.registry.champion(known.name)
    if champion is None:
        raise UsageError(f"There is no champion of {risk} yet: train a model first.")
    days = [day or source.history.until]
    scored = score_accounts(source.history, source.frame(days), days, {risk: champion}, ())
    chosen = _chosen(scored.scores, accounts, risk, days[0])
    frame = scored.frames[risk]
    places = pc.index_in(chosen["account_id"], value_set=frame["account_id"].combine_chunks())
    reasons = explain(champion.model, frame.take(places))
    names = _account_names(source, days[0])
    rows = [
        row
        for account, probability, found in zip(
            chosen["account_id"].to_pylist(), chosen["probability"].to_pylist(), reasons, strict=True
        )
        for row in _reason_rows(account, names.get(account, ""), probability, found)
    ]
    return pd.DataFrame(rows, columns=list(REASON_COLUMNS))


def _chosen(scores: pa.Table, accounts: Collection[str] | None, risk: str, day: date) -> pa.Table:
    """The scores of the wanted accounts, the highest first."""
    ordered = scores.sort_by([("rank_score", "descending")])
    if accounts is None:
        return ordered.slice(0, ALL_ACCOUNTS)
    scored = set(ordered["account_id"].to_pylist())
    missing = [account for account in accounts if account not in scored]
    if missing:
        raise UsageError(f"The account {missing[0]!r} has no score of {risk} on {day}.")
    return ordered.filter(pc.is_in(ordered["account_id"], value_set=pa.array(list(accounts), pa.string())))


def _reason_rows(account: str, name: str, probability: float, reasons: Any) -> Iterator[dict[str, Any]]:
    for reason in reasons:
        yield {
            "account_id": account,
            "name": name,
            "probability": probability,
            "reason": reason.sentence,
            "group": reason.group,
            "strength": reason.strength,
            "weak": reason.weak,
        }


def _account_names(source: NotebookSource, day: date) -> dict[str, str]:
    rows = source.history.as_of(day).rows("accounts")
    return dict(zip(rows["account_id"].to_pylist(), rows["name"].to_pylist(), strict=True))


def run_backtest(source: NotebookSource, risk: str, before: date | None) -> BacktestView:
    """Evaluate a model of the risk on later cutoffs.

    Raises:
        UsageError: there is no such risk.
        NotLearnableError: the source is too short, or has too few events.
    """
    from pipelines.training.backtesting import backtest_source

    known = source.risk(risk)
    with source.steps.step("backtest", f"Backtest of {risk}"):
        done = backtest_source(source.fit, risk, before, source.steps)
    return BacktestView(known, done.results[known])


def train_models(source: NotebookSource, risk: str, before: date | None, tune: int) -> TrainingView:
    """Train and register models, and let the gate decide.

    Raises:
        UsageError: there is no such risk.
        NotLearnableError: no risk can be learned.
    """
    from pipelines.training.train_models import train_from

    with source.steps.step("train", f"Training of {risk}"):
        return TrainingView(train_from(source.settings, risk, before, tune, source.steps))


def promote_model(source: NotebookSource, risk: str, version: str | None, reason: str | None) -> PromotionView:
    """Compare a version with the champion, and promote it where the gate or the ``reason`` says so.

    Raises:
        UsageError: there is no such version, or it is champion already.
    """
    from pipelines.training.promotion import promote_version

    source.risk(risk)
    with source.steps.step("promote", f"Comparison of {risk}"):
        decision, promoted = promote_version(
            source.settings, risk, version, reason, by=getpass.getuser(), steps=source.steps
        )
    return PromotionView(decision, promoted)
