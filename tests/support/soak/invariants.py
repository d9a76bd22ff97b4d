"""What has to be true of a queue after every night, whatever went wrong before: the promises of reliability.

Each function raises an ``AssertionError`` that names the case or the row.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from serving.cases.audit import audited_fields
from serving.cases.transitions import is_legal
from serving.night_report.report_schema import NightReport
from serving.policy.decision.decide import Policy
from serving.store import Session, Store
from serving.store.case_states import Action, State
from serving.store.decision_tables import HeldOutRow
from serving.store.exchange import Message
from serving.store.queries.night_queries import night_report
from serving.store.tables import Case, CaseEvent, FrozenHandoff, NightRow, Score


class Invariants:
    """The checks of one queue, with what earlier nights showed; ``counts`` is how often each was made."""

    def __init__(self, store: Store, home: Path) -> None:
        self.store, self.home = store, home
        self.nights: list[date] = []
        self.handoffs: dict[tuple[str, date], str] = {}
        self.counts: Counter[str] = Counter()

    def check(self, night: date, policy: Policy) -> None:
        """Every promise, after a night that was recorded."""
        self.nights.append(night)
        with self.store.reading() as session:
            report = night_report(session, night)
            assert report is not None
            for name, promise in PROMISES.items():
                promise(self, session, report, policy)
                self.counts[name] += 1


Promise = Callable[[Invariants, Session, NightReport, Policy], None]


def _one_run(run: Invariants, session: Session, _report: NightReport, _policy: Policy) -> None:
    rows = session.execute(select(NightRow.as_of, NightRow.status).order_by(NightRow.as_of)).all()
    assert [(row.as_of, row.status) for row in rows] == [(night, "recorded") for night in run.nights]


def _rows_add_up(_run: Invariants, _session: Session, report: NightReport, _policy: Policy) -> None:
    for table in report.tables:
        accounted = table.accepted + table.duplicates + sum(table.quarantined.values())
        assert table.rows == accounted, table


def _every_change_is_recorded(_run: Invariants, session: Session, _report: NightReport, _policy: Policy) -> None:
    """The record of a case, read from its start, gives the case; its version counts the changes."""
    events: dict[str, list[CaseEvent]] = defaultdict(list)
    for event in session.scalars(select(CaseEvent).order_by(CaseEvent.id)):
        events[event.case_id].append(event)
    for case in session.scalars(select(Case)):
        fields: dict[str, Any] = {}
        versions = [event.version for event in events[case.id]]
        for event in events[case.id]:
            fields |= event.after
        present = audited_fields(case)
        differing = {name: (value, fields.get(name)) for name, value in present.items() if value != fields.get(name)}
        assert not {name for name, (now, then) in differing.items() if now is not None or then is not None}, (
            case.id,
            differing,
        )
        assert versions == sorted(versions), case.id
        assert versions[-1] == case.version, case.id


def _only_legal_moves(_run: Invariants, session: Session, _report: NightReport, _policy: Policy) -> None:
    actions = {str(action): action for action in Action}
    for event in session.scalars(select(CaseEvent)):
        before, after = event.before.get("state"), event.after.get("state")
        if after is not None and before is not None and event.kind in actions:
            assert is_legal(State(before), actions[event.kind], State(after)), (event.case_id, event.kind)


def _one_case_an_account(_run: Invariants, session: Session, _report: NightReport, _policy: Policy) -> None:
    open_cases = session.execute(select(Case.account_id, Case.family).where(Case.closed_at.is_(None))).all()
    assert max(Counter(map(tuple, open_cases)).values(), default=1) == 1


def _handoffs_are_frozen(run: Invariants, session: Session, _report: NightReport, _policy: Policy) -> None:
    raised: Counter[str] = Counter()
    for row in session.scalars(select(FrozenHandoff)):
        raised[row.case_id] += 1
        assert hashlib.sha256(row.content.encode()).hexdigest() == row.content_hash, row.case_id
        assert run.handoffs.setdefault((row.case_id, row.as_of), row.content_hash) == row.content_hash
    for case in session.scalars(select(Case)):
        assert raised[case.id] == case.raises + 1, case.id


def _capacity_holds(_run: Invariants, session: Session, report: NightReport, policy: Policy) -> None:
    opened = select(Case).where(Case.opened_on == report.as_of, Case.lane == "at_risk")
    by_squad = Counter(case.squad for case in session.scalars(opened))
    for squad, count in by_squad.items():
        assert count <= policy.rules.squads[squad].capacity, (squad, count)


def _nobody_held_out_is_worked(_run: Invariants, session: Session, report: NightReport, _policy: Policy) -> None:
    held = set(session.execute(
        select(HeldOutRow.account_id, HeldOutRow.risk).where(HeldOutRow.as_of == report.as_of)
    ).tuples())  # fmt: skip
    opened = select(Case.account_id, Case.risk).where(Case.opened_on == report.as_of, Case.lane == "at_risk")
    assert held.isdisjoint(session.execute(opened).tuples())


def _scores_are_complete(_run: Invariants, session: Session, report: NightReport, _policy: Policy) -> None:
    rows = session.execute(select(Score.risk, Score.probability).where(Score.as_of == report.as_of)).all()
    assert all(0 <= row.probability <= 1 for row in rows)
    assert Counter(row.risk for row in rows) == Counter({risk.name: risk.scored for risk in report.risks})


def _every_case_is_announced_once(_run: Invariants, session: Session, _report: NightReport, _policy: Policy) -> None:
    announced = Counter(session.scalars(select(Message.case_id).where(Message.kind == "case.opened")))
    cases = set(session.scalars(select(Case.id)))
    assert set(announced) == cases
    assert set(announced.values()) <= {1}
    assert not session.scalars(select(Message.id).where(Message.status == "dead")).all()


def _files_are_whole(run: Invariants, session: Session, report: NightReport, _policy: Policy) -> None:
    """The report and the database can be read, files are private, and no unfinished file is left."""
    written = json.loads((run.home / "nights" / str(report.as_of) / "report.json").read_text(encoding="utf-8"))
    assert written["run_id"] == report.run_id
    if session.get_bind().dialect.name == "sqlite":
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    files = [run.home / "rescue.db", *(run.home / "nights").rglob("*")]
    assert [str(file) for file in files if file.exists() and file.stat().st_mode & 0o077] == []


PROMISES: Mapping[str, Promise] = {
    "one run a night is recorded": _one_run,
    "rows in = accepted + duplicates + quarantined": _rows_add_up,
    "every change is on the record, and the record gives the case": _every_change_is_recorded,
    "only legal transitions": _only_legal_moves,
    "one open case an account and family": _one_case_an_account,
    "hand-offs are frozen, one a raise": _handoffs_are_frozen,
    "capacity of the squads": _capacity_holds,
    "nobody who is held out gets a case": _nobody_held_out_is_worked,
    "scores are complete": _scores_are_complete,
    "every case is announced once, no message is dead": _every_case_is_announced_once,
    "files are whole and private": _files_are_whole,
}
