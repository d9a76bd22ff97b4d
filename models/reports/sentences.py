"""The sentences of model cards, backtests and nights: each finding, a code with numbers, is rendered here."""

from collections.abc import Callable, Mapping
from typing import Any

from models.data.findings import Finding
from models.evaluation.bootstrap import Estimate
from models.evaluation.metrics_report import BaselineLead, Evaluation
from models.reports.figures import BASELINE_TITLES

Parameters = Mapping[str, Any]


def render_finding(finding: Finding) -> str:
    """The sentence of a finding.

    Raises:
        KeyError: there is no sentence for its code.
    """
    return _SENTENCES[finding.code](finding.parameters)


def render_lead(lead: BaselineLead) -> str:
    """Whether the model is ahead of the best baseline, and by how much."""
    title = BASELINE_TITLES.get(lead.baseline, lead.baseline)
    numbers = f"{_signed(lead.lead)} of average precision"
    if lead.shown:
        return f"It finds more than the best baseline, '{title}' ({numbers})."
    return f"It is not shown to find more than the best baseline, '{title}' ({numbers}); more events would decide it."


def warnings_of(evaluation: Evaluation) -> list[str]:
    """What a reader must know of an evaluation, a sentence each; the lead over baselines where it is not shown."""
    sentences = [render_finding(warning) for warning in evaluation.warnings]
    if evaluation.lead is not None and not evaluation.lead.shown:
        sentences.append(render_lead(evaluation.lead))
    return sentences


def saved_verdict(facts: Mapping[str, Any]) -> str:
    """The verdict that was saved with a model; models saved before findings were data hold a sentence."""
    verdict = facts["verdict"]
    return verdict if isinstance(verdict, str) else render_finding(Finding.from_json(verdict))


def saved_lead(facts: Mapping[str, Any]) -> str:
    """The sentence about the lead over baselines that was saved with a model; empty where the lead was shown."""
    if facts.get("lead"):
        lead = BaselineLead.from_json(facts["lead"])
        return "" if lead.shown else render_lead(lead)
    return str(facts.get("unproven") or "")


def _no_signal(numbers: Parameters) -> str:
    needed = "; a signal has p below 0.01" if numbers.get("p_value") is not None else ""
    return f"No signal: within a night it ranks accounts no better than chance ({_skills(numbers)}{needed})."


def _signal(numbers: Parameters) -> str:
    return f"It ranks accounts better than chance, and its probabilities beat the base rate: {_skills(numbers)}."


def _ranking_only(numbers: Parameters) -> str:
    worse = Estimate.from_json(numbers["log_loss_skill"]).high < 0
    found = "worse than the base rate" if worse else "no better than the base rate"
    return f"It ranks accounts better than chance, but its probabilities are {found}: {_skills(numbers)}."


def _few_folds(numbers: Parameters) -> str:
    return (
        f"{numbers['cutoffs']} matured cutoffs with an embargo of {numbers['embargo']} days allow only "
        f"{numbers['folds']} of {numbers['wanted']} test periods; a longer history gives more."
    )


def _treated_rows(numbers: Parameters) -> str:
    left_out = (
        f"{numbers['treated']:,} of {numbers['rows']:,} rows were left out because the team acted on the account "
        "within the window"
    )
    if not numbers["holdout_rows"]:
        return f"{left_out}. Without a hold-out nothing replaces them, so high risks may read too low."
    return f"{left_out}; {numbers['holdout_rows']:,} hold-out rows are weighted in their place." + _draws(numbers)


def _draws(numbers: Parameters) -> str:
    """What the hold-out costs and what it cannot replace; reports of earlier versions do not contain it."""
    parts = []
    if "effective_accounts" in numbers:
        parts.append(
            f" The {numbers['accounts']:,} accounts learned from carry as much evidence as "
            f"{numbers['effective_accounts']:,.0f} of equal weight."
        )
    if numbers.get("not_acted_on"):
        parts.append(f" {numbers['not_acted_on']:,} rows of selected accounts that nobody acted on are replaced, too.")
    if numbers.get("never_drawn"):
        parts.append(
            f" {numbers['never_drawn']:,} rows are of accounts that are exempt from the hold-out: nothing replaces "
            "these, and risks of such accounts may read too low."
        )
    return "".join(parts)


def _probabilities_off(numbers: Parameters) -> str:
    return "Rely on its order more than on its probabilities: on later cutoffs they were off. More events improve them."


