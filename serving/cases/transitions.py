"""Which action is allowed in which state: one table for the use cases, the documentation and the tests.

A case is *open* until it reaches an outcome or expires. Snoozing is a pause: the case returns to the state in which it
was snoozed. No other module knows which state may follow which.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from serving.cases.permissions import Act, Actor
from serving.store.case_states import CLOSED, OPEN, OUTCOMES, WORKED, Action, State


@dataclass(frozen=True)
class Transition:
    """``action`` leads from any of ``sources`` to one of ``targets``; without targets the state stays the same.

    An ``undoable`` action can be undone for some minutes by the person who did it.
    """

    action: Action
    sources: tuple[State, ...]
    targets: tuple[State, ...]
    undoable: bool = False


TRANSITIONS = (
    Transition(Action.CLAIM, (State.NEW,), WORKED, undoable=True),
    Transition(Action.ASSIGN, (State.NEW,), WORKED, undoable=True),
    Transition(Action.REASSIGN, WORKED, (), undoable=True),
    Transition(Action.HAND_OVER, (State.NEW, *WORKED), (State.NEW, State.HANDED_OVER, *WORKED)),
    Transition(Action.ACCEPT, (State.HANDED_OVER,), WORKED, undoable=True),
    Transition(Action.RETURN, (State.HANDED_OVER,), (*WORKED, State.NEW)),
    Transition(Action.ACKNOWLEDGE, (State.NEW, State.HANDED_OVER, *WORKED), (), undoable=True),
    Transition(Action.RELEASE, WORKED, (State.NEW,), undoable=True),
    Transition(Action.CONTACT, (State.CLAIMED,), (State.CONTACTED,), undoable=True),
    Transition(Action.PLAN, (State.CLAIMED, State.CONTACTED), (State.IN_PLAN,), undoable=True),
    Transition(Action.SNOOZE, (State.NEW, *WORKED), (State.SNOOZED,), undoable=True),
    Transition(Action.WAKE, (State.SNOOZED,), (State.NEW, *WORKED)),
    Transition(Action.RESOLVE, WORKED, OUTCOMES, undoable=True),
    Transition(Action.EXPIRE, (State.NEW, State.HANDED_OVER, State.CLAIMED, State.SNOOZED), (State.EXPIRED,)),
    Transition(Action.CLOSE, OPEN, (State.SAVED, State.LOST, State.NO_ACTION)),
    Transition(Action.REOPEN, CLOSED, (State.CLAIMED,)),
)
"""Every allowed transition. A reopened case belongs to the person who reopened it.

A case that is handed over with a form waits in *handed over* until it is accepted or returned; at the third return it
goes to the accountable person. Whoever gets a case goes on where the work on it stopped: *claimed*, or *contacted* or
*in plan* where that was done before.

Only a night expires or closes a case with ``expire`` and ``close``. After *lost* the account rests until its contract
has ended, so only a lead reopens such a case, which was closed by mistake (:data:`ACTS`).
"""

BY_NIGHT = frozenset({Action.EXPIRE, Action.CLOSE})
"""What no person does."""

ACTS: dict[tuple[Action, State], Act] = {(Action.REOPEN, State.LOST): Act.ASSIGN}
"""The permission that an action needs in a state, where it is not that of the action."""

_BY_ACTION = {transition.action: transition for transition in TRANSITIONS}


def transition(action: Action) -> Transition:
    """The transition of an action."""
    return _BY_ACTION[action]


def is_legal(source: State, action: Action, target: State) -> bool:
    """Whether the action may lead from ``source`` to ``target``."""
    row = _BY_ACTION[action]
    return source in row.sources and target in (row.targets or (source,))


def actions_from(state: State, actor: Actor | None = None) -> tuple[Action, ...]:
    """The actions that are allowed in a state, in the order of the table; only those of the actor, where one is given.

    Permissions that hold in every state are not considered.
    """
    allowed = (row.action for row in TRANSITIONS if state in row.sources)
    return tuple(action for action in allowed if actor is None or may_take(action, state, actor))


def may_take(action: Action, state: State, actor: Actor) -> bool:
    """Whether the actor has the permission that the action needs in this state."""
    act = ACTS.get((action, state))
    return act is None or actor.may(act)


def diagram() -> str:
    """The table as a Mermaid state diagram with one arrow for each step, for ``docs/case-states.md``."""
    return "\n".join(["stateDiagram-v2", "    [*] --> new: flagged", *_arrows(), *_ends()]) + "\n"


def _arrows() -> Iterator[str]:
    for row in TRANSITIONS:
        for source in row.sources:
            for target in row.targets or (source,):
                yield f"    {source} --> {target}: {row.action}"


def _ends() -> Iterator[str]:
    for state in CLOSED:
        yield f"    {state} --> [*]"


def page() -> str:
    """The text of ``docs/case-states.md``."""
    rows = "\n".join(_row(row) for row in TRANSITIONS)
    return (
        "# The states of a case\n\n"
        "Generated from `serving.cases.transitions.TRANSITIONS`.\n\n"
        f"| action | from | to | can be undone |\n|---|---|---|---|\n{rows}\n\n"
        "A snoozed case returns to the state in which it was snoozed. Only a lead reopens a lost case. A case is "
        "handed over to *handed over* where the policy has a form for it. At the third return between two squads, the "
        "accountable person gets it. Whoever gets a case goes on where the work on it stopped: it is *contacted* or "
        "*in plan* again if it was before.\n\n"
        f"```mermaid\n{diagram()}```\n"
    )


def _row(row: Transition) -> str:
    targets = ", ".join(row.targets) or "the same"
    return f"| {row.action} | {', '.join(row.sources)} | {targets} | {'yes' if row.undoable else 'no'} |"
