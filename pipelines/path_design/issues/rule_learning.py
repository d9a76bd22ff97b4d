"""Short rules that separate tickets with an outcome from others, learned with a small decision tree.

The columns are names with many values, so each value is replaced by its rate of the outcome, smoothed towards the mean
and computed on other rows than those that it describes. A tree (scikit-learn) then splits the values of a column by
their rate, which is the best split there is. Its leaves become rules over the values themselves. The size of the tree
is chosen on the last third of the tickets to learn from; the later months are never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.path_design.issues.opening_rules import RangeTest, Rule, ValueTest, any_rule
from pipelines.path_design.issues.rule_evaluation import precision_at_recall

if TYPE_CHECKING:
    from pipelines.path_design.issues.ticket_outcomes import Texts, TicketFlags, TicketNumbers, TicketTable

SIZES = (6, 12, 24)
"""Leaves of the trees that are tried."""

WORTH_A_LARGER_TREE = 1.02
SMOOTHING = 30.0
FOLDS = 5
MIN_TICKETS = 30
"""Tickets in a leaf, and tickets that a proposed rule adds to those before it."""

MIN_LIFT = 1.5
MOST_RULES = 6
"""Rules that are proposed: a longer list is not read."""

MOST_VALUES = 12
"""Values in one test: a longer list cannot be checked by a person."""

LEAST_TICKETS = 200
LEAST_OUTCOMES = 30
"""Below them nothing is learned."""

USEFUL_TEST = 0.98
"""A test is left out of a rule whose rate stays above this share of what it was."""

Bounds = Mapping[int, tuple[float, float]]
"""By column of the matrix, the interval that a path through the tree requires: above the first, up to the second."""


@dataclass(frozen=True)
class RuleList:
    """Rules, those with the highest rate of the outcome first.

    ``rates`` has the rate of each where it was learned. ``proposed`` are those at the top that are worth a trigger; all
    together rank tickets. ``base_rate`` is the rate of all tickets to learn from.
    """

    rules: tuple[Rule, ...]
    rates: tuple[float, ...]
    base_rate: float
    proposed: tuple[Rule, ...]

    def scores(self, tickets: TicketTable) -> TicketNumbers:
        """The rate of the first rule that each ticket fulfils; half the base rate where it fulfils none."""
        scores = np.full(len(tickets), self.base_rate / 2)
        for rule, rate in zip(reversed(self.rules), reversed(self.rates), strict=True):
            scores[rule.holds(tickets)] = rate
        return scores


def learn_rules(tickets: TicketTable, outcome: TicketFlags, recall: float = 0.3) -> RuleList | None:
    """Learn rules; None where there are too few tickets or outcomes.

    Args:
        tickets: the tickets to learn from, in the order in which they were opened.
        outcome: whether it came true for each.
        recall: the share of the outcomes that the proposed rules should find.
    """
    if len(tickets) < LEAST_TICKETS or not LEAST_OUTCOMES <= outcome.sum() <= len(outcome) - LEAST_OUTCOMES:
        return None
    before = np.arange(len(tickets)) < len(tickets) * 2 // 3
    if not outcome[before].any() or outcome[before].all() or not outcome[~before].any():
        return None
    best, best_value = SIZES[0], -np.inf
    for size in SIZES:
        trial = _fit(tickets.take(before), outcome[before], size, recall)
        value = precision_at_recall(trial.scores(tickets.take(~before)), outcome[~before], recall)
        if value > best_value * WORTH_A_LARGER_TREE:
            best, best_value = size, value
    return _fit(tickets, outcome, best, recall)


def _fit(tickets: TicketTable, outcome: TicketFlags, leaves: int, recall: float) -> RuleList:
    from sklearn.tree import DecisionTreeClassifier

    base = float(outcome.mean())
    rates = [_value_rates(values, outcome, base) for values in tickets.texts.values()]
    least = max(MIN_TICKETS, len(tickets) // 200)
    tree = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=leaves, min_samples_leaf=least, random_state=7)
    tree.fit(_encoded(tickets, outcome), outcome)
    found: dict[Rule, float] = {}
    for bounds in _leaves(tree.tree_):
        rule = _rule(bounds, tickets, rates)
        if rule.tests and rule.holds(tickets).sum() >= least:
            rule = _shortened(rule, tickets, outcome)
            holds = rule.holds(tickets)
            found[rule] = float((outcome[holds].sum() + SMOOTHING * base) / (holds.sum() + SMOOTHING))
    rules = tuple(sorted(found, key=lambda rule: -found[rule]))
    proposed = _proposed(rules, tickets, outcome, recall)
    return RuleList(rules, tuple(found[rule] for rule in rules), base, proposed)


def _proposed(rules: tuple[Rule, ...], tickets: TicketTable, outcome: TicketFlags, recall: float) -> tuple[Rule, ...]:
    """The best rules, until they find the share of the outcomes, as long as each adds tickets that are worth it."""
    base = float(outcome.mean())
    chosen: list[Rule] = []
    covered = np.zeros(len(tickets), dtype=bool)
    for rule in rules:
        added = rule.holds(tickets) & ~covered
        if added.sum() < MIN_TICKETS or outcome[added].mean() < min(MIN_LIFT * base, (1 + base) / 2):
            continue
        chosen.append(rule)
        covered |= added
        if len(chosen) == MOST_RULES or outcome[covered].sum() >= recall * outcome.sum():
            break
    return _without_redundant(chosen, tickets)


def _without_redundant(rules: list[Rule], tickets: TicketTable) -> tuple[Rule, ...]:
    """The rules without those whose tickets all fulfil one of the others: the same rule with more tests."""
    kept = list(rules)
    for rule in rules:
        others = [other for other in kept if other is not rule]
        if others and not (rule.holds(tickets) & ~any_rule(others, tickets)).any():
            kept = others
    return tuple(kept)


def _value_rates(values: Texts, outcome: TicketFlags, base: float) -> dict[str, float]:
    """The smoothed rate of each value."""
    names, places = np.unique(values.astype(str), return_inverse=True)
    counts = np.bincount(places)
    events = np.bincount(places, weights=outcome)
    return dict(zip(names.tolist(), ((events + SMOOTHING * base) / (counts + SMOOTHING)).tolist(), strict=True))


def _encoded(tickets: TicketTable, outcome: TicketFlags) -> TicketNumbers:
    """The matrix to learn from: each value's rate on the other folds of accounts, then the numbers."""
    fold = tickets.cluster % FOLDS
    columns: list[Any] = []
    for values in tickets.texts.values():
        encoded = np.zeros(len(tickets))
        for number in range(FOLDS):
            here = fold == number
            if here.any() and not here.all():
                base = float(outcome[~here].mean())
                rates = _value_rates(values[~here], outcome[~here], base)
                encoded[here] = [rates.get(value, base) for value in values[here].tolist()]
        columns.append(encoded)
    numbers = [np.nan_to_num(values, nan=-1.0) for values in tickets.numbers.values()]
    return np.column_stack([*columns, *numbers])


