"""A policy in words: what `rescue policy explain` prints, so that a team can argue about what it says, not how."""

from collections.abc import Iterator
from datetime import datetime

from serving.policy.definition.columns import columns
from serving.policy.definition.escalation_matrix import walk
from serving.policy.definition.policy_file import Policy
from serving.policy.definition.policy_schema import PolicyFile, RiskRule, Severity, Squad, TriggerRule


def explain(policy: Policy) -> str:
    """The whole policy as plain paragraphs, in the order in which a night applies it."""
    rules = policy.rules
    parts = [
        f"Policy {policy.version}",
        *_section("Who is noticed", _noticed(rules)),
        *_section("In which order", _order(rules)),
        *_section("Who is kept from the team, to measure it", _holdout(rules)),
        *_section("Which squad gets a case", _routing(rules)),
        *_section("How fast, and who answers for it", (_severity(row) for row in rules.severities)),
        *_section("What a verdict says about an account's health", _health(rules)),
        *_section("If nobody touches it: a case opened on a Friday at 06:00 UTC", _walks(rules)),
    ]
    return "\n".join(parts) + "\n"


def list_columns(policy: Policy) -> str:
    """Every name that a condition of this policy may use, a line each, with its kind."""
    known = columns(policy.rules.risks)
    return "\n".join(f"{name} ({kind})" for name, (_, kind) in sorted(known.items())) + "\n"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield f"\n{title}"
    for line in lines:
        yield f"  - {line}"


def _noticed(rules: PolicyFile) -> Iterator[str]:
    for name, rule in rules.risks.items():
        yield _risk(name, rule)
    for name, trigger in rules.triggers.items():
        yield _trigger(name, trigger)


def _risk(name: str, rule: RiskRule) -> str:
    family = f" It shares its cases with the family {rule.family}." if rule.family else ""
    return (
        f"{name}: an account enters at {rule.enter:.0%} or more for {_nights(rule.enter_nights)}, and has left after "
        f"{_nights(rule.leave_nights)} under {rule.leave:.0%}. An open case is raised again when the risk rises by "
        f"{rule.worsen_by:.0%} or becomes more severe. After a case it is left alone for {rule.cooldown_days} days."
        f"{family}"
    )


def _nights(count: int) -> str:
    return "one night" if count == 1 else f"{count} nights in a row"


def _trigger(name: str, trigger: TriggerRule) -> str:
    beside = f"only where the {trigger.risk} risk is {trigger.at_least or 0:.0%} or more"
    how = f"raises a case {'by itself' if trigger.at_least is None else beside}"
    severity = f", at least {trigger.severity}" if trigger.severity else ""
    return f"{name}: {trigger.says}. It {how} ({trigger.risk}{severity}). Condition: {' '.join(trigger.when.split())}"


def _order(rules: PolicyFile) -> Iterator[str]:
    rule = rules.priority
    yield (
        f"By probability × recurring revenue (at most {rule.revenue_cap:,.0f}; {rule.unknown_revenue:,.0f} where "
        "unknown) × saveability × urgency − cost."
    )
    for name, risk in rules.risks.items():
        yield f"{name}: a rescue saves {risk.saveability:.0%} of the revenue at risk and costs {risk.cost:,.0f}."
    for band in rule.urgency:
        yield f"A renewal within {band.within_days} days counts {band.factor:g} times."
    if rule.minimum is not None:
        yield f"Under {rule.minimum:,.0f} the model's risk alone raises no case."


def _holdout(rules: PolicyFile) -> Iterator[str]:
    rule = rules.holdout
    if rule is None or not (rule.share or any(rule.by_segment.values())):
        yield "Nobody: the team's effect cannot be measured."
        return
    yield f"{rule.share:.0%} of the groups of accounts, drawn once for the salt {rule.salt!r}, before capacity."
    for segment, share in rule.by_segment.items():
        yield f"{segment}: {share:.0%}."
    for name, condition in rule.exempt.items():
        yield f"Exempt ({name}): {condition}"


def _routing(rules: PolicyFile) -> Iterator[str]:
    routing = rules.routing
    if routing.vip:
        yield f"VIP accounts ({routing.vip.when}) need the skill {routing.vip.skill}."
    yield "Else the skill that the trigger names; else by the strongest reason, the last ticket, the risk:"
    for kind, table in (("reason", routing.reasons), ("ticket", routing.ticket_categories)):
        for skill in dict.fromkeys(table.values()):
            yield f"{kind} {', '.join(name for name, needs in table.items() if needs == skill)}: {skill}"
    for name, squad in rules.squads.items():
        yield _squad(name, squad)
    yield f"What no squad can take goes to {routing.fallback}."


def _squad(name: str, squad: Squad) -> str:
    limits = f", at most {squad.max_open} open" if squad.max_open else ""
    where = f", for {', '.join(squad.regions)}" if squad.regions else ""
    speaks = f", speaks {', '.join(squad.languages)}" if squad.languages else ""
    return (
        f"{name} ({', '.join(squad.skills)}): {squad.capacity} new cases a night{limits}{where}{speaks}; "
        f"{' → '.join(squad.ladder)}."
    )


def _severity(row: Severity) -> str:
    when = f"where {row.when}" if row.when else "all others"
    hand_on = (
        f"; handed on after {' and '.join(f'{hours:g}' for hours in row.hand_on_hours)} hours"
        if row.hand_on_hours
        else ""
    )
    others = "".join(
        f"; {word} {', '.join(names)}"
        for word, names in (("consulted", row.consulted), ("informed", row.informed))
        if names
    )
    return (
        f"{row.name} ({when}): answered in {row.respond_hours:g} hours, closed in {row.resolve_hours:g}{hand_on}. "
        f"Responsible {row.responsible}, accountable {row.accountable}{others}."
    )


def _health(rules: PolicyFile) -> Iterator[str]:
    rule = rules.health
    yield (
        f"Saved {rule.saved:+g} points, lost {rule.lost:+g}, false alarm {rule.false_alarm:+g}, no action "
        f"{rule.no_action:+g}; together at most {rule.cap:g} either way, and half of it left after "
        f"{rule.half_life_days:g} days."
    )


FRIDAY = datetime.fromisoformat("2026-01-02T06:00")


def _walks(rules: PolicyFile) -> Iterator[str]:
    """Each squad and severity, moment by moment: the matrix as a table-top exercise."""
    for squad in rules.squads:
        for row in rules.severities:
            steps = walk(rules, squad, row.name, FRIDAY)
            yield f"{squad}, {row.name}: " + "; ".join(f"{step.at:%a %H:%M} {step.what}" for step in steps) + "."
