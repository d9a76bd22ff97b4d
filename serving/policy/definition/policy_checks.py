"""Checks across the sections of a policy, and its conditions compiled against the known columns.

Each problem is one sentence about one place of the file, and all problems are collected.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from features import catalogue
from features.catalogue import Feature
from features.conditions import POLICY_LISTING, Columns, Condition, ConditionError, compile_condition
from features.contract import Metric
from features.errors import suggest_name
from serving.policy.definition.casework.casework_checks import check_casework, find_idle_playbooks
from serving.policy.definition.columns import condition_columns
from serving.policy.definition.escalation.path_checks import check_paths, find_idle_paths, find_unused_addresses
from serving.policy.definition.incidents.incident_checks import check_incidents
from serving.policy.definition.incidents.signal_columns import SIGNAL_LISTING, signal_columns
from serving.policy.definition.launch_triggers import check_launch_names
from serving.policy.definition.people.people_checks import check_people, find_unfilled_roles
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.definition.tickets.ticket_filter import TicketFilter
from serving.policy.definition.tickets.ticket_kinds import TicketKinds, check_tickets
from serving.policy.definition.toml_lines import Path

CANCELLATION_COLUMNS = frozenset({"contract_notices"})
"""What the trigger of earlier policies read."""


@dataclass(frozen=True)
class Problem:
    """A mistake in the file: the path of the key, and a sentence without its full stop."""

    path: Path
    sentence: str


@dataclass(frozen=True)
class Conditions:
    """Every condition of the policy, compiled, by the name of its trigger, severity, exemption or exclusion."""

    triggers: Mapping[str, Condition]
    severities: Mapping[str, Condition]
    exempt: Mapping[str, Condition]
    exclude: Mapping[str, Condition]
    vip: Condition | None
    incidents: Mapping[str, Condition] = field(default_factory=dict)
    """Over the fields of signals, and no part of ``columns``."""
    tickets: tuple[TicketFilter, ...] = ()
    """The kinds of tickets that the conditions may count."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns that they read."""
        tables = (self.triggers, self.severities, self.exempt, self.exclude)
        named = [condition for table in tables for condition in table.values()]
        every = [*named, self.vip] if self.vip else named
        return frozenset(name for condition in every for name in condition.columns)


def compile_conditions(
    file: PolicyFile, metrics: Sequence[Metric] = (), own: Sequence[Feature] = ()
) -> tuple[Conditions, list[Problem]]:
    """Compile every condition; the problems are those of the conditions that cannot be used."""
    tickets = TicketKinds(file)
    compiler = _Compiler({**condition_columns(file.risks, metrics=metrics, own=own), **tickets.columns})
    of_signals = _Compiler(signal_columns(), SIGNAL_LISTING)
    known_of_case = condition_columns(file.risks, metrics=metrics, own=own, of_case=True)
    with_case = _Compiler({**known_of_case, **tickets.columns})
    vip = file.routing.vip
    conditions = Conditions(
        triggers=compiler.all((name, trigger.when, ("triggers", name)) for name, trigger in file.triggers.items()),
        severities=with_case.all(
            (row.name, row.when, ("severities", place)) for place, row in enumerate(file.severities) if row.when
        ),
        exempt=compiler.all(
            (name, text, ("holdout", "exempt", name))
            for name, text in (file.holdout.exempt if file.holdout else {}).items()
        ),
        exclude=compiler.all((name, text, ("exclude", "when", name)) for name, text in file.exclude.when.items()),
        vip=with_case.all([("vip", vip.when, ("routing", "vip"))]).get("vip") if vip else None,
        incidents=of_signals.all((name, rule.when, ("incidents", name)) for name, rule in file.incidents.items()),
        tickets=tickets.filters,
    )
    wrong = [Problem(path, sentence) for path, sentence in tickets.problems]
    return conditions, wrong + compiler.problems + with_case.problems + of_signals.problems


class _Compiler:
    def __init__(self, known: Columns, listing: str = POLICY_LISTING) -> None:
        self.known = known
        self.listing = listing
        self.problems: list[Problem] = []

    def all(self, written: Iterable[tuple[str, str, Path]]) -> dict[str, Condition]:
        compiled = {}
        for name, text, path in written:
            try:
                compiled[name] = compile_condition(text, self.known, listing=self.listing)
            except ConditionError as error:
                self.problems.append(Problem((*path, "when"), f"the condition of {name} {error}"))
        return compiled


def policy_hints(
    file: PolicyFile, conditions: Conditions, channels: Mapping[str, str] | None = None
) -> Iterator[Problem]:
    """Parts of a policy that are valid and have no effect, such as a trigger for cancellations of earlier policies.

    ``channels`` are the configured channels (name -> kind), where they are known.
    """
    for name, condition in conditions.triggers.items():
        if file.triggers[name].raises == "alone" and condition.columns.keys() & CANCELLATION_COLUMNS:
            yield Problem(
                ("triggers", name),
                f"the trigger {name} can be removed: [cancellations] raises received cancellations by their own value",
            )
    for path, sentence in (
        *find_unfilled_roles(file),
        *find_idle_paths(file),
        *find_idle_playbooks(file),
        *find_unused_addresses(file, channels),
    ):
        yield Problem(path, sentence)