def _leaves(tree: Any) -> Iterator[Bounds]:
    """For each leaf, the interval of every column that its path tests."""
    stack: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while stack:
        node, bounds = stack.pop()
        if tree.children_left[node] < 0:
            yield bounds
            continue
        column, threshold = int(tree.feature[node]), float(tree.threshold[node])
        low, high = bounds.get(column, (-np.inf, np.inf))
        stack.append((int(tree.children_left[node]), {**bounds, column: (low, min(high, threshold))}))
        stack.append((int(tree.children_right[node]), {**bounds, column: (max(low, threshold), high)}))


def _rule(bounds: Bounds, tickets: TicketTable, rates: list[dict[str, float]]) -> Rule:
    names, numbers = list(tickets.texts), list(tickets.numbers)
    tests: list[ValueTest | RangeTest] = []
    for column, (low, high) in sorted(bounds.items()):
        if column >= len(names):
            tests.append(RangeTest(numbers[column - len(names)], low, high))
            continue
        name = names[column]
        inside = {value for value, rate in rates[column].items() if low < rate <= high}
        test = _value_test(name, tickets.texts[name], inside, closed=bool(np.isinf(low)))
        if test.values:
            tests.append(test)
    return Rule(tuple(tests))


def _value_test(name: str, values: Texts, inside: set[str], *, closed: bool) -> ValueTest:
    """A test for values inside an interval of rates, in its shorter form, with the most frequent values.

    ``closed`` intervals have no lower end: such a test only leaves out the values with a high rate, and a value that
    was never seen passes it.
    """
    names, counts = np.unique(values.astype(str), return_counts=True)
    frequent = [str(names[place]) for place in np.argsort(-counts, kind="stable")]
    members = [value for value in frequent if value in inside]
    others = [value for value in frequent if value not in inside]
    if closed and len(others) < len(members):
        return ValueTest(name, tuple(sorted(others[:MOST_VALUES])), one_of=False)
    return ValueTest(name, tuple(sorted(members[:MOST_VALUES])))


def _shortened(rule: Rule, tickets: TicketTable, outcome: TicketFlags) -> Rule:
    """The rule without the tests that do not raise its rate, the least useful first."""
    while len(rule.tests) > 1:
        rate = outcome[rule.holds(tickets)].mean()
        shorter = [replace(rule, tests=tuple(it for it in rule.tests if it is not test)) for test in rule.tests]
        values = [outcome[it.holds(tickets)].mean() for it in shorter]
        if max(values) < rate * USEFUL_TEST:
            return rule
        rule = shorter[int(np.argmax(values))]
    return rule
