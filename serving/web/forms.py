"""What a person can do to a case, as forms: one description each, from which the page and the server both work."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Act, Actor
from serving.cases.transitions import moves_from
from serving.store.case_states import OUTCOMES, Move, State
from serving.store.tables import Case
from serving.web import display_text

Typed = Mapping[str, str]
Do = Callable[[Cases, str, Actor, int | None, Typed], Case]

SNOOZES = (1, 3, 7, 14, 30)
"""Days that a case can be put away for with one button."""


@dataclass(frozen=True)
class Choice:
    """A button that ends the form by saying ``name = value``."""

    name: str
    value: str
    title: str


@dataclass(frozen=True)
class Form:
    """One thing to do: its move, what it is called, what is to be typed, and the buttons that do it.

    ``asks`` labels the text, which is sent as ``text`` and needed unless ``optional``; ``day`` labels a day to choose.
    """

    move: str
    title: str
    buttons: tuple[Choice, ...]
    asks: str = ""
    optional: bool = False
    day: str = ""
    key: str = ""


@dataclass(frozen=True)
class People:
    """Whom a case can be given to."""

    members: tuple[str, ...]
    squads: tuple[str, ...]


def forms(case: Case, actor: Actor, people: People, today: date) -> list[Form]:
    """What this person may do to the case as it is, in the order in which it is usually done."""
    if not actor.may(Act.WORK):
        return []
    if case.owner not in {None, actor.name} and not actor.may(Act.ASSIGN):
        return []
    moves = moves_from(State(case.state))
    return [form for form in _all(case, actor, people, today) if form.move in moves and form.buttons]


def _all(case: Case, actor: Actor, people: People, today: date) -> Iterator[Form]:
    yield Form(Move.CLAIM, "Claim", (_done("Claim"),), key="c")
    yield Form(Move.CONTACT, "Contacted", (_done("The customer was contacted"),), asks="What was said", optional=True)
    yield Form(Move.PLAN, "Plan", (_done("Put in plan"),), asks="What will be done, and by when")
    yield Form(Move.SNOOZE, "Snooze", _days(today), asks="Why it can wait", day="or until", key="s")
    yield Form(Move.WAKE, "Take up again", (_done("Take up again"),))
    yield Form(Move.RESOLVE, "Resolve", _outcomes(), asks="What came of it", optional=True)
    yield Form(Move.HAND_OVER, "Hand over", _squads(case, people), asks="Why, for the other squad")
    yield Form(Move.RELEASE, "Give back", (_done("Give it back to the squad"),), asks="Why it is given back")
    if actor.may(Act.ASSIGN):
        move = Move.ASSIGN if case.state == State.NEW else Move.REASSIGN
        yield Form(move, "Assign", _members(case, people))
    yield Form(Move.REOPEN, "Reopen", (_done("Reopen it as mine"),), asks="Why it is opened again")


def _done(title: str) -> Choice:
    return Choice("", "", title)


def _days(today: date) -> tuple[Choice, ...]:
    return tuple(
        Choice("days", str(days), f"{days} days" if days > 1 else f"Until {today + timedelta(days=1):%a}")
        for days in SNOOZES
    )


def _outcomes() -> tuple[Choice, ...]:
    return tuple(Choice("verdict", outcome, display_text.state(outcome)) for outcome in OUTCOMES)


def _squads(case: Case, people: People) -> tuple[Choice, ...]:
    return tuple(Choice("squad", squad, f"To {squad}") for squad in people.squads if squad != case.squad)


def _members(case: Case, people: People) -> tuple[Choice, ...]:
    return tuple(Choice("person", person, f"To {person}") for person in people.members if person != case.owner)


def _snooze(cases: Cases, case_id: str, actor: Actor, version: int | None, typed: Typed) -> Case:
    return cases.snooze(case_id, actor, version, until=_until(cases, typed), reason=typed.get("text", ""))


def _until(cases: Cases, typed: Typed) -> date:
    """So many days from today, where such a button was pressed, or the day that was typed."""
    day, days = typed.get("until", ""), typed.get("days", "")
    try:
        return cases.clock().date() + timedelta(days=int(days)) if days else date.fromisoformat(day)
    except (ValueError, OverflowError):
        raise UsageError("Say until when: choose one of the days, or type a date as 2026-03-31.") from None


DOES: dict[str, Do] = {
    Move.CLAIM: lambda cases, case, actor, version, typed: cases.claim(case, actor, version),
    Move.CONTACT: lambda cases, case, actor, version, typed: cases.contact(
        case, actor, version, comment=typed.get("text") or None
    ),
    Move.PLAN: lambda cases, case, actor, version, typed: cases.plan(case, actor, version, plan=typed.get("text", "")),
    Move.SNOOZE: _snooze,
    Move.WAKE: lambda cases, case, actor, version, typed: cases.wake(case, actor, version),
    Move.RESOLVE: lambda cases, case, actor, version, typed: cases.resolve(
        case, actor, version, verdict=typed.get("verdict", ""), comment=typed.get("text") or None
    ),
    Move.HAND_OVER: lambda cases, case, actor, version, typed: cases.hand_over(
        case, actor, version, squad=typed.get("squad", ""), reason=typed.get("text", "")
    ),
    Move.RELEASE: lambda cases, case, actor, version, typed: cases.release(
        case, actor, version, reason=typed.get("text", "")
    ),
    Move.ASSIGN: lambda cases, case, actor, version, typed: cases.assign(
        case, actor, version, person=typed.get("person", "")
    ),
    Move.REASSIGN: lambda cases, case, actor, version, typed: cases.assign(
        case, actor, version, person=typed.get("person", "")
    ),
    Move.REOPEN: lambda cases, case, actor, version, typed: cases.reopen(
        case, actor, version, reason=typed.get("text", "")
    ),
    "comment": lambda cases, case, actor, version, typed: cases.comment(case, actor, text=typed.get("text", "")),
    "disagree": lambda cases, case, actor, version, typed: cases.disagree(
        case, actor, reason=typed.get("reason", ""), comment=typed.get("text", "")
    ),
    "undo": lambda cases, case, actor, version, typed: cases.undo(case, actor, version),
}
"""What each form does, by the last part of the address that it is sent to."""
