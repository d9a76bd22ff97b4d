"""What a night reads from the queue: its state before the decision, and its cases afterwards."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import CTE, ColumnElement, Row, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from serving.contracts import AlarmKind
from serving.handoff.first_reason import first_reason
from serving.handoff.versions import upgrade_package
from serving.night_report.queue_case import QueueCase
from serving.night_report.report_schema import FeedReport, NightReport
from serving.policy.state.case_status import ClosureCode
from serving.policy.state.queue_state import Cooldown, HoldoutUnits, OpenCase, QueueState, Streak
from serving.store.case_states import Action
from serving.store.decision_tables import EnrolmentRow, StreakRow
from serving.store.queries.queue_queries import newest_night, night_risks
from serving.store.tables import Account, Case, CaseAlarm, CaseEvent, FrozenHandoff, NightRow, Score

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EXPORT_IDENTITY = (
    "case_id",
    "account_id",
    "name",
    "segment",
    "owner",
    "squad",
    "lane",
    "state",
    "severity",
    "responsible",
    "risk",
)
EXPORT_AMOUNTS = ("arr", "estimated_revenue", "at_stake", "priority")
EXPORT_DETAILS = (
    "currency",
    "contract_status",
    "ends_on",
    "renews_on",
    "opened_on",
    "respond_by",
    "resolve_by",
    "first_reason",
)
"""The columns of an exported queue; between the first two groups is one column ``risk_<name>`` for each risk."""

COOLDOWN_LOOKBACK = timedelta(days=400)
"""Cases that were closed longer ago than this start no cool-down."""


def queue_state(session: Session, as_of: date) -> QueueState:
    """The queue before the night of ``as_of``: open cases, streaks, hold-out units and cases closed recently."""
    alarms = _alarms(session)
    running = session.execute(select(*_OPEN_COLUMNS).where(Case.closed_at.is_(None)).order_by(Case.id))
    since = datetime.combine(as_of - COOLDOWN_LOOKBACK, time())
    closed = session.execute(
        select(Case.account_id, Case.risk, Case.closed_at, Case.state, Case.id, Case.ends_on, Case.settled_on)
        .where(Case.closed_at >= since)
        .order_by(Case.id)
    )
    streaks = session.execute(
        select(StreakRow.account_id, StreakRow.risk, StreakRow.above, StreakRow.below, StreakRow.inside)
    )
    return QueueState(
        open_cases=tuple(_open(row, alarms[row.id]) for row in running),
        streaks=tuple(Streak(*row) for row in streaks),
        cooldowns=tuple(
            Cooldown(
                account_id=account,
                risk=risk,
                closed_on=at.date(),
                state=state,
                alarms=tuple(alarms[case_id]),
                case_id=case_id,
                ends_on=ends_on,
                settled=settled_on is not None,
                alarm_nights=_ending_nights(alarms[case_id]),
            )
            for account, risk, at, state, case_id, ends_on, settled_on in closed
            if at is not None
        ),
        holdout_units=_holdout_units(session),
        enrolled=frozenset(
            (salt, unit) for salt, unit in session.execute(select(EnrolmentRow.salt, EnrolmentRow.unit))
        ),
    )


def _holdout_units(session: Session) -> HoldoutUnits:
    """Every stored unit. There is one for each account, so the driver's rows are read without a layer in between."""
    result = session.connection().exec_driver_sql("SELECT account_id, unit, stratum FROM holdout_units")
    rows = result.cursor.fetchall() if result.cursor else ()
    return {account: (unit, stratum) for account, unit, stratum in rows}


def _alarms(session: Session) -> dict[str, dict[str, date]]:
    """The codes of the alarms of every case, ascending, each with the night that raised it."""
    alarms: dict[str, dict[str, date]] = defaultdict(dict)
    for case_id, alarm, raised_on in session.execute(
        select(CaseAlarm.case_id, CaseAlarm.alarm, CaseAlarm.raised_on).order_by(CaseAlarm.case_id, CaseAlarm.alarm)
    ):
        alarms[case_id][alarm] = raised_on
    return alarms


def _ending_nights(alarms: Mapping[str, date]) -> dict[str, date]:
    """The nights that raised the ends of contracts among the alarms of a case."""
    return {code: night for code, night in alarms.items() if code in (AlarmKind.CANCELLATION, AlarmKind.PARTIAL_LOSS)}


