"""The RACI table of a policy: who is responsible, accountable, consulted and informed, for each severity and event.

The roles are those of `[[severities]]`, with the people that the policy names for them, and the events are those of the
communication protocol, with the channels on which each party is notified.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serving.drawings.drawing_page import html_page, html_paragraph, html_section, html_table
from serving.drawings.drawing_text import markdown_cell, plain_text
from serving.drawings.swimlane_flow import length_text
from serving.paths.path_steps import TIER_WORDS
from serving.paths.protocol import Party
from serving.paths.roster import DutyRota
from serving.policy.definition.escalation_matrix import case_severities
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile, SeverityRule

LETTERS = {"responsible": "R", "accountable": "A", "consulted": "C", "informed": "I"}
EXPLANATION = "R responsible, A accountable, C consulted, I informed; a number is the step of the escalation path."


@dataclass(frozen=True)
class RaciTable:
    """A table: a caption, the heads of the columns, and rows of texts."""

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    letters: bool = False


def raci_tables(policy: Policy) -> list[RaciTable]:
    """The tables: letters by severity and role, who the roles are, and who is notified of what."""
    rules = policy.rules
    activities = [activity for row in case_severities(rules) for activity in _activities(rules, row)]
    roles = tuple(dict.fromkeys(role for _, letters in activities for role, _ in letters))
    rows = tuple((name, *(_letters(letters, role) for role in roles)) for name, letters in activities)
    return [
        RaciTable("Roles by severity", EXPLANATION, ("Activity", *roles), rows, letters=True),
        RaciTable(
            "Who the roles are", "By squad, as the policy names them.", ("Role", *rules.squads), _who(rules, roles)
        ),
        RaciTable(
            "Who is notified of what",
            "At once, or “daily” with the mail of the next morning; by the first address, or the channels named.",
            ("Event", *(party.value.replace("_", " ") for party in Party)),
            tuple(_events(rules)),
        ),
    ]


def raci_markdown(policy: Policy) -> str:
    """The tables as Markdown."""
    parts = [f"# RACI of policy {policy.version}"]
    for table in raci_tables(policy):
        lines = [
            _line(table.head),
            "|" + "|".join(["---", *([":-:" if table.letters else "---"] * (len(table.head) - 1))]) + "|",
        ]
        lines += [_line(row) for row in table.rows]
        parts += [f"## {table.title}", table.caption, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def raci_html(policy: Policy) -> str:
    """The tables as a page."""
    sections = [
        html_section(table.title, [html_table(table.caption, table.head, table.rows, letters=table.letters)])
        for table in raci_tables(policy)
    ]
    hypothesis = policy.rules.hypothesis
    intro = [html_paragraph(hypothesis, quiet=True)] if hypothesis else []
    return html_page(f"RACI of policy {policy.version}", [*intro, *sections])


def _activities(rules: PolicyFile, row: SeverityRule) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """What is done about a case of a severity, with each role's letter; the steps of its own path where it names one.

    Whom a step asks to act is responsible from then on; whom it only informs is consulted, if it has a question.
    """
    letters = tuple(_roles(row))
    yield f"{row.name}: contact the customer within {length_text(row.respond_hours)}", letters
    if row.path is not None:
        steps = [
            (role, f"{'R' if step.acknowledge else 'C' if step.message else 'I'}{number}")
            for number, step in enumerate(rules.path_named(row.path).steps, start=1)
            for role in step.to
        ]
        accountable = (row.accountable, LETTERS["accountable"])
        yield f"{row.name}: act if nobody has acknowledged it", (accountable, *steps)
    yield f"{row.name}: close the case within {length_text(row.resolve_hours)}", letters


def _roles(row: SeverityRule) -> Iterator[tuple[str, str]]:
    """Each role of a severity with its letter."""
    for name in ("responsible", "accountable", "consulted", "informed"):
        value: str | Sequence[str] = getattr(row, name)
        for role in (value,) if isinstance(value, str) else value:
            yield role, LETTERS[name]


def _letters(letters: Sequence[tuple[str, str]], role: str) -> str:
    return " ".join(dict.fromkeys(letter for name, letter in letters if name == role)) or "–"


def _who(rules: PolicyFile, roles: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    tiers = [
        word
        for word in TIER_WORDS
        if any(rules.roster.squad_size(squad) > TIER_WORDS.index(word) for squad in rules.squads)
    ]
    words = dict.fromkeys((*tiers, *roles))
    return tuple((word, *(_people(rules, word, squad) for squad in rules.squads)) for word in words)


def _people(rules: PolicyFile, word: str, squad: str) -> str:
    """The people of a role in a squad; the role is only a printed name where the policy names nobody."""
    entry = rules.roster.squads[squad]
    if word.casefold() in TIER_WORDS:
        place = TIER_WORDS.index(word.casefold())
        if entry.duty is not None:
            return _rota(entry.duty, place) if len(entry.duty.order) > place else "–"
        return entry.tiers[place] if len(entry.tiers) > place else "–"
    targets = rules.roster.role_targets(word, squad)
    return ", ".join(targets) if targets else "not named in the policy"


def _rota(duty: DutyRota, place: int) -> str:
    """Who takes turns, and how: the order of the second starts with the second person, and so on."""
    order = ", ".join((*duty.order[place:], *duty.order[:place]))
    return f"by load: {', '.join(duty.order)}" if duty.rotation == "load" else f"{duty.rotation} in turn: {order}"


def _events(rules: PolicyFile) -> Iterator[tuple[str, ...]]:
    for event, rule in rules.full_protocol.items():
        cells = []
        for party in Party:
            if party not in rule.parties:
                cells.append("–")
                continue
            how = ", ".join(rule.parties[party]) or "first address"
            cells.append(f"{how} (daily)" if party in rule.daily else how)
        yield (event.value.replace("_", " ").replace("sla", "SLA"), *cells)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(markdown_cell(plain_text(cell)) for cell in cells) + " |"
