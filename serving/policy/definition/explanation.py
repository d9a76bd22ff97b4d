"""A policy in words: the output of `rescue policy explain`, so that a team can discuss what a policy does."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from features.catalogue import Feature, Metric
from serving.night_report.report_text import plural
from serving.paths.calendars import WorkingCalendar
from serving.paths.directory import Directory
from serving.policy.definition.casework.casework_text import outcome_lines, playbook_lines
from serving.policy.definition.columns import condition_columns, condition_in_words
from serving.policy.definition.default_rules import HIGHEST_ENTER, LIFT, LOWEST_ENTER
from serving.policy.definition.escalation.protocol_text import protocol_lines
from serving.policy.definition.escalation_matrix import (
    case_severities,
    escalation_steps,
    step_text,
)
from serving.policy.definition.incidents.incident_rules import incident_title
from serving.policy.definition.incidents.incident_text import incident_lines, step_lines
from serving.policy.definition.people.people_text import form_lines, people_lines, weekly_lines
from serving.policy.definition.people.squad_rules import SquadRule
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile, RiskRule, SeverityRule, TriggerRule
from serving.policy.definition.tickets.ticket_explanation import explain_tickets
from serving.policy.definition.tickets.ticket_kinds import TicketKinds

FRIDAY = datetime.fromisoformat("2026-01-02T06:00")
"""When the example cases of the escalation paths are opened: the first weekend follows."""
PATHS_TITLE = "Escalation paths, for a case opened on Friday at 06:00 UTC that nobody works on"
DAYS_UNNAMED = 7
"""Days from which a weekday alone would be read as one of the first week."""


class PathSteps(NamedTuple):
    """The escalation path of one squad and severity: its title, and when and what of each step."""

    squad: str
    title: str
    steps: Sequence[tuple[str, str]]


def explain(policy: Policy, channels: Mapping[str, str] | None = None) -> str:
    """The whole policy as paragraphs, in the order in which a night applies it.

    ``channels`` are the configured channels (name -> kind), where they are known.
    """
    rules = policy.rules
    parts = [
        f"Policy {policy.version}",
        *_section("Which accounts become candidates", _detection(rules)),
        *(_section("Kinds of tickets that conditions count", explain_tickets(rules)) if _has_tickets(rules) else ()),
        *_section("Customers that have cancelled, and parts of contracts that end", _contract_ends(rules)),
        *_section("Which accounts never get a case", _exclusions(rules)),
        *_section("In which order", _order(rules)),
        *_section("What becomes of cases", _case_life(rules)),
        *_section("Hold-out: accounts that are not worked, to measure the effect of the team", _holdout(rules)),
        *_section("Which squad gets a case", _routing(rules)),
        *_section(
            "Response times, resolution times and responsibilities", (_severity(row, rules) for row in rules.severities)
        ),
        *_section("How outcomes change an account's health score", _health(rules)),
        *_section(PATHS_TITLE, _paths(rules, channels)),
        *(_section("Incidents from signals", _incidents(rules)) if rules.incidents else ()),
        *_section("Messages to people", protocol_lines(rules)),
        *(_section("People and duty", people_lines(rules)) if _has_people(rules) else ()),
        *(_section("Hand-off forms", form_lines(rules)) if rules.forms else ()),
        *(_section("Playbooks: the tasks of a case", playbook_lines(rules)) if rules.playbooks else ()),
        *(_section("Weekly report", weekly_lines(rules)) if rules.weekly else ()),
        *(_section("Why a case ended", outcome_lines(rules)) if any(outcome_lines(rules)) else ()),
    ]
    return "\n".join(parts) + "\n"


def _incidents(rules: PolicyFile) -> Iterator[str]:
    """Each incident, and the steps of its path with the time since the incident is found."""
    for (name, rule), line in zip(
        rules.incidents.items(), incident_lines(rules.incidents, rules.routing.fallback), strict=True
    ):
        yield line
        squad = rule.squad or rules.routing.fallback
        path = rules.path_named(rule.path) if rule.path else rules.path_of(rule.severity, squad)
        yield f"{incident_title(name, rule)}, step by step: {'; '.join(step_lines(path))}."


def _has_people(rules: PolicyFile) -> bool:
    return bool(rules.people or rules.roles or any(squad.duty for squad in rules.squads.values()))


def _has_tickets(rules: PolicyFile) -> bool:
    return bool(rules.issue_types or rules.launches)


def list_columns(policy: Policy, metrics: Iterable[Metric] = (), own: Iterable[Feature] = ()) -> str:
    """Every name that a condition of this policy may use, one per line, with its kind; a company's own included."""
    known = condition_columns(policy.rules.risks, metrics=metrics, own=own)
    known = {**known, **TicketKinds(policy.rules).columns}
    return "\n".join(f"{name} ({kind})" for name, (_, kind) in sorted(known.items())) + "\n"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"\n{title}"
    for line in lines:
        yield f"  - {line}"


