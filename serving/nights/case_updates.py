"""The changes that a night's decision makes to cases: open, raise again, close, settle.

The policy decided about the queue as it was when the night began, and people may have changed it since. So each case is
read again, locked, and a decision that no longer applies is dropped: a case that was closed meanwhile is not raised,
and one that was reopened meanwhile is raised again instead of opened twice.
"""

import hashlib
import json
from base64 import b32encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from serving.cases.audit import audited_fields, record_change
from serving.cases.casework.outcome_details import set_amount
from serving.cases.casework.playbook_tasks import add_tasks, change_playbook
from serving.cases.escalation.path_context import path_context
from serving.cases.handover.hand_overs import withdraw_hand_over
from serving.cases.people import Staff
from serving.cases.permissions import SYSTEM
from serving.cases.sla_timers import start_timers, stop_timers, tighten_timers, wake_by_alarm
from serving.cases.transitions import transition
from serving.contracts import Flag, routing_text
from serving.delivery.outbox import enqueue_messages
from serving.handoff.first_reason import first_reason
from serving.nights.live_figures import update_open_cases
from serving.policy.definition.policy_schema import PolicyFile, SeverityRule
from serving.policy.state.case_status import SETTLING_CODES, Closure, ClosureOutcome, Settlement
from serving.policy.state.queue_state import Decision
from serving.policy.state.reason_texts import closure_text, raise_text
from serving.store.case_states import Action, State
from serving.store.tables import Account, Case, CaseAlarm, FrozenHandoff


@dataclass(frozen=True)
class Package:
    """A hand-off as it is stored: its JSON text, the version of its schema, and its headline of one sentence."""

    content: str
    schema_version: str
    headline: str

    @property
    def content_hash(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.content.encode()).hexdigest()


def case_id(account_id: str, family: str, opened_on: date | str) -> str:
    """The id of the case that a night opens: the same in every run, and not to be guessed from another id.

    A case that a person opens has the instant in place of the night's day.
    """
    subject = f"{account_id}\x1f{family}\x1f{opened_on}".encode()
    return b32encode(hashlib.sha256(subject).digest())[:13].decode().lower()


class CaseCounts(NamedTuple):
    """How many cases a night changed, by what it did (names of :class:`CaseChanges`) and by the code of a closure."""

    changes: Counter[str]
    closed: Counter[str]


