"""The gate's decision in words: for the terminal, the night's log and the registry's tags."""

import re
from collections.abc import Callable, Mapping

from models.evaluation.bootstrap import Estimate
from models.promotion.gate import Check, Promotion
from models.reports.figures import BASELINE_TITLES, figure_title

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


def render_reasons(promotion: Promotion) -> str:
    """Why it is promoted, or each check that it did not pass."""
    if not promotion.promoted:
        return " ".join(render_check(check) for check in promotion.checks if not check.passed)
    better = [render_check(check) for check in promotion.checks if check.code == "some_better"]
    return better[0] if better else "it ranks better than every baseline."


def check_title(check: Check) -> str:
    """The name of a check, with its figure or segment."""
    title = _TITLES[check.code]
    subject = figure_title(check.subject) if check.code == "not_worse" else check.subject
    return title.format(subject=subject)


def render_check(check: Check) -> str:
    """The answer of a check as a sentence."""
    passed, failed = _ANSWERS[check.code]
    return (passed if check.passed else failed)(check)


def decision_tags(promotion: Promotion) -> dict[str, str]:
    """What :meth:`models.registry.registry.Registry.record` writes beside the version."""
    decision = "promoted" if promotion.promoted else "refused"
    return {
        "decision": decision,
        "against": promotion.champion or "baselines",
        "reason": render_reasons(promotion),
    } | {
        f"check.{_KEY.sub('_', check_title(check))}": f"{'passed' if check.passed else 'failed'}: {render_check(check)}"
        for check in promotion.checks
    }


_TITLES: Mapping[str, str] = {
    "same_question": "same question",
    "enough_events": "enough events",
    "signal": "signal",
    "best_baseline": "best baseline",
    "not_worse": "{subject}, not worse",
    "some_better": "some figure better",
    "calibration_kept": "calibration",
    "calibrated": "calibration",
    "segment": "segment {subject}",
}


def _differing(check: Check) -> str:
    pairs = check.parameters["differing"].items()
    listed = ", ".join(f"{name} ({champion} against {challenger})" for name, (champion, challenger) in pairs)
    return f"The models cannot be compared, because the champion answers another question: {listed}."


def _counted(check: Check) -> str:
    return (
        f"{check.parameters['accounts_with_event']} accounts with an event in {check.parameters['rows']:,} later rows"
    )


def _too_few(check: Check) -> str:
    needed = f"{check.parameters['needed']} accounts with an event are needed to tell two models apart"
    if not check.parameters["rows"]:
        return f"No cutoff is yet later than what the champion learned from: {needed}."
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
    return f"By {figure_title(check.subject)} it may be worse by more than {tolerance:.2f} ({_difference(check)})."


def _off(check: Check) -> str:
    return f"{100 * check.parameters['off_by']:.0f}%"


Answer = Callable[[Check], str]
_ANSWERS: Mapping[str, tuple[Answer, Answer]] = {
    "same_question": (lambda check: "the same question.", _differing),
    "enough_events": (lambda check: f"{_counted(check)}.", _too_few),
    "signal": (
        lambda check: f"{_auc(check)}.",
        lambda check: f"No signal: {_auc(check)} is not above chance.",
    ),
    "best_baseline": (
        lambda check: f"ahead of the best baseline, {_lead(check)}",
        lambda check: f"It is not shown to be ahead of the best baseline, {_lead(check)}",
    ),
    "not_worse": (lambda check: f"not worse ({_difference(check)}).", _maybe_worse),
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
