"""What people do between two nights of a soak, and the policy that they write: the same in every run.

Actions are drawn from a seed and the open cases, so two runs with equal queues act alike.
"""

import random
from datetime import date, datetime, timedelta

from sqlalchemy import select

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.policy.definition.policy_file import default_text
from serving.store import Store
from serving.store.case_states import State
from serving.store.tables import Case, Member

CHANGES = (
    (),
    (("capacity = 10", "capacity = 6"), ("leave_nights = ", "leave_nights = 1 # ")),
    (("min_probability = 0.08", "min_probability = 0.05"), ("false_alarm = 45", "false_alarm = 10")),
    (("half_life_days = 30", "half_life_days = 20"), ("cooldown_days = ", "cooldown_days = 7 # ")),
)
"""The policies of the four quarters of a soak, as changes of the one that comes with Rescue."""
LEAVER = "success-2"
"""Who leaves the team in the last quarter."""


def policy_text(number: int, *, left: bool) -> str:
    """The policy of a quarter; without the person who has left."""
    text = default_text()
    for old, new in CHANGES[number]:
        text = text.replace(old, new)
    return text.replace(f'"{LEAVER}", ', "") if left else text


def act(store: Store, day: date, seed: int, *, leaver: bool) -> int:
    """One working day: about a third of the open cases are worked on; the number of actions."""
    dice = random.Random(seed)
    with store.reading() as session:
        cases = session.execute(
            select(Case.id, Case.squad, Case.state, Case.owner).where(Case.closed_at.is_(None)).order_by(Case.id)
        ).all()
        members = session.execute(select(Member.squad, Member.person).order_by(Member.squad, Member.position)).all()
    people: dict[str, list[str]] = {}
    for squad, person in members:
        people.setdefault(squad, []).append(person)
    actions = 0
    for place, (case_id, squad, state, owner) in enumerate(cases):
        at = datetime.combine(day, datetime.min.time()) + timedelta(hours=8, minutes=place)
        work = Cases(store, clock=lambda at=at: at)  # type: ignore[misc]
        if leaver and owner == LEAVER and State(state) not in (State.NEW, State.SNOOZED):
            lead = Actor("lead", Role.LEAD, frozenset({squad}))
            work.assign(case_id, lead, person=next(name for name in people[squad] if name != LEAVER))
            actions += 1
        elif dice.random() < 0.35:
            actions += _one(work, case_id, State(state), owner, dice, people[squad], day, squad)
    return actions


def _one(
    work: Cases,
    case_id: str,
    state: State,
    owner: str | None,
    dice: random.Random,
    people: list[str],
    day: date,
    squad: str,
) -> int:
    """One action that the state allows; 0 where it allows none."""
    actor = Actor(owner or dice.choice(people), Role.REVIEWER, frozenset({squad}))
    draw = dice.random()
    if state == State.NEW:
        work.claim(case_id, actor)
    elif state == State.SNOOZED:
        if draw > 0.2:
            return 0
        work.wake(case_id, actor)
    elif draw < 0.15:
        work.snooze(case_id, actor, until=day + timedelta(days=dice.randint(1, 6)), reason="The sponsor is away.")
    elif draw < 0.3:
        work.comment(case_id, actor, text=f"Looked at the numbers of {day}.")
    elif draw < 0.4:
        work.release(case_id, actor, reason="No time this week.")
    elif state == State.CLAIMED:
        work.contact(case_id, actor, comment="Called; they miss the weekly report.")
    elif state == State.CONTACTED and draw < 0.7:
        work.plan(case_id, actor, plan="Two trainings, then look again.")
    else:
        verdict = dice.choice(("saved", "saved", "lost", "false_alarm", "no_action"))
        work.resolve(case_id, actor, verdict=verdict, comment="After the second call.")
    return 1
