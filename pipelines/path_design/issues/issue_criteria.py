"""Criteria of parts of the tickets: learned on earlier months, tested together on later ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.bootstrap import Estimate
from models.learners.category_trees import score_with_category_trees
from pipelines.path_design.issues.opening_columns import OpeningColumn
from pipelines.path_design.issues.opening_rules import Rule, any_rule
from pipelines.path_design.issues.rule_evaluation import (
    RuleFigures,
    evaluate_rule,
    precision_estimate,
    significant,
)
from pipelines.path_design.issues.rule_learning import LEAST_OUTCOMES, RuleList, learn_rules
from pipelines.path_design.issues.ticket_outcomes import EMPTY, TicketFlags, TicketTable

LEAST_FILLED = 0.5
REQUIRED_FILLED = 0.9
MOST_CHOICES = 8


@dataclass(frozen=True)
class MapOptions:
    """What is mapped: the column of issue types, the outcome, its days, how many types, and the wanted recall.

    ``tier1`` is the group whose tickets are mapped; by default the one that most tickets are opened with. The word
    "all" stands for every ticket.
    """

    outcome: str = "escalated"
    issue_type: str | None = None
    within_days: int = 7
    top: int = 5
    recall: float = 0.3
    tier1: str | None = None


@dataclass(frozen=True)
class FormField:
    """A column that resolved tickets had filled; ``choices`` where it has few values."""

    column: str
    label: str
    filled: float
    choices: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether nearly every resolved ticket had it."""
        return self.filled >= REQUIRED_FILLED


@dataclass(frozen=True)
class Criteria:
    """Rules for a set of tickets, how they did on later months, and whether they are proposed.

    ``reason`` says why they are not. ``resolver`` is the group that resolved most of such tickets, "" if unknown.
    """

    rules: tuple[Rule, ...]
    figures: RuleFigures | None
    proposed: bool
    reason: str
    resolver: str = EMPTY
    resolver_share: float = 0.0
    form: tuple[FormField, ...] = ()


@dataclass(frozen=True)
class DefinitionSummary:
    """What criteria known at the opening reach for one definition of the outcome, on later months.

    ``limit`` is the highest possible ratio of precision to base rate. The reference is LightGBM on the same columns.
    """

    name: str
    base_rate: float
    limit: float
    precision: Estimate | None
    lift: Estimate | None
    reference_lift: Estimate | None


@dataclass(frozen=True)
class CriteriaMapper:
    """Criteria over parts of the tickets: ``learned`` are those to learn from, ``later`` those to test on."""

    tickets: TicketTable
    columns: Sequence[OpeningColumn]
    options: MapOptions
    learned: TicketFlags
    later: TicketFlags

    def criteria(self, parts: Sequence[TicketFlags]) -> list[Criteria]:
        """The criteria of each part of the tickets; the tests are corrected together."""
        outcome = self.tickets.outcomes[self.options.outcome]
        learned = [self._learn(part, outcome) for part in parts]
        figures = [self._evaluate(part, outcome, it) for part, it in zip(parts, learned, strict=True)]
        tested = [place for place, it in enumerate(figures) if it is not None]
        passed = dict(zip(tested, significant([figures[place].p_value for place in tested]), strict=True))  # type: ignore[union-attr]
        return [
            self._finish(part, outcome, it, figure, passed.get(place, False))
            for place, (part, it, figure) in enumerate(zip(parts, learned, figures, strict=True))
        ]

    def definition(self, name: str) -> DefinitionSummary:
        """What rules and LightGBM reach for one definition, over all tickets."""
        outcome = self.tickets.outcomes[name]
        later, cluster = outcome[self.later], self.tickets.cluster[self.later]
        base = float(later.mean()) if len(later) else 0.0
        limit = 1 / base if base else float("nan")
        rules = self._learn(np.ones(len(self.tickets), dtype=bool), outcome)
        if rules is None or later.sum() < LEAST_OUTCOMES:
            return DefinitionSummary(name, base, limit, None, None, None)
        scores = rules.scores(self.tickets.take(self.later))
        precision, lift = precision_estimate(scores, later, cluster, self.options.recall)
        both = self.tickets.take(self.learned | self.later)
        learn = self.learned[self.learned | self.later]
        reference = score_with_category_trees(both.texts, both.numbers, outcome[self.learned | self.later], learn)
        _, ratio = precision_estimate(reference, later, cluster, self.options.recall)
        return DefinitionSummary(name, base, limit, precision, lift, ratio)

    def _learn(self, part: TicketFlags, outcome: TicketFlags) -> RuleList | None:
        chosen = part & self.learned
        return learn_rules(self.tickets.take(chosen), outcome[chosen], self.options.recall)

    def _evaluate(self, part: TicketFlags, outcome: TicketFlags, learned: RuleList | None) -> RuleFigures | None:
        chosen = part & self.later
        if learned is None or not learned.proposed or not outcome[chosen].any():
            return None
        later = self.tickets.take(chosen)
        return evaluate_rule(any_rule(learned.proposed, later), outcome[chosen], later.cluster)

    def _finish(
        self,
        part: TicketFlags,
        outcome: TicketFlags,
        learned: RuleList | None,
        figures: RuleFigures | None,
        passed: bool,
    ) -> Criteria:
        if learned is None:
            number = int((part & self.learned).sum())
            text = f"{number} tickets with {int(outcome[part & self.learned].sum())} outcomes to learn from are too few"
            return Criteria((), None, proposed=False, reason=text)
        if figures is None:
            return Criteria((), None, proposed=False, reason="no rule separates them on the months to learn from")
        if not passed:
            reason = "the rules of the earlier months do not hold on the later ones, given how many were tested"
            return Criteria(learned.proposed, figures, proposed=False, reason=reason)
        chosen = part & any_rule(learned.proposed, self.tickets)
        resolved = chosen & (self.tickets.resolver != EMPTY) & outcome
        groups = Counter(self.tickets.resolver[resolved].tolist())
        group, count = groups.most_common(1)[0] if groups else (EMPTY, 0)
        share = count / int(resolved.sum()) if count else 0.0
        form = self._form(chosen & ~np.isnan(self.tickets.hours))
        return Criteria(learned.proposed, figures, True, "", group, share, form)

    def _form(self, resolved: TicketFlags) -> tuple[FormField, ...]:
        """The columns that the resolved tickets had filled; what the help desk itself fills in is none of them."""
        titles = {column.name: column.title for column in self.columns}
        fields = []
        for name, values in self.tickets.texts.items():
            mine = values[resolved]
            filled = float(np.mean(mine != EMPTY)) if len(mine) else 0.0
            if name in ("group", "channel") or filled < LEAST_FILLED:
                continue
            different = sorted({str(value) for value in mine.tolist() if value != EMPTY})
            choices = tuple(different) if 2 <= len(different) <= MOST_CHOICES else ()
            fields.append(FormField(name, titles[name][:1].upper() + titles[name][1:], filled, choices))
        return tuple(fields)
