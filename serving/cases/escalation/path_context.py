"""What one transaction needs to execute paths and the protocol: the policy of the newest night, its people, settings.

It is loaded once for each transaction, however many cases that changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Protocol as Shape

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.cases.escalation.message_choices import load_choices, policy_choices
from serving.cases.people import Staff, load_staff, newest_rules
from serving.paths.calendars import WorkingCalendar
from serving.paths.digests.digest_schedule import MessageChoices
from serving.paths.directory import Directory
from serving.paths.durations import Duration
from serving.paths.message_settings import MessageSettings
from serving.paths.path_progress import PathState
from serving.paths.path_steps import EscalationPath, shorthand_path
from serving.paths.protocol import DEFAULT_PROTOCOL, Protocol, ProtocolEvent
from serving.paths.subjects import Subject
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.case_states import State, responsible_person
from serving.store.database import MESSAGES, PEOPLE_NAMES
from serving.store.tables import Account, Case, Squad

ACCOUNT_OWNER = "account owner"
CONTEXT = "path_context"
"""The key of the context in a session's ``info``."""


class CasePathRow(Shape):
    """The columns of a case that its path depends on."""

    squad: str
    severity: str
    state: str
    owner: str | None
    escalate_after: list[str]
    escalation_path: list[str]
    tier: int
    tier_since: datetime
    respond_by: datetime | None
    closed_at: datetime | None
    path_step: int
    path_repeats: int
    acknowledged_at: datetime | None
    reached: list[str]


PATH_COLUMNS = tuple(name for name in CasePathRow.__annotations__)


@dataclass(frozen=True)
class PathContext:
    """The policy's rules (None before the first night), its people, and the settings of messages.

    ``calendars`` are those of the squads as the newest night stored them, ``choices`` those of people about messages.
    """

    rules: PolicyFile | None
    staff: Staff
    messages: MessageSettings
    calendars: Mapping[str, WorkingCalendar]
    choices: Mapping[str, MessageChoices] = field(default_factory=dict)

    def choices_of(self, person: str) -> MessageChoices:
        """What a person chose about messages, else what the policy says."""
        return self.choices.get(person) or policy_choices(self.rules)

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """The accounts that messages of this transaction were about."""
        return {}

    @cached_property
    def directory(self) -> Directory:
        """Who is meant by the words of a path."""
        preferred = {name: it.channel for name, it in self.choices.items() if it.channel}
        return Directory(self.staff.roster, self.staff.situation, self.messages.channels, preferred)

    @cached_property
    def titles(self) -> dict[str, str]:
        """The names of people as others read them."""
        return {person.name: person.shown for person in self.staff.roster.people.values()}

    @cached_property
    def protocol(self) -> Protocol:
        """Who is notified of each event."""
        return self.rules.full_protocol if self.rules else DEFAULT_PROTOCOL

    @cached_property
    def reaches_nobody(self) -> bool:
        """Whether no message to a person is possible: nobody has an address, and the policy names no channel."""
        if any(person.addresses for person in self.staff.roster.people.values()):
            return False
        return self.rules is None or not (self.rules.protocol or self.rules.paths)

    def path_of(self, case: CasePathRow) -> EscalationPath:
        """The path of a case; the tiers of its squad, with the times of its last raise, where the policy names none."""
        if self.rules is not None:
            row = self.rules.severities[self.rules.rank_of(case.severity)]
            if row.path is not None and row.path in self.rules.paths:
                return self.rules.path_named(row.path)
        after = [Duration.parse(text) for text in case.escalate_after]
        return shorthand_path(after, self.staff.roster.squad_size(case.squad))

    def calendar_of(self, case: CasePathRow) -> WorkingCalendar | None:
        """The working time that the path of a case runs by: of the responsible person, else of the squad."""
        person = responsible_of(case)
        return self.staff.roster.calendar_of(person, case.squad) or self.calendars.get(case.squad)

    def subject_of(self, session: Session, case: Case, *, actor: str = "", comment: str = "") -> Subject:
        """The case as messages see it, with its account."""
        account = self.accounts.get(case.account_id) or session.get(Account, case.account_id)
        if account is not None:
            self.accounts[case.account_id] = account  # the session alone would forget it, and read it again
        return self._subject(case, account, actor, comment)

    def path_subject_of(self, session: Session, case: Case) -> Subject:
        """The case as its path sees it; the account is read only where the path addresses its owner."""
        words = (word.casefold() for step in self.path_of(case).steps for word in step.to)
        if ACCOUNT_OWNER in words:
            return self.subject_of(session, case)
        return self._subject(case, None, "", "")

    def _subject(self, case: Case, account: Account | None, actor: str, comment: str) -> Subject:
        row = self.rules.severities[self.rules.rank_of(case.severity)] if self.rules else None
        return Subject(
            id=case.id,
            title=(account.name if account else None) or case.account_id,
            squad=case.squad,
            severity=case.severity,
            opened_at=case.opened_at,
            headline=case.headline or "",
            responsible=responsible_of(case),
            acknowledged_by=case.acknowledged_by,
            to_accept=case.state == State.HANDED_OVER,
            account_owner=account.owner if account else None,
            accountable=(row.accountable,) if row else (),
            consulted=row.consulted if row else (),
            informed=row.informed if row else (),
            reached=tuple(dict.fromkeys((*reached_by(case), *case.reached))),
            respond_by=case.respond_by,
            resolve_by=case.resolve_by,
            comment=comment,
            actor=actor,
            facts=_facts(case, account),
            titles=self.titles,
        )


