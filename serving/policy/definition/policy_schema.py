"""The schema of a policy file: its tables, their keys, their ranges, and the rules between them.

Every field's ``description`` is its documentation: ``docs/policy.md`` is generated from them. A condition is only
text here; :mod:`serving.policy.definition.policy_file` compiles it against the known columns.
"""

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from serving.paths.calendars import WorkingCalendar
from serving.paths.path_steps import EscalationPath, join_paths, shorthand_path
from serving.paths.protocol import Protocol
from serving.paths.roster import Roster
from serving.policy.definition.calendar_rules import CalendarRule
from serving.policy.definition.case_rules import (
    CancellationRule,
    CooldownRule,
    ExcludeRule,
    GroupRule,
    Health,
    Holdout,
    PartialLossRule,
    ReconcileRule,
)
from serving.policy.definition.casework.outcome_rules import OutcomeRule
from serving.policy.definition.casework.playbook_rules import PlaybookRule
from serving.policy.definition.escalation.digest_rules import DigestRule
from serving.policy.definition.escalation.path_rules import ProtocolRule, Steps, full_protocol
from serving.policy.definition.incidents.incident_rules import IncidentRule
from serving.policy.definition.people.form_rules import FormRule
from serving.policy.definition.people.people_rules import PersonRule, RoleRule
from serving.policy.definition.people.policy_roster import build_roster
from serving.policy.definition.people.squad_rules import Routing, SquadRule
from serving.policy.definition.people.weekly_rule import WeeklyRule
from serving.policy.definition.policy_section import (
    Bands,
    Days,
    Fraction,
    Money,
    Names,
    Nights,
    Section,
    Share,
    Text,
    Within,
    Word,
    refuse,
    refuse_overlap,
)
from serving.policy.definition.tickets.ticket_rules import IssueTypeRule, LaunchRule


