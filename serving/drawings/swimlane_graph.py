"""A flow as a graph of BPMN elements, each in a lane, a row of it and a column: both BPMN and SVG are written from it.

The rows of the first lane are Rescue's own work: opening, deadlines, notices. Each deadline waits in parallel for its
timer or for the signal that it is not needed any more, which every BPMN engine executes alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from serving.drawings.swimlane_flow import Notice, Stage, SwimlaneFlow, Wait, length_text
from serving.paths.path_steps import Repeat

SYSTEM_LANE = "Rescue (automatic)"
RESPONSIBLE_LANE = "Responsible: whoever took it"
CONTACTED, CLOSED = "Customer contacted", "Case closed"
ACKNOWLEDGED, OVER = "Incident acknowledged", "Incident over"


class Shape(StrEnum):
    """The BPMN element of a node."""

    START = "start"
    END = "end"
    MESSAGE_END = "message end"
    USER = "user task"
    SEND = "send task"
    TIMER = "timer"
    BOUNDARY = "boundary timer"
    REMINDER = "boundary timer that does not interrupt"
    CATCH = "signal catch"
    THROW = "signal throw"
    PARALLEL = "parallel gateway"
    MERGE = "exclusive gateway"
    EVENTS = "event gateway"


@dataclass(frozen=True)
class Timing:
    """When a timer ends: after the waits, or again and again by ``repeat``, whose working time has a ``calendar``."""

    wait: Wait = field(default_factory=Wait)
    repeat: Repeat | None = None
    calendar: str | None = None


@dataclass(frozen=True)
class Node:
    """An element: where it is, what it says, and what it is attached to, waits for or sends."""

    id: str
    shape: Shape
    label: str
    lane: str
    column: int
    row: int = 0
    attached_to: str = ""
    timing: Timing | None = None
    signal: str = ""
    note: str = ""


@dataclass(frozen=True)
class Edge:
    """A sequence flow."""

    id: str
    source: str
    target: str


@dataclass
class SwimlaneGraph:
    """The whole drawing: lanes from top to bottom, nodes and edges."""

    flow: SwimlaneFlow
    lanes: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """What is escalated: a case, or an incident."""
        return "case" if self.flow.incident is None else "incident"

    @property
    def reached(self) -> str:
        """The signal that ends the response deadline."""
        return CONTACTED if self.flow.incident is None else ACKNOWLEDGED

    @property
    def ended(self) -> str:
        """The signal that ends the resolution deadline."""
        return CLOSED if self.flow.incident is None else OVER

    def add(self, node: Node, *before: str) -> str:
        """Add a node after others."""
        if node.lane not in self.lanes:
            self.lanes.append(node.lane)
        self.nodes.append(node)
        for source in before:
            self.connect(source, node.id)
        return node.id

    def connect(self, source: str, target: str) -> None:
        """Add a sequence flow."""
        self.edges.append(Edge(f"flow_{source}_{target}", source, target))


def build_graph(flow: SwimlaneFlow) -> SwimlaneGraph:
    """The graph of a flow."""
    graph = SwimlaneGraph(flow, [SYSTEM_LANE, f"Accountable: {flow.accountable}"])
    begin = graph.add(Node("start", Shape.START, f"{graph.subject.capitalize()} opened", SYSTEM_LANE, 0))
    text = f"Announce the {graph.subject}"
    text = f"{text}; informed: {', '.join(flow.informed)}" if flow.informed else text
    announced = graph.add(Node("announce", Shape.SEND, text, SYSTEM_LANE, 1), begin)
    split = graph.add(Node("split", Shape.PARALLEL, "", SYSTEM_LANE, 2), announced)
    for number, notice in enumerate(flow.notices):
        _add_notice(graph, split, number, notice)
    row = 1 + 2 * len(flow.notices)  # below the notices, because their lines go on to the next lane
    _add_deadline(graph, split, "respond", flow.respond, graph.reached, row=row, column=7)
    _add_deadline(graph, split, "resolve", flow.resolve, graph.ended, row=row + 2, column=6)
    ends = _add_stages(graph, split, flow.stages)
    _add_close(graph, ends or [split], 8 + len(flow.stages))
    return graph


def _add_deadline(
    graph: SwimlaneGraph, split: str, name: str, within: Wait, signal: str, *, row: int, column: int
) -> None:
    """The deadline's timer beside the signal that ends it; a missed one is recorded, and somebody is notified."""
    what = {"respond": "response", "resolve": "resolution"}[name]
    fork = graph.add(Node(f"{name}_wait", Shape.EVENTS, "", SYSTEM_LANE, 3, row), split)
    timing = Timing(within)
    due = Node(
        f"{name}_due",
        Shape.TIMER,
        f"{what.capitalize()} due after {within.text}",
        SYSTEM_LANE,
        4,
        row,
        timing=timing,
    )
    timer = graph.add(due, fork)
    record = Node(f"{name}_missed", Shape.SEND, f"Record and announce the missed {what} deadline", SYSTEM_LANE, 5, row)
    missed = graph.add(record, timer)
    text = f"Notified of the missed {what} deadline"
    graph.add(Node(f"{name}_told", Shape.MESSAGE_END, text, graph.lanes[1], column), missed)
    kept = graph.add(Node(f"{name}_kept", Shape.CATCH, signal, SYSTEM_LANE, 4, row + 1, signal=signal), fork)
    graph.add(Node(f"{name}_over", Shape.END, "In time, or no longer needed", SYSTEM_LANE, 5, row + 1), kept)


