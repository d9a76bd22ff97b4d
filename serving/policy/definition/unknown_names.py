"""Segments and regions that a policy names and that no account has: such a rule never applies.

The file alone does not show it, because the names are the source's. So it is a warning, of the night and of a check
against a source, and not an error of the file: the first account of a segment may be added tomorrow.
"""

from collections.abc import Iterable, Iterator

from serving.night_report.report_schema import UnknownPolicyName
from serving.policy.definition.policy_schema import PolicyFile

UNKNOWN = "unknown"
"""The segment of an account that has none."""


def find_unknown_names(
    file: PolicyFile, segments: Iterable[str | None], regions: Iterable[str | None]
) -> tuple[UnknownPolicyName, ...]:
    """The segments and regions that the policy names and no account has, with the names that accounts have."""
    return (
        *_unknown("segment", _segments(file), {segment or UNKNOWN for segment in segments}),
        *_unknown("region", _regions(file), {region for region in regions if region}),
    )


def _unknown(what: str, named: Iterable[tuple[str, str]], known: set[str]) -> Iterator[UnknownPolicyName]:
    for place, name in named:
        if name not in known:
            yield UnknownPolicyName(place=place, kind=what, name=name, known=tuple(sorted(known)))


def _segments(file: PolicyFile) -> Iterator[tuple[str, str]]:
    for segment in file.holdout.by_segment if file.holdout else ():
        yield "[holdout] by_segment", segment


def _regions(file: PolicyFile) -> Iterator[tuple[str, str]]:
    for name, squad in file.squads.items():
        for region in squad.regions:
            yield f"[squads.{name}] regions", region
    for region in file.routing.languages:
        yield "[routing.languages]", region
