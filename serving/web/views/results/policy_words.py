"""The policy in words, as its page and the API show it, and who of the people that it names is away today."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from serving.policy.definition.explanation import PATHS_TITLE, PathSteps, explain, path_steps, working_hours
from serving.policy.definition.policy_file import Policy

HIDDEN = "(hidden)"
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(\.[\w-]+)+|\b(https?|webcal)://\S+")
PEOPLE_TITLE = "People and duty"
LEFT_OUT = (
    "When a path runs, who is absent is left out: the next person on duty takes the step, and a step without anybody "
    "is skipped. The tables show the rule without absences."
)


@dataclass(frozen=True)
class WordSection:
    """A part of the policy in words; ``paths`` are escalation paths, which the page shows as tables."""

    title: str
    lines: Sequence[str]
    paths: Sequence[PathSteps] = ()


def word_sections(policy: Policy, *, addresses: bool) -> list[WordSection]:
    """The policy in words, by subject; addresses and links are hidden unless ``addresses``."""
    sections: list[WordSection] = []
    for line in explain(policy).splitlines()[1:]:
        text = line if addresses else _ADDRESS.sub(HIDDEN, line)
        if text.startswith("  - ") and sections:
            sections[-1] = WordSection(sections[-1].title, [*sections[-1].lines, text.removeprefix("  - ")])
        elif text.strip():
            sections.append(WordSection(text.strip(), []))
    return sections


def page_sections(policy: Policy, *, addresses: bool, away: Mapping[str, str] | None = None) -> list[WordSection]:
    """The policy in words as the page shows it: escalation paths as tables of when and what.

    ``away`` has the people who are absent or disabled now, by the name in the policy, as ``absent (back on …)``.
    """
    people = policy.rules.roster.people
    marks = {people[name].shown: text for name, text in (away or {}).items() if name in people}

    def shown(text: str) -> str:
        named = [name for name in marks if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        visible = text if addresses else _ADDRESS.sub(HIDDEN, text)
        return "; ".join([visible, *(f"{name} is {marks[name]}" for name in named)])

    paths = [
        path._replace(steps=[(when, shown(what)) for when, what in path.steps]) for path in path_steps(policy.rules)
    ]
    absent = [f"{name} is {how}." for name, how in marks.items()]
    sections = []
    for section in word_sections(policy, addresses=addresses):
        if section.title == PATHS_TITLE:
            today = [f"Today: {' '.join(absent)} {LEFT_OUT}"] if absent else []
            section = WordSection(section.title, [*working_hours(policy.rules), *today], paths)
        elif section.title == PEOPLE_TITLE:
            section = replace(section, lines=[*(f"Today: {text}" for text in absent), *section.lines])
        sections.append(section)
    return sections