def _add_notice(graph: SwimlaneGraph, split: str, number: int, notice: Notice) -> None:
    """A step that only informs; a contact with the customer, or the end of the incident, stops it."""
    stop = CONTACTED if graph.flow.incident is None else OVER
    row, name = 1 + 2 * number, f"notice_{number + 1}"
    text = f"Inform {', '.join(notice.readers)}{_by(notice.channels)}"
    if not notice.wait.parts:
        sent = graph.add(Node(f"{name}_send", Shape.SEND, text, SYSTEM_LANE, 4, row), split)
        graph.add(Node(f"{name}_sent", Shape.END, "", SYSTEM_LANE, 5, row), sent)
        return
    fork = graph.add(Node(f"{name}_wait", Shape.EVENTS, "", SYSTEM_LANE, 3, row), split)
    timing = Timing(notice.wait)
    timer = graph.add(
        Node(f"{name}_due", Shape.TIMER, f"After {notice.wait.text}", SYSTEM_LANE, 4, row, timing=timing), fork
    )
    sent = graph.add(Node(f"{name}_send", Shape.SEND, text, SYSTEM_LANE, 5, row), timer)
    graph.add(Node(f"{name}_sent", Shape.END, "", SYSTEM_LANE, 6, row), sent)
    over = graph.add(Node(f"{name}_kept", Shape.CATCH, stop, SYSTEM_LANE, 4, row + 1, signal=stop), fork)
    graph.add(Node(f"{name}_over", Shape.END, "Not needed", SYSTEM_LANE, 5, row + 1), over)


def _add_stages(graph: SwimlaneGraph, split: str, stages: Sequence[Stage]) -> list[str]:
    """The people who are asked to act, one after the other; returns the elements after which the case is taken."""
    before = split
    action = f"Acknowledge the {graph.subject}" if graph.flow.acknowledged else "Contact the customer"
    tasks: list[str] = []
    for number, stage in enumerate(stages):
        name, column = f"step_{number + 1}", 8 + number
        if stage.wait.parts:
            timing = Timing(stage.wait)
            label = f"After {stage.wait.text}"
            if tasks:
                timer = Node(f"{name}_due", Shape.BOUNDARY, label, _lane_of(graph, before), column - 1)
                timer = _attached(timer, before, timing)
                before = graph.add(timer)
            else:
                before = graph.add(Node(f"{name}_due", Shape.TIMER, label, SYSTEM_LANE, 3, timing=timing), before)
        others = f", with {', '.join(stage.readers[1:])}" if stage.readers[1:] else ""
        text = f"{action}{others}{_by(stage.channels)}"
        note = f"Message: {stage.message}" if stage.message else ""
        before = graph.add(Node(name, Shape.USER, text, stage.lane, column, note=note), before)
        tasks.append(before)
        _add_reminder(graph, stage, name, column)
    return tasks


def _lane_of(graph: SwimlaneGraph, task: str) -> str:
    """The lane of a node."""
    return next(node.lane for node in graph.nodes if node.id == task)


def _add_reminder(graph: SwimlaneGraph, stage: Stage, name: str, column: int) -> None:
    if stage.repeat is None:
        return
    times = "once" if stage.repeat.count == 1 else f"{stage.repeat.count} times"
    timing = Timing(repeat=stage.repeat, calendar=stage.calendar)
    again = Node(
        f"{name}_again", Shape.REMINDER, f"Every {length_text(stage.repeat.every)}, {times}", stage.lane, column
    )
    source = graph.add(_attached(again, name, timing))
    graph.add(Node(f"{name}_reminder", Shape.MESSAGE_END, "Sent again", stage.lane, column, 1), source)


def _attached(node: Node, task: str, timing: Timing) -> Node:
    return Node(node.id, node.shape, node.label, node.lane, node.column, node.row, task, timing)


def _add_close(graph: SwimlaneGraph, tasks: Sequence[str], column: int) -> None:
    """From the first contact to the outcome, whoever took the case."""
    lane, before = RESPONSIBLE_LANE, list(tasks)
    if len(before) > 1:
        before = [graph.add(Node("taken", Shape.MERGE, "", lane, column), *before)]
    flow = graph.flow
    if flow.incident is None and (flow.acknowledged or not flow.stages):
        before = [graph.add(Node("contact", Shape.USER, "Contact the customer", lane, column + 1), *before)]
    reached = Node("contacted", Shape.THROW, graph.reached, lane, column + 2, signal=graph.reached)
    contacted = graph.add(reached, *before)
    text = "Close the case with its outcome" if flow.incident is None else "End the incident"
    close = graph.add(Node("close", Shape.USER, text, lane, column + 3), contacted)
    closed = graph.add(Node("closed", Shape.THROW, graph.ended, lane, column + 4, signal=graph.ended), close)
    graph.add(Node("end", Shape.END, "Outcome recorded", lane, column + 5), closed)


def _by(channels: Sequence[str]) -> str:
    return f" (by {', '.join(channels)})" if channels else ""