def cross_checks(file: PolicyFile, channels: Mapping[str, str] | None = None) -> Iterator[Problem]:
    """Names that have to be defined elsewhere in the file, and rules between sections.

    ``channels`` are the configured channels (name -> kind), where they are known.
    """
    yield from _names(file)
    yield from _skills(file)
    yield from _calendars(file)
    yield from _severities(file)
    yield from _vip(file)
    for path, sentence in (
        *check_people(file),
        *check_casework(file),
        *check_tickets(file),
        *check_launch_names(file),
        *_incidents(file),
        *check_paths(file, channels),
    ):
        yield Problem(path, sentence)


def _incidents(file: PolicyFile) -> Iterator[tuple[Path, str]]:
    severities = [row.name for row in file.severities]
    return check_incidents(file.incidents, severities=severities, paths=file.paths, squads=file.squads)


def _unknown(path: Path, what: str, name: str, names: Iterable[str]) -> Problem:
    return Problem(path, f"there is no {what} {name!r}: {suggest_name(name, names)}")


def _names(file: PolicyFile) -> Iterator[Problem]:
    severities = [row.name for row in file.severities]
    for name, trigger in file.triggers.items():
        if trigger.risk not in file.risks:
            yield _unknown(("triggers", name, "risk"), "risk", trigger.risk, file.risks)
        if trigger.severity is not None and trigger.severity not in severities:
            yield _unknown(("triggers", name, "severity"), "severity", trigger.severity, severities)
    for section, rule in (("cancellations", file.cancellations), ("partial_losses", file.partial_losses)):
        if rule.severity is not None and rule.severity not in severities:
            yield _unknown((section, "severity"), "severity", rule.severity, severities)
    if file.contract_risk not in file.risks:
        yield _unknown(("cancellations", "risk"), "risk", file.contract_risk, file.risks)
    if file.routing.fallback not in file.squads:
        yield _unknown(("routing", "fallback"), "squad", file.routing.fallback, file.squads)
    for group in file.routing.reasons:
        if group not in catalogue.GROUPS:
            yield _unknown(("routing", "reasons", group), "reason group", group, catalogue.GROUPS)


def _skills(file: PolicyFile) -> Iterator[Problem]:
    skills = {skill for squad in file.squads.values() for skill in squad.skills}
    routing = file.routing
    required: list[tuple[Path, str | None]] = [
        *((("risks", name, "skill"), rule.skill) for name, rule in file.risks.items()),
        *((("triggers", name, "skill"), trigger.skill) for name, trigger in file.triggers.items()),
        (("cancellations", "skill"), file.cancellations.skill),
        (("partial_losses", "skill"), file.partial_losses.skill),
        *((("routing", "reasons", name), skill) for name, skill in routing.reasons.items()),
        *((("routing", "ticket_categories", name), skill) for name, skill in routing.ticket_categories.items()),
    ]
    for path, skill in required:
        if skill is not None and skill not in skills:
            yield Problem(path, f"no squad has the skill {skill!r}: {suggest_name(skill, skills)}")


def _calendars(file: PolicyFile) -> Iterator[Problem]:
    for name, squad in file.squads.items():
        if squad.calendar is not None and squad.calendar not in file.calendars:
            yield _unknown(("squads", name, "calendar"), "calendar", squad.calendar, file.calendars)
    without = [name for name, squad in file.squads.items() if squad.calendar is None]
    for place, row in enumerate(file.severities):
        if row.needs_calendar and without:
            yield Problem(
                ("severities", place),
                f"the severity {row.name!r} counts working time, and the squad {without[0]} has no calendar: add "
                f'[calendars.NAME] and calendar = "NAME" to the squad',
            )


def _severities(file: PolicyFile) -> Iterator[Problem]:
    names = [row.name for row in file.severities]
    for place, row in enumerate(file.severities):
        if row.name in names[:place]:
            yield Problem(("severities", place, "name"), f"the severity {row.name!r} is defined twice")
        if row.when is None and place < len(names) - 1:
            yield Problem(
                ("severities", place), f"{row.name!r} has no condition, so the severities after it never apply"
            )
    if file.severities[-1].when is not None:
        yield Problem(
            ("severities", len(names) - 1, "when"), "the last severity applies to all other cases: remove its condition"
        )


def _vip(file: PolicyFile) -> Iterator[Problem]:
    vip = file.routing.vip
    if vip is None:
        return
    squads = {name: squad for name, squad in file.squads.items() if vip.skill in squad.skills}
    if not squads:
        skills = {skill for squad in file.squads.values() for skill in squad.skills}
        yield Problem(
            ("routing", "vip", "skill"), f"no squad has the skill {vip.skill!r}: {suggest_name(vip.skill, skills)}"
        )
    for name, squad in squads.items():
        if len(set(squad.members)) < 2:
            yield Problem(("squads", name, "members"), f"the VIP squad {name!r} needs at least two members")
