"""The map of issue types as a report, and its proposals as sections of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.path_design.issues.issue_criteria import Criteria, DefinitionSummary
from pipelines.path_design.issues.issue_map import IssueMap
from pipelines.path_design.issues.opening_rules import Rule, ValueTest, any_rule_sql
from pipelines.path_design.issues.ticket_outcomes import DEFINITIONS, EMPTY
from pipelines.path_design.proposed_policy import PolicyProposal, name_key, toml_list, toml_text
from pipelines.path_design.report_blocks import CodeBlock, Heading, Listing, Paragraph, ReportBlock, TextTable
from serving.night_report.report_text import day_text, plural

if TYPE_CHECKING:
    from models.evaluation.bootstrap import Estimate
    from serving.policy.definition.policy_schema import PolicyFile

NEW_TICKET_DAYS = 3
"""A proposed trigger looks at the tickets of the last days: it is meant for new ones."""

GOAL = 2.5
"""Ratio of precision to base rate that criteria should reach."""


def map_blocks(found: IssueMap, proposal: PolicyProposal) -> list[ReportBlock]:
    """The report."""
    return [
        Heading("Escalation paths from tickets", 1),
        Paragraph(_scope(found)),
        *(Paragraph(f"Warning: {text}") for text in found.warnings),
        *_types(found),
        *_criteria(found),
        *_definitions(found),
        *_columns(found),
        Heading("Proposed sections of the policy"),
        *_sections(found, proposal),
    ]


def propose_policy(found: IssueMap, rules: PolicyFile) -> PolicyProposal:
    """An issue type, a trigger, a squad and a form for each proposal.

    What tier 1 itself resolves is escalated within the group: it has neither a squad nor a form.
    """
    proposal = PolicyProposal(rules)
    for name, criteria in found.proposals:
        title = f"{name} to escalate" if name else "tickets to escalate"
        receiver = criteria.resolver if criteria.resolver != found.tier1 else EMPTY
        skill = proposal.skill_of(receiver) if receiver else None
        when = _condition(found, name, criteria.rules)
        message = (
            f"A new ticket of the type {name} that is likely to be escalated"
            if name
            else ("A new ticket that is likely to be escalated")
        )
        proposal.add_trigger(
            title,
            message,
            skill=skill,
            days=NEW_TICKET_DAYS,
            keys={"when": _toml_condition(when)},
            comment=_comment(found, criteria),
        )
        if skill and criteria.form:
            proposal.add_form(skill, f"Hand-off to {receiver}", _form_fields(criteria))
    return proposal


def _comment(found: IssueMap, criteria: Criteria) -> str:
    learned = f"Learned on tickets before {day_text(found.later_from)}."
    if criteria.figures is None:
        return learned
    figures = criteria.figures
    return (
        f"{learned} Later: precision {_share(figures.precision)}, recall {_share(figures.recall)}, "
        f"{figures.lift.value:.1f} times the base rate."
    )


def map_json(found: IssueMap) -> dict[str, Any]:
    """The figures as plain values."""
    return {
        "source": found.source,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "later_from": found.later_from.isoformat(),
        "tier1": found.tier1 or None,
        "tickets": found.tickets,
        "outcome": found.options.outcome,
        "columns": [{"name": it.name, "used": it.used, "reason": it.reason} for it in found.columns],
        "issue_types": [
            {
                "name": it.name,
                "tickets": it.tickets,
                "handed_on": it.handed_on,
                "escalated": it.escalated,
                "hours_lost": it.hours_lost,
                "repeats": it.repeats,
                "resolved_by": it.resolver or None,
                "criteria": _criteria_json(it.criteria),
            }
            for it in found.types
        ],
        "all_tickets": _criteria_json(found.general),
        "definitions": [
            {
                "name": it.name,
                "base_rate": it.base_rate,
                "limit": it.limit if np.isfinite(it.limit) else None,
                "precision": it.precision.to_json() if it.precision else None,
                "lift": it.lift.to_json() if it.lift else None,
                "lightgbm_lift": it.reference_lift.to_json() if it.reference_lift else None,
            }
            for it in found.definitions
        ],
        "warnings": list(found.warnings),
    }


def _criteria_json(it: Criteria) -> dict[str, Any]:
    figures = it.figures
    return {
        "proposed": it.proposed,
        "reason": it.reason or None,
        "rules": [rule.sql() for rule in it.rules],
        "resolved_by": it.resolver or None,
        "precision": figures.precision.to_json() if figures else None,
        "recall": figures.recall.to_json() if figures else None,
        "lift": figures.lift.to_json() if figures else None,
    }


def _scope(found: IssueMap) -> str:
    days = plural(found.options.within_days, "day")
    group = (
        f" Tier 1 is {found.tier1}: {found.tier1_share:.0%} of all tickets are opened with it." if found.tier1 else ""
    )
    return (
        f"{found.tickets:,} tickets of {found.source}, opened {day_text(found.first)} to {day_text(found.last)}. "
        f"What became of each is counted within {days}. Criteria are learned on tickets whose outcome was known before "
        f"{day_text(found.later_from)} and tested on those opened from then on.{group} Intervals (95%) draw accounts."
    )


def _types(found: IssueMap) -> Iterator[ReportBlock]:
    yield Heading("Issue types that tier 1 most often did not resolve at once")
    if not found.types:
        yield Paragraph("No column of the tickets names issue types.")
        return
    header = (
        found.issue_type,
        "tickets",
        "beyond tier 1",
        "share",
        "escalated",
        "hours lost",
        "repeats",
        "resolved by",
    )
    yield TextTable(
        header,
        tuple(
            (
                it.name,
                f"{it.tickets:,}",
                f"{it.handed_on:,}",
                f"{it.handed_on / it.tickets:.0%}",
                f"{it.escalated / it.tickets:.0%}",
                "unknown" if it.hours_lost is None else f"{it.hours_lost:,.0f}",
                f"{it.repeats:.0%}",
                f"{it.resolver} ({it.resolver_share:.0%})" if it.resolver else "–",
            )
            for it in found.types
        ),
    )
    yield Paragraph(
        "Beyond tier 1: moved to another group, escalated or reopened. Hours lost: until the resolution, beyond the "
        "median of the tickets of this type that the first group resolved at once. Repeats: the account had opened "
        "such a ticket within 30 days before. Resolved by: the group that in the end resolved most of those beyond "
        "tier 1, which may be tier 1 itself, after an escalation or a reopening."
    )


def _criteria(found: IssueMap) -> Iterator[ReportBlock]:
    yield Heading(f"Criteria known when a ticket is opened: {DEFINITIONS[found.options.outcome]}")
    if not found.proposals:
        yield Paragraph(
            "Nothing is proposed: on the later months no criteria were better than chance, given how many were tested."
        )
    for name, criteria in [(EMPTY, found.general), *((it.name, it.criteria) for it in found.types)]:
        yield Heading(name or "All tickets", 3)
        if not criteria.rules:
            yield Paragraph(f"No criteria: {criteria.reason}.")
            continue
        yield Listing(tuple(rule.sql() for rule in criteria.rules))
        yield Paragraph(_figures_text(criteria))


def _figures_text(criteria: Criteria) -> str:
    figures = criteria.figures
    if figures is None:
        return f"Not proposed: {criteria.reason}."
    text = (
        f"On later months: {figures.tickets:,} tickets, precision {_interval(figures.precision)}, recall "
        f"{_interval(figures.recall)}, {_ratio(figures.lift)} times the base rate."
    )
    return text if criteria.proposed else f"{text} Not proposed: {criteria.reason}."


def _definitions(found: IssueMap) -> Iterator[ReportBlock]:
    yield Heading("What the outcome may mean")
    recall = f"{found.options.recall:.0%}"
    yield Paragraph(
        f"Precision at a recall of {recall} on later months, when all tickets are ranked by the rules, and its ratio "
        f"to the base rate. The goal is a ratio of {GOAL:g}. No ratio can exceed 1 / base rate. LightGBM has the same "
        "columns and months, and shows what short rules cost."
    )
    yield TextTable(
        (
            "outcome",
            "base rate",
            "highest ratio",
            f"precision at {recall}",
            "ratio of rules",
            "ratio of LightGBM",
            "goal",
        ),
        tuple(_definition_row(it) for it in found.definitions),
    )


def _definition_row(it: DefinitionSummary) -> tuple[str, ...]:
    base, limit = f"{it.base_rate:.1%}", f"{it.limit:.1f}" if np.isfinite(it.limit) else "–"
    if it.precision is None or it.lift is None or it.reference_lift is None:
        return DEFINITIONS[it.name], base, limit, "too few", "–", "–", "–"
    goal = "impossible" if it.limit < GOAL else "reached" if it.lift.value >= GOAL else "not reached"
    return (
        DEFINITIONS[it.name],
        base,
        limit,
        _interval(it.precision),
        _ratio(it.lift),
        _ratio(it.reference_lift),
        goal,
    )


def _columns(found: IssueMap) -> Iterator[ReportBlock]:
    yield Heading("Columns")
    yield TextTable(
        ("column", "used", "because"),
        tuple((it.name, "yes" if it.used else "no", it.reason) for it in found.columns),
        texts=3,
    )


def _sections(found: IssueMap, proposal: PolicyProposal) -> Iterator[ReportBlock]:
    if not proposal.sections:
        yield Paragraph("None.")
        return
    yield Paragraph(
        "An issue type counts an account's unresolved tickets that met the criteria when they were opened; its trigger "
        "raises a case. The whole file is beside this report: check it with `rescue policy check`, and compare it with "
        "your policy by `rescue replay --policy … --against …`."
    )
    yield CodeBlock(proposal.text)


def _condition(found: IssueMap, issue_type: str, rules: tuple[Rule, ...]) -> str:
    """The rules for the tickets that they were learned from: those of tier 1 and of the issue type."""
    scope = [ValueTest("group", (found.tier1,))] if found.tier1 and found.tier1_share < 1 else []
    scope += [ValueTest(found.issue_type, (issue_type,))] if issue_type else []
    written = any_rule_sql(rules)
    return " AND ".join([*(test.sql() for test in scope), f"({written})" if scope else written])


def _toml_condition(text: str) -> str:
    """A condition as a TOML string, without escapes where it has quotation marks."""
    return f'"""\n{text}\n"""' if '"' in text and "\\" not in text and '"""' not in text else toml_text(text)


def _form_fields(criteria: Criteria) -> dict[str, str]:
    fields = {"steps_tried": '{ label = "Steps tried so far" }'}
    for it in criteria.form:
        parts = [f"label = {toml_text(it.label)}"]
        if it.choices:
            parts += ['kind = "choice"', f"choices = {toml_list(it.choices)}"]
        if not it.required:
            parts.append("required = false")
        fields[name_key(it.column)] = f"{{ {', '.join(parts)} }}"
    return fields


def _share(it: Estimate) -> str:
    return f"{it.value:.0%}"


def _interval(it: Estimate) -> str:
    return f"{it.value:.1%}" if np.isnan(it.low) else f"{it.value:.1%} ({it.low:.1%} to {it.high:.1%})"


def _ratio(it: Estimate) -> str:
    return f"{it.value:.2f}" if np.isnan(it.low) else f"{it.value:.2f} ({it.low:.2f} to {it.high:.2f})"
