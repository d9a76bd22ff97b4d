"""The gate's decision in words: for the terminal, the night's log and the registry's tags."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from models.evaluation.bootstrap import Estimate
from models.promotion.comparison import Evidence
from models.promotion.gate import Check, Promotion
from models.promotion.power import WANTED_POWER
from models.reports.figures import BASELINE_TITLES, figure_title

_NEARLY = 0.995
_KEY = re.compile(r"[^A-Za-z0-9]+")
"""What no store takes in a tag's name; a segment may be called anything."""


def render_decision(promotion: Promotion) -> str:
    """The decision in one line: which version, what becomes of it, and why."""
    return f"{promotion.risk}: version {promotion.challenger} {render_outcome(promotion)}"


def render_outcome(promotion: Promotion) -> str:
    """What becomes of the challenger, and why."""
    if not promotion.promoted:
        return f"stays challenger. {render_reasons(promotion)}"
    instead = f", in place of version {promotion.champion}" if promotion.champion else ""
    return f"is now champion{instead}: {render_reasons(promotion)}"


def render_comparison(promotion: Promotion) -> str:
    """What was compared with what, and with which power; empty where there is no champion or another question."""
    if promotion.champion is None or any(check.code == "same_question" for check in promotion.checks):
        return ""
    power = f" {render_power(promotion)}" if promotion.power else ""
    return f"{_mode(promotion)} {_EVIDENCE[promotion.evidence]}{power}"


def render_power(promotion: Promotion) -> str:
    """How likely right decisions are with as many events as there are, and what to do where that is too little."""
    power = promotion.power
    if power is None:
        return ""
    refresh = promotion.mode == "refresh"
    right = "an equal refresh" if refresh else f"a challenger that is better by {power.good:.2f} of AUC"
    wrong = f"one that is worse by {-power.bad:g} of AUC" if refresh else "an equal one"
    if power.alike:
        return "Both models order these rows alike, so there is no difference to measure."
    text = (
        f"With {power.accounts_with_event:,} accounts with an event, {right} is promoted with a probability of "
        f"{_probability(power.promote_good)}, and {wrong} is refused with {_probability(power.refuse_bad)}."
    )
    if power.promote_good < WANTED_POWER and power.needed is not None:
        text += f" About {power.needed:,} such accounts would make it {WANTED_POWER:.0%}."
    if power.low and not promotion.promoted:
        text += (
            " That is too little to decide by: the champion stays, and "
            f"`rescue promote {promotion.risk} {promotion.challenger} --override --reason …` promotes it all the same."
        )
    return text


def _probability(value: float) -> str:
    """No decision is certain: a share that rounds to 100% or to 0% is not written as one."""
    return "more than 99%" if value > _NEARLY else "less than 1%" if value < 1 - _NEARLY else f"{value:.0%}"


def _mode(promotion: Promotion) -> str:
    if promotion.mode == "refresh":
        if _is_earlier(promotion):
            return "An earlier version of the same recipe, which has to be shown not to be worse."
        return "A refresh: the same recipe on newer data, which has to be shown not to be worse."
    listed = "; ".join(_recipe_changes(promotion.recipe))
    return f"A challenge: another recipe, which has to be shown to be better ({listed or 'recipes are not recorded'})."


def _is_earlier(promotion: Promotion) -> bool:
    """Whether the version that is to be promoted is older than the champion; the registry numbers them from 1."""
    numbers = (promotion.challenger, promotion.champion or "")
    return all(number.isdigit() for number in numbers) and int(numbers[0]) < int(numbers[1])


def _recipe_changes(recipe: Mapping[str, Any]) -> Iterator[str]:
    """What differs, part by part; a company's own features by their titles, not by the JSON that declares them."""
    own: dict[str, list[Any]] = {}
    for name, (before, now) in recipe.items():
        if name.startswith(_DECLARED):
            own[name.removeprefix(_DECLARED)] = [before, now]
        elif name == _DECLARED.rstrip("."):  # a recipe of an earlier version holds no declarations
            old, new = before or {}, now or {}
            own |= {column: [old.get(column), new.get(column)] for column in {**old, **new}}
        else:
            yield _recipe_change(name, before, now)
    for word, chosen in (
        ("new", {column: now for column, (before, now) in own.items() if before is None}),
        ("gone", {column: before for column, (before, now) in own.items() if now is None}),
        ("declared otherwise", {column: now for column, pair in own.items() if None not in pair for now in pair[1:]}),
    ):
        if chosen:
            yield f"{word}: {', '.join(_own_titles(chosen))}"


