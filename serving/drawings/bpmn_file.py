"""A swimlane as BPMN 2.0 with diagram interchange: Camunda Modeler and bpmn.io show it, engines execute it.

A timer that counts hours of the clock is an ISO 8601 duration. Working time has no such form: its timer calls
``working_time_after("4 working hours by CALENDAR", …)``, which has to return the instant; the documentation of the
process says so. Expressions are quoted texts or calls, as SpiffWorkflow evaluates them.
"""

import re
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from serving.drawings.drawing_text import plain_text
from serving.drawings.swimlane_flow import WaitPart
from serving.drawings.swimlane_graph import Edge, Node, Shape, SwimlaneGraph, Timing
from serving.drawings.swimlane_layout import Box, SwimlaneLayout
from serving.paths.durations import Duration, Unit

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"bpmn": MODEL, "bpmndi": DI, "dc": DC, "di": DD, "xsi": XSI}

PROCESS_ID = "escalation_path"

_TAGS = {
    Shape.START: "startEvent",
    Shape.END: "endEvent",
    Shape.MESSAGE_END: "endEvent",
    Shape.USER: "userTask",
    Shape.SEND: "sendTask",
    Shape.TIMER: "intermediateCatchEvent",
    Shape.BOUNDARY: "boundaryEvent",
    Shape.REMINDER: "boundaryEvent",
    Shape.CATCH: "intermediateCatchEvent",
    Shape.THROW: "intermediateThrowEvent",
    Shape.PARALLEL: "parallelGateway",
    Shape.MERGE: "exclusiveGateway",
    Shape.EVENTS: "eventBasedGateway",
}

WORKING_TIME_NOTE = (
    "Timers in working time call working_time_after(“duration by calendar”, …): the engine has to provide it, and it "
    "returns the instant in UTC at which the durations are over, one after the other."
)


def write_bpmn(layout: SwimlaneLayout) -> str:
    """The BPMN file as text."""
    for prefix, address in NAMESPACES.items():
        register_namespace(prefix, address)
    graph = layout.graph
    root = Element(_tag("definitions"), {"id": "definitions", "targetNamespace": "https://rescue.example/escalation"})
    signals = dict.fromkeys(node.signal for node in graph.nodes if node.signal)
    for signal in signals:
        SubElement(root, _tag("signal"), {"id": _signal_id(signal), "name": signal})
    message_ends = [node for node in graph.nodes if node.shape is Shape.MESSAGE_END]
    for node in message_ends:
        SubElement(root, _tag("message"), {"id": f"message_{node.id}", "name": plain_text(node.label)})
    pool = SubElement(root, _tag("collaboration"), {"id": "collaboration"})
    title = plain_text(graph.flow.title)
    SubElement(pool, _tag("participant"), {"id": "pool", "name": title, "processRef": PROCESS_ID})
    _write_process(root, graph)
    _write_diagram(root, layout)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _write_process(root: Element, graph: SwimlaneGraph) -> None:
    process = SubElement(
        root, _tag("process"), {"id": PROCESS_ID, "name": plain_text(graph.flow.title), "isExecutable": "true"}
    )
    SubElement(process, _tag("documentation")).text = _describe(graph)
    lanes = SubElement(process, _tag("laneSet"), {"id": "lanes"})
    for number, name in enumerate(graph.lanes, 1):
        lane = SubElement(lanes, _tag("lane"), {"id": f"lane_{number}", "name": plain_text(name)})
        for node in graph.nodes:
            if node.lane == name:
                SubElement(lane, _tag("flowNodeRef")).text = node.id
    for node in graph.nodes:
        _write_node(process, node, graph.edges)
    for edge in graph.edges:
        ends = {"id": edge.id, "sourceRef": edge.source, "targetRef": edge.target}
        SubElement(process, _tag("sequenceFlow"), ends)


def _describe(graph: SwimlaneGraph) -> str:
    flow = graph.flow
    path = f"path {flow.path_name}" if flow.path_name else "the tiers of the squad"
    calendar = f"; working time by the calendar {flow.calendar}" if flow.calendar else ""
    note = f" {WORKING_TIME_NOTE}" if any(_in_words(node.timing) for node in graph.nodes) else ""
    return plain_text(f"{flow.title}: {path}{calendar}.{note}")


def _write_node(process: Element, node: Node, edges: list[Edge]) -> None:
    marks = {"id": node.id} | ({"name": plain_text(node.label)} if node.label else {})
    if node.attached_to:
        marks["attachedToRef"] = node.attached_to
        if node.shape is Shape.REMINDER:
            marks["cancelActivity"] = "false"
    element = SubElement(process, _tag(_TAGS[node.shape]), marks)
    if node.note:
        SubElement(element, _tag("documentation")).text = plain_text(node.note)
    for kind, ids in (
        ("incoming", [edge.id for edge in edges if edge.target == node.id]),
        ("outgoing", [edge.id for edge in edges if edge.source == node.id]),
    ):
        for name in ids:
            SubElement(element, _tag(kind)).text = name
    _write_event(element, node)


