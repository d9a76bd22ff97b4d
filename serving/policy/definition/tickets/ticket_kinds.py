"""The kinds of tickets of a policy, compiled, and what is wrong with them.

Each problem is the path of a key and one sentence, like those of the other sections.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from features.conditions import Columns, Condition, ConditionError, compile_condition
from features.errors import suggest_name
from serving.policy.definition.tickets.adoption import adopting_triggers
from serving.policy.definition.tickets.ticket_filter import TicketFilter, ticket_columns
from serving.policy.definition.tickets.ticket_rules import ISSUES, LAUNCH, NAME, IssueTypeRule, LaunchRule

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

Finding = tuple[tuple[str | int, ...], str]
TICKET_LISTING = "docs/policy.md lists the columns of tickets"


class TicketKinds:
    """The kinds of tickets of a policy file: ``filters``, and in ``problems`` the conditions that cannot be used."""

    def __init__(self, file: "PolicyFile") -> None:
        self.problems: list[Finding] = []
        self._known = ticket_columns()
        self._about = {name: self._launch(name, rule) for name, rule in file.launches.items()}
        kinds = {name: self._issue_type(name, rule) for name, rule in file.issue_types.items()}
        self.filters = (*kinds.values(), *(_broad_path(file, name, self._about[name], kinds) for name in file.launches))

    @property
    def columns(self) -> Columns:
        """What the other conditions of the policy may name, with the column of the candidates."""
        return {it.name: (it.column, "number") for it in self.filters}

    def about(self, launch: str) -> TicketFilter:
        """All tickets about a launch, whoever they are left to."""
        return self._about[launch]

    def _launch(self, name: str, rule: LaunchRule) -> TicketFilter:
        return TicketFilter(
            f"{LAUNCH}{name}", self._condition("launches", name, rule.when), rule.terms, start=rule.start
        )

    def _issue_type(self, name: str, rule: IssueTypeRule) -> TicketFilter:
        condition = self._condition("issue_types", name, rule.when)
        about = self._about.get(rule.launch or "")
        return TicketFilter(f"{ISSUES}{name}", condition, rule.terms, rule.opened_within_days, about=about)

    def _condition(self, section: str, name: str, text: str | None) -> Condition | None:
        if text is None:
            return None
        try:
            return compile_condition(text, self._known, listing=TICKET_LISTING)
        except ConditionError as error:
            self.problems.append(((section, name, "when"), f"the condition of {name} {error}"))
            return None


def _broad_path(file: "PolicyFile", name: str, about: TicketFilter, kinds: dict[str, TicketFilter]) -> TicketFilter:
    adopted = tuple(kinds[kind] for kind in adopting_triggers(file, name))
    ends = file.launches[name].ends if adopted else None
    return TicketFilter(f"{LAUNCH}{name}", about=about, without=adopted, ends=ends)


def check_tickets(file: "PolicyFile") -> Iterator[Finding]:
    """Names that have to be defined elsewhere in the file, and names that conditions cannot use."""
    for section, table in (("issue_types", file.issue_types), ("launches", file.launches)):
        for name in table:
            if not NAME.fullmatch(name):
                yield (section, name), f"the name {name!r} has to consist of lower-case letters, digits and _"
    for name, issue_type in file.issue_types.items():
        if issue_type.launch is not None and issue_type.launch not in file.launches:
            yield _unknown(("issue_types", name, "launch"), "launch", issue_type.launch, file.launches)
    for name, rule in file.launches.items():
        yield from _launch_references(file, name, rule)


def _launch_references(file: "PolicyFile", name: str, rule: LaunchRule) -> Iterator[Finding]:
    skills = {skill for squad in file.squads.values() for skill in squad.skills}
    severities = [row.name for row in file.severities]
    for key in ("skill", "specialist", "technical"):
        skill = getattr(rule, key)
        if skill is not None and skill not in skills:
            yield ("launches", name, key), f"no squad has the skill {skill!r}: {suggest_name(skill, skills)}"
    if rule.severity is not None and rule.severity not in severities:
        yield _unknown(("launches", name, "severity"), "severity", rule.severity, severities)
    if rule.risk is not None and rule.risk not in file.risks:
        yield _unknown(("launches", name, "risk"), "risk", rule.risk, file.risks)


def _unknown(path: tuple[str | int, ...], what: str, name: str, names: Iterable[str]) -> Finding:
    return path, f"there is no {what} {name!r}: {suggest_name(name, names)}"