def _own_titles(declarations: Mapping[str, str]) -> Iterator[str]:
    """Metrics and attributes by title, with the number of their features; features of extensions by name."""
    columns: dict[str, int] = {}
    for column, declaration in declarations.items():
        declared = json.loads(declaration)
        title = str(declared.get("attribute", declared).get("title", column))
        columns[title] = columns.get(title, 0) + 1
    yield from (f"{title} ({count} features)" if count > 1 else title for title, count in columns.items())


_DECLARED = "declared."
"""The part of a recipe that holds the declaration of each of a company's own columns."""


def _recipe_change(name: str, before: Any, now: Any) -> str:
    """What differs: of lists what is new and what is gone, of anything else both values."""
    title = name.replace("parameters.", "").replace("_", " ")
    if not isinstance(before, list) or not isinstance(now, list):
        return f"{title}: {_short(before)} before, {_short(now)} now"
    parts = {"with": [it for it in now if it not in before], "without": [it for it in before if it not in now]}
    return f"{title}: " + ", ".join(f"{word} {' and '.join(items)}" for word, items in parts.items() if items)


def _short(value: object) -> str:
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


LONGEST_VALUE = 60
_EVIDENCE: Mapping[Evidence, str] = {
    "later": "Compared at cutoffs later than what the champion learned from.",
    "test_periods": "Compared on the test periods of both trainings; no cutoff is yet later than what the champion "
    "learned from.",
    "both": "Compared on the test periods of both trainings and at the cutoffs later than what the champion learned "
    "from.",
}


def render_reasons(promotion: Promotion) -> str:
    """Why it is promoted, or each check that it did not pass."""
    if not promotion.promoted:
        return _join_failures([check for check in promotion.checks if not check.passed])
    deciding = "not_worse" if promotion.mode == "refresh" else "some_better"
    reasons = [render_check(check) for check in promotion.checks if check.code == deciding]
    return reasons[0] if reasons else "it ranks better than every baseline."


def _join_failures(failed: Sequence[Check]) -> str:
    """The checks that were not passed, a sentence each; figures and segments together."""
    sentences = []
    for code, checks in groupby(failed, key=lambda check: check.code):
        together = list(checks)
        if code in _TOGETHER and len(together) > 1:
            listed = [f"{_subject(check)} ({_difference(check)})" for check in together]
            sentences.append(_TOGETHER[code].format(", ".join(listed[:-1]) + " and " + listed[-1]))
        else:
            sentences += [render_check(check) for check in together]
    return " ".join(sentences)


def _subject(check: Check) -> str:
    return figure_title(check.subject) if check.code == "not_worse" else check.subject


_TOGETHER = {
    "not_worse": "It may be worse by more than is tolerated: by {}.",
    "segment": "Segments lose log-loss skill: {}.",
}


def check_title(check: Check) -> str:
    """The name of a check, with its figure or segment."""
    return _TITLES[check.code].format(subject=_subject(check))


def render_check(check: Check) -> str:
    """The answer of a check as a sentence."""
    passed, failed = _ANSWERS[check.code]
    return (passed if check.passed else failed)(check)


def decision_tags(promotion: Promotion) -> dict[str, str]:
    """What :meth:`models.registry.registry.Registry.record` writes beside the version."""
    about = {
        "decision": "promoted" if promotion.promoted else "refused",
        "mode": promotion.mode,
        "against": promotion.champion or "baselines",
        "reason": render_reasons(promotion),
        "comparison": render_comparison(promotion),
        "power": f"{promotion.power.promote_good:.3f}" if promotion.power else "",
    }
    return {name: text for name, text in about.items() if text} | {
        f"check.{_KEY.sub('_', check_title(check))}": f"{'passed' if check.passed else 'failed'}: {render_check(check)}"
        for check in promotion.checks
    }


_TITLES: Mapping[str, str] = {
    "same_question": "same question",
    "enough_events": "enough events",
    "same_outcomes": "same outcomes",
    "signal": "signal",
    "best_baseline": "best baseline",
    "not_worse": "{subject}, not worse",
    "some_better": "some figure better",
    "none_worse": "no figure worse",
    "final_fit": "final fit, not worse",
    "agreement": "agreement with the champion",
    "calibration_kept": "calibration",
    "calibrated": "calibration",
    "segment": "segment {subject}",
}


def _differing(check: Check) -> str:
    pairs = check.parameters["differing"].items()
    listed = ", ".join(f"{name} ({champion} against {challenger})" for name, (champion, challenger) in pairs)
    return f"The models cannot be compared, because the champion answers another question: {listed}."