def path_context(session: Session, at: datetime) -> PathContext:
    """The context of a session's transaction; loaded at the first use."""
    context: PathContext | None = session.info.get(CONTEXT)
    if context is None:
        context = session.info[CONTEXT] = load_context(session, at)
        session.info[PEOPLE_NAMES] = context.titles
    return context


def load_context(session: Session, at: datetime) -> PathContext:
    """The context as of the newest night, read anew."""
    rows = session.execute(select(Squad.name, Squad.calendar).where(Squad.calendar.is_not(None)))
    calendars = {row.name: WorkingCalendar.from_json(row.calendar) for row in rows}
    messages = session.info.get(MESSAGES) or MessageSettings()
    rules = newest_rules(session)
    staff = load_staff(session, at, rules.roster if rules is not None else None)
    context = PathContext(rules, staff, messages, calendars)
    return context if context.reaches_nobody else replace(context, choices=load_choices(session, context.rules))


def path_state(case: CasePathRow) -> PathState:
    """The progress of the path of a case."""
    return PathState(
        since=case.tier_since,
        step=case.path_step,
        repeats=case.path_repeats,
        acknowledged=case.acknowledged_at is not None,
        responsible=responsible_of(case),
        reached=tuple(dict.fromkeys((*reached_by(case), *case.reached))),
    )


def responsible_of(case: CasePathRow) -> str | None:
    """Who has to act now; before the path has reached anybody, nobody but an owner."""
    return responsible_person(case.owner, case.escalation_path, case.tier, case.path_step, case.reached)


def reached_by(case: CasePathRow) -> list[str]:
    """The people who have been responsible for the case by its tiers."""
    return case.escalation_path[: case.tier + 1] if case.path_step >= 0 or case.reached else []


def runs(case: CasePathRow) -> bool:
    """Whether the path of the case runs: it is open and not snoozed, and nobody has contacted the customer."""
    return case.closed_at is None and case.respond_by is not None and case.state != State.SNOOZED


def is_silent(context: PathContext, event: ProtocolEvent) -> bool:
    """Whether no message about an event can reach anybody."""
    if not context.reaches_nobody:
        return False
    return not any(context.protocol[event].parties.values())


def _facts(case: Case, account: Account | None) -> dict[str, str]:
    """Further values that a message may list, in words."""
    currency = (account.currency if account else None) or ""
    facts = {
        "revenue": f"{currency} {case.revenue:,.0f}".strip() if case.revenue is not None else "",
        "renewal": _day(case.renews_on),
        "probability": f"{case.probability:.0%}" if case.probability is not None else "",
        "state": case.state.replace("_", " "),
        "opened": _day(case.opened_on),
    }
    return {name: value for name, value in facts.items() if value}


def _day(day: date | None) -> str:
    return f"{day.day} {day:%b %Y}" if day else ""
