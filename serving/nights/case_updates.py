"""The changes that a night's decision makes to cases: open, raise again, expire.

The policy decided about the queue as it was when the night began, and people may have changed it since. So each case is
read again, locked, and a decision that no longer applies is dropped: a case that was closed meanwhile is not raised,
and one that was reopened meanwhile is raised again instead of opened twice.
"""

import hashlib
from base64 import b32encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from serving.cases.audit import audited_fields, record_change
from serving.cases.permissions import SYSTEM
from serving.cases.sla_timers import start_timers, stop_timers, tighten_timers, wake_case
from serving.cases.transitions import transition
from serving.contracts import Flag, routing_text
from serving.delivery.outbox import enqueue_messages
from serving.policy.decision.queue_state import Decision
from serving.policy.decision.reason_texts import raise_text
from serving.policy.definition.policy_schema import PolicyFile, SeverityRule
from serving.store.case_states import Action, State
from serving.store.tables import Case, FrozenHandoff

NO_LONGER_AT_RISK = "The account is no longer at risk."
"""The comment on the record of an expired case."""


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


def case_id(account_id: str, family: str, opened_on: date) -> str:
    """The id of the case that a night opens: the same in every run, and not to be guessed from another id."""
    subject = f"{account_id}\x1f{family}\x1f{opened_on}".encode()
    return b32encode(hashlib.sha256(subject).digest())[:13].decode().lower()


@dataclass(frozen=True)
class CaseUpdates:
    """The case changes of one night; the fields are its transaction, its policy, its hand-offs and its time."""

    session: Session
    rules: PolicyFile
    handoffs: Mapping[tuple[str, str], Package]
    channels: tuple[str, ...]
    now: datetime

    def apply(self, decision: Decision) -> dict[str, int]:
        """Open, raise and expire cases as decided; returns the number of each, by name."""
        running = _open_cases(self.session)
        by_id = {case.id: case for case in running}
        by_family = {(case.account_id, case.family): case for case in running}
        counts = Counter({"opened": 0, "raised_again": 0, "expired": 0})
        for flag in decision.flags:
            case = by_family.get((flag.account_id, self.rules.family(flag.risk)))
            if case is None:
                counts["opened"] += self.open(flag)
            else:
                counts["raised_again"] += self.raise_again(case, flag, "It was reopened while the night ran.")
        for row in decision.raised_again:
            if row.case_id in by_id:
                counts["raised_again"] += self.raise_again(
                    by_id[row.case_id], row.flag, _sentence(raise_text(row.reason))
                )
        for name in decision.no_longer_at_risk:
            if name in by_id:
                counts["expired"] += self.expire(by_id[name])
        return dict(counts)

    def open(self, flag: Flag) -> int:
        """Open a case for an account that has none, and start its SLA timers."""
        severity = self._severity(flag)
        family = self.rules.family(flag.risk)
        case = Case(
            id=case_id(flag.account_id, family, flag.as_of),
            account_id=flag.account_id,
            family=family,
            state=State.NEW,
            squad=flag.squad,
            opened_on=flag.as_of,
            opened_at=self.now,
            updated_at=self.now,
            raises=0,
            tier=0,
            escalation_path=list(self.rules.squads[flag.squad].tiers),
            **_terms(severity),
        )
        start_timers(case, self.now)
        self.session.add(case)
        return self._finish(case, flag, {}, "opened", _sentence(routing_text(flag.routing, self._trigger_messages())))

    def raise_again(self, case: Case, flag: Flag, why: str) -> int:
        """Give the case of an account whose risk rose tonight's hand-off and figures; a snoozed case wakes."""
        before = audited_fields(case)
        severity = self._severity(flag)
        for name, value in _terms(severity).items():
            setattr(case, name, value)
        if case.state == State.SNOOZED:
            wake_case(case)
        tighten_timers(case, self.now)
        case.raises += 1
        return self._finish(case, flag, before, "raised", why)

    def expire(self, case: Case) -> int:
        """Close a case that nobody works on and whose account is no longer at risk; a case in work stays open."""
        if case.state not in transition(Action.EXPIRE).sources:
            return 0
        before = audited_fields(case)
        case.state, case.closed_at = State.EXPIRED, self.now
        stop_timers(case)
        record_change(
            self.session, case, before, Action.EXPIRE, actor=SYSTEM.name, at=self.now, comment=NO_LONGER_AT_RISK
        )
        return 1

    def _finish(self, case: Case, flag: Flag, before: Mapping[str, object], kind: str, why: str | None) -> int:
        """Store the hand-off, the record and the messages: the same for a new case and one raised again."""
        package = self.handoffs[(flag.account_id, flag.risk)]
        _describe(case, flag, package)
        record_change(self.session, case, before, kind, actor=SYSTEM.name, at=self.now, comment=why)
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

    def _trigger_messages(self) -> dict[str, str]:
        return {name: trigger.message for name, trigger in self.rules.triggers.items()}

    def _severity(self, flag: Flag) -> SeverityRule:
        return self.rules.severities[self.rules.rank_of(flag.severity)]


def _open_cases(session: Session) -> list[Case]:
    """Every open case, locked in the order of their ids; scores are loaded only for the cases that change."""
    query = select(Case).where(Case.closed_at.is_(None)).order_by(Case.id).with_for_update()
    return list(session.scalars(query.options(lazyload(Case.scores))))


def _terms(severity: SeverityRule) -> dict[str, object]:
    return {
        "severity": severity.name,
        "respond_hours": severity.respond_hours,
        "resolve_hours": severity.resolve_hours,
        "escalate_after_hours": list(severity.escalate_after_hours),
    }


def _describe(case: Case, flag: Flag, package: Package) -> None:
    case.risk, case.probability = flag.risk, flag.probability or 0.0
    case.priority, case.rank, case.at_stake = flag.priority, flag.rank, flag.at_stake or 0.0
    case.triggers, case.headline, case.raised_on = list(flag.triggers), package.headline, flag.as_of
    case.set_scores(flag.probabilities)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
