"""A night, step by step: source → validation → features → scores → decision → cases with frozen hand-offs → report.

The same function runs plainly or with each step as a Prefect task. Nothing is written to the queue before
the one transaction of the step *record*: a failure before it leaves last night's queue as it was.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import UsageError
from features.history.cache_files import take_write_failures
from features.validation.volume import NIGHTS, check_volume
from models.risks.configuration import for_history
from pipelines import assembly
from pipelines.home_folder import writable_home
from pipelines.monitoring.feed_freshness import feed_reports
from pipelines.monitoring.realised_outcomes import realised_outcomes
from pipelines.night.absence_step import read_absences
from pipelines.night.cluster.cluster_scoring import rows_for_decision, score_frame
from pipelines.night.decision_step import DecisionContext, NightDecision, decide_night
from pipelines.night.night_attempts import logged_attempt, recorded_refusal, recorded_steps
from pipelines.night.night_folder import restore_report, write_quarantine, write_report
from pipelines.night.night_models import NightModels, load_or_train, risks_not_predicted
from pipelines.night.operators import check_channels, log_warnings, report_late_feeds
from pipelines.night.tonight import check_day, choose_day, data_end_earlier, newest_days, refuse_empty_night
from pipelines.night.uplift_scores import load_uplift
from pipelines.scratch import scratch_folder
from pipelines.settings import Settings
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import ValidatedSource, reading_text, validate_source
from pipelines.system_clock import today
from serving.cases.absence.away_people import cases_of_unlisted_people
from serving.cases.sla_timers import run_timers
from serving.delivery.channel_settings import account_channels, broadcast_channels
from serving.night_report.report_schema import NightReport, NightWarning, UnknownResponsible
from serving.night_report.report_text import day_text, feed_problem, plural
from serving.nights import night_lease
from serving.nights.heartbeat import keep_lease
from serving.nights.record_night import record_night, save_seconds
from serving.nights.refresh_records import refresh_records
from serving.operations.attempts import ended_early
from serving.policy_versions.saved_policies import read_policy_in_force
from serving.store.database import utcnow
from serving.store.queries import night_queries
from serving.weekly.weekly_sending import queue_weekly

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from features.cluster_frame import ClusterFrame
    from models.registry.registry import Champion
    from pipelines.console import Steps
    from pipelines.step_runner import StepRunner
    from serving.policy.decision.decide import Policy
    from serving.store import Store


def run_nights(
    settings: Settings,
    as_of: date | None,
    run_step: StepRunner,
    steps: Steps,
    *,
    catch_up: bool = False,
    scheduled: date | None = None,
) -> list[NightReport]:
    """Run the night of ``as_of``, or of the ``scheduled`` day, or tonight; or all nights up to it that were missed.

    Raises:
        UsageError: a setting, the policy or the day is not valid.
        DataGateError: the source is not fit for a night, or has no new rows for a day that nobody asked for by
            ``as_of``, or nobody could be scored; the queue is as it was.
    """
    writable_home(settings)
    with recorded_refusal(settings, as_of or scheduled):
        in_force = assembly.adopt_policy(settings)
        policy = in_force.policy
        check_channels(settings)  # a channel that cannot work stops the night before it begins
    if in_force.number is not None:
        steps.log(f"Policy: version {in_force.number} ({policy.version})")
    if in_force.warning:
        steps.log(f"Warning: {in_force.warning}")
    with scratch_folder() as scratch, assembly.open_store(settings) as store:
        night_day = choose_day(settings, as_of, scheduled)
        cutoff = night_day.day
        night_lease.refuse_late_run(store, cutoff)
        with logged_attempt(settings, store, cutoff) as attempt:
            recorded = None if catch_up else _recorded_report(settings, store, cutoff)
            if recorded is None or not night_day.requested:
                refuse_other_source(settings, store)
            if recorded is not None:
                attempt.end(_complete(settings, store, cutoff, recorded_steps(run_step, attempt), steps))
                return [recorded]
            source = _validate(settings, store, recorded_steps(run_step, attempt), scratch / "0", night_day.tonight)
            check_day(night_day, source.history, settings.stale_after, today(settings.timezone))
        missed = _missed(settings, store, cutoff, steps) if catch_up else [cutoff]
        reports = []
        for place, day in enumerate(missed or [cutoff]):
            if len(missed) > 1:
                steps.log(f"Night of {day_text(day)}, {place + 1} of {len(missed)}")
            with logged_attempt(settings, store, day, None if place else attempt) as current:
                run_recorded = recorded_steps(run_step, current)
                if place:  # the night before wrote outcomes that this one has to know
                    source = _validate(settings, store, run_recorded, scratch / str(place))
                reports.append(_run(_Night(settings, policy, store, source, day, run_recorded, steps)))
                current.end("unchanged" if reports[-1].unchanged else "recorded")
        return reports


def _missed(settings: Settings, store: Store, cutoff: date, steps: Steps) -> list[date]:
    """The nights to catch up with; the nights that the setting leaves out are logged, because nothing will run them."""
    every = night_lease.missing_nights(store, cutoff, limit=cutoff.toordinal())
    nights = every[-settings.catch_up :] if settings.catch_up else []
    if skipped := every[: len(every) - len(nights)]:
        steps.log(
            f"Warning: {plural(len(skipped), 'missed night')} from {day_text(skipped[0])} to {day_text(skipped[-1])} "
            f"will not be run (catch_up = {len(nights)})"
        )
    return nights


def _validate(
    settings: Settings, store: Store, run_step: StepRunner, scratch: Path, tonight: date | None = None
) -> ValidatedSource:
    scratch.mkdir()
    with store.reading() as session:
        earlier = night_queries.rows_of_nights(session, NIGHTS)
    return run_step("validate", reading_text(settings), validate_source, settings, scratch, earlier, tonight)


@dataclass(frozen=True)
class _Night:
    """What every step of one night shares."""

    settings: Settings
    policy: Policy
    store: Store
    source: ValidatedSource
    as_of: date
    run_step: StepRunner
    steps: Steps


def _run(night: _Night) -> NightReport:
    """One night: take its lease, run it, and release the lease at once when something fails."""
    lease = night_lease.begin_night(night.store, night.as_of, uuid.uuid4().hex[:12])
    if isinstance(lease, night_lease.RecordedNight):
        return _report_of_recorded(night)
    try:
        with keep_lease(night.store, lease):
            return _run_steps(night, lease)
    except BaseException as error:
        with suppress(Exception):  # the first error is the one to report
            night_lease.abandon_night(night.store, lease, str(error) or type(error).__name__)
        raise


def _run_steps(night: _Night, lease: night_lease.Night) -> NightReport:
    """The steps of a night, and its report."""
    run_step, history, as_of = night.run_step, night.source.history, night.as_of
    _check_volume(night)
    known = for_history(history, night.source.risk_settings)
    models = load_or_train(night.source, known, as_of, run_step, night.steps)
    frame = run_step("features", "Building features", _build_frame, night, models.champions)
    feeds = feed_reports(history, as_of)
    stale = tuple(filter(None, map(feed_problem, feeds)))
    scored_by, unscored = models.champions, list(models.without)
    scores = run_step("score", "Scoring accounts", score_frame, history, frame, [as_of], scored_by, stale, unscored)
    context = _decision_context(night, models, stale)
    read = rows_for_decision(frame, night.policy)
    decision = run_step("decide", "Applying the policy", decide_night, context, read, scores)
    refuse_empty_night(as_of, history, decision, models)
    outcomes = run_step(
        "outcomes", "Computing outcomes of earlier nights", realised_outcomes, night.store, history, known
    )
    report = NightReport(
        as_of=as_of,
        run_id=lease.run_id,
        tables=night.source.table_rows(newest_days(history, as_of)),
        missing_tables=night.source.missing,
        feeds=feeds,
        risks=scores.reports(known, models.versions, decision.uplift.versions),
        decision=decision.report(),
        realised_outcomes=outcomes,
        extensions=night.source.extension_reports(),
        warnings=_warnings(night, models, decision),
        seconds=dict(night.steps.seconds),
    )
    return _record(night, lease, decision, report)


def _decision_context(night: _Night, models: NightModels, stale: tuple[str, ...]) -> DecisionContext:
    return DecisionContext(
        night.source.history,
        night.as_of,
        night.policy,
        night.store,
        models.champions,
        broadcast_channels(night.settings.channels),
        stale,
        night.settings.competitors,
        load_uplift(night.settings, [night.policy], models.champions),
    )


def _warnings(night: _Night, models: NightModels, decision: NightDecision) -> tuple[NightWarning, ...]:
    """What the report warns of."""
    return (
        *data_end_earlier(night.as_of, night.source.history, night.settings.stale_after),
        *models.warnings,
        *risks_not_predicted(night.source),
        *night.source.warnings,
        *decision.warnings,
        *_cases_of_unknown_people(night),
    )


def _record(night: _Night, lease: night_lease.Night, decision: NightDecision, report: NightReport) -> NightReport:
    """Write the queue, and then what follows from it: timers, messages, the report in the night's folder."""
    write_quarantine(night.settings, night.as_of, night.source.validation)
    read_absences(night.settings, night.policy, night.store, night.run_step, night.steps)
    night.run_step("record", "Writing the queue", record_night, night.store, lease, decision.record(report))
    _finish(night.settings, night.store, night.run_step, night.steps)
    recorded = save_seconds(night.store, night.as_of, night.steps.seconds)
    write_report(night.settings, recorded)
    log_warnings(recorded)
    for sentence in take_write_failures():
        night.steps.log(f"Warning: {sentence}")
    report_late_feeds(night.settings, night.store, recorded)
    return recorded