@dataclass(frozen=True)
class CaseUpdates:
    """The case changes of one night; the fields are its transaction, its policy, its hand-offs and its time."""

    session: Session
    rules: PolicyFile
    handoffs: Mapping[tuple[str, str], Package]
    channels: tuple[str, ...]
    now: datetime
    policy_version: str | None = None
    actor: str = SYSTEM.name

    def apply(self, decision: Decision) -> CaseCounts:
        """Open, raise, close and settle cases as decided, and bring the others up to date."""
        running = _open_cases(self.session)
        by_id = {case.id: case for case in running}
        changes = Counter(self._raise(decision, by_id))
        closed = [row for row in decision.closures if row.case_id in by_id and self.close(by_id[row.case_id], row)]
        changes["expired"] = sum(row.outcome is ClosureOutcome.EXPIRED for row in closed)
        changes["settled"] = sum(self.settle(settlement) for settlement in decision.settlements)
        changes["resolved"] = update_open_cases(self.session, decision, by_id, self.now)
        return CaseCounts(changes, Counter(row.code for row in closed))

    def _raise(self, decision: Decision, by_id: Mapping[str, Case]) -> dict[str, int]:
        by_family = {(case.account_id, case.family): case for case in by_id.values()}
        counts = {"opened": 0, "raised_again": 0}
        for flag in decision.flags:
            case = by_family.get((flag.account_id, self.rules.family(flag.risk)))
            if case is None:
                counts["opened"] += self.open(flag)
            else:
                counts["raised_again"] += self.raise_again(case, flag, "It was reopened while the night ran.")
        for row in decision.raised_again:
            if row.case_id in by_id:
                counts["raised_again"] += self.raise_again(
                    by_id[row.case_id], row.flag, _sentence(raise_text(row.reason)), row.reason.alarms
                )
        return counts

    def open(self, flag: Flag, comment: str = "", new_id: str | None = None) -> int:
        """Open a case for an account that has none, and start its SLA timers; ``comment`` comes first in its record."""
        severity = self._severity(flag)
        family = self.rules.family(flag.risk)
        duty = self._staff.on_duty(flag.squad, self.now)
        case = Case(
            id=new_id or case_id(flag.account_id, family, flag.as_of),
            account_id=flag.account_id,
            family=family,
            state=State.NEW,
            squad=flag.squad,
            opened_on=flag.as_of,
            opened_at=self.now,
            updated_at=self.now,
            raises=0,
            tier=0,
            policy_version=self.policy_version,
            skill=flag.routing.skill or None,
            escalation_path=list(duty.tiers),
            **_terms(severity),
        )
        start_timers(case, self.now, self._staff.calendar_for(case))
        notes = [f"{self._staff.obstacle_text(it)} and is not responsible." for it in duty.skipped]
        why = comment or _sentence(routing_text(flag.routing, self._trigger_messages()))
        opened = self._finish(case, flag, {}, "opened", why, notes)
        self._staff.count_case(case.responsible)
        return opened

    def raise_again(self, case: Case, flag: Flag, why: str, news: Sequence[str] = ()) -> int:
        """Give the case of an account whose risk rose tonight's hand-off and figures; a snoozed case wakes.

        The alarms that are ``news`` count from tonight, also where the case contains one of this name.
        """
        before, calendar = audited_fields(case), self._staff.calendar_for(case)
        severity = self._severity(flag)
        for name, value in _terms(severity).items():
            setattr(case, name, value)
        if case.state == State.SNOOZED:
            wake_by_alarm(case, self.now, calendar)
        tighten_timers(case, self.now, calendar)
        case.raises += 1
        for code in case.alarms.keys() & set(news):
            case.alarms[code].raised_on = flag.as_of
        return self._finish(case, flag, before, "raised", why)

    def close(self, case: Case, closure: Closure) -> bool:
        """Close a case with the reason of the night; one that somebody took up meanwhile does not expire."""
        expires = closure.outcome is ClosureOutcome.EXPIRED
        action = Action.EXPIRE if expires else Action.CLOSE
        taken_up = expires and case.state not in (closure.state, State.SNOOZED)
        if taken_up or case.state not in transition(action).sources:
            return False
        before = audited_fields(case)
        case.state, case.closed_at = State(closure.outcome), self.now
        case.closure, case.closure_on = closure.code, closure.on
        case.settled_on = closure.on if closure.code in SETTLING_CODES else None
        case.resolved = case.resolved_on = case.closes_on = case.snoozed_from = case.snoozed_until = None
        set_amount(case, case.state, self.session.get(Account, case.account_id))
        stop_timers(case)
        withdraw_hand_over(self.session, case.id, self.now)
        why = _sentence(closure_text(closure))
        record_change(self.session, case, before, action, actor=SYSTEM.name, at=self.now, comment=why)
        enqueue_messages(self.session, case, "case.closed", self.channels, at=self.now)
        return True

    def settle(self, settlement: Settlement) -> bool:
        """Record that the contract of a lost case has ended; once."""
        case = self.session.get(Case, settlement.case_id, with_for_update=True)
        if case is None or case.state != State.LOST or case.settled_on is not None:
            return False
        before = audited_fields(case)
        case.settled_on = settlement.ended_on or self.now.date()
        record_change(
            self.session, case, before, "settled", actor=SYSTEM.name, at=self.now, comment="The contract has ended."
        )
        return True

    def _finish(
        self,
        case: Case,
        flag: Flag,
        before: Mapping[str, object],
        kind: str,
        why: str | None,
        notes: Sequence[str] = (),
    ) -> int:
        """Store the hand-off, the record and the messages: the same for a new case and one raised again."""
        package = self.handoffs[(flag.account_id, flag.risk)]
        self._describe(case, flag, package)
        self.session.add(case)
        note: dict[str, object] = {"alarms": _add_alarms(case, flag)}
        with self.session.no_autoflush:  # a case that is being opened has no version yet
            playbook = change_playbook(self.session, case, self.rules, _reason_group(flag), self.now)
        if playbook is not None:
            note["playbook"] = playbook[0]
        record_change(
            self.session, case, before, kind, actor=self.actor, at=self.now, comment=why, notes=notes, note=note
        )
        if playbook is not None:
            add_tasks(self.session, case, *playbook, self.now)
        frozen = FrozenHandoff(
            case_id=case.id,
            as_of=flag.as_of,
            schema_version=package.schema_version,
            content=package.content,
            content_hash=package.content_hash,
        )
        self.session.add(frozen)
        enqueue_messages(self.session, case, f"case.{kind}", self.channels, at=self.now)
        return 1

    def _describe(self, case: Case, flag: Flag, package: Package) -> None:
        """Give the case the figures of its flag: those that stay, and those that the next night replaces."""
        account = self.session.get_one(Account, flag.account_id)
        case.risk, case.probability, case.at_stake = flag.risk, flag.probability, flag.at_stake
        case.triggers, case.headline, case.raised_on = list(flag.triggers), package.headline, flag.as_of
        case.renews_on, case.estimated_revenue = account.renews_on, flag.estimated_revenue
        case.lane, case.priority, case.rank = flag.lane, flag.priority, flag.rank
        case.loss_share, case.group_members = flag.loss_share, list(flag.members)
        case.live_on, case.revenue, case.ends_on = flag.as_of, account.arr, flag.ends_on
        case.first_reason = first_reason(json.loads(package.content))
        case.resolved = case.resolved_on = case.closes_on = None
        case.set_scores(flag.probabilities)

    @property
    def _staff(self) -> Staff:
        """The people of the policy that the night records, and who of them can act now; one for the transaction."""
        return path_context(self.session, self.now).staff

    def _trigger_messages(self) -> dict[str, str]:
        return {name: trigger.message for name, trigger in self.rules.triggers.items()}

    def _severity(self, flag: Flag) -> SeverityRule:
        return self.rules.severities[self.rules.rank_of(flag.severity)]


def _open_cases(session: Session) -> list[Case]:
    """Every open case, locked in the order of their ids; scores and alarms are loaded only where they change."""
    query = select(Case).where(Case.closed_at.is_(None)).order_by(Case.id).with_for_update()
    return list(session.scalars(query.options(lazyload(Case.scores), lazyload(Case.alarms))))


def _terms(severity: SeverityRule) -> dict[str, object]:
    return {
        "severity": severity.name,
        "respond_within": str(severity.respond_hours),
        "resolve_within": str(severity.resolve_hours),
        "escalate_after": [str(after) for after in severity.escalate_after_hours],
    }


def _add_alarms(case: Case, flag: Flag) -> list[str]:
    """Add the alarms that the case does not contain yet; returns their codes."""
    new = sorted(set(flag.alarms) - case.alarms.keys())
    for code in new:
        case.alarms[code] = CaseAlarm(alarm=code, raised_on=flag.as_of)
    return new


def _reason_group(flag: Flag) -> str | None:
    """The group of the strongest reason that raises the risk of a case."""
    reasons = (flag.reasons or {}).get(flag.risk, ())
    return next((reason.group for reason in reasons if reason.strength > 0 and not reason.weak), None)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
