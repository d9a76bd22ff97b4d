"""A night, step by step: source → admission → features → scores → decision → cases with frozen hand-offs → report.

Written once and run either way: plainly, or with each step as a Prefect task. Nothing is written to the queue before
the one transaction of the step *record*; what fails before leaves last night's queue as it was.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import UsageError
from features.validation.volume import NIGHTS, check_volume
from models.risks import risk
from pipelines import assembly
from pipelines.monitoring.feed_freshness import stale_feeds
from pipelines.monitoring.realised_outcomes import hindsight
from pipelines.night.decision_step import DecisionContext, NightDecision, decide_night
from pipelines.night.night_folder import restore_report, write_quarantine, write_report
from pipelines.night.night_models import NightModels, load_models
from pipelines.night.night_report import NightReport
from pipelines.night.scoring import NightScores, score_accounts
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings, writable_home
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import ValidatedSource, reading_text, validate_source
from serving.cases import sla_timers
from serving.delivery import deliver, open_channels
from serving.nights import night_lease
from serving.nights.heartbeat import beating
from serving.nights.record_night import record_night
from serving.store import night_queries

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.console import Steps
    from pipelines.step_runner import StepRunner
    from serving.policy.decision.decide import Policy
    from serving.store import Store


def run_nights(
    settings: Settings, as_of: date | None, do: StepRunner, steps: Steps, *, catch_up: bool = False
) -> list[NightReport]:
    """Run the night of ``as_of`` (default: the first day after the source's newest row), or all that were missed.

    Raises:
        UsageError: a setting, the policy or the day does not fit.
        DataGateError: the source is not fit for a night; the queue is as it was.
    """
    writable_home(settings)
    policy = assembly.load_policy(settings)
    open_channels(settings.channels)  # a channel that cannot work stops the night before it begins
    with scratch_folder() as scratch, assembly.open_store(settings) as store:
        if as_of and not catch_up and (known := _known(settings, store, as_of)):
            return [known]
        refuse_other_source(settings, store)
        opened = _open(settings, do, scratch / "0")
        cutoff = _checked(as_of, opened)
        for sentence in () if as_of else opened.validation.report.timestamp_outliers:
            steps.tell(sentence)  # the default night may be one that was recorded, whose report cannot say it
        missed = _missed(settings, store, cutoff, steps) if catch_up else [cutoff]
        reports = []
        for place, day in enumerate(missed or [cutoff]):
            if len(missed) > 1:
                steps.tell(f"The night of {day}, {place + 1} of {len(missed)}")
            if place:  # the night before wrote outcomes that this one has to know
                opened = _open(settings, do, scratch / str(place))
            reports.append(_run(_Night(settings, policy, store, opened, day, do, steps)))
        return reports


def _missed(settings: Settings, store: Store, cutoff: date, steps: Steps) -> list[date]:
    """The nights to catch up with; those that the setting leaves out are told, for nothing will run them any more."""
    every = night_lease.missing_nights(store, cutoff, limit=cutoff.toordinal())
    kept = every[-settings.catch_up :] if settings.catch_up else []
    if left := every[: len(every) - len(kept)]:
        steps.tell(f"{len(left)} missed nights from {left[0]} to {left[-1]} are left out (catch_up = {len(kept)})")
    return kept


def _open(settings: Settings, do: StepRunner, scratch: Path) -> ValidatedSource:
    scratch.mkdir()
    return do("admit", reading_text(settings), validate_source, settings, scratch)


@dataclass(frozen=True)
class _Night:
    """What every step of one night shares."""

    settings: Settings
    policy: Policy
    store: Store
    opened: ValidatedSource
    as_of: date
    do: StepRunner
    steps: Steps


def _run(night: _Night) -> NightReport:
    """One night: take it, work it, and give it back at once when something fails."""
    held = night_lease.begin(night.store, night.as_of, uuid.uuid4().hex[:12])
    if isinstance(held, night_lease.Recorded):
        return _recorded(night)
    try:
        with beating(night.store, held):
            return _work(night, held)
    except BaseException as error:
        with suppress(Exception):  # the first error is the one to tell
            night_lease.abandon(night.store, held, str(error) or type(error).__name__)
        raise


def _work(night: _Night, held: night_lease.Night) -> NightReport:
    do, history, as_of = night.do, night.opened.history, night.as_of
    _judge_volume(night)
    known = risk.for_history(history, night.opened.risk_settings)
    models = do("models", "Loading the champions", load_models, night.opened, known, as_of, night.steps)
    frame = do("features", "Building features", _frame, night)
    stale = stale_feeds(history, as_of)
    scored = do(
        "score", "Scoring", score_accounts, history, frame, [as_of], models.champions, stale, list(models.without)
    )
    channels = tuple(sorted(night.settings.channels))
    desk = DecisionContext(history, as_of, night.policy, night.store, models.champions, channels, tuple(stale.values()))
    decided = do("decide", "Deciding whom to rescue", decide_night, desk, frame, scored)
    came_of = do("hindsight", "Looking at what came of earlier nights", hindsight, night.store, history, known)
    report = replace(_report(night, held, scored, models, decided), came_of=came_of)
    write_quarantine(night.settings, as_of, night.opened.validation)
    do("record", "Writing the queue", record_night, night.store, held, decided.record(report.to_json()))
    do("clocks", "Minding the clocks", partial(sla_timers.tick, channels=channels), night.store)
    if channels:
        do("deliver", "Delivering hand-offs", deliver, night.store, open_channels(night.settings.channels))
    report = replace(report, seconds=dict(night.steps.seconds), queue=_queue(night.store, as_of))
    write_report(night.settings, report)
    return report


def _judge_volume(night: _Night) -> None:
    """Stop where a table holds far fewer rows than it did on the nights before: an export that broke off."""
    with night.store.reading() as session:
        earlier = night_queries.rows_of_nights(session, NIGHTS)
    check_volume({name: counts["rows"] for name, counts in night.opened.tables_json().items()}, earlier)


def _frame(night: _Night) -> pa.Table:
    return assembly.frame_builder(night.settings)(night.opened.history, [night.as_of])


def _report(
    night: _Night, held: night_lease.Night, scored: NightScores, models: NightModels, decided: NightDecision
) -> NightReport:
    return NightReport(
        as_of=night.as_of,
        run_id=held.run_id,
        tables=night.opened.tables_json(),
        eligible=scored.eligible,
        scored=scored.counts,
        not_scored=scored.not_scored,
        flagged=len(decided.decision.flags),
        cases_opened=len(decided.decision.flags),
        models={risk: champion.version for risk, champion in models.champions.items()},
        seconds=dict(night.steps.seconds),
        queue=(),
        files=night.opened.files_json(),
        counts=dict(decided.decision.counts),
        missing=night.opened.missing,
        warnings=(
            *models.warnings,
            *night.opened.warnings,
            *scored.warnings,
            *decided.warnings,
            *stale_feeds(night.opened.history, night.as_of).values(),
        ),
    )


def _checked(as_of: date | None, opened: ValidatedSource) -> date:
    """The day to run: the one asked for where the data can answer it, else the first after the newest row."""
    first, until = opened.history.first, opened.history.until
    if as_of is None:
        return until
    if as_of <= first:
        raise UsageError(f"--as-of {as_of} is before the data, which begin on {first}: choose a day after that.")
    return as_of


def _known(settings: Settings, store: Store, as_of: date) -> NightReport | None:
    with store.reading() as session:
        found = night_queries.night_report(session, as_of)
    if not found:
        return None
    report = NightReport.from_json({**found, "queue": _queue(store, as_of)}, unchanged=True)
    restore_report(settings, report)
    return report


def _queue(store: Store, as_of: date) -> list[dict[str, Any]]:
    with store.reading() as session:
        return night_queries.night_queue(session, as_of)


def _recorded(night: _Night) -> NightReport:
    found = _known(night.settings, night.store, night.as_of)
    if found is None:
        raise UsageError(f"The night of {night.as_of} was recorded by another version of Rescue, without a report.")
    return found
