"""Record a night: its scores, decision, cases, messages and report, once and in one transaction.

Nobody would notice half a night, such as scores without cases or cases without their messages. So ``record_night``
writes all of it under the night's epoch. A crash before the commit leaves the queue as it was; a second run sees that
the night is recorded and writes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, is_dataclass, replace
from datetime import date, datetime
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from serving.cases.casework.saved_accounts import mark_left, mark_stayed
from serving.cases.path_executor import recheck_paths
from serving.night_report.report_schema import CaseChanges, NightReport
from serving.nights.account_people import left_accounts, running_accounts, save_contacts
from serving.nights.account_risks import save_account_risks
from serving.nights.account_rows import save_accounts
from serving.nights.case_updates import CaseUpdates, Package
from serving.nights.night_lease import Night, RecordedNight, refuse_late_night, update_held_night
from serving.nights.policy_record import newest_version, save_policy_version
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.state.queue_state import Decision, DecisionCounts, Enrolment, HeldOut
from serving.policy.state.reason_texts import suppression_text
from serving.store import bulk
from serving.store.base import Base
from serving.store.database import Store, utcnow
from serving.store.decision_tables import EnrolmentRow, HeldOutRow, HoldoutUnitRow, SetAside, StreakRow, Waiting
from serving.store.queries.night_queries import night_queue
from serving.store.tables import Member, NightRow, Score, Squad

WAITING_COLUMNS = ("as_of", "account_id", "risk", "squad", "rank", "priority", "at_stake", "probability")
SET_ASIDE_COLUMNS = ("as_of", "account_id", "risk", "kind", "code", "detail")


@dataclass(frozen=True)
class NightRecord:
    """Everything that one night writes to the queue.

    ``scores`` has the columns of ``models.contracts.SCORES``; ``accounts`` is the policy's table of candidates (other
    columns are ignored; ``renews_in`` is in days from the night, and a renewal that is ``renewal_overdue_days`` late
    lies in the past). ``handoffs`` has one package for every flag and every case raised again, by account and risk.
    ``channels`` are the channels that get a message for each of these. ``curves`` computes the risk by horizon
    (``CURVES``): it takes as long as writing all other rows, and is called beside that. ``contacts`` are the people at
    each account. ``report`` is completed in the transaction with the changes of the cases and with the queue.
    """

    decision: Decision
    rules: PolicyFile
    scores: pa.Table
    accounts: pa.Table
    handoffs: Mapping[tuple[str, str], Package]
    channels: tuple[str, ...] = ()
    report: NightReport | None = None
    curves: Callable[[], pa.Table] | None = None
    contacts: pa.Table | None = None

    @cached_property
    def score_rows(self) -> pa.Table:
        """The scores as they are stored, by risk and account."""
        return _score_rows(self.scores)

    def content_hash(self) -> str:
        """SHA-256 of the night's content: equal for rows in any order, different for any other content."""
        digest = hashlib.sha256()
        digest.update(_csv(self.score_rows))
        streaks = sorted(self.decision.streaks)
        digest.update(repr([tuple(streak) for streak in streaks]).encode())
        digest.update(_json(replace(self.decision, streaks=(), counts=DecisionCounts())))
        digest.update(_json({"\x1f".join(key): package.content_hash for key, package in self.handoffs.items()}))
        return digest.hexdigest()


def record_night(
    store: Store,
    night: Night,
    record: NightRecord,
    *,
    now: datetime | None = None,
    progress: Callable[[str], None] | None = None,
) -> RecordedNight:
    """Write the night, whole or not at all; a night that is recorded already is left as it is.

    Raises :class:`~serving.nights.night_lease.StaleNightError` where another run took the night over.
    """
    now, say = now or utcnow(), progress or _silent
    digest = record.content_hash()
    with ThreadPoolExecutor(1) as others, store.transaction() as session:
        row = session.get(NightRow, night.as_of, with_for_update=True)
        if row is not None and row.status == "recorded":
            return RecordedNight(night.as_of, row.content_hash or "", already=True)
        marked = update(NightRow).values(status="recorded", recorded_at=now, content_hash=digest)
        update_held_night(session, night, marked)
        refuse_late_night(session, night.as_of)
        curves = others.submit(record.curves) if record.curves else None
        _write(session, night, record, curves, now, say)
    return RecordedNight(night.as_of, digest, already=False)


def _write(
    session: Session,
    night: Night,
    record: NightRecord,
    curves: Future[pa.Table] | None,
    now: datetime,
    say: Callable[[str], None],
) -> None:
    scores = record.score_rows
    for risk in scores["risk"].unique():  # what all rows have in common is written faster
        bulk.append(session, Score.__table__, scores.filter(pc.equal(scores["risk"], risk)))
    say("scores")
    save_accounts(session, night.as_of, record.accounts)
    save_contacts(session, record.contacts)
    say("accounts")
    _save_squads(session, record.rules)
    earlier = newest_version(session)
    save_policy_version(session, record.decision, record.rules, now)
    updates = CaseUpdates(session, record.rules, record.handoffs, record.channels, now, record.decision.policy_version)
    counts = updates.apply(record.decision)
    mark_left(session, left_accounts(record.accounts, night.as_of), night.as_of, now)
    mark_stayed(session, partial(running_accounts, record.accounts), night.as_of, now)
    say("cases")
    _save_decision(session, record.decision)
    save_account_risks(session, night.as_of, record.scores, curves and curves.result())
    say("decision")
    session.flush()
    if earlier not in (None, record.decision.policy_version):
        recheck_paths(session)
    report = record.report or NightReport(as_of=night.as_of, run_id=night.run_id)
    changes = CaseChanges(**counts.changes, closed=dict(sorted(counts.closed.items())))
    report = report.with_cases(changes, night_queue(session, night.as_of))
    _save_report(session, report)


