"""Checks of ``[incidents.NAME]`` against the rest of the policy; each problem is a path of a key and one sentence."""

from collections.abc import Collection, Iterator, Mapping

from features.errors import suggest_name
from serving.policy.definition.incidents.incident_rules import IncidentRule
from serving.policy.definition.incidents.signal_columns import FIELD_ALIASES, GROUP_FIELDS, field_name

IncidentProblem = tuple[tuple[str, ...], str]


def check_incidents(
    incidents: Mapping[str, IncidentRule],
    *,
    severities: Collection[str],
    paths: Collection[str],
    squads: Collection[str],
) -> Iterator[IncidentProblem]:
    """Names that the policy does not have, and fields that signals do not have."""
    for name, rule in incidents.items():
        place = ("incidents", name)
        if rule.severity not in severities:
            yield (*place, "severity"), _unknown("severity", rule.severity, severities)
        if rule.squad is not None and rule.squad not in squads:
            yield (*place, "squad"), _unknown("squad", rule.squad, squads)
        if rule.path is not None and rule.path not in paths:
            hint = "" if paths else "; the policy has no [[paths.NAME]]"
            yield (*place, "path"), f"{_unknown('path', rule.path, paths)}{hint}"
        for key, words in (("by", rule.by), ("distinct", (rule.distinct,) if rule.distinct else ())):
            for word in words:
                if field_name(word) not in GROUP_FIELDS:
                    yield (*place, key), f"signals have no field {word!r} to {_purpose(key)}: {_nearest(word)}"


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    return f"there is no {what} {name!r}" + (f": {suggest_name(name, known)}" if known else "")


def _purpose(key: str) -> str:
    return "group them by" if key == "by" else "count the values of"


def _nearest(word: str) -> str:
    return suggest_name(word, (*GROUP_FIELDS, *FIELD_ALIASES))
