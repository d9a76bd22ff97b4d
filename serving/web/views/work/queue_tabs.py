"""The lanes and the states of the queue as tabs, with the number of cases in each."""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.store.case_states import CLOSED, OPEN, State
from serving.store.queries.queue_queries import CLOSED_CASES, LANES, OPEN_CASES
from serving.web import display_text
from serving.web.views.work.queue_view import QueueView


@dataclass(frozen=True)
class QueueTab:
    """A lane or state to choose: its title, its address, its number of cases, and whether it is the one shown."""

    title: str
    url: str
    count: int | None
    current: bool


Counts = Mapping[tuple[str, str], int]
"""The number of cases by lane and state."""


@dataclass(frozen=True)
class LaneCounts:
    """What the lanes without cases contain: accounts that wait, and open incidents; None where there never were any."""

    waiting: int
    incidents: int | None


def lane_tabs(view: QueueView, counts: Counts, others: LaneCounts, path: str = "/queue") -> list[QueueTab]:
    """The lanes as tabs, the first for the cases of every lane; incidents and waiting accounts have pages of their own.

    ``path`` is that of the page on which the tabs are.
    """
    here = path == "/queue"
    shown = view if here else QueueView()
    tabs = [
        QueueTab(
            display_text.lane_title(lane),
            shown.url(lane=lane),
            sum(count for (of, state), count in counts.items() if of in (lane or of,) and _in_state(state, shown)),
            here and view.lane == lane,
        )
        for lane in ("", *LANES)
    ]
    if others.incidents is not None:
        tabs.append(QueueTab("Incidents", "/incidents", others.incidents, path == "/incidents"))
    return [*tabs, QueueTab("Waiting", "/waiting", others.waiting, path == "/waiting")]


def _in_state(state: str, view: QueueView) -> bool:
    if view.state in (OPEN_CASES, CLOSED_CASES):
        return (state in OPEN) == (view.state == OPEN_CASES)
    return view.state == state


def state_tabs(view: QueueView, counts: Counts) -> list[QueueTab]:
    """The states as tabs; closed cases are counted, and have a tab for each outcome, where they are shown."""
    by_state = count_states(view, counts)
    open_tabs = [
        QueueTab(display_text.state_title(state), view.url(state=state), by_state.get(state, 0), view.state == state)
        for state in (OPEN_CASES, *OPEN)
        if state != State.HANDED_OVER or by_state.get(state) or view.state == state
    ]
    closed = display_text.state_title(CLOSED_CASES)
    number = by_state.get(CLOSED_CASES, 0) if view.of_closed else None
    tabs = [*open_tabs, QueueTab(closed, view.url(state=CLOSED_CASES), number, view.state == CLOSED_CASES)]
    if not view.of_closed:
        return tabs
    outcomes = [state for state in CLOSED if by_state.get(state) or view.state == state]
    return tabs + [
        QueueTab(display_text.state_title(state), view.url(state=state), by_state.get(state, 0), view.state == state)
        for state in outcomes
    ]


def count_states(view: QueueView, counts: Counts) -> dict[str, int]:
    """The cases of the view's lane by state, and those of all states as open or closed, whichever the counts are of."""
    by_state: dict[str, int] = {}
    for (lane, state), count in counts.items():
        if view.lane in ("", lane):
            by_state[state] = by_state.get(state, 0) + count
            every = OPEN_CASES if state in OPEN else CLOSED_CASES
            by_state[every] = by_state.get(every, 0) + count
    return by_state
