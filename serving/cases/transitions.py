"""Which moves a case may make: one table, from which the use cases, the documentation and the tests are drawn.

A case is *open* until it reaches an outcome or expires. Being snoozed is a pause: the case returns to the state it was
snoozed in. Nothing else in Rescue knows which state may follow which.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from serving.store.case_states import CLOSED, OUTCOMES, WORKED, Move, State


@dataclass(frozen=True)
class Transition:
    """From any of ``sources``, ``move`` leads to one of ``targets``; without targets the case stays where it is.

    ``undoable`` moves can be taken back by whoever made them, for a while.
    """

    move: Move
    sources: tuple[State, ...]
    targets: tuple[State, ...]
    undoable: bool = False


TRANSITIONS = (
    Transition(Move.CLAIM, (State.NEW,), (State.CLAIMED,), undoable=True),
    Transition(Move.ASSIGN, (State.NEW,), (State.CLAIMED,), undoable=True),
    Transition(Move.REASSIGN, WORKED, (), undoable=True),
    Transition(Move.HAND_OVER, (State.NEW, *WORKED), (State.NEW,)),
    Transition(Move.RELEASE, WORKED, (State.NEW,), undoable=True),
    Transition(Move.CONTACT, (State.CLAIMED,), (State.CONTACTED,), undoable=True),
    Transition(Move.PLAN, (State.CLAIMED, State.CONTACTED), (State.IN_PLAN,), undoable=True),
    Transition(Move.SNOOZE, (State.NEW, *WORKED), (State.SNOOZED,), undoable=True),
    Transition(Move.WAKE, (State.SNOOZED,), (State.NEW, *WORKED)),
    Transition(Move.RESOLVE, WORKED, OUTCOMES, undoable=True),
    Transition(Move.EXPIRE, (State.NEW, State.SNOOZED), (State.EXPIRED,)),
    Transition(Move.REOPEN, CLOSED, (State.CLAIMED,)),
)
"""Every legal move. Reopening a case makes it the work of whoever reopened it."""

_BY_MOVE = {transition.move: transition for transition in TRANSITIONS}


def transition(move: Move) -> Transition:
    """The table's row of that move."""
    return _BY_MOVE[move]


def legal(source: State, move: Move, target: State) -> bool:
    """Whether the table has that step."""
    row = _BY_MOVE[move]
    return source in row.sources and target in (row.targets or (source,))


def moves_from(state: State) -> tuple[Move, ...]:
    """What may be done to a case in that state, in the table's order."""
    return tuple(row.move for row in TRANSITIONS if state in row.sources)


def diagram() -> str:
    """The table as a Mermaid state diagram, one arrow a step, for ``docs/case-states.md``."""
    return "\n".join(["stateDiagram-v2", "    [*] --> new: flagged", *_arrows(), *_ends()]) + "\n"


def _arrows() -> Iterator[str]:
    for row in TRANSITIONS:
        for source in row.sources:
            for target in row.targets or (source,):
                yield f"    {source} --> {target}: {row.move}"


def _ends() -> Iterator[str]:
    for state in CLOSED:
        yield f"    {state} --> [*]"


def page() -> str:
    """The whole of ``docs/case-states.md``."""
    rows = "\n".join(_row(row) for row in TRANSITIONS)
    return (
        "# The states of a case\n\n"
        "Drawn from `serving.cases.transitions.TRANSITIONS`; a test keeps this page and the table the same.\n\n"
        f"| move | from | to | can be undone |\n|---|---|---|---|\n{rows}\n\n"
        f"A snoozed case wakes in the state it was snoozed in.\n\n```mermaid\n{diagram()}```\n"
    )


def _row(row: Transition) -> str:
    targets = ", ".join(row.targets) or "stays"
    return f"| {row.move} | {', '.join(row.sources)} | {targets} | {'yes' if row.undoable else 'no'} |"
