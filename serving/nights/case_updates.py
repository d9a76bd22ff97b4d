"""What a night's decision does to the cases: open, raise again, let expire.

The policy decided on the queue as it was when the night began; people may have worked in it since. So each case is
read again, locked, and what no longer fits is left to the people: a case that was closed meanwhile is not raised, and
one that was reopened meanwhile is raised instead of opened twice.
"""

import hashlib
from base64 import b32encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.audit import image, record
from serving.cases.permissions import SYSTEM
from serving.cases.sla_timers import start, stop, tighten, wake
from serving.cases.transitions import transition
from serving.contracts import Flag
from serving.delivery.outbox import announce
from serving.policy.decision.queue_state import Decision
from serving.policy.definition.policy_schema import PolicyFile, Severity
from serving.store.case_states import Move, State
from serving.store.tables import Case, FrozenHandoff


@dataclass(frozen=True)
class Package:
    """A hand-off as it is frozen: its JSON text, the version of its schema, and its one-sentence headline."""

    content: str
    schema_version: str
    headline: str

    @property
    def content_hash(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.content.encode()).hexdigest()


def case_id(account_id: str, family: str, opened_on: date) -> str:
    """The id of the case that this night opens: the same in every run, and not to be guessed from another's."""
    subject = f"{account_id}\x1f{family}\x1f{opened_on}".encode()
    return b32encode(hashlib.sha256(subject).digest())[:13].decode().lower()


@dataclass(frozen=True)
class NightDesk:
    """What a night does to cases, and what all of it shares: the transaction, the policy, the packages, the time."""

    session: Session
    rules: PolicyFile
    handoffs: Mapping[tuple[str, str], Package]
    channels: tuple[str, ...]
    now: datetime

    def apply(self, decision: Decision) -> dict[str, int]:
        """Open, raise and expire cases as decided; how many of each, by name."""
        running = _open_cases(self.session)
        by_id = {case.id: case for case in running}
        by_family = {(case.account_id, case.family): case for case in running}
        counts = Counter({"opened": 0, "raised_again": 0, "expired": 0})
        for flag in decision.flags:
            case = by_family.get((flag.account_id, self.rules.family(flag.risk)))
            if case is None:
                counts["opened"] += self.open(flag)
            else:
                counts["raised_again"] += self.raise_again(case, flag, "flagged anew while it was open")
        for row in decision.raised_again:
            if row.case_id in by_id:
                counts["raised_again"] += self.raise_again(by_id[row.case_id], row.flag, row.why)
        for name in decision.calmed:
            if name in by_id:
                counts["expired"] += self.expire(by_id[name])
        return dict(counts)

    def open(self, flag: Flag) -> int:
        """A case for an account that has none, its clocks started."""
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
            rung=0,
            ladder=list(self.rules.squads[flag.squad].ladder),
            **_terms(severity),
        )
        start(case, self.now)
        self.session.add(case)
        return self._settle(case, flag, {}, "opened", f"It {flag.routed}." if flag.routed else None)

    def raise_again(self, case: Case, flag: Flag, why: str) -> int:
        """A worse account: its case gets tonight's hand-off and figures, and wakes if it was snoozed."""
        before = image(case)
        severity = self._severity(flag)
        for name, value in _terms(severity).items():
            setattr(case, name, value)
        if case.state == State.SNOOZED:
            wake(case)
        tighten(case, self.now)
        case.raises += 1
        return self._settle(case, flag, before, "raised", why)

    def expire(self, case: Case) -> int:
        """Close a calmed case that nobody works on; work that was begun is left to whoever does it."""
        if case.state not in transition(Move.EXPIRE).sources:
            return 0
        before = image(case)
        case.state, case.closed_at = State.EXPIRED, self.now
        stop(case)
        record(self.session, case, before, Move.EXPIRE, actor=SYSTEM.name, at=self.now, comment="has calmed")
        return 1

    def _settle(self, case: Case, flag: Flag, before: Mapping[str, object], kind: str, why: str | None) -> int:
        """Freeze the hand-off, write the record and the messages: the same for a new case and a worse one."""
        package = self.handoffs[(flag.account_id, flag.risk)]
        _describe(case, flag, package)
        record(self.session, case, before, kind, actor=SYSTEM.name, at=self.now, comment=why)
        frozen = FrozenHandoff(
            case_id=case.id,
            as_of=flag.as_of,
            schema_version=package.schema_version,
            content=package.content,
            content_hash=package.content_hash,
        )
        self.session.add(frozen)
        announce(self.session, case, f"case.{kind}", self.channels, at=self.now)
        return 1

    def _severity(self, flag: Flag) -> Severity:
        return self.rules.severities[self.rules.rank_of(flag.severity)]


def _open_cases(session: Session) -> list[Case]:
    """Every open case, locked in one order."""
    query = select(Case).where(Case.closed_at.is_(None)).order_by(Case.id).with_for_update()
    return list(session.scalars(query))


def _terms(severity: Severity) -> dict[str, object]:
    return {
        "severity": severity.name,
        "respond_hours": severity.respond_hours,
        "resolve_hours": severity.resolve_hours,
        "hand_on_hours": list(severity.hand_on_hours),
    }


def _describe(case: Case, flag: Flag, package: Package) -> None:
    case.risk, case.probability, case.probabilities = flag.risk, flag.probability, flag.probabilities
    case.priority, case.rank, case.at_stake = flag.priority, flag.rank, flag.at_stake
    case.triggers, case.routed, case.headline = list(flag.triggers), flag.routed, package.headline
    case.raised_on = flag.as_of