def _detection(rules: PolicyFile) -> Iterator[str]:
    for name, rule in rules.risks.items():
        yield _risk(name, rule)
    yield (
        f"Any other risk: an account enters at {LIFT:g} times the base rate, but not below {LOWEST_ENTER:.0%} or above "
        f"{HIGHEST_ENTER:.0%}; everything else has its default."
    )
    for name, trigger in rules.triggers.items():
        yield _trigger(name, trigger, rules)


def _risk(name: str, rule: RiskRule) -> str:
    points = round(rule.worsen_by * 100, 6)
    family = f" It shares its cases with the family {rule.family}." if rule.family else ""
    return (
        f"{name}: an account enters at {rule.enter:.0%} or more on {_nights(rule.enter_nights)}, and leaves after "
        f"{_nights(rule.leave_nights)} below {rule.leave:.0%}. An open case is raised again when the probability rises "
        f"by {points:g} percentage points, when the severity rises, or by an alarm that it does not contain.{family}"
    )


def _nights(count: int) -> str:
    return "one night" if count == 1 else f"{count} consecutive nights"


def _trigger(name: str, trigger: TriggerRule, rules: PolicyFile) -> str:
    how = {
        "alone": "alone",
        "with_risk": f"only where the probability of {trigger.risk} is {trigger.min_probability or 0:.0%} or more",
        "without_model": f"only while there is no model of {trigger.risk}",
    }[trigger.raises]
    severity = f", severity at least {trigger.severity}" if trigger.severity else ""
    condition = condition_in_words(trigger.when, rules.risks)
    return f"{name}: {trigger.message}. Raises a case {how} (risk {trigger.risk}{severity}). Condition: {condition}"


def _order(rules: PolicyFile) -> Iterator[str]:
    rule = rules.priority
    unknown = "the median of the segment" if rule.unknown_revenue is None else f"{rule.unknown_revenue:,.0f}"
    yield (
        f"By priority = probability × recurring revenue (at most {rule.revenue_cap:,.0f}; {unknown} where unknown) × "
        "save rate × urgency − cost."
    )
    if rule.uplift:
        yield (
            "Probability × save rate is replaced by the uplift, which is by how much a rescue lowers the probability, "
            "for each risk whose uplift model orders accounts better than plain risk (`rescue train --uplift`)."
        )
    for name, risk in rules.risks.items():
        yield f"{name}: the save rate is {risk.save_rate:.0%}, the cost {risk.cost:,.0f}."
    for band in rule.urgency:
        yield f"The urgency of a renewal within {band.within_days} days is {band.factor:g}."
    yield f"Below a priority of {rule.minimum:,.0f} no new case is raised."


def _contract_ends(rules: PolicyFile) -> Iterator[str]:
    rule, part = rules.cancellations, rules.partial_losses
    yield (
        f"Cancellation: worth the revenue that ends × {rule.save_rate:.0%} × urgency − {rule.cost:,.0f}"
        f"{_least(rule.severity)}. It gets a case on the same night, beyond the capacity, and is never held out."
    )
    cost = rules.risks[rules.contract_risk].cost if part.cost is None else part.cost
    yield (
        f"Partial loss, from {part.min_share:.0%} of the account's revenue: worth the part's revenue × "
        f"{part.save_rate:.0%} × urgency − {cost:,.0f}{_least(part.severity)}. It competes for a place."
    )
    for band in rule.urgency or rules.priority.urgency:
        yield f"The urgency of an end within {band.within_days} days is {band.factor:g}."


def _least(severity: str | None) -> str:
    return f", severity at least {severity}" if severity else ""


def _exclusions(rules: PolicyFile) -> Iterator[str]:
    rule = rules.exclude
    if rule.types:
        yield f"Accounts of the types {', '.join(rule.types)}."
    if rule.without_revenue:
        yield "Accounts whose revenue is known to be zero."
    if rule.accounts:
        yield f"The {'account' if len(rule.accounts) == 1 else 'accounts'} {', '.join(rule.accounts)}."
    for name, condition in rule.when.items():
        yield f"{name} ({condition_in_words(condition, rules.risks)})."
    yield "Customers whose contract has ended."


def _case_life(rules: PolicyFile) -> Iterator[str]:
    rule, groups = rules.reconcile, rules.groups
    yield (
        f"When the cause of a case is gone, it is marked as resolved, and after {plural(rule.nights, 'night')} it is "
        "closed: as saved where somebody contacted the customer or made a plan, else as expired. One that nobody has "
        f"started expires after {plural(rule.unclaimed_nights, 'night')}."
    )
    yield "When the contract ends, the case is closed as lost; when the policy excludes the account, as no action."
    days = {name: rules.risks[name].cooldown_days for name in rules.risks}
    resting = ", ".join(f"{name} {count} days" for name, count in days.items())
    yield f"The alarms of a closed case raise no new one for some days ({resting}); another alarm does at once."
    for outcome in ("saved", "false_alarm", "no_action", "expired"):
        if (count := getattr(rules.cooldown, outcome)) is not None:
            yield f"After {outcome.replace('_', ' ')} it is {count} days for every alarm."
    yield (
        f"After a loss the account rests until its contract ends ({rules.cooldown.lost} days where that is unknown) or "
        "a later term is agreed."
    )
    yield "The accounts of a group share one case." if groups.one_case else "Each account of a group has its own case."


