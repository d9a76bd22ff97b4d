"""One case with its hand-offs, its record and the newest data of its account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from serving.store.case_states import Action, State
from serving.store.casework.casework_queries import is_mentioned
from serving.store.database import once_per_reading
from serving.store.exchange import ExternalRecordRow, HealthAdjustment
from serving.store.queries.queue_queries import newest_night
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff, Member, Score, Squad

STAYED = "stayed_after_lost"
"""The event of a case closed as lost whose account is a customer 90 days later all the same."""


@dataclass(frozen=True)
class CaseFile:
    """The data of a case page, read from one consistent state of the database.

    ``handoff`` is the requested one, ``handoffs`` are the nights of all; ``scores`` are the newest night's, by risk;
    ``other_open`` are the account's other open cases that the person may see. ``read_only`` is true for a reader who
    handed the case over and may see it for no other reason.
    """

    case: Case
    account: Account
    handoff: str
    handoff_of: date
    handoffs: tuple[date, ...]
    events: tuple[CaseEvent, ...]
    night: date | None
    scores: dict[str, float]
    adjustments: tuple[HealthAdjustment, ...]
    members: tuple[str, ...]
    squads: tuple[str, ...]
    other_open: tuple[Case, ...]
    read_only: bool = False

    @property
    def has_stayed(self) -> bool:
        """Whether the case is closed as lost, and a night has found that the account is still a customer."""
        return self.case.state == State.LOST and any(event.kind == STAYED for event in self.events)


@once_per_reading
def case_history(session: Session, case_id: str) -> list[CaseEvent]:
    """Every event of the case, oldest first."""
    return list(session.scalars(select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.id)))


def external_records(session: Session, case_id: str) -> list[ExternalRecordRow]:
    """The records of the case in other systems that exist, by channel."""
    query = select(ExternalRecordRow).where(
        ExternalRecordRow.case_id == case_id, ExternalRecordRow.external_id.is_not(None)
    )
    return list(session.scalars(query.order_by(ExternalRecordRow.channel)))


def case_file(
    session: Session,
    case_id: str,
    *,
    visible: frozenset[str] | None,
    as_of: date | None = None,
    reader: str | None = None,
) -> CaseFile | None:
    """The file of a case with its hand-off of ``as_of`` (default: the newest).

    None where there is no such hand-off, or no such case in the squads that are ``visible`` (None: every squad). A
    ``reader`` whom the escalation path of the case has reached may see it, too. Who handed it over may read it, and who
    was mentioned in it.
    """
    case = session.get(Case, case_id)
    if case is None:
        return None
    works = visible is None or case.squad in visible or reader in case.reached
    if not works and not (_handed_over_by(session, case_id, reader) or is_mentioned(session, case_id, reader)):
        return None
    nights = tuple(
        session.scalars(
            select(FrozenHandoff.as_of).where(FrozenHandoff.case_id == case.id).order_by(FrozenHandoff.as_of)
        )
    )
    wanted = as_of or max(nights, default=None)
    content = session.scalar(
        select(FrozenHandoff.content).where(FrozenHandoff.case_id == case.id, FrozenHandoff.as_of == wanted)
    )
    account = session.get(Account, case.account_id)
    if content is None or wanted is None or account is None:
        return None
    night = newest_night(session)
    return CaseFile(
        case=case,
        account=account,
        handoff=content,
        handoff_of=wanted,
        handoffs=nights,
        events=tuple(case_history(session, case.id)),
        night=night,
        scores=scores_of(session, case.account_id, night),
        adjustments=adjustments_of(session, case.account_id),
        members=members_of(session, case.squad),
        squads=active_squads(session),
        other_open=_other_open(session, case, visible),
        read_only=not works,
    )


def scores_of(session: Session, account_id: str, night: date | None) -> dict[str, float]:
    """The account's probabilities on that night, by risk."""
    query = select(Score.risk, Score.probability).where(Score.as_of == night, Score.account_id == account_id)
    return {row.risk: row.probability for row in session.execute(query)}


def adjustments_of(session: Session, account_id: str) -> tuple[HealthAdjustment, ...]:
    """The health adjustments of the account, oldest first, withdrawn ones too."""
    query = select(HealthAdjustment).where(HealthAdjustment.account_id == account_id).order_by(HealthAdjustment.id)
    return tuple(session.scalars(query))


def stayed_cases(session: Session, cases: Sequence[Case]) -> frozenset[str]:
    """Those of these cases that are closed as lost and whose account is still a customer, by id."""
    lost = [case.id for case in cases if case.state == State.LOST]
    query = select(CaseEvent.case_id).where(CaseEvent.case_id.in_(lost), CaseEvent.kind == STAYED)
    return frozenset(session.scalars(query)) if lost else frozenset()


def missed_responses(session: Session, cases: Sequence[Case], now: datetime) -> dict[str, datetime]:
    """When the response deadline of an open case was missed that has a later one now, by case id.

    A hand-over, and a return of it, restart the time to respond. The missed deadline is still one: a case that is late,
    is handed over and is not late any more.
    """
    running = [case.id for case in cases if case.closed_at is None and case.respond_by and case.respond_by > now]
    kinds = ("breached", Action.HAND_OVER, Action.RETURN, Action.REOPEN)
    query = select(CaseEvent).where(CaseEvent.case_id.in_(running), CaseEvent.kind.in_(kinds)).order_by(CaseEvent.id)
    missed: dict[str, datetime] = {}
    for event in session.scalars(query) if running else ():
        due = event.before.get("respond_by")
        if event.kind == Action.REOPEN:
            missed.pop(event.case_id, None)
        elif "respond_breached_at" in event.after and event.kind == "breached":
            missed[event.case_id] = event.at
        elif due is not None and datetime.fromisoformat(due) <= event.at:
            missed.setdefault(event.case_id, event.at)  # no timer had recorded it yet
    return missed


def members_of(session: Session, squad: str) -> tuple[str, ...]:
    """The people of a squad, its primary owner first."""
    return tuple(session.scalars(select(Member.person).where(Member.squad == squad).order_by(Member.position)))


def account_names(session: Session, case_ids: Iterable[str]) -> dict[str, str]:
    """The names of the accounts of these cases, by case id."""
    named = select(Case.id, func.coalesce(Account.name, Account.account_id))
    query = named.join(Account, Case.account_id == Account.account_id).where(Case.id.in_(list(case_ids)))
    return {row.id: row[1] for row in session.execute(query)}


_ACTIVE_SQUADS = select(Squad.name).where(Squad.active).order_by(Squad.name)


@once_per_reading
def active_squads(session: Session) -> tuple[str, ...]:
    """The squads that the newest policy names."""
    return tuple(session.scalars(_ACTIVE_SQUADS))


def _handed_over_by(session: Session, case_id: str, person: str | None) -> bool:
    """Whether this person has handed the case over, which its messages may link them to."""
    sent = select(CaseEvent.id).where(
        CaseEvent.case_id == case_id, CaseEvent.kind == "hand_over", CaseEvent.actor == person
    )
    return person is not None and session.scalar(sent.limit(1)) is not None


def _other_open(session: Session, case: Case, visible: frozenset[str] | None) -> tuple[Case, ...]:
    query = select(Case).where(Case.account_id == case.account_id, Case.id != case.id, Case.closed_at.is_(None))
    return tuple(session.scalars(query if visible is None else query.where(Case.squad.in_(sorted(visible)))))
