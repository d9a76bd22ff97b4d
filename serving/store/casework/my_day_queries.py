"""What one person has to do today: their cases, hand-overs to answer, and the incidents they are called to."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, lazyload

from serving.store.case_states import State, responsible_person
from serving.store.incident_tables import Incident
from serving.store.tables import Account, Case

MOST_OWN = 200
"""Cases of one person that are read; whoever has more needs the queue."""


def responsible_cases(session: Session, person: str, squads: frozenset[str] | None) -> list[tuple[Case, Account]]:
    """The open cases for which a person is responsible, in the order of work, without those that are snoozed.

    ``squads`` are those that the person sees (None: every squad).
    """
    unowned = [Case.owner.is_(None), Case.state.in_((State.NEW, State.HANDED_OVER))]
    if squads is not None:
        unowned.append(Case.squad.in_(sorted(squads)))
    running = Case.closed_at.is_(None)
    columns = (Case.owner, Case.escalation_path, Case.tier, Case.path_step, Case.reached)
    tiers = select(Case.id, *columns).where(running, *unowned).order_by(Case.priority.desc())
    rows = session.execute(tiers.limit(10 * MOST_OWN))
    mine = [key for key, *row in rows if responsible_person(*row) == person][:MOST_OWN]
    own = select(Case, Account).join(Account, Case.account_id == Account.account_id)
    own = own.where(running, Case.state != State.SNOOZED, or_(Case.owner == person, Case.id.in_(mine)))
    own = own.options(lazyload(Case.scores), lazyload(Case.alarms)).order_by(Case.priority.desc(), Case.id)
    return list(session.execute(own.limit(2 * MOST_OWN)).tuples())


def called_incidents(session: Session, person: str, squads: Sequence[str]) -> list[Incident]:
    """The open incidents of a person: responsible, or reached by the path; those of their squads that nobody has."""
    found = session.scalars(select(Incident).where(Incident.state == "open").order_by(Incident.started_at, Incident.id))
    return [
        row
        for row in found
        if row.responsible == person or person in row.reached or (row.responsible is None and row.squad in squads)
    ]