_PLAN, _UNDONE = aliased(CaseEvent), aliased(CaseEvent)
_PLANNED = exists().where(
    *(_PLAN.case_id == Case.id, _PLAN.kind == Action.PLAN),
    ~exists().where(_UNDONE.case_id == Case.id, _UNDONE.undoes == _PLAN.id),
)
_OPEN_COLUMNS = (
    *(Case.id, Case.account_id, Case.risk, Case.severity, Case.probability, Case.opened_on, Case.state, Case.squad),
    *(Case.renews_on, Case.ends_on, Case.resolved, Case.resolved_on),
    or_(Case.responded_at.is_not(None), _PLANNED).label("acted_on"),
)


def _open(case: Row[Any], alarms: Mapping[str, date]) -> OpenCase:
    return OpenCase(
        case_id=case.id,
        account_id=case.account_id,
        risk=case.risk,
        severity=case.severity,
        probability=case.probability,
        opened=case.opened_on,
        state=case.state,
        squad=case.squad,
        alarms=tuple(alarms),
        renews_on=case.renews_on,
        ends_on=case.ends_on,
        resolved=ClosureCode(case.resolved) if case.resolved else None,
        resolved_on=case.resolved_on,
        alarm_nights=_ending_nights(alarms),
        acted_on=bool(case.acted_on),
    )


def score_history(
    session: Session, accounts: Sequence[str], *, nights: int
) -> dict[tuple[str, str], list[tuple[date, float]]]:
    """The probabilities of the last ``nights`` recorded nights, oldest first, by account and risk."""
    days = select(NightRow.as_of).where(NightRow.status == "recorded").order_by(NightRow.as_of.desc()).limit(nights)
    scored = _scored_risks(days)
    of_night = (Score.as_of == scored.c.as_of) & (Score.risk == scored.c.risk)
    rows = session.execute(
        select(Score.account_id, Score.risk, Score.as_of, Score.probability)
        .join(scored, of_night)
        .where(Score.account_id.in_(accounts))
        .order_by(Score.as_of)
    )
    found: dict[tuple[str, str], list[tuple[date, float]]] = defaultdict(list)
    for account, risk, as_of, probability in rows:
        found[account, risk].append((as_of, probability))
    return dict(found)


def _scored_risks(days: Select[tuple[date]]) -> CTE:
    """The risks that were scored on each of these nights, ``as_of`` and ``risk``.

    The key of scores begins with night and risk. With both of them an account is one lookup; without the risk, all
    accounts of a night are read.
    """
    night = days.subquery()
    first = select(func.min(Score.risk)).where(Score.as_of == night.c.as_of).scalar_subquery()
    scored = select(night.c.as_of, first.label("risk")).cte("scored_risks", recursive=True)
    next_risk = select(func.min(Score.risk)).where(Score.as_of == scored.c.as_of, Score.risk > scored.c.risk)
    return scored.union_all(
        select(scored.c.as_of, next_risk.correlate(scored).scalar_subquery()).where(scored.c.risk.is_not(None))
    )


def last_handoffs(session: Session, accounts: Sequence[str]) -> dict[str, str]:
    """The newest hand-off of each account that has one, as its JSON text."""
    rows = session.execute(
        select(Case.account_id, FrozenHandoff.content)
        .join(Case, FrozenHandoff.case_id == Case.id)
        .where(Case.account_id.in_(accounts))
        .order_by(FrozenHandoff.as_of, FrozenHandoff.id)
    )
    return {row.account_id: row.content for row in rows}


def night_report(session: Session, as_of: date) -> NightReport | None:
    """The report of a night that is recorded; None where it is not, or where an early version recorded no report.

    Version 1 of the report did not record the queue: there it is read as it is now.
    """
    row = session.get(NightRow, as_of)
    if row is None or row.status != "recorded" or not row.report:
        return None
    report = NightReport.from_json(row.report)
    if "schema_version" in row.report:
        return report
    return report.with_cases(report.cases, night_queue(session, as_of))


def night_feeds(session: Session, as_of: date) -> tuple[FeedReport, ...]:
    """The feeds of a night that is recorded, read without the rest of its report, which names every new case."""
    of_night = (NightRow.as_of == as_of, NightRow.status == "recorded")
    row = session.execute(select(NightRow.report["schema_version"], NightRow.report["feeds"]).where(*of_night)).first()
    if row is None or row[0] is None:  # version 1 of the report has another shape
        report = night_report(session, as_of) if row is not None else None
        return report.feeds if report is not None else ()
    return tuple(FeedReport.model_validate(feed) for feed in row[1] or ())


def rows_of_nights(session: Session, count: int, until: date | None = None) -> list[dict[str, int]]:
    """Rows read by table on the last ``count`` recorded nights (those up to ``until``), oldest first."""
    newest = select(NightRow.report).where(NightRow.status == "recorded").order_by(NightRow.as_of.desc()).limit(count)
    newest = newest if until is None else newest.where(NightRow.as_of <= until)
    reports = [NightReport.from_json(report) for report in session.scalars(newest) if report]
    return [{table.name: table.rows for table in report.tables} for report in reversed(reports)]