def _counted(check: Check) -> str:
    numbers = check.parameters
    weighted = numbers.get("effective_rows", numbers["rows"])
    effective = f" (worth {weighted:,} by their weights)" if weighted < numbers["rows"] else ""
    return f"{numbers['accounts_with_event']} accounts with an event in {numbers['rows']:,} rows{effective}"


def _changed(check: Check) -> str:
    numbers = check.parameters
    return (
        f"{numbers['changed']:,} of {numbers['rows_with_event']:,} rows with an event that the champion was tested on"
    )


def _too_few(check: Check) -> str:
    needed = f"{check.parameters['needed']} accounts with an event are needed to tell two models apart"
    if usual := check.parameters.get("usual"):
        needed += f", and about {usual} for an equal refresh to be promoted in 90% of cases"
    if not check.parameters["rows"]:
        return (
            f"There is no row that both models can be compared on: {needed}. Their test periods have no cutoff in "
            "common, and no cutoff is yet later than what the champion learned from."
        )
    return f"There are only {_counted(check)}: {needed}."


def _auc(check: Check) -> str:
    auc = Estimate.from_json(check.parameters["auc"])
    return f"AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"


def _lead(check: Check) -> str:
    baseline = check.parameters["baseline"]
    return f"'{BASELINE_TITLES.get(baseline, baseline)}': {_difference(check)} of average precision."


def _difference(check: Check) -> str:
    found = check.difference
    return "" if found is None else f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _better_by(check: Check) -> str:
    return f"better by {' and '.join(figure_title(name) for name in check.parameters['figures'])}."


def _maybe_worse(check: Check) -> str:
    tolerance = check.parameters["tolerance"]
    return f"By {figure_title(check.subject)} it may be worse by more than {tolerance:g} ({_difference(check)})."


def _not_worse(check: Check) -> str:
    tolerance = check.parameters["tolerance"]
    return f"not worse by more than {tolerance:g} of {figure_title(check.subject)} ({_difference(check)})."


def _worse(check: Check) -> str:
    return f"It is worse by {' and '.join(figure_title(name) for name in check.parameters['figures'])}."


def _agreement(check: Check) -> str:
    numbers = check.parameters
    return f"rank correlation {numbers['value']:.2f} at the newest cutoff, at least {numbers['expected']:.2f} expected"


def _off(check: Check) -> str:
    return f"{100 * check.parameters['off_by']:.0f}%"


Answer = Callable[[Check], str]
_ANSWERS: Mapping[str, tuple[Answer, Answer]] = {
    "same_question": (lambda check: "the same question.", _differing),
    "enough_events": (lambda check: f"{_counted(check)}.", _too_few),
    "same_outcomes": (
        lambda check: f"{_changed(check)} differ.",
        lambda check: f"The source's past has changed: the outcomes of {_changed(check)} differ.",
    ),
    "signal": (
        lambda check: f"{_auc(check)}.",
        lambda check: f"No signal: {_auc(check)} is not above chance.",
    ),
    "best_baseline": (
        lambda check: f"ahead of the best baseline, {_lead(check)}",
        lambda check: f"It is not shown to be ahead of the best baseline, {_lead(check)}",
    ),
    "not_worse": (_not_worse, _maybe_worse),
    "none_worse": (lambda check: "no other figure is shown to be worse.", _worse),
    "final_fit": (
        lambda check: f"on accounts that it did not know, it ranks no worse than the champion ({_difference(check)}).",
        lambda check: (
            f"On accounts that it did not know, the final fit may rank worse by more than "
            f"{check.parameters['tolerance']:g} of AUC ({_difference(check)}): look for a feed that changed lately."
        ),
    ),
    "agreement": (
        lambda check: f"it orders accounts as the champion does ({_agreement(check)}).",
        lambda check: f"It orders accounts unlike the champion ({_agreement(check)}): look for a feed that changed.",
    ),
    "some_better": (_better_by, lambda check: "By no figure is it better than the champion beyond chance."),
    "calibration_kept": (
        lambda check: "calibration is kept.",
        lambda check: f"Its probabilities are off by {_off(check)} more than the champion's.",
    ),
    "calibrated": (
        lambda check: f"events expected and observed agree (off by {_off(check)}).",
        lambda check: f"Its probabilities do not add up to the events observed (off by {_off(check)}).",
    ),
    "segment": (
        lambda check: f"not worse ({_difference(check)} of log-loss skill).",
        lambda check: f"The segment {check.subject} loses log-loss skill ({_difference(check)}).",
    ),
}
CHECK_CODES = frozenset(_ANSWERS)