def _cases_of_unknown_people(night: _Night) -> tuple[UnknownResponsible, ...]:
    """A warning where open cases belong to people whom the policy of the night does not list."""
    with night.store.reading() as session:
        counts = cases_of_unlisted_people(session, night.policy.rules.roster)
    return (UnknownResponsible(cases=sum(counts.values()), people=tuple(counts)),) if counts else ()


def _complete(settings: Settings, store: Store, night: date, run_step: StepRunner, steps: Steps) -> str:
    """Finish a recorded night whose attempt was cut off before it had; the outcome of the present attempt."""
    if not ended_early(store, night):
        return "unchanged"
    _finish(settings, store, run_step, steps)
    return "recorded"


def _finish(settings: Settings, store: Store, run_step: StepRunner, steps: Steps) -> None:
    """The timers and the messages after a night; running them again changes nothing."""
    tick = partial(run_timers, channels=broadcast_channels(settings.channels))
    alarm = run_step("timers", "Updating SLA timers", tick, store).alarm
    if alarm is not None:
        steps.log(f"Warning: {alarm}")
    _queue_weekly(settings, store, steps)
    if settings.channels:
        from serving.cases.digests.send_messages import send_messages  # slow to import

        refresh_records(store, account_channels(settings.channels))
        report = run_step("deliver", "Delivering hand-offs", send_messages, store, assembly.open_channels(settings))
        for sentence in report.written:
            steps.log(sentence)


