"""A swimlane as SVG: the same boxes and lines as in the BPMN file, for people who have no modeler."""

from collections.abc import Iterator

from serving.drawings.drawing_text import xml_text
from serving.drawings.svg_parts import centred_lines, svg_frame, text_lines
from serving.drawings.swimlane_flow import length_text
from serving.drawings.swimlane_graph import Node, Shape
from serving.drawings.swimlane_layout import LANE_HEADER, TASKS, Box, SwimlaneLayout

HEADING = 34.0
MARGIN = 10.0

_TASK_WORDS = {Shape.USER: "person", Shape.SEND: "message"}


def write_swimlane_svg(layout: SwimlaneLayout) -> str:
    """The drawing as text."""
    flow, pool = layout.graph.flow, layout.pool
    parts = [f'<text class="title" x="{MARGIN:g}" y="22">{xml_text(flow.title)}</text>']
    parts.append(f'<g transform="translate({MARGIN:g} {HEADING:g})">')
    parts += _lanes(layout)
    for points in layout.lines.values():
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        parts.append(f'<polyline class="line" points="{path}" marker-end="url(#arrow)"/>')
    for node in layout.graph.nodes:
        parts += _node(node, layout.boxes[node.id])
        if node.id in layout.labels:
            parts += _label(node, layout.labels[node.id])
    parts.append("</g>")
    return svg_frame(
        pool.width + 2 * MARGIN, pool.height + HEADING + MARGIN, flow.title, " ".join(describe_flow(layout)), parts
    )


def describe_flow(layout: SwimlaneLayout) -> Iterator[str]:
    """The flow in sentences: the text alternative of the drawing."""
    flow = layout.graph.flow
    for number, stage in enumerate(flow.stages):
        when = f"{stage.wait.text} after the step before, without a response" if number else "When the case is opened"
        if not number and stage.wait.parts:
            when = f"{stage.wait.text} after the case is opened"
        again = f", again every {length_text(stage.repeat.every)}, {stage.repeat.count} times" if stage.repeat else ""
        yield f"{when}: {stage.lane} is asked to act{again}."
    for notice in flow.notices:
        after = f"{notice.wait.text} after the case is opened" if notice.wait.text else "At once"
        yield f"{after}: {', '.join(notice.readers)} are informed."
    yield f"A response is due after {flow.respond.text}, the outcome after {flow.resolve.text}."
    yield f"Accountable: {flow.accountable}."


def _lanes(layout: SwimlaneLayout) -> Iterator[str]:
    pool = layout.pool
    yield f'<rect class="band" x="0" y="0" width="{pool.width:g}" height="{pool.height:g}"/>'
    squad = f"Squad {layout.graph.flow.squad}"
    yield from _turned(15, pool.height / 2, squad, pool.height, "middle strong")
    for name, box in layout.lanes.items():
        yield f'<rect class="band" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"/>'
        yield f'<path class="line" d="M{box.x + LANE_HEADER:g} {box.y:g}V{box.bottom:g}"/>'
        yield from _turned(box.x + LANE_HEADER / 2, box.middle[1], name, box.height - 8, "middle")


def _turned(x: float, y: float, text: str, width: float, kind: str) -> list[str]:
    """A text of up to three lines that is read from below."""
    lines = centred_lines(0, 0, text, width, 3, kind=kind)
    return [f'<g transform="translate({x:g} {y:g}) rotate(-90)">', *lines, "</g>"]


def _node(node: Node, box: Box) -> list[str]:
    if node.shape in TASKS:
        return _task(node, box)
    x, y = box.middle
    if node.shape in {Shape.PARALLEL, Shape.MERGE, Shape.EVENTS}:
        corners = f"{x:g},{box.y:g} {box.right:g},{y:g} {x:g},{box.bottom:g} {box.x:g},{y:g}"
        return [f'<polygon class="shape" points="{corners}"/>', _gateway_mark(node.shape, x, y)]
    return [*_circle(node, x, y), *_event_mark(node, x, y)]


def _task(node: Node, box: Box) -> list[str]:
    x, y = box.middle
    return [
        f'<rect class="box" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="8"/>',
        f'<text class="small middle" x="{x:g}" y="{box.y + 14:g}">{_TASK_WORDS[node.shape]}</text>',
        *centred_lines(x, y + 2, node.label, box.width - 10, 4),
    ]


def _circle(node: Node, x: float, y: float) -> list[str]:
    ends = {Shape.END, Shape.MESSAGE_END}
    kinds = "shape thick" if node.shape in ends else "shape"
    if node.shape is Shape.REMINDER:
        kinds += " dashed"
    circles = [f'<circle class="{kinds}" cx="{x:g}" cy="{y:g}" r="18"/>']
    if node.shape not in {Shape.START, *ends}:
        inner = "shape dashed" if node.shape is Shape.REMINDER else "shape"
        circles.append(f'<circle class="{inner}" cx="{x:g}" cy="{y:g}" r="14.5"/>')
    return circles


def _event_mark(node: Node, x: float, y: float) -> list[str]:
    if node.shape in {Shape.TIMER, Shape.BOUNDARY, Shape.REMINDER}:
        hands = f'<path class="line" d="M{x:g} {y - 7:g}V{y:g}H{x + 5:g}"/>'
        return [f'<circle class="line" cx="{x:g}" cy="{y:g}" r="10"/>', hands]
    if node.shape in {Shape.CATCH, Shape.THROW}:
        kind = "mark" if node.shape is Shape.THROW else "line"
        return [f'<path class="{kind}" d="M{x:g} {y - 9:g} {x + 8:g} {y + 6:g} {x - 8:g} {y + 6:g}z"/>']
    if node.shape is Shape.MESSAGE_END:
        flap = f"M{x - 9:g} {y - 6:g}h18v12h-18z"
        return [f'<path class="mark" d="{flap}"/>', f'<path class="shape" d="M{x - 9:g} {y - 6:g}l9 7 9-7"/>']
    return []


def _gateway_mark(shape: Shape, x: float, y: float) -> str:
    if shape is Shape.PARALLEL:
        return f'<path class="line thick" d="M{x - 11:g} {y:g}h22M{x:g} {y - 11:g}v22"/>'
    if shape is Shape.MERGE:
        return f'<path class="line thick" d="M{x - 7:g} {y - 7:g}l14 14M{x + 7:g} {y - 7:g}l-14 14"/>'
    points = " ".join(
        f"{x + dx:g},{y + dy:g}" for dx, dy in ((0, -7), (6.7, -2.2), (4.1, 5.7), (-4.1, 5.7), (-6.7, -2.2))
    )
    return f'<circle class="line" cx="{x:g}" cy="{y:g}" r="12"/><polygon class="line" points="{points}"/>'


def _label(node: Node, box: Box) -> list[str]:
    most = max(1, int(box.height // 13))
    if node.shape is Shape.BOUNDARY:
        return text_lines(box.x, box.y + 10, node.label, box.width, most, kind="small", spacing=12)
    return text_lines(box.middle[0], box.y + 10, node.label, box.width, most, kind="small middle", spacing=12)
