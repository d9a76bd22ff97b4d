"""Whether a policy's names are those of the data: a segment or a region that no account has decides nothing.

The file alone cannot tell: the names are the source's own. So this is a warning of the night, and of a check against a
source, and never a mistake of the file: the first account of a segment may be on its way.
"""

from collections.abc import Iterable, Iterator

from serving.policy.definition.columns import nearest
from serving.policy.definition.policy_schema import PolicyFile

UNKNOWN = "unknown"
"""The segment of an account that has none."""


def misfits(file: PolicyFile, segments: Iterable[str | None], regions: Iterable[str | None]) -> tuple[str, ...]:
    """A sentence for each segment and each region that the policy names and no account has."""
    return (
        *_unheard("segment", _segments(file), {segment or UNKNOWN for segment in segments}),
        *_unheard("region", _regions(file), {region for region in regions if region}),
    )


def _unheard(what: str, named: Iterable[tuple[str, str]], known: set[str]) -> Iterator[str]:
    for place, name in named:
        if name not in known:
            yield f"The policy's {place} names the {what} {name!r}, which no account has ({nearest(name, known)})"


def _segments(file: PolicyFile) -> Iterator[tuple[str, str]]:
    for segment in file.holdout.by_segment if file.holdout else ():
        yield "[holdout] by_segment", segment


def _regions(file: PolicyFile) -> Iterator[tuple[str, str]]:
    for name, squad in file.squads.items():
        for region in squad.regions:
            yield f"[squads.{name}] regions", region
    for region in file.routing.languages:
        yield "[routing.languages]", region
