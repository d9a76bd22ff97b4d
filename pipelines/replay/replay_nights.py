"""Replay: the whole policy over past nights, each with what was known then, to choose thresholds by.

A model that has learned from the replayed nights makes the figures too good. So unless the champion's last training
label had matured before the first night, a model is trained on what was known then. Where that is not possible, the
champion is used with a warning. The outcome of a night is its label; a label that has not matured counts neither as
correct nor as wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines.night.uplift_scores import NO_UPLIFT, UpliftModels, load_uplift
from pipelines.replay.past_nights import PastNights
from pipelines.replay.replay_models import ReplayContext, ReplayModel, choose_models
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source_step
from serving.night_report.report_text import day_text
from serving.policy.replay.replay import replay_policies

if TYPE_CHECKING:
    from features.history.history import History
    from pipelines.console import Steps
    from serving.policy.decision.decide import Policy
    from serving.policy.replay.replay import PastNight
    from serving.policy.replay.replay_figures import ReplayResult


@dataclass(frozen=True)
class Replay:
    """The result of each policy over the nights, by the policy's name; ``models`` holds by risk what scored them.

    ``currency`` is that of all contracts; empty where they have none, or several.
    """

    first: date
    last: date
    models: Mapping[str, ReplayModel]
    done: Mapping[str, ReplayResult]
    uplift: UpliftModels = NO_UPLIFT
    currency: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values: figures, and each night's counts, by policy."""
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "models": {risk: model.to_json() for risk, model in self.models.items()},
            **({"uplift": self._uplift()} if self.uplift.models or self.uplift.not_used else {}),
            "policies": {name: _json(done) for name, done in self.done.items()},
        }

    def _uplift(self) -> dict[str, Any]:
        used = {risk: {"version": version, "reason": ""} for risk, version in self.uplift.versions.items()}
        return used | {risk: {"version": None, "reason": reason} for risk, reason in self.uplift.not_used.items()}


def replay_nights(
    settings: Settings,
    policies: Mapping[str, Policy],
    first: date,
    last: date,
    steps: Steps,
    *,
    champion: bool = False,
) -> Replay:
    """Run each policy over the nights from ``first`` to ``last``, on a queue that is empty before the first.

    ``champion`` scores with the champion even where it has learned from these nights: faster, but too optimistic.

    Raises:
        UsageError: the nights do not lie within the data, or the last is before the first.
        DataGateError: the source is not fit to be read.
    """
    if last < first:  # before the source is read
        raise UsageError(f"--to {last} is before --from {first}.")
    return _replay(settings, policies, steps, lambda history: _nights(history, first, last), champion=champion)


def replay_newest_nights(
    settings: Settings,
    policies: Mapping[str, Policy],
    count: int,
    steps: Steps,
    done: Callable[[int], None],
    last: date | None = None,
) -> Replay:
    """Run each policy over the newest ``count`` nights of the source up to ``last``, or as many as it has.

    ``last`` is the newest night that was recorded: the source may already have data for the next one. ``done`` is
    called with the number of nights that are done.

    Raises:
        UsageError: the source has no night to replay.
        DataGateError: the source is not fit to be read.
    """
    return _replay(settings, policies, steps, lambda history: _newest(history, count, last), done=done)


def _replay(
    settings: Settings,
    policies: Mapping[str, Policy],
    steps: Steps,
    choose: Callable[[History], list[date]],
    *,
    champion: bool = False,
    done: Callable[[int], None] | None = None,
) -> Replay:
    with scratch_folder() as scratch:
        opened = validate_source_step(settings, scratch, steps)
        nights = choose(opened.history)
        first, last = nights[0], nights[-1]
        known = for_history(opened.history, opened.risk_settings)
        with steps.step("models", "Choosing models that have not learned from these nights"):
            registry = assembly.open_registry(settings)
            build = assembly.frame_builder(opened.settings)
            context = ReplayContext(opened.history, registry, build, steps.log, champion)
            models = choose_models(context, known, first)
            uplift = load_uplift(settings, policies.values(), known).not_known_before(first)
        with steps.step("replay", f"Replaying {len(nights)} nights"):
            conditions = frozenset(name for policy in policies.values() for name in policy.conditions.columns)
            kinds = tuple({it.column: it for policy in policies.values() for it in policy.conditions.tickets}.values())
            build = assembly.frame_builder(opened.settings, _needed(models.values(), conditions) | uplift.features())
            scoring = {risk: model.model for risk, model in models.items()}
            past = PastNights(opened.history, known, scoring, build, conditions, settings.competitors, uplift, kinds)
            result = replay_policies(_counted(past.nights(nights), done), policies)
            currency = _currency(opened.history)
    return Replay(first, last, models, result, uplift, currency)


def _currency(history: History) -> str:
    """The currency of all contracts; empty where they have none, or several."""
    if "subscriptions" not in history.present:
        return ""
    found = history.query("SELECT DISTINCT upper(currency) AS code FROM subscriptions WHERE currency IS NOT NULL")
    return str(found["code"][0].as_py()) if found.num_rows == 1 else ""


def _counted(nights: Iterator[PastNight], done: Callable[[int], None] | None) -> Iterator[PastNight]:
    """The nights; each is counted when the next one is asked for, because it has been decided then."""
    for number, night in enumerate(nights):
        if done is not None and number:
            done(number)
        yield night


def keep_replay(settings: Settings, policies: Mapping[str, Policy], replay: Replay) -> None:
    """Store the figures of each version with the queue, for `rescue policy draw --as pdsa`.

    Raises:
        UsageError: there is no queue.
    """
    from serving.store.database import utcnow
    from serving.store.queries.policy_queries import store_replay

    with assembly.open_queue(settings) as store, store.transaction() as session:
        for name, done in replay.done.items():
            nights, figures = (replay.first, replay.last), asdict(done.figures())
            store_replay(session, done.policy_version, policies[name].rules.hypothesis, nights, figures, utcnow())


def _needed(models: Iterable[ReplayModel], conditions: frozenset[str]) -> frozenset[str]:
    """The features that a model or a condition reads; a replay needs no others."""
    read = [frozenset(model.model.model.features) for model in models]
    return conditions.union(*read)


def _nights(history: History, first: date, last: date) -> list[date]:
    if first <= history.first or last > history.until:
        raise UsageError(
            f"The nights from {day_text(first)} to {day_text(last)} are not within the data: they reach from "
            f"{day_text(history.first + timedelta(days=1))} to {day_text(history.until)}."
        )
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _newest(history: History, count: int, last: date | None = None) -> list[date]:
    end = history.until if last is None else min(last, history.until)
    days = min(count, (end - history.first).days)
    if days < 1:
        raise UsageError("The source has no night that could be replayed: its data cover less than a day.")
    return [end - timedelta(days=number) for number in reversed(range(days))]


def _json(done: ReplayResult) -> dict[str, Any]:
    figures = asdict(done.figures())
    nights = [{**night._asdict(), "as_of": night.as_of.isoformat()} for night in done.nights]
    return {**figures, "each_night": nights}