def _possible_leak(numbers: Parameters) -> str:
    return f"An AUC of {numbers['auc']:.3f} suggests a leak: look for a feature that contains the outcome."


def _large_capacity(numbers: Parameters) -> str:
    return (
        f"The capacity of {numbers['capacity']} is more than half of the {numbers['accounts']} accounts of a night, so "
        "figures at capacity say little."
    )


def _too_few_to_learn(numbers: Parameters) -> str:
    return f"{numbers['events']} different events are too few to learn from; {numbers['needed']} are needed."


def _baseline_better(numbers: Parameters) -> str:
    lead = Estimate.from_json(numbers["lead"])
    behind = Estimate(-lead.value, -lead.high, -lead.low)
    ahead = f"{_signed(behind)} of average precision"
    return f"{_few(numbers)}, and the baseline ranks better than the logistic regression: {ahead}."


def _trees_add(numbers: Parameters) -> str:
    return f"{_few(numbers)}, and yet they improve on the logistic regression: {_gain(numbers)}."


def _trees_not_shown(numbers: Parameters) -> str:
    return f"{_few(numbers)}, and they are not shown to improve on the logistic regression: {_gain(numbers)}."


def _trees_worse(numbers: Parameters) -> str:
    return f"The logistic regression is better without trees: {_gain(numbers)}."


def _blend(numbers: Parameters) -> str:
    share = numbers["trees_share"]
    return (
        f"Trees count {share:.0%} and the logistic regression {1 - share:.0%}; {_gain(numbers)} against the latter "
        f"alone; {numbers['events']} different events were learned from."
    )


def _learner_named(numbers: Parameters) -> str:
    return f"The settings name this learner; {numbers['events']} different events were learned from."


def _rows_sampled(numbers: Parameters) -> str:
    events = (
        "all rows with the event"
        if numbers["events"] == numbers["of_events"]
        else f"{numbers['events']:,} of {numbers['of_events']:,} rows with the event"
    )
    return (
        f"Learned from and tested on a sample of {numbers['rows']:,} of about {numbers['of']:,} rows: {events}, and a "
        "share of the others, which count for the rest."
    )


def _values_of_today(names: Parameters) -> str:
    columns = names["columns"]
    listed = " and ".join(filter(None, [", ".join(columns[:-1]), columns[-1]]))
    return (
        f"The table {names['table']} has no known_at: at past cutoffs its {listed} are those of today, so training may "
        "learn from what was not known then, and a backtest may look better than the nights will be. Export every "
        "version of a row with its known_at, or rely only on nights that come."
    )


_SENTENCES: Mapping[str, Callable[[Parameters], str]] = {
    "no_signal": _no_signal,
    "signal": _signal,
    "ranking_only": _ranking_only,
    "few_folds": _few_folds,
    "treated_rows_left_out": _treated_rows,
    "rows_sampled": _rows_sampled,
    "values_of_today": _values_of_today,
    "probabilities_off": _probabilities_off,
    "possible_leak": _possible_leak,
    "large_capacity": _large_capacity,
    "too_few_events_to_learn": _too_few_to_learn,
    "baseline_ranks_better": _baseline_better,
    "trees_add_to_few_events": _trees_add,
    "trees_not_shown_to_add": _trees_not_shown,
    "trees_worse": _trees_worse,
    "blend": _blend,
    "learner_named": _learner_named,
}
FINDING_CODES = frozenset(_SENTENCES)


def _skills(numbers: Parameters) -> str:
    auc, skill = (Estimate.from_json(numbers[name]) for name in ("auc", "log_loss_skill"))
    return f"AUC {auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}]{_chance(numbers)}, log-loss skill {skill.value:.3f}"


def _chance(numbers: Parameters) -> str:
    """The p-value of the test of signal; models saved before there was one have none."""
    value = numbers.get("p_value")
    if value is None:
        return ""
    return ", p < 0.001" if value < 0.001 else f", p = {value:.3f}"


def _few(numbers: Parameters) -> str:
    return f"{numbers['events']} different events are fewer than trees need ({numbers['needed']})"


def _gain(numbers: Parameters) -> str:
    gain = Estimate.from_json(numbers["gain"])
    value, low, high = (f"{-100 * share:+z.1f}%" for share in (gain.value, gain.high, gain.low))
    return f"with trees, the log loss on later cutoffs changes by {value} [{low}, {high}]"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"
