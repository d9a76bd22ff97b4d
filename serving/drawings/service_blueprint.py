"""The service blueprint: what the customer meets, what the team does, and what the systems do, from data to outcome.

Customer, front stage, back stage and systems are rows, the phases of a rescue are columns. Everything in the cells is
read from the policy and the settings: sources, risks, squads, times, forms, channels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from serving.drawings.drawing_page import html_page, html_table
from serving.drawings.drawing_text import break_lines, xml_text
from serving.drawings.svg_parts import svg_frame, text_lines
from serving.drawings.swimlane_flow import length_text
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile

PHASES = (
    "Data arrives",
    "The night decides",
    "A case is opened",
    "The customer is contacted",
    "The plan",
    "The outcome",
)
ROWS = ("Customer", "Front stage", "Back stage", "Systems")
LINES = {1: "Line of interaction", 2: "Line of visibility", 3: "Line of internal interaction"}
"""What lies above the row of this number."""

LEFT, COLUMN, PAD, HEAD, SPACING = 110.0, 210.0, 10.0, 64.0, 15.0
MOST_LINES = 40

Cells = tuple[tuple[tuple[str, ...], ...], ...]
"""Entries by row and column."""


@dataclass(frozen=True)
class BlueprintFacts:
    """What the settings say: the sources, the time zone in which a night begins, and the channels by name and kind."""

    sources: tuple[str, ...]
    timezone: str
    channels: Mapping[str, str]
    queue: str
    sign_in: str


def blueprint_cells(policy: Policy, facts: BlueprintFacts) -> Cells:
    """The entries of each cell."""
    rules = policy.rules
    return (
        (
            ("Uses the product", "Opens tickets, answers surveys", "Pays invoices, renews contracts"),
            (),
            (),
            ("Is contacted about what troubles them",),
            ("Agrees on steps and dates",),
            ("Stays, reduces, or leaves",),
        ),
        ((), (), (), tuple(_responses(rules)), tuple(_playbooks(rules)), ("Tells the customer what was done",)),
        (
            (),
            tuple(_decisions(rules)),
            tuple(_duty(rules)),
            tuple(_accountable(rules)),
            tuple(_hand_overs(rules)),
            tuple(_learning(rules)),
        ),
        (
            facts.sources,
            (f"Night in {facts.timezone}: validates, scores, decides", f"Queue: {facts.queue}"),
            ("Review app, sign-in by " + facts.sign_in, *_channels(facts)),
            ("SLA timers", "Outbox: messages with a stable id"),
            ("Record of each case",),
            ("Outcomes as a source of the next training", "Health scores for the CRM"),
        ),
    )


def write_blueprint_svg(policy: Policy, facts: BlueprintFacts) -> str:
    """The blueprint as SVG."""
    cells = blueprint_cells(policy, facts)
    width = LEFT + COLUMN * len(PHASES) + PAD
    title = f"Service blueprint of policy {policy.version}"
    parts = [f'<text class="title" x="{PAD:g}" y="24">{xml_text(title)}</text>']
    for place, phase in enumerate(PHASES):
        parts += text_lines(LEFT + COLUMN * place + PAD, 52, phase, COLUMN - 2 * PAD, 1, kind="strong")
    y = HEAD
    for number, (name, row) in enumerate(zip(ROWS, cells, strict=True)):
        height = max(_height(entries) for entries in row)
        parts += _row(number, name, row, y, height, width)
        y += height
    return svg_frame(width, y + PAD, title, " ".join(_describe(cells)), parts)


def blueprint_html(policy: Policy, facts: BlueprintFacts) -> str:
    """The blueprint as a page: the drawing, and the same as a table."""
    cells = blueprint_cells(policy, facts)
    rows = [(name, *("; ".join(entries) or "–" for entries in row)) for name, row in zip(ROWS, cells, strict=True)]
    drawing = f"<figure>{write_blueprint_svg(policy, facts)}</figure>"
    table = html_table("The same as a table", ("", *PHASES), rows)
    return html_page(f"Service blueprint of policy {policy.version}", [drawing, table])


def _row(number: int, name: str, row: Sequence[Sequence[str]], y: float, height: float, width: float) -> Iterator[str]:
    if number in LINES:
        yield f'<path class="line dashed" d="M{PAD:g} {y:g}H{width - PAD:g}"/>'
        yield f'<text class="small" x="{PAD:g}" y="{y + 13:g}">{LINES[number]}</text>'
    yield from text_lines(PAD, y + 40, name, LEFT - 2 * PAD, 2, kind="strong")
    for place, entries in enumerate(row):
        if not entries:
            continue
        x = LEFT + COLUMN * place
        box = f'x="{x + 4:g}" y="{y + 20:g}" width="{COLUMN - 8:g}" height="{height - 30:g}"'
        yield f'<rect class="box" {box} rx="6"/>'
        baseline = y + 40
        for entry in entries:
            lines = text_lines(x + PAD + 4, baseline, entry, COLUMN - 2 * PAD - 8, MOST_LINES, spacing=SPACING)
            yield from lines
            baseline += SPACING * len(lines) + 5


def _height(entries: Sequence[str]) -> float:
    count = sum(len(break_lines(entry, COLUMN - 2 * PAD - 8, MOST_LINES)) for entry in entries)
    return 62 + SPACING * count + 5 * len(entries)


def _describe(cells: Cells) -> Iterator[str]:
    for name, row in zip(ROWS, cells, strict=True):
        for phase, entries in zip(PHASES, row, strict=True):
            if entries:
                yield f"{name}, {phase.lower()}: {'; '.join(entries)}."


def _decisions(rules: PolicyFile) -> Iterator[str]:
    for name, rule in rules.risks.items():
        yield f"{name}: from {rule.enter:.0%} on"
    if rules.triggers:
        yield f"Triggers: {', '.join(rules.triggers)}"
    if rules.holdout and rules.holdout.share:
        yield f"{rules.holdout.share:.0%} held out, to measure the effect"
    yield f"{sum(squad.capacity for squad in rules.squads.values())} new cases a night at most"


def _duty(rules: PolicyFile) -> Iterator[str]:
    for name, squad in rules.squads.items():
        duty = rules.roster.squads[name].duty
        people = f"{duty.rotation} duty of {', '.join(duty.order)}" if duty else " → ".join(squad.tiers)
        yield f"{name} ({', '.join(squad.skills)}): {people}"


def _responses(rules: PolicyFile) -> Iterator[str]:
    for row in rules.severities:
        yield f"{row.name}: within {length_text(row.respond_hours)}"
    for name, squad in rules.squads.items():
        hours = f", {', '.join(rules.calendars[squad.calendar].hours)}" if squad.calendar else ""
        where = f", {', '.join(squad.regions)}" if squad.regions else ""
        yield f"Squad {name}{hours}{where}"


def _accountable(rules: PolicyFile) -> Iterator[str]:
    for row in rules.severities:
        path = f"path {row.path}" if row.path else "tiers of the squad"
        yield f"{row.name}: {path}; {row.accountable} is accountable"
    for name in rules.incidents:
        yield f"Incident {name} is linked to the cases of its accounts"


def _playbooks(rules: PolicyFile) -> Iterator[str]:
    yield "Follows the playbook of the first reason"
    for row in rules.severities:
        yield f"{row.name}: closed within {length_text(row.resolve_hours)}"


def _hand_overs(rules: PolicyFile) -> Iterator[str]:
    yield "Another squad can take over, by skill"
    for name, form in rules.forms.items():
        yield f"Form {name}: {', '.join(field.label for field in form.fields.values())}"


def _learning(rules: PolicyFile) -> Iterator[str]:
    yield "Outcome: saved, lost, false alarm, no action"
    if rules.hypothesis:
        yield f"Hypothesis: {rules.hypothesis}"
    yield "Versions of the policy are compared"


def _channels(facts: BlueprintFacts) -> Iterator[str]:
    for name, kind in facts.channels.items():
        yield f"Channel {name}" if name == kind else f"Channel {name} ({kind})"
    if not facts.channels:
        yield "No channel is configured"
