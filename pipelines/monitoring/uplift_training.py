"""Train the uplift models from the queue's enrolments, and report whether the priority may use them.

Only units that took part in a draw teach anything: those that a squad had a place for, worked or held out, with the
outcome in the risk's window after the night of their enrolment. They are the units that the effect of the team is
measured on (:mod:`pipelines.monitoring.effect`). The features are those of the night of the enrolment, before anybody
acted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import RescueError
from models.evaluation.bootstrap import Estimate
from models.evaluation.treatment_effect import AssignedUnits
from models.learners.single_thread import one_thread
from models.risks.configuration import for_history, select_risks
from models.uplift.uplift_model import LEAST_EVENTS, LEAST_SETTLED, UpliftModel, enough_units, train_uplift
from pipelines import assembly
from pipelines.monitoring.effect import outcomes_at
from pipelines.scratch import scratch_folder
from pipelines.sources.source_guard import refuse_other_source
from pipelines.sources.validated_source import validate_source_step
from pipelines.system_clock import end_of_rows
from serving.night_report.effect_report import DifferenceReport
from serving.night_report.uplift_report import UpliftReport
from serving.night_report.uplift_text import uplift_line
from serving.operations.holder import current_holder
from serving.store.queries.outcome_queries import enrolled_units

if TYPE_CHECKING:
    from features.frame import FrameBuilder
    from features.history.history import History
    from models.registry.uplift_registry import RegisteredUplift
    from models.risks.risk import Risk
    from pipelines.console import Steps
    from pipelines.settings import Settings
    from serving.store import Session
    from serving.store.queries.outcome_queries import EnrolledUnit

ENROLLED_ROWS_AT_ONCE = 300_000
"""Accounts × nights whose features are held at once."""


@dataclass(frozen=True)
class UpliftTraining:
    """What each risk's training showed, in the order of the risks."""

    reports: tuple[UpliftReport, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """What ``rescue train --uplift --json`` prints."""
        return [report.model_dump(mode="json") for report in self.reports]


def train_uplift_from(settings: Settings, risk: str, before: date | None, steps: Steps) -> UpliftTraining:
    """Train and register an uplift model of ``risk`` (or ``all``) from what was known before ``before``.

    Raises:
        UsageError: there is no queue, it is that of another source, the source has no such risk, or ``before`` is in
            the future.
        DataGateError: the source is not fit to be read.
    """
    with scratch_folder() as scratch, assembly.open_queue(settings) as store:
        refuse_other_source(settings, store)
        opened = validate_source_step(settings, scratch, steps, training=True)
        wanted = select_risks(for_history(opened.history, opened.risk_settings), risk)
        until = end_of_rows(before, opened.history.until, settings.timezone)
        build, registry = assembly.frame_builder(opened.settings), assembly.open_uplift_registry(settings)
        reports = []
        for one in wanted:
            steps.log(f"Reading the enrolments of {one.title}")
            with store.reading() as session:
                enrolled = settled_units(session, opened.history, one, until)
            report = _too_few(one, enrolled)
            if report is None:
                steps.log(f"Learning whom a rescue helps from {len(enrolled.units):,} accounts: {one.title}")
                model = learn(opened.history, build, one, enrolled, until)
                described = report_of(model)
                source = {**opened.facts(), "process": current_holder()}
                version = registry.log(model, source=source, description=uplift_line(described))
                report = described.model_copy(update={"version": version})
            reports.append(report)
    return UpliftTraining(tuple(reports))


@dataclass(frozen=True)
class SettledUnits:
    """Enrolled units whose outcome is known, in the order of their nights, and the same as arrays."""

    units: Sequence[EnrolledUnit]
    arrays: AssignedUnits


def settled_units(session: Session, history: History, risk: Risk, until: date) -> SettledUnits:
    """The units of the newest salt whose window was over before ``until``."""
    enrolled = [unit for unit in enrolled_units(session, risk.name) if risk.label.matures_on(unit.as_of) < until]
    outcomes = outcomes_at(history, risk.label, {(unit.account_id, unit.as_of) for unit in enrolled})
    settled = [unit for unit in enrolled if (unit.account_id, unit.as_of) in outcomes and 0 < unit.share < 1]
    arrays = AssignedUnits(
        control=np.array([unit.held_out for unit in settled], dtype=np.bool_),
        share=np.array([unit.share for unit in settled], dtype=np.float64),
        outcome=np.array([outcomes[unit.account_id, unit.as_of].happened for unit in settled], dtype=np.float64),
        predicted=np.array([unit.probability for unit in settled], dtype=np.float64),
    )
    return SettledUnits(settled, arrays)


@one_thread
def learn(history: History, build: FrameBuilder, risk: Risk, settled: SettledUnits, until: date) -> UpliftModel:
    """Learn from these units, each with its features on the night of its enrolment."""
    rows = pa.concat_tables(_rows(history, build, settled.units))
    wanted = [f"{unit.as_of} {unit.account_id}" for unit in settled.units]
    keys = pc.binary_join_element_wise(rows["as_of"].cast(pa.string()), rows["account_id"], " ")
    places = pc.index_in(pa.array(wanted, pa.string()), value_set=keys.combine_chunks())
    known = np.asarray(places.is_valid())
    return train_uplift(risk.name, rows.take(places.drop_null()), settled.arrays.take(known), until)


def _rows(history: History, build: FrameBuilder, units: Sequence[EnrolledUnit]) -> Iterator[pa.Table]:
    """The features of the accounts that were enrolled, some nights at a time."""
    accounts: dict[date, set[str]] = defaultdict(set)
    for unit in units:
        accounts[unit.as_of].add(unit.account_id)
    nights = sorted(accounts)
    at_once = max(1, ENROLLED_ROWS_AT_ONCE // max(1, len(history.accounts)))
    for begin in range(0, len(nights), at_once):
        some = nights[begin : begin + at_once]
        frame = build(history, some)
        names = pa.array(sorted(set().union(*(accounts[night] for night in some))), pa.string())
        yield frame.filter(pc.is_in(frame["account_id"], value_set=names))


def _too_few(risk: Risk, settled: SettledUnits) -> UpliftReport | None:
    """The report of a risk that has too few settled units to learn from; None where they are enough."""
    if enough_units(settled.arrays):
        return None
    held_out = int(settled.arrays.control.sum())
    return UpliftReport(
        risk=risk.name,
        code="too_few_units",
        worked=len(settled.units) - held_out,
        held_out=held_out,
        needed=LEAST_SETTLED,
        needed_events=LEAST_EVENTS,
    )


def newest_uplift(settings: Settings, risk: str) -> tuple[RegisteredUplift | None, UpliftReport]:
    """The newest uplift model of a risk, where there is one that can be read, and what a report says about it."""
    try:
        found = assembly.open_uplift_registry(settings).newest(risk)
    except RescueError as error:
        return None, UpliftReport(risk=risk, code="unavailable", text=str(error))
    if found is None:
        return None, UpliftReport(risk=risk, code="no_model")
    return found, report_of(found.model).model_copy(update={"version": found.version, "text": found.warning})


def report_of(model: UpliftModel) -> UpliftReport:
    """The evaluation of a model as part of a report."""
    found = model.evaluation
    compared = found.comparison
    return UpliftReport(
        risk=model.risk,
        code=found.verdict.value,
        until=model.until,
        worked=found.worked,
        held_out=found.held_out,
        by_uplift=_difference(compared.uplift),
        by_risk=_difference(compared.risk),
        lead=_difference(compared.lead),
        detectable=found.detectable,
        accounts_needed=found.units_needed,
        columns=model.learner.columns(),
    )


def _difference(estimate: Estimate) -> DifferenceReport:
    return DifferenceReport(value=estimate.value, low=estimate.low, high=estimate.high)