def night_queue(session: Session, as_of: date) -> list[QueueCase]:
    """The cases that a night opened or raised again, by priority."""
    return [QueueCase.model_validate(row) for row in _case_rows(session, Case.raised_on == as_of)]


def open_queue(session: Session, limit: int | None = None) -> list[QueueCase]:
    """Every open case, by priority, or only the first ones."""
    return [QueueCase.model_validate(row) for row in _case_rows(session, Case.closed_at.is_(None), limit)]


def count_open(session: Session) -> int:
    """How many cases are open."""
    return session.scalar(select(func.count()).where(Case.closed_at.is_(None))) or 0


def _case_rows(session: Session, condition: ColumnElement[bool], limit: int | None = None) -> list[dict[str, Any]]:
    rows = session.execute(_with_newest_handoff().where(condition).limit(limit))
    return [_listed(case, account, handoff) for case, account, handoff in rows]


def queue_table(session: Session) -> pa.Table:
    """The open cases as a table for export: one row a case, the first reason as a sentence.

    There is a column ``risk_<name>`` with the probability of each risk of the newest night, and of each other risk that
    an open case has a score of. Money is rounded to the cent.
    """
    cases = _case_rows(session, Case.closed_at.is_(None))
    risks = sorted({*night_risks(session, newest_night(session)), *(risk for case in cases for risk in case["risks"])})
    rows = [
        {
            **case,
            **{f"risk_{name}": case["risks"].get(name) for name in risks},
            **{name: None if case[name] is None else round(case[name], 2) for name in EXPORT_AMOUNTS},
        }
        for case in cases
    ]
    return pa.Table.from_pylist(rows, schema=_export_schema(risks))


def _export_schema(risks: Sequence[str]) -> pa.Schema:
    amounts = (*(f"risk_{risk}" for risk in risks), *EXPORT_AMOUNTS)
    return pa.schema(
        [
            *((name, pa.string()) for name in EXPORT_IDENTITY),
            *((name, pa.float64()) for name in amounts),
            *((name, pa.string()) for name in EXPORT_DETAILS),
        ]
    )


def handoff_of(session: Session, case: str) -> str | None:
    """The newest hand-off of a case, given by its id in any case of letters, or its account's; None where none is."""
    wanted = select(FrozenHandoff.content).join(Case, FrozenHandoff.case_id == Case.id)
    chosen = wanted.where((Case.id == case.lower()) | (Case.account_id == case))
    return session.scalar(chosen.order_by(FrozenHandoff.as_of.desc(), FrozenHandoff.id.desc()).limit(1))


def _with_newest_handoff() -> Select[tuple[Case, Account, str]]:
    return (
        select(Case, Account, FrozenHandoff.content)
        .join(Account, Case.account_id == Account.account_id)
        .join(FrozenHandoff, (FrozenHandoff.case_id == Case.id) & (FrozenHandoff.as_of == Case.raised_on))
        .order_by(Case.priority.desc(), Case.id)
    )


def _listed(case: Case, account: Account, handoff: str) -> dict[str, Any]:
    package = upgrade_package(json.loads(handoff))
    reasons = {card["risk"]: [reason["sentence"] for reason in card["reasons"]] for card in package["risks"]}
    return {
        "case_id": case.id,
        "account_id": case.account_id,
        "name": account.name,
        "segment": account.segment,
        "owner": account.owner,
        "squad": case.squad,
        "lane": case.lane,
        "state": case.state,
        "severity": case.severity,
        "responsible": case.responsible,
        "opened_on": case.opened_on.isoformat(),
        "respond_by": _moment(case.respond_by),
        "resolve_by": _moment(case.resolve_by),
        "arr": case.revenue,
        "currency": account.currency,
        "estimated_revenue": case.estimated_revenue,
        "at_stake": case.at_stake,
        "contract_status": case.contract_status,
        "ends_on": case.ends_on.isoformat() if case.ends_on else None,
        "renews_on": account.renews_on.isoformat() if account.renews_on else None,
        "risk": case.risk,
        "risks": case.probabilities,
        "raised_probability": case.probability,
        "raised_on": case.raised_on.isoformat(),
        "resolved": case.resolved,
        "closes_on": case.closes_on.isoformat() if case.closes_on else None,
        "priority": case.priority,
        "triggers": [trigger["message"] for trigger in package["case"]["triggers"]],
        "reasons": reasons,
        "first_reason": case.first_reason or first_reason(package),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(sep=" ", timespec="minutes") if at else None