class RiskRule(Section):
    """When an account enters and leaves a risk, how long it cools down after a case, and what a rescue is worth."""

    enter: Fraction = Field(description="probability from which an account enters the risk")
    enter_nights: Nights = Field(1, description="consecutive nights at or above `enter` before it enters")
    leave: Fraction = Field(
        description="probability below which an account starts to leave; has to be lower than `enter`"
    )
    leave_nights: Nights = Field(3, description="consecutive nights below `leave` before it has left")
    worsen_by: Fraction = Field(0.15, description="rise of the probability that raises an open case again")
    cooldown_days: Days = Field(
        30, description="days after a case is closed before this risk and its triggers raise a new one"
    )
    family: Word | None = Field(None, description="risks of one family share one case; default: the risk's own name")
    save_rate: Share = Field(0.3, description="share of the revenue at risk that a rescue is expected to save")
    cost: Money = Field(0, description="what one rescue costs the team, in the currency of `arr`")
    skill: Word | None = Field(
        None, description="skill to route by when neither a trigger, a reason nor a ticket decides"
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.leave >= self.enter:
            raise refuse(
                "leave",
                f"leave = {self.leave} has to be lower than enter = {self.enter}, or accounts enter and leave nightly",
            )
        return self


class PriorityRule(Section):
    """The order of the queue: probability × capped revenue × save rate × urgency − cost."""

    revenue_cap: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        250_000, description="revenue is capped here, so that no single account takes all the places"
    )
    unknown_revenue: Money | None = Field(
        None,
        description="revenue assumed where it is unknown; default: the median of the account's segment tonight",
    )
    urgency: Bands = Field(
        (), description="bands of days to renewal, nearest first; the first that contains the renewal applies"
    )
    minimum: Annotated[float, Field(allow_inf_nan=False)] = Field(
        0, description="priority below which no new case is raised; 0: nothing that is worth less than its cost"
    )
    uplift: bool = Field(
        False,
        description="use by how much a rescue lowers the account's probability in place of probability × save rate, "
        "once `rescue train --uplift` has shown that this orders accounts better",
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        refuse_overlap(self.urgency)
        return self


class TriggerRule(Section):
    """A named condition that raises a case: alone, only with the model's probability, or only without a model."""

    when: Text = Field(description="the condition")
    risk: Word = Field(description="the risk that it is evidence of, one of `[risks]`")
    raises: Literal["alone", "with_risk", "without_model"] = Field(
        description="`alone`; `with_risk`: from `min_probability` on; `without_model`: alone, while the risk has none"
    )
    min_probability: Fraction | None = Field(
        None, description="with `with_risk`: the lowest probability of the risk at which it raises a case"
    )
    severity: Word | None = Field(None, description="lowest severity of the case")
    skill: Word | None = Field(None, description="skill to route the case by")
    message: Word = Field(description="sentence shown to the reviewer")

    @model_validator(mode="after")
    def _partner(self) -> Self:
        if (self.raises == "with_risk") != (self.min_probability is not None):
            raise refuse("raises", 'min_probability is required with raises = "with_risk", and allowed only there')
        return self


class SeverityRule(Section):
    """A severity: its response and resolution times, its RACI roles, and when a case escalates to the next tier."""

    name: Word = Field(description="name of the severity")
    when: Text | None = Field(None, description="the condition; the last row applies to all other cases and has none")
    respond_hours: Within = Field(description="time until the customer has to be contacted: hours, or `2 working days`")
    resolve_hours: Within = Field(description="time until the case has to be closed: hours, or `5 working days`")
    responsible: Word = Field(description="role that does the work: `primary` (the squad's first tier) or another")
    accountable: Word = Field(description="role that is accountable for the outcome")
    consulted: Names = Field((), description="roles that are consulted")
    informed: Names = Field((), description="roles that are informed")
    escalate_after_hours: Annotated[tuple[Within, ...], Field(strict=False)] = Field(
        (),
        description="time without contact after which the case escalates to the secondary, then the tertiary",
    )
    path: Word | None = Field(
        None, description="escalation path, one of `[[paths.NAME]]`, in place of `escalate_after_hours`"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.path is not None and self.escalate_after_hours:
            raise refuse("path", "a severity has either a path or escalate_after_hours, which is a path of the tiers")
        if self.resolve_hours.usual_hours < self.respond_hours.usual_hours:
            raise refuse("resolve_hours", "resolve_hours cannot be less than respond_hours")
        amounts = [duration.amount for duration in self.escalate_after_hours]
        if amounts != sorted(set(amounts)) or len(amounts) > 2:
            raise refuse(
                "escalate_after_hours",
                "escalate_after_hours takes at most two increasing numbers: secondary, then tertiary",
            )
        if len({duration.unit for duration in self.escalate_after_hours}) > 1:
            raise refuse("escalate_after_hours", "both times of escalate_after_hours have to be in the same unit")
        return self

    @property
    def needs_calendar(self) -> bool:
        """Whether any of its times is working time."""
        times = (self.respond_hours, self.resolve_hours, *self.escalate_after_hours)
        return any(duration.needs_calendar for duration in times)


LATER_SECTIONS = (
    *("people", "roles", "forms", "incidents", "issue_types", "launches", "paths", "protocol"),
    *("playbooks", "outcomes", "digest", "weekly"),
)
LATER_SQUAD_KEYS = ("duty",)
LATER_SEVERITY_KEYS = ("path",)
LATER_PROTOCOL_KEYS = ("mentioned",)
LATER_KEYS = (("priority", "uplift"), ("exclude", "accounts"))
"""Sections, keys of squads, severities and events, and others: no part of a version that does not use them."""


class PolicyFile(Section):
    """The whole file."""

    hypothesis: Text | None = Field(
        None,
        description="what this policy is expected to change; `rescue policy draw --as pdsa` compares it with what "
        "happened; it is no part of the version",
    )
    risks: Annotated[dict[str, RiskRule], Field(min_length=1)] = Field(description="one table per risk")
    priority: PriorityRule = Field(
        default_factory=lambda: PriorityRule.model_validate({}), description="the order of the queue"
    )
    triggers: dict[str, TriggerRule] = Field(default_factory=dict, description="one table per trigger")
    cancellations: CancellationRule = Field(
        default_factory=lambda: CancellationRule.model_validate({}), description="customers that have cancelled"
    )
    partial_losses: PartialLossRule = Field(
        default_factory=lambda: PartialLossRule.model_validate({}), description="parts of contracts that end"
    )
    exclude: ExcludeRule = Field(
        default_factory=lambda: ExcludeRule.model_validate({}), description="accounts that never get a case"
    )
    groups: GroupRule = Field(default_factory=lambda: GroupRule.model_validate({}), description="cases of groups")
    cooldown: CooldownRule = Field(
        default_factory=lambda: CooldownRule.model_validate({}), description="rest after a closed case"
    )
    reconcile: ReconcileRule = Field(
        default_factory=lambda: ReconcileRule.model_validate({}), description="cases whose cause is gone"
    )
    severities: Annotated[tuple[SeverityRule, ...], Field(strict=False, min_length=1)] = Field(
        description="the severities, most severe first; the first one whose condition holds applies"
    )
    squads: Annotated[dict[str, SquadRule], Field(min_length=1)] = Field(description="one table per squad")
    calendars: dict[str, CalendarRule] = Field(default_factory=dict, description="one table per calendar")
    people: dict[str, PersonRule] = Field(default_factory=dict, description="one table per person")
    roles: dict[str, RoleRule] = Field(
        default_factory=dict,
        description="role -> person, squad or mail address, or a list of them; or a table of squad -> person",
    )
    forms: dict[str, FormRule] = Field(default_factory=dict, description="one table per hand-off form")
    issue_types: dict[str, IssueTypeRule] = Field(
        default_factory=dict, description="one table per kind of ticket that conditions count"
    )
    launches: dict[str, LaunchRule] = Field(default_factory=dict, description="one table per new feature")
    paths: dict[str, Steps] = Field(default_factory=dict, description="escalation paths: one `[[paths.NAME]]` per step")
    protocol: dict[str, ProtocolRule] = Field(
        default_factory=dict, description="event -> who is notified; events that are left out have the default"
    )
    digest: DigestRule | None = Field(None, description="when people get their morning digest; default: at 08:00")
    weekly: WeeklyRule | None = Field(None, description="who gets the weekly report; default: nobody")
    incidents: dict[str, IncidentRule] = Field(default_factory=dict, description="one table per kind of incident")
    playbooks: dict[str, PlaybookRule] = Field(
        default_factory=dict, description="one table per playbook, whose steps become the tasks of a case"
    )
    outcomes: dict[str, OutcomeRule] = Field(
        default_factory=dict,
        description="why a case ended so: a table each for `saved`, `lost`, `false_alarm` and `no_action`",
    )
    routing: Routing = Field(description="rules that assign a case to a squad")
    holdout: Holdout | None = Field(None, description="the hold-out; default: none")
    health: Health = Field(
        default_factory=lambda: Health.model_validate({}), description="how outcomes change an account's health score"
    )

    def family(self, risk: str) -> str:
        """The family whose one case covers this risk; a risk without a table of its own is a family by itself."""
        rule = self.risks.get(risk)
        return (rule.family if rule else None) or risk

    def calendar_of(self, squad: str) -> WorkingCalendar | None:
        """The working time of a squad; None where it is not given."""
        name = self.squads[squad].calendar
        return self.calendars[name].calendar if name else None

    @cached_property
    def roster(self) -> Roster:
        """The people, squads and roles, as the queue and escalation paths use them."""
        return build_roster(self)

    def path_of(self, severity: str, squad: str) -> EscalationPath:
        """The escalation path of a case of this severity and squad; that of the squad's tiers where none is named."""
        row = self.severities[self.rank_of(severity)]
        if row.path is not None and row.path in self.paths:
            return self.path_named(row.path)
        return shorthand_path(row.escalate_after_hours, self.roster.squad_size(squad))

    def path_named(self, name: str) -> EscalationPath:
        """One of `[[paths.NAME]]`, with the steps of the paths that it goes on with."""
        steps = {key: tuple(rule.step for rule in rules) for key, rules in self.paths.items()}
        return EscalationPath(name, join_paths(name, steps, self.continuations))

    @property
    def continuations(self) -> dict[str, str]:
        """The paths that go on with another one, by name."""
        return {name: steps[-1].then for name, steps in self.paths.items() if steps[-1].then is not None}

    @cached_property
    def full_protocol(self) -> Protocol:
        """Who is notified of each event: the policy's rules, and the default for other events."""
        return full_protocol(self.protocol)

    def content(self) -> dict[str, Any]:
        """The values as JSON, without what later versions of Rescue added and this policy does not use.

        So a policy that does not use a new section keeps its version.
        """
        content = self.model_dump(mode="json", exclude={"hypothesis"})
        for name in LATER_SECTIONS:
            if not content.get(name):
                content.pop(name, None)
        for table, later in (
            *((squad, LATER_SQUAD_KEYS) for squad in content["squads"].values()),
            *((severity, LATER_SEVERITY_KEYS) for severity in content["severities"]),
            *((event, LATER_PROTOCOL_KEYS) for event in content.get("protocol", {}).values()),
        ):
            for name in later:
                if not table.get(name):
                    table.pop(name, None)
        for section, name in LATER_KEYS:
            if not content[section][name]:
                del content[section][name]
        return content

    @property
    def contract_risk(self) -> str:
        """The risk whose family the cases of cancellations and partial losses belong to."""
        return self.cancellations.risk or next(iter(self.risks))

    def cooldown_days(self, risk: str) -> int:
        """Days that an alarm of this risk cools down, where its outcome has no days of its own."""
        rule = self.risks.get(risk)
        return rule.cooldown_days if rule else int(RiskRule.model_fields["cooldown_days"].default)

    def rank_of(self, severity: str) -> int:
        """0 for the most severe; a name that the policy no longer has counts as the least severe."""
        names = [row.name for row in self.severities]
        return names.index(severity) if severity in names else len(names) - 1
