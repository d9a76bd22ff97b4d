"""``[incidents.NAME]`` in words, for the explanation of a policy."""

from collections.abc import Iterator, Mapping

from serving.policy.definition.incidents.incident_rules import IncidentRule, incident_title, window_text


def incident_lines(incidents: Mapping[str, IncidentRule], squad: str) -> Iterator[str]:
    """A sentence or two for each incident; ``squad`` works those that name none."""
    for name, rule in incidents.items():
        condition = " ".join(rule.when.split())
        minutes = rule.quiet_time.total_seconds() / 60
        path = f", path {rule.path}" if rule.path else ""
        yield (
            f"{incident_title(name, rule)}: {window_text(rule)} where {condition}; severity {rule.severity}{path}, "
            f"squad {rule.squad or squad}. It is over {minutes:g} minutes after its last signal, and signals that come "
            f"back within {rule.reopen_time.total_seconds() / 3600:g} hours open it again."
        )
