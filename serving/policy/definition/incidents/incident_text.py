"""``[incidents.NAME]`` in words, for the explanation of a policy."""

from collections.abc import Iterator, Mapping

from serving.paths.durations import Duration
from serving.paths.path_steps import EscalationPath
from serving.policy.definition.incidents.incident_rules import IncidentRule, incident_title, window_text


def step_lines(path: EscalationPath) -> Iterator[str]:
    """The steps of a path, each with the time since the step before."""
    for place, step in enumerate(path.steps):
        since = "the step before" if place else "it is found"
        when = "at once" if step.after is None else f"{step.after} after {since}"
        informs = "" if step.acknowledge else ", for information"
        repeat = f", sent again {step.repeat.count} times, every {step.repeat.every}" if step.repeat else ""
        channels = f" ({', '.join(step.channels)})" if step.channels else ""
        yield f"{place + 1}. {when} {' and '.join(step.to)}{channels}{informs}{repeat}"


def incident_lines(incidents: Mapping[str, IncidentRule], squad: str) -> Iterator[str]:
    """A sentence or two for each incident; ``squad`` works those that name none."""
    for name, rule in incidents.items():
        condition = " ".join(rule.when.split())
        quiet, reopen = (Duration(time.total_seconds() / 3600) for time in (rule.quiet_time, rule.reopen_time))
        path = f", path {rule.path}" if rule.path else ""
        yield (
            f"{incident_title(name, rule)}: {window_text(rule)} where {condition}; severity {rule.severity}{path}, "
            f"squad {rule.squad or squad}. It ends by itself {quiet} after its last signal, and signals that "
            f"come back within {reopen} open it again."
        )
