"""Mistakes in escalation paths and in the protocol that one section alone does not show.

Each check yields the path of a key and one sentence. What is wrong is an error; what only has no effect is a hint.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from features.errors import suggest_name
from serving.paths.directory import PARTY_WORDS, find_channel
from serving.paths.durations import Duration
from serving.paths.path_steps import TIER_WORDS, find_cycle
from serving.paths.protocol import ProtocolEvent

if TYPE_CHECKING:
    from serving.policy.definition.escalation.path_rules import StepRule
    from serving.policy.definition.policy_schema import PolicyFile, SeverityRule

Place = tuple[str | int, ...]
PathFinding = tuple[Place, str]


def check_paths(file: "PolicyFile", channels: Mapping[str, str] | None = None) -> Iterator[PathFinding]:
    """Every error in the paths and in the protocol; ``channels`` are the configured ones (name -> kind), if known."""
    yield from _path_names(file)
    yield from _cycles(file)
    for name, steps in file.paths.items():
        for place, step in enumerate(steps):
            yield from _step(file, ("paths", name, place), step, first=place == 0, last=place == len(steps) - 1)
    yield from _working_time(file)
    yield from _contradictions(file)
    for event in file.protocol:
        if event not in set(ProtocolEvent):
            yield _unknown(("protocol", event), "event", event, [known.value for known in ProtocolEvent])
    if channels is not None:
        yield from _channels(file, channels)


def find_idle_paths(file: "PolicyFile") -> Iterator[PathFinding]:
    """Paths that nothing uses, and steps that a squad always skips."""
    used = {row.path for row in file.severities} | set(file.continuations.values())
    used |= {getattr(rule, "path", None) for rule in file.incidents.values()}
    for name in file.paths:
        if name not in used:
            yield ("paths", name), f"no severity uses the path {name!r}: name it with path = {name!r}"
    for row in file.severities:
        steps = file.path_named(row.path).steps if row.path in file.paths else ()
        words = {word.casefold() for step in steps for word in step.to}
        highest = max((TIER_WORDS.index(word) for word in words & set(TIER_WORDS)), default=0)
        for squad in file.squads:
            size = file.roster.squad_size(squad)
            if row.path is not None and highest >= size:
                tier = TIER_WORDS[size]
                yield (
                    ("paths", row.path),
                    f"the squad {squad} has no {tier}, so the steps of {row.path!r} that are addressed to the {tier} "
                    "are skipped there",
                )


def find_unused_addresses(file: "PolicyFile", channels: Mapping[str, str] | None = None) -> Iterator[PathFinding]:
    """Addresses of people for which no channel is configured: nothing is sent there, and nothing is wrong."""
    for person, entry in file.people.items():
        for word in entry.addresses:
            if channels and find_channel(word, channels) is None:
                path, sentence = _no_channel(("people", person, "addresses", word), word, channels)
                yield path, f"nothing is sent to {person} there, because {sentence.rstrip('.')}"


def _unknown(path: Place, what: str, name: str, names: Iterable[str]) -> PathFinding:
    return path, f"there is no {what} {name!r}: {suggest_name(name, names)}"


def _path_names(file: "PolicyFile") -> Iterator[PathFinding]:
    for place, row in enumerate(file.severities):
        if row.path is not None and row.path not in file.paths:
            yield _unknown(("severities", place, "path"), "path", row.path, file.paths)
    for name, steps in file.paths.items():
        for place, step in enumerate(steps):
            if step.then is None:
                continue
            if place < len(steps) - 1:
                yield ("paths", name, place, "then"), f"only the last step of the path {name!r} can have `then`"
            elif step.then not in file.paths:
                yield _unknown(("paths", name, place, "then"), "path", step.then, file.paths)


def _cycles(file: "PolicyFile") -> Iterator[PathFinding]:
    reported: set[str] = set()
    for name in file.paths:
        circle = find_cycle(name, file.continuations)
        if circle and name in circle and not reported & set(circle):
            reported |= set(circle)
            yield (
                ("paths", name, len(file.paths[name]) - 1, "then"),
                f"the path {name!r} has no end: {' goes on with '.join(circle)}",
            )


def _step(file: "PolicyFile", here: Place, step: "StepRule", *, first: bool, last: bool) -> Iterator[PathFinding]:
    if step.after is None and not first:
        yield here, f"the step of the path {here[1]!r} needs `after`: the time since the step before"
    known = _known_words(file)
    for word in step.to:
        if "@" in word or word.casefold() in known:
            continue
        printed = any(word.casefold() == role.casefold() for role in _printed_roles(file))
        if printed and step.channels:
            continue
        if printed:
            yield (
                (*here, "to"),
                f"the step is addressed to nobody: no person fills the role {word!r}; add it to [roles], or give the "
                "step channels",
            )
        else:
            yield (
                (*here, "to"),
                f"the step is addressed to nobody: there is no person, role or squad {word!r}: "
                f"{suggest_name(word, known.values())}",
            )


def _known_words(file: "PolicyFile") -> dict[str, str]:
    """Every word that a step can be addressed to, by its lower case."""
    roster = file.roster
    members = (name for squad in roster.squads.values() for name in squad.members)
    titles = (person.title for person in roster.people.values() if person.title)
    names = (*TIER_WORDS, *PARTY_WORDS, *roster.people, *members, *titles, *roster.squads, *roster.roles)
    return {name.casefold(): name for name in names}


def _printed_roles(file: "PolicyFile") -> Iterator[str]:
    for row in file.severities:
        yield from (row.responsible, row.accountable, *row.consulted, *row.informed)


def _working_time(file: "PolicyFile") -> Iterator[PathFinding]:
    without = [name for name, squad in file.squads.items() if squad.calendar is None]
    used = {row.path for row in file.severities if row.path}
    for name in file.paths:
        steps = [step for path in _chain(name, file) for step in file.paths[path]]
        counts = any(duration.needs_calendar for step in steps for duration in step.durations)
        if counts and without and name in used:
            yield (
                ("paths", name),
                f"the path {name!r} counts working time, and the squad {without[0]} has no calendar: add "
                f'[calendars.NAME] and calendar = "NAME" to the squad',
            )


def _chain(name: str, file: "PolicyFile") -> Iterator[str]:
    seen: list[str] = []
    here: str | None = name
    while here is not None and here in file.paths and here not in seen:
        seen.append(here)
        yield here
        here = file.continuations.get(here)


def _contradictions(file: "PolicyFile") -> Iterator[PathFinding]:
    """A response in working time, beside an escalation by the clock: it escalates at night, before anybody works."""
    for place, row in enumerate(file.severities):
        if not row.respond_hours.needs_calendar:
            continue
        for after in row.escalate_after_hours[:1]:
            if not after.needs_calendar:
                yield ("severities", place, "escalate_after_hours"), _contradiction(row, after)
        steps = file.paths.get(row.path or "", ())
        for number, step in enumerate(steps):
            if step.acknowledge and step.after is not None and not step.after.needs_calendar:
                yield ("paths", row.path or "", number, "after"), _contradiction(row, step.after)
                break


def _contradiction(row: "SeverityRule", after: Duration) -> str:
    unit = row.respond_hours.unit.value
    return (
        f"the severity {row.name!r} has to be answered within {row.respond_hours}, and escalates after {after} of the "
        f"clock, which may be at night: count both in {unit}"
    )


def _channels(file: "PolicyFile", channels: Mapping[str, str]) -> Iterator[PathFinding]:
    for path, channel in _named_channels(file):
        if channel not in channels:
            yield _no_channel(path, channel, channels)


def _named_channels(file: "PolicyFile") -> Iterator[tuple[Place, str]]:
    for name, steps in file.paths.items():
        for place, step in enumerate(steps):
            yield from ((("paths", name, place, "channels"), channel) for channel in step.channels)
    for event, rule in file.protocol.items():
        for party, names in rule.event_rule.parties.items():
            yield from ((("protocol", event, party.value), channel) for channel in names)


def _no_channel(path: Place, channel: str, channels: Mapping[str, str]) -> PathFinding:
    known = suggest_name(channel, channels) if channels else f"add [channels.{channel}] to rescue.toml"
    return path, f"the channel {channel!r} is not configured: {known}"