def _queue_weekly(settings: Settings, store: Store, steps: Steps) -> None:
    """Write the weekly report where the policy names somebody who gets it and it is due."""
    try:
        rules = read_policy_in_force(store, assembly.policy_source(settings)).policy.rules
    except UsageError as error:  # the night is recorded; the next one stops at this
        steps.log(f"Warning: {error}")
        return
    queued = queue_weekly(store, rules, settings.timezone, utcnow())
    if queued.recipients:
        steps.log(f"Weekly report written to {', '.join(queued.recipients)}")
    if queued.problem:
        steps.log(f"Warning: {queued.problem}")


def _check_volume(night: _Night) -> None:
    """Stop where a table holds far fewer rows than it did on the nights before: an export that broke off."""
    with night.store.reading() as session:
        earlier = night_queries.rows_of_nights(session, NIGHTS)
    left_out = night.source.tables_left_out
    expected = [{name: rows for name, rows in rows.items() if name not in left_out} for rows in earlier]
    check_volume({table.name: table.rows for table in night.source.table_rows()}, expected, night.settings.least_rows)


def _build_frame(night: _Night, champions: Mapping[str, Champion]) -> pa.Table | ClusterFrame:
    """The features of tonight; those of extensions that are left out are unknown where a champion needs them.

    Where a cluster has the rows it keeps the features too, unless some are functions of extensions: these are files of
    this machine.
    """
    history, settings = night.source.history, night.source.settings
    own = assembly.has_own_functions(settings) or night.source.extensions.unused
    if assembly.is_on_cluster(settings, history) and not own:
        return assembly.build_cluster_frame(settings, history, [night.as_of])
    frame = assembly.frame_builder(settings)(history, [night.as_of])
    if not night.settings.extensions_required:
        for champion in champions.values():
            frame = champion.model.signature.without_values(frame)
    return frame


def _recorded_report(settings: Settings, store: Store, as_of: date) -> NightReport | None:
    with store.reading() as session:
        report = night_queries.night_report(session, as_of)
    if report is None:
        return None
    restore_report(settings, report)
    return report.model_copy(update={"unchanged": True})


def _report_of_recorded(night: _Night) -> NightReport:
    report = _recorded_report(night.settings, night.store, night.as_of)
    if report is None:
        raise UsageError(f"The night of {day_text(night.as_of)} was recorded without a report, by another version.")
    return report
