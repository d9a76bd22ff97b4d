"""Where everything is in a swimlane: boxes, lines and lanes in px, for the diagram interchange of BPMN and for SVG.

Columns are as wide as their widest element, rows as high as their highest. Lines go right and then down, or down and
then right, so that they follow the grid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from serving.drawings.swimlane_graph import Edge, Node, Shape, SwimlaneGraph

TASK = (124.0, 92.0)
GATEWAY = (50.0, 50.0)
EVENT = (36.0, 36.0)
TASKS = frozenset({Shape.USER, Shape.SEND})
GATEWAYS = frozenset({Shape.PARALLEL, Shape.MERGE, Shape.EVENTS})
ATTACHED = frozenset({Shape.BOUNDARY, Shape.REMINDER})

POOL_HEADER, LANE_HEADER = 30.0, 48.0
COLUMN_GAP, EVENT_COLUMN = 36.0, 96.0
ROW_TASK, ROW_EVENT = 132.0, 100.0
EVENT_MIDDLE = 40.0
"""Where the middle of a row without tasks is: the labels of its events are below."""
LABEL_WIDTH = 92.0

Waypoint = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Waypoint:
        """Its centre."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The bottom edge."""
        return self.y + self.height


@dataclass(frozen=True)
class SwimlaneLayout:
    """The positions of a graph: the pool, its lanes by name, boxes and label boxes by node, lines by edge."""

    graph: SwimlaneGraph
    pool: Box
    lanes: Mapping[str, Box]
    boxes: Mapping[str, Box]
    labels: Mapping[str, Box]
    lines: Mapping[str, tuple[Waypoint, ...]]


def lay_out(graph: SwimlaneGraph) -> SwimlaneLayout:
    """Place a graph."""
    lefts, width = _columns(graph)
    lanes, tops = _lanes(graph, POOL_HEADER + width)
    boxes: dict[str, Box] = {}
    for node in graph.nodes:
        boxes[node.id] = _box(node, boxes, lefts, tops)
    labels = {node.id: _label(node, boxes[node.id]) for node in graph.nodes if node.shape not in TASKS and node.label}
    by_id = {node.id: node for node in graph.nodes}
    lines = {edge.id: _line(edge, by_id, boxes) for edge in graph.edges}
    height = max(lane.bottom for lane in lanes.values())
    return SwimlaneLayout(graph, Box(0, 0, POOL_HEADER + width, height), lanes, boxes, labels, lines)


def _columns(graph: SwimlaneGraph) -> tuple[dict[int, tuple[float, float]], float]:
    """The left edge and the width of each column that has anything, and the width of all lanes."""
    used = sorted({node.column for node in graph.nodes})
    wide = {node.column for node in graph.nodes if node.shape in TASKS}
    widths = [TASK[0] if column in wide else EVENT_COLUMN for column in used]
    start = POOL_HEADER + LANE_HEADER + COLUMN_GAP
    lefts = list(accumulate((width + COLUMN_GAP for width in widths), initial=start))
    placed = {column: (left, width) for column, left, width in zip(used, lefts, widths, strict=False)}
    return placed, lefts[-1] - POOL_HEADER


def _lanes(graph: SwimlaneGraph, right: float) -> tuple[dict[str, Box], dict[tuple[str, int], tuple[float, float]]]:
    """The box of each lane, and the top and the height of each of its rows."""
    lanes: dict[str, Box] = {}
    tops: dict[tuple[str, int], tuple[float, float]] = {}
    y = 0.0
    for lane in graph.lanes:
        begin = y
        nodes = [node for node in graph.nodes if node.lane == lane]
        for row in range(max((node.row for node in nodes), default=0) + 1):
            tall = any(node.row == row and node.shape in TASKS for node in nodes)
            tops[lane, row] = (y, ROW_TASK if tall else ROW_EVENT)
            y += tops[lane, row][1]
        lanes[lane] = Box(POOL_HEADER, begin, right - POOL_HEADER, y - begin)
    return lanes, tops


def _size(shape: Shape) -> tuple[float, float]:
    return TASK if shape in TASKS else GATEWAY if shape in GATEWAYS else EVENT


def _box(
    node: Node,
    boxes: Mapping[str, Box],
    lefts: Mapping[int, tuple[float, float]],
    tops: Mapping[tuple[str, int], tuple[float, float]],
) -> Box:
    width, height = _size(node.shape)
    if node.shape in ATTACHED:
        task = boxes[node.attached_to]
        x = task.right - width - 4 if node.shape is Shape.BOUNDARY else task.x + 4
        return Box(x, task.bottom - height / 2, width, height)
    left, column = lefts[node.column]
    top, row = tops[node.lane, node.row]
    if node.shape is Shape.MESSAGE_END and node.id.endswith("_reminder"):
        return Box(left + 4, top + 16, width, height)  # straight below its timer
    middle = row / 2 if row == ROW_TASK else EVENT_MIDDLE
    return Box(left + (column - width) / 2, top + middle - height / 2, width, height)


def _label(node: Node, box: Box) -> Box:
    """Below an event; to the left or right below a timer on the edge of a task, where no line goes."""
    x = box.middle[0] - LABEL_WIDTH / 2
    if node.shape is Shape.BOUNDARY:
        return Box(box.right + 2, box.middle[1] + 4, 1.6 * LABEL_WIDTH, 28)
    if node.shape is Shape.REMINDER:
        return Box(box.x - LABEL_WIDTH - 2, box.middle[1] + 2, LABEL_WIDTH, 42)
    if node.id.endswith("_reminder"):
        return Box(box.x - LABEL_WIDTH - 2, box.middle[1] - 7, LABEL_WIDTH, 14)
    return Box(x, box.bottom + 3, LABEL_WIDTH, 42)


def _line(edge: Edge, nodes: Mapping[str, Node], boxes: Mapping[str, Box]) -> tuple[Waypoint, ...]:
    source, target = boxes[edge.source], boxes[edge.target]
    shape = nodes[edge.source].shape
    (sx, sy), (tx, ty) = source.middle, target.middle
    if shape in ATTACHED:
        if sx == tx:
            return (sx, source.bottom), (tx, target.y)
        if ty > source.bottom:
            return (sx, source.bottom), (sx, ty), (target.x, ty)
        below, left = source.bottom + 14, target.x - 14
        return (sx, source.bottom), (sx, below), (left, below), (left, ty), (target.x, ty)
    if sy == ty:
        return (source.right, sy), (target.x, ty)
    if shape in {Shape.PARALLEL, Shape.EVENTS} and nodes[edge.source].lane == nodes[edge.target].lane:
        return (sx, source.bottom), (sx, ty), (target.x, ty)
    return (source.right, sy), (tx, sy), (tx, target.y)
