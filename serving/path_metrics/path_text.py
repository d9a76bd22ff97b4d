"""The figures of escalation paths in words: the same for the terminal, the overview page and the drawings."""

from collections.abc import Iterator, Mapping
from math import isinf, isnan

from serving.path_metrics.case_timelines import Measure
from serving.path_metrics.censored_times import Estimate
from serving.path_metrics.path_report import MIN_CASES, GroupFigures, VersionComparison

TIME_TITLES: Mapping[Measure, str] = {
    "accept": "Time to accept",
    "contact": "Time to contact",
    "resolve": "Time to resolve",
}
SHARE_TITLES: Mapping[str, str] = {
    "response_breached": "Response deadline missed",
    "resolution_breached": "Resolution deadline missed",
    "returned": "Returned",
    "saved": "Saved, of those saved or lost",
}
DIMENSION_TITLES: Mapping[str, str] = {
    "all": "All cases",
    "squad": "Squad",
    "skill": "Skill",
    "severity": "Severity",
    "policy_version": "Policy version",
}
TOO_FEW = "–"
NOT_REACHED = "not reached"


def hours_text(hours: float) -> str:
    """A length of time: ``40 min``, ``5.5 h``, ``31 h``; working time and clock time are written alike."""
    if isnan(hours):
        return TOO_FEW
    if isinf(hours):
        return NOT_REACHED
    if abs(hours) < 1:
        return f"{hours * 60:.0f} min".replace("-", "−")
    digits = 1 if abs(hours) < 10 else 0
    text = f"{hours:,.{digits}f}"
    return f"{text.removesuffix('.0')} h".replace("-", "−")


def time_text(estimate: Estimate) -> str:
    """A median with its interval: ``5.5 h (4 to 9 h)``; ``not reached (at least 4 h)`` without an upper end."""
    if isnan(estimate.value):
        return TOO_FEW
    if isinf(estimate.low):
        return NOT_REACHED
    low, value = hours_text(estimate.low), hours_text(estimate.value)
    if isinf(estimate.high):
        return f"{value} (at least {low})"
    return f"{value} ({_range(low, hours_text(estimate.high))})"


def share_text(estimate: Estimate) -> str:
    """A share with its interval: ``43% (31% to 56%)``."""
    if isnan(estimate.value):
        return TOO_FEW
    return f"{estimate.value:.0%} ({estimate.low:.0%} to {estimate.high:.0%})"


def share_difference_text(estimate: Estimate) -> str:
    """A difference of shares in percentage points: ``−4 points (−9 to +2)``."""
    if isnan(estimate.value):
        return TOO_FEW
    value, low, high = (_points(number) for number in estimate)
    return f"{value} points ({low} to {high})"


def _points(share: float) -> str:
    points = round(100 * share)
    return f"{points:+d}".replace("-", "−") if points else "0"


def difference_text(estimate: Estimate) -> str:
    """A difference of medians: ``−3 h (−5 to +1 h)``."""
    if isnan(estimate.value) or isinf(estimate.value):
        return TOO_FEW if isnan(estimate.value) else NOT_REACHED
    value, low, high = (_signed(number) for number in estimate)
    return f"{value} ({_range(low, high)})"


def _range(low: str, high: str) -> str:
    """Both ends, with their unit once where it is the same."""
    same = low.rpartition(" ")[2] == high.rpartition(" ")[2]
    return f"{low.rpartition(' ')[0] if same and ' ' in low else low} to {high}"


def group_cells(group: GroupFigures) -> list[str]:
    """The cells of a group after its name: cases, times, shares; a dash where there are too few cases."""
    times = [time_text(group.times[name].median) if group.enough else TOO_FEW for name in TIME_TITLES]
    shares = [
        share_text(group.shares[name].share) if group.shares[name].cases >= MIN_CASES else TOO_FEW
        for name in SHARE_TITLES
    ]
    return [f"{group.cases:,}", *times, *shares]


def group_title(group: GroupFigures) -> str:
    """``squad care``; ``all cases``."""
    title = DIMENSION_TITLES[group.dimension].lower()
    return "all cases" if group.dimension == "all" else f"{title} {group.name}"


def comparison_rows(comparison: VersionComparison) -> Iterator[tuple[str, str, str, str]]:
    """Each figure with its title, before, after, and the difference."""
    before, after = comparison.before, comparison.after
    for measure, title in TIME_TITLES.items():
        cells = (time_text(before.times[measure].median), time_text(after.times[measure].median))
        yield title, *cells, difference_text(comparison.times[measure])
    for name, title in SHARE_TITLES.items():
        first, second = before.shares[name], after.shares[name]
        enough = min(first.cases, second.cases) >= MIN_CASES
        texts = (share_text(first.share), share_text(second.share), share_difference_text(comparison.shares[name]))
        yield title, *(texts if enough else (TOO_FEW, TOO_FEW, TOO_FEW))


def _signed(hours: float) -> str:
    if isnan(hours):
        return TOO_FEW
    if isinf(hours):
        return "more" if hours > 0 else "less"
    return f"+{hours_text(hours)}" if hours > 0 else hours_text(hours)