def _write_event(element: Element, node: Node) -> None:
    """What an event waits for or sends."""
    if node.timing is not None:
        definition = SubElement(element, _tag("timerEventDefinition"), {"id": f"timer_{node.id}"})
        kind, expression = timer_expression(node.timing)
        text = SubElement(definition, _tag(kind), {f"{{{XSI}}}type": "bpmn:tFormalExpression"})
        text.text = expression
    elif node.signal:
        marks = {"id": f"signal_{node.id}", "signalRef": _signal_id(node.signal)}
        SubElement(element, _tag("signalEventDefinition"), marks)
    elif node.shape is Shape.MESSAGE_END:
        marks = {"id": f"told_{node.id}", "messageRef": f"message_{node.id}"}
        SubElement(element, _tag("messageEventDefinition"), marks)


def timer_expression(timing: Timing) -> tuple[str, str]:
    """The kind of a timer and its expression; a repetition in working time is sent once more, at the first of them."""
    repeat = timing.repeat
    if repeat is not None and not _in_words(timing):
        return "timeCycle", f'"R{repeat.count}/{iso_duration(repeat.every)}"'
    parts = _parts(timing)
    if not _in_words(timing):
        return "timeDuration", f'"{iso_duration(parts[0].duration)}"'
    words = (f'"{part.duration}' + (f" by {_quoted(part.calendar)}" if part.calendar else "") + '"' for part in parts)
    return "timeDate", f"working_time_after({', '.join(words)})"


def iso_duration(duration: Duration) -> str:
    """Hours of the clock as ISO 8601: ``PT4H``, ``PT1H30M``."""
    seconds = round(duration.amount * 3600)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{seconds}S" * bool(seconds)
    return f"PT{parts or '0S'}"


def _in_words(timing: Timing | None) -> bool:
    """Whether a timer counts working time, or several waits."""
    if timing is None:
        return False
    parts = _parts(timing)
    return len(parts) > 1 or any(part.duration.unit != Unit.HOURS for part in parts)


def _parts(timing: Timing) -> tuple[WaitPart, ...]:
    """The waits of a timer; of a repetition the time until the first one."""
    return (WaitPart(timing.repeat.every, timing.calendar),) if timing.repeat else timing.wait.parts


def _write_diagram(root: Element, layout: SwimlaneLayout) -> None:
    diagram = SubElement(root, _tag("BPMNDiagram", DI), {"id": "diagram"})
    plane = SubElement(diagram, _tag("BPMNPlane", DI), {"id": "plane", "bpmnElement": "collaboration"})
    _write_shape(plane, "pool", layout.pool, horizontal=True)
    for number, name in enumerate(layout.graph.lanes, 1):
        _write_shape(plane, f"lane_{number}", layout.lanes[name], horizontal=True)
    for node in layout.graph.nodes:
        shape = _write_shape(plane, node.id, layout.boxes[node.id])
        if node.shape is Shape.MERGE:
            shape.set("isMarkerVisible", "true")
        if node.id in layout.labels:
            _write_bounds(SubElement(shape, _tag("BPMNLabel", DI)), layout.labels[node.id])
    for edge in layout.graph.edges:
        line = SubElement(plane, _tag("BPMNEdge", DI), {"id": f"{edge.id}_di", "bpmnElement": edge.id})
        for x, y in layout.lines[edge.id]:
            SubElement(line, _tag("waypoint", DD), {"x": f"{x:g}", "y": f"{y:g}"})


def _write_shape(plane: Element, name: str, box: Box, *, horizontal: bool = False) -> Element:
    marks = {"id": f"{name}_di", "bpmnElement": name} | ({"isHorizontal": "true"} if horizontal else {})
    shape = SubElement(plane, _tag("BPMNShape", DI), marks)
    _write_bounds(shape, box)
    return shape


def _write_bounds(shape: Element, box: Box) -> None:
    sizes = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
    SubElement(shape, _tag("Bounds", DC), {name: f"{value:g}" for name, value in sizes.items()})


def _signal_id(signal: str) -> str:
    return "signal_" + re.sub(r"\W+", "_", signal.lower())


def _quoted(text: str) -> str:
    """A name within a quoted text of an expression."""
    return plain_text(text).replace("\\", "\\\\").replace('"', '\\"')


def _tag(name: str, namespace: str = MODEL) -> str:
    return f"{{{namespace}}}{name}"
