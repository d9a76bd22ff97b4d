"""The swimlanes of a policy as files: BPMN and SVG for each squad and severity and each incident, and a page of all."""

from collections.abc import Iterator

from serving.drawings.bpmn_file import write_bpmn
from serving.drawings.drawing_page import html_page, html_section
from serving.drawings.drawing_text import file_name
from serving.drawings.swimlane_flow import all_flows
from serving.drawings.swimlane_graph import build_graph
from serving.drawings.swimlane_layout import lay_out
from serving.drawings.swimlane_svg import write_swimlane_svg
from serving.policy.definition.policy_schema import PolicyFile


def swimlane_files(
    rules: PolicyFile, squad: str | None = None, severity: str | None = None
) -> Iterator[tuple[str, str]]:
    """Each file with its name; all squads and severities, or those given."""
    sections: list[str] = []
    taken: set[str] = set()
    for flow in all_flows(rules):
        if squad not in {None, flow.squad} or severity not in {None, flow.severity}:
            continue
        words = ("incident", flow.incident) if flow.incident is not None else (flow.squad, flow.severity)
        name = _free_name(file_name("swimlane", *words), taken)
        layout = lay_out(build_graph(flow))
        drawing = write_swimlane_svg(layout)
        yield f"{name}.bpmn", write_bpmn(layout)
        yield f"{name}.svg", drawing
        link = f'<p><a href="{name}.bpmn">{name}.bpmn</a></p>'
        sections.append(html_section(flow.title, [f'<figure class="wide">{_own_ids(drawing, name)}</figure>', link]))
    yield "swimlanes.html", html_page("Escalation, by squad and severity", sections)


def _free_name(name: str, taken: set[str]) -> str:
    """A name that no other drawing has: names of squads may differ only in signs that files cannot have."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free)
    return free


def _own_ids(drawing: str, name: str) -> str:
    """The drawing with ids of its own, because a page has each id once."""
    for mark in ("title", "words", "arrow"):
        drawing = drawing.replace(f'id="{mark}"', f'id="{mark}-{name}"').replace(
            f"url(#{mark})", f"url(#{mark}-{name})"
        )
    return drawing.replace('aria-labelledby="title words"', f'aria-labelledby="title-{name} words-{name}"')