def _save_report(session: Session, report: NightReport) -> None:
    session.execute(update(NightRow).where(NightRow.as_of == report.as_of).values(report=report.to_json()))


def save_seconds(store: Store, as_of: date, seconds: Mapping[str, float]) -> NightReport:
    """Add the seconds of the steps that ran after the night was recorded; returns the whole report."""
    with store.transaction() as session:
        report = NightReport.from_json(session.get_one(NightRow, as_of).report or {})
        report = report.model_copy(update={"seconds": dict(seconds)})
        _save_report(session, report)
    return report


def _silent(_stage: str) -> None:
    """The default ``progress``."""


def _score_rows(scores: pa.Table) -> pa.Table:
    rows = scores.sort_by([("risk", "ascending"), ("account_id", "ascending")]).combine_chunks()
    warnings = pc.binary_join(rows.column("quality"), "\n")
    plain = pc.if_else(pc.equal(warnings, ""), pa.scalar(None, pa.string()), warnings)
    return rows.set_column(rows.column_names.index("quality"), "quality", plain)


def _save_squads(session: Session, rules: PolicyFile) -> None:
    """Store the policy's squads and members; squads that it no longer has stay, inactive."""
    session.execute(update(Squad).where(Squad.name.not_in(list(rules.squads))).values(active=False))
    for name, squad in rules.squads.items():
        calendar = rules.calendar_of(name)
        session.merge(Squad(name=name, active=True, calendar=calendar and calendar.to_json()))
        people = dict.fromkeys((*squad.tiers, *squad.members))
        for position, person in enumerate(people):
            session.merge(Member(squad=name, person=person, position=position))
        session.execute(delete(Member).where(Member.squad == name, Member.person.not_in(list(people))))


def _save_decision(session: Session, decision: Decision) -> None:
    waiting = [tuple(getattr(flag, name) for name in WAITING_COLUMNS[1:]) for flag in decision.waiting]
    _append(session, Waiting, WAITING_COLUMNS, decision.as_of, waiting)
    _append(session, HeldOutRow, ("as_of", *HeldOut._fields), decision.as_of, decision.held_out)
    _append(session, EnrolmentRow, ("as_of", *Enrolment._fields), decision.as_of, decision.enrolments)
    _append(session, SetAside, SET_ASIDE_COLUMNS, decision.as_of, list(_set_aside(decision)))
    bulk.append(session, HoldoutUnitRow.__table__, _unit_rows(decision))
    bulk.replace(session, StreakRow.__table__, _streak_rows(decision))


def _append(
    session: Session, table: type[Base], names: Sequence[str], as_of: date, rows: Sequence[tuple[object, ...]]
) -> None:
    """Append thousands of rows that no later statement of the night reads; the first column is the night."""
    columns = ([as_of] * len(rows), *(list(column) for column in zip(*rows, strict=True)))
    if rows:
        bulk.append(session, table.__table__, pa.table(dict(zip(names, columns, strict=True))))


def _set_aside(decision: Decision) -> Iterator[tuple[str, str, str, str, str]]:
    for row in decision.suppressed:
        yield row.account_id, row.risk, "suppressed", row.code, suppression_text(row)
    for exemption in decision.exempted:
        yield exemption.account_id, exemption.risk, "exempted", exemption.rule, ""


def _unit_rows(decision: Decision) -> pa.Table:
    """The accounts that are drawn for the first time; a unit that is stored is never changed."""
    drawn = decision.holdout_units
    units, strata = zip(*drawn.values(), strict=True) if drawn else ((), ())
    columns = {"account_id": list(drawn), "unit": units, "stratum": strata}
    return pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})


def _streak_rows(decision: Decision) -> pa.Table:
    kinds = (pa.string(), pa.string(), pa.int32(), pa.int32(), pa.bool_())
    names = ("account_id", "risk", "above", "below", "inside")
    columns = zip(*sorted(decision.streaks), strict=True) if decision.streaks else ((),) * len(names)
    return pa.table({name: pa.array(column, kind) for name, kind, column in zip(names, kinds, columns, strict=True)})


def _csv(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    csv.write_csv(rows, sink)
    return bytes(sink.getvalue())


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, default=_plain_value).encode()


def _plain_value(value: object) -> object:
    """A dataclass as its fields, without the deep copy of ``asdict``, and anything else as text."""
    return vars(value) if is_dataclass(value) else str(value)
