"""The sentences of the monitor's report: what was measured, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from serving.night_report import monitor_report as schema
from serving.night_report.report_schema import FeedReport
from serving.night_report.report_text import FEATURE_TITLES, day_text, plural, stale_text
from serving.night_report.uplift_text import uplift_details, uplift_line

UNKNOWN_TEXTS = {
    "no_champion": "there is no champion yet",
    "no_night": "no night is recorded yet",
    "no_scores": "no account was scored",
    "no_reference": "the champion is too young: a day of reference has to be a week before the night",
    "not_matured": "the labels of no recorded night have matured",
    "too_few_events": "fewer than 10 accounts of the matured nights had the event",
    "too_few_accounts": "fewer than 30 accounts are compared",
}
RETRAINING = {
    "drift_and_ranking_fell": "drift was confirmed and the ranking became worse",
    "calibration_off": "the probabilities are off",
    "champion_is_old": "the champion is old and enough new events have happened",
}
ALARM_ACTIONS = {
    "stale_feed": "Check the export of this table; accounts are scored with what is known until it delivers again.",
    "low_volume": "Check whether the export broke off; the next night stops if it did.",
    "labels_stopped": "Check whether the source still delivers these events before training again.",
    "score_drift": "Look at the features that moved and at what changed in the business; see the matured nights.",
    "feature_drift": "Check these columns in the source: a changed export, unit or definition moves everybody at once.",
    "ranking_fell": "Train again, and look at the segments and the features that moved.",
    "calibration_off": "Train again: priorities are computed with these probabilities.",
}
"""By code of an alarm: what to do."""


OFTEN_DISPUTED = 2
"""Disagreements from which a group of reasons is reported: a single one may be about one customer."""


def dispute_lines(report: schema.MonitorReport) -> Iterator[str]:
    """The reasons that people often disagreed with, one sentence each."""
    for row in report.disputed:
        if row.disagreed >= OFTEN_DISPUTED:
            shown = f", which {plural(row.cases, 'case')} showed" if row.cases else ""
            newest = f", at last with “{row.sentence}”" if row.sentence else ""
            yield f"People disagreed {row.disagreed} times with a reason of the group {row.reason}{shown}{newest}."


def alarm_line(alarm: schema.MonitorAlarm) -> str:
    """What is wrong and what to do, two sentences."""
    return f"{_finding(alarm)} {ALARM_ACTIONS[alarm.code]}"


def _finding(alarm: schema.MonitorAlarm) -> str:
    match alarm:
        case schema.StaleFeed(table=table, age_days=age, max_age_days=limit):
            feed = FeedReport(table=table, age_days=age, max_age_days=limit, stale=True)
            return f"{stale_text(feed)}; {plural(limit, 'day')} is the limit."
        case schema.LowVolume(table=table, rows=rows, usual=usual):
            return f"{table} has {plural(rows, 'row')}, usually {usual:,.0f}."
        case schema.LabelsStopped(risk=risk, last_event=last, known_until=until, expected=expected):
            since = f"since {day_text(last)}" if last else "at all"
            by = day_text(until)
            return f"{_title(risk)}: no event {since}, although {expected:.0f} were to be expected until {by}."
        case _:
            return _model_finding(alarm)


def _model_finding(
    alarm: schema.ScoreDrift | schema.FeatureDrift | schema.RankingFell | schema.CalibrationOff,
) -> str:
    title = _title(alarm.risk)
    match alarm:
        case schema.ScoreDrift(reference=reference, index=index, by_chance=chance, confirmed=confirmed):
            return (
                f"{title}: the scores have moved since {day_text(reference)} (index {index:.2f}, {chance:.2f} by "
                f"chance){_confirmed(confirmed)}."
            )
        case schema.FeatureDrift(reference=reference, features=features, tested=tested, confirmed=confirmed):
            named = "; ".join(FEATURE_TITLES.get(name, name) for name in features[:3])
            more = f"; and {len(features) - 3} more" if len(features) > 3 else ""
            verb = "has" if len(features) == 1 else "have"
            return (
                f"{title}: of {plural(tested, 'feature')}, {len(features)} {verb} moved since {day_text(reference)}"
                f"{_confirmed(confirmed)}: {named}{more}."
            )
        case schema.RankingFell(auc=auc, expected=expected):
            return f"{title}: the AUC of matured nights is {figure_text('auc', auc)}, and {expected:.2f} was promised."
        case schema.CalibrationOff(observed_to_expected=figure):
            text = figure_text("observed_to_expected", figure)
            return f"{title}: on matured nights, events are {text} of those expected."


def _confirmed(confirmed: bool) -> str:
    return ", which an earlier night confirms" if confirmed else ""


def _title(risk: str) -> str:
    return risk.replace("_", " ").capitalize()


def figure_text(name: str, figure: schema.FigureReport | None) -> str:
    """A figure with its interval: ``0.81 [0.77, 0.85]``; shares in percent, a dash where it is not defined."""
    if figure is None or figure.value is None:
        return "–"
    shape = "{:.0%}" if name in ("precision_at_capacity", "observed_to_expected") else "{:.2f}"
    shape = "{:,.0f}" if name == "events" else shape
    if figure.low is None or figure.high is None:
        return shape.format(figure.value)
    return f"{shape.format(figure.value)} [{shape.format(figure.low)}, {shape.format(figure.high)}]"


def performance_text(risk: schema.RiskMonitor) -> str:
    """How matured nights turned out: the ranking within nights beside what the probabilities promised."""
    found = risk.performance
    if found is None:
        return unknown_text(risk, "performance")
    auc, precision = (figure_text(name, found.figures.get(name)) for name in ("auc", "precision_at_capacity"))
    promised = found.expected.get("auc")
    expected = f", {promised.value:.2f} promised" if promised and promised.value is not None else ""
    days = f"{day_text(found.first)} to {day_text(found.last)}"
    events = f"{plural(found.accounts_with_event, 'account')} with the event"
    return (
        f"AUC {auc}{expected}; precision at {found.capacity} accounts {precision} "
        f"({plural(found.nights, 'night')} from {days}, {events})"
    )


def calibration_text(risk: schema.RiskMonitor) -> str:
    """Events observed for those expected, with the segments that have figures of their own."""
    found = risk.performance
    if found is None:
        return unknown_text(risk, "performance")
    name = "observed_to_expected"
    whole = f"{figure_text(name, found.figures.get(name))} of the expected events"
    parts = [f"{part.segment} {figure_text(name, part.figures.get(name))}" for part in found.segments]
    return f"{whole}; by segment: {', '.join(parts)}" if parts else whole


def estimate_text(risk: schema.RiskMonitor) -> str:
    """How the newest night is expected to turn out."""
    found = risk.estimate
    if found is None:
        return unknown_text(risk, "estimate")
    auc, precision, events = (
        figure_text(name, found.figures.get(name)) for name in ("auc", "precision_at_capacity", "events")
    )
    return (
        f"AUC {auc}, precision at {found.capacity} accounts {precision}, {events} events among "
        f"{plural(found.accounts, 'account')} (night of {day_text(found.night)})"
    )


def drift_text(risk: schema.RiskMonitor) -> str:
    """What moved since the day of reference."""
    found = risk.drift
    if found is None:
        return unknown_text(risk, "drift")
    scores = "scores not compared, because another version of the model scored this night"
    if found.scores is not None:
        moved = "scores moved" if found.scores_moved else "scores steady"
        scores = f"{moved} (index {found.scores.index:.2f}, {found.scores.by_chance:.2f} by chance)"
    return (
        f"since {day_text(found.reference)}: {scores}; {len(found.features)} of "
        f"{plural(found.features_tested, 'feature')} moved"
    )


def labels_text(risk: schema.RiskMonitor) -> str:
    """The events of the last year and the newest one."""
    found = risk.labels
    if found is None or found.last_event is None:
        return "no event is known"
    return (
        f"{plural(found.events, 'event')} in the last year, the newest on {day_text(found.last_event)} (known until "
        f"{day_text(found.known_until)})"
    )


def retraining_text(risk: schema.RiskMonitor) -> str:
    """Whether to train the risk again, and why."""
    model = risk.model
    if model is None:
        return unknown_text(risk, "model")
    champion = (
        f"version {model.version} learned from data until {day_text(model.through)}, "
        f"{plural(model.new_events, 'event')} with a known label since"
    )
    if not risk.retraining.recommended:
        return f"not needed ({champion})"
    reasons = "; ".join(RETRAINING[code] for code in risk.retraining.reasons)
    return f"retrain: {reasons} ({champion})"


def unknown_text(risk: schema.RiskMonitor, part: str) -> str:
    """Why a part is not known."""
    unknown = risk.unknown.get(part)
    if unknown is None:
        return "not known"
    on = f"; with data up to {day_text(unknown.on)} at the earliest" if unknown.on else ""
    return f"not measurable yet: {unknown.text or UNKNOWN_TEXTS[unknown.code]}{on}"


def risk_lines(risk: schema.RiskMonitor) -> Iterator[tuple[str, str]]:
    """Everything of one risk as titles and texts, without full stops."""
    yield "Performance", performance_text(risk)
    yield "Calibration", calibration_text(risk)
    yield "Estimate", estimate_text(risk)
    yield "Drift", drift_text(risk)
    yield "Labels", labels_text(risk)
    yield "Retraining", retraining_text(risk)
    if risk.uplift is not None:
        yield "Uplift", f"{uplift_line(risk.uplift)} {uplift_details(risk.uplift)}".strip().rstrip(".")