def _holdout(rules: PolicyFile) -> Iterator[str]:
    rule = rules.holdout
    if rule is None or not (rule.share or any(rule.by_segment.values())):
        yield "None: the effect of the team cannot be measured."
        return
    yield f"{rule.share:.0%} of the groups of accounts, drawn once with the salt {rule.salt!r}, before capacity."
    for segment, share in rule.by_segment.items():
        yield f"Segment {segment}: {share:.0%}."
    for name, condition in rule.exempt.items():
        yield f"Never held out: {name} ({condition_in_words(condition, rules.risks)})."


def _routing(rules: PolicyFile) -> Iterator[str]:
    routing = rules.routing
    if routing.vip:
        condition = condition_in_words(routing.vip.when, rules.risks)
        yield f"VIP accounts ({condition}) are routed by the skill {routing.vip.skill}."
    yield "Others by the skill of the trigger, else of the first reason, else of the last ticket, else of the risk:"
    for kind, table in (("reason", routing.reasons), ("ticket category", routing.ticket_categories)):
        for skill in dict.fromkeys(table.values()):
            yield f"{kind} {', '.join(name for name, needed in table.items() if needed == skill)}: {skill}"
    for name, squad in rules.squads.items():
        yield _squad(name, squad)
    yield f"Cases that no squad can take go to {routing.fallback}."


def _squad(name: str, squad: SquadRule) -> str:
    limits = f", at most {squad.max_open} open" if squad.max_open else ""
    regions = f", regions {', '.join(squad.regions)}" if squad.regions else ""
    languages = f", languages {', '.join(squad.languages)}" if squad.languages else ""
    return (
        f"Squad {name} (skills {', '.join(squad.skills)}): {plural(squad.capacity, 'new case')} per night"
        f"{limits}{regions}{languages}; {'members' if squad.duty else 'escalation path'} "
        f"{', '.join(squad.members) if squad.duty else ' → '.join(squad.tiers)}."
    )


def _severity(row: SeverityRule, rules: PolicyFile) -> str:
    when = condition_in_words(row.when, rules.risks) if row.when else "all others"
    when = "only incidents" if row not in case_severities(rules) else when
    times = " and ".join(map(str, row.escalate_after_hours))
    escalation = f"; without contact escalated after {times}" if times else ""
    escalation = f"; escalation path {row.path}" if row.path else escalation
    others = "".join(
        f", {role} {', '.join(names)}"
        for role, names in (("consulted", row.consulted), ("informed", row.informed))
        if names
    )
    times = f"response in {row.respond_hours}, resolution in {row.resolve_hours}"
    return (
        f"{row.name} ({when}): {times}{escalation}. "
        f"Responsible {row.responsible}, accountable {row.accountable}{others}."
    )


def _health(rules: PolicyFile) -> Iterator[str]:
    rule = rules.health
    yield (
        f"Saved {rule.saved:+g} points, lost {rule.lost:+g}, false alarm {rule.false_alarm:+g}, no action "
        f"{rule.no_action:+g}; the sum is limited to ±{rule.cap:g}, and half of an adjustment is left after "
        f"{rule.half_life_days:g} days."
    )


def path_steps(rules: PolicyFile, channels: Mapping[str, str] | None = None) -> Iterator[PathSteps]:
    """The escalation path of each squad and severity, step by step."""
    for squad in rules.squads:
        calendar = rules.calendar_of(squad)
        for row in case_severities(rules):
            steps = escalation_steps(rules, squad, row.name, FRIDAY, Directory(rules.roster, channels=channels))
            local = [calendar.local(step.at) if calendar else step.at for step in steps]
            zone = f" ({calendar.timezone})" if calendar else ""
            by = f", path {row.path}" if row.path else ""
            texts = [(_when(at, local[0]), step_text(step)) for at, step in zip(local, steps, strict=True)]
            yield PathSteps(squad, f"{squad}, {row.name}{by}{zone}", texts)


def working_hours(rules: PolicyFile) -> Iterator[str]:
    """When each squad works, of those that have working hours."""
    for squad in rules.squads:
        if (own := rules.calendar_of(squad)) is not None:
            yield f"{squad} works {_hours(own)}."


def _paths(rules: PolicyFile, channels: Mapping[str, str] | None) -> Iterator[str]:
    """Each squad and severity, step by step, with the working hours of the squads."""
    yield from working_hours(rules)
    for path in path_steps(rules, channels):
        yield f"{path.title}: {'; '.join(f'{when} {what}' for when, what in path.steps)}."


def _when(at: datetime, first: datetime) -> str:
    """The weekday and the time; from a week on, how many days after the first."""
    days = (at.date() - first.date()).days
    return f"{at:%a %H:%M}" if days < DAYS_UNNAMED else f"after {days} days: {at:%a %H:%M}"


def _hours(calendar: WorkingCalendar) -> str:
    holidays = f", without the public holidays of {calendar.holidays}" if calendar.holidays else ""
    return f"{', '.join(calendar.hours)} ({calendar.timezone}){holidays}"
