"""Who is meant by the words of a path: the person on duty, a role, a squad, a person, or an address outside.

People who cannot act are left out with the reason in words, so that the record of a case can say why. The directory has
no clock: every question names its instant.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from serving.paths.path_steps import TIER_WORDS
from serving.paths.subjects import Subject

PARTY_WORDS = ("responsible", "accountable", "consulted", "informed", "account owner")
"""Words for people of the case itself."""

KIND_OF_WORD = {"mail": "email"}
"""Words for addresses that are not the name of the kind of channel."""


class ReaderKind(StrEnum):
    """What a reader is: a person, a role without a person, or an address outside the team."""

    PERSON = "person"
    ROLE = "role"
    OUTSIDE = "outside"


class Reader(NamedTuple):
    """Somebody that a message is for; ``addresses`` are by channel, the preferred one first."""

    name: str
    kind: ReaderKind = ReaderKind.PERSON
    addresses: tuple[tuple[str, str], ...] = ()
    timezone: str = "UTC"


class LeftOut(NamedTuple):
    """Somebody who is not addressed, and why: the end of a sentence such as "is absent"."""

    name: str
    reason: str


class Resolution(NamedTuple):
    """The readers of some words of the policy, each once, and who was left out."""

    readers: tuple[Reader, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Contact(NamedTuple):
    """How a person is reached; ``outside`` for a vendor, who never becomes responsible."""

    addresses: tuple[tuple[str, str], ...] = ()
    timezone: str = "UTC"
    outside: bool = False


def _everybody_can(_person: str, _at: datetime) -> str | None:
    return None


@dataclass(frozen=True)
class Directory:
    """The people, roles and squads of a policy.

    ``members`` are the people of each squad. ``order`` gives the people of a squad in the order of their duty at an
    instant, able or not; ``unable`` gives the reason for which somebody cannot act then, or None. ``channels`` maps the
    names of the configured channels to their kinds; None where they are not known, and then every name is accepted.
    ``zones`` are the time zones of squads that have a calendar.
    """

    people: Mapping[str, Contact] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: Callable[[str, datetime], Sequence[str]] | None = None
    unable: Callable[[str, datetime], str | None] = _everybody_can
    channels: Mapping[str, str] | None = None
    zones: Mapping[str, str] = field(default_factory=dict)

    def resolve_all(self, words: Sequence[str], subject: Subject, at: datetime) -> Resolution:
        """The readers of several words, each once."""
        found = [self.resolve(word, subject, at) for word in words]
        readers = {reader.name: reader for part in found for reader in part.readers}
        left_out = dict.fromkeys(entry for part in found for entry in part.left_out if entry.name not in readers)
        return Resolution(tuple(readers.values()), tuple(left_out))

    def resolve(self, word: str, subject: Subject, at: datetime) -> Resolution:
        """The readers of one word of the policy at an instant."""
        readers: list[Reader] = []
        left_out: list[LeftOut] = []
        for name, kind in self._names(word, subject, at, ()):
            reason = self.unable(name, at) if kind is ReaderKind.PERSON else None
            if reason is not None:
                left_out.append(LeftOut(name, reason))
            else:
                readers.append(self.reader(name, subject, kind))
        if not readers and not left_out:
            left_out.append(LeftOut(word, "is nobody at the moment"))
        return Resolution(tuple(dict.fromkeys(readers)), tuple(left_out))

    def reader(self, name: str, subject: Subject, kind: ReaderKind = ReaderKind.PERSON) -> Reader:
        """A person, role or outside address as a reader, with their addresses and time zone."""
        zone = self._zone(name, subject)
        if kind is ReaderKind.OUTSIDE and name not in self.people:
            return Reader(name, kind, self._known((("mail", name),)), zone)
        contact = self.people.get(name)
        return Reader(name, kind, self._known(contact.addresses) if contact else (), zone)

    def routes(self, reader: Reader, channels: Sequence[str] = ()) -> tuple[tuple[str, str | None], ...]:
        """The channels of a message to a reader, each with the reader's address there.

        Without ``channels``, the first address. A named channel on which the reader has no address gets the message
        itself: it goes to the channel's own receivers and names the reader.
        """
        if not channels:
            return reader.addresses[:1]
        own = dict(reader.addresses)
        return tuple((channel, own.get(channel)) for channel in dict.fromkeys(channels))

    def _names(
        self, word: str, subject: Subject, at: datetime, within: tuple[str, ...]
    ) -> Iterator[tuple[str, ReaderKind]]:
        """The names that a word stands for; ``within`` are the roles that are being looked up."""
        squad, _, tier = word.rpartition("/")
        if word in TIER_WORDS or (squad in self.members and tier in TIER_WORDS):
            order = self._order(squad or subject.squad, at)
            yield from ((name, ReaderKind.PERSON) for name in order[TIER_WORDS.index(tier) :][:1])
        elif word in PARTY_WORDS and word not in self.roles:
            for name in party_names(word, subject):
                yield from self._names(name, subject, at, (*within, word)) if name not in within else ()
        elif word in self.roles and word not in within:
            for name in self.roles[word]:
                yield from self._names(name, subject, at, (*within, word))
        elif word in self.members:
            yield from ((name, ReaderKind.PERSON) for name in self._order(word, at))
        elif word in self.people:
            yield word, ReaderKind.OUTSIDE if self.people[word].outside else ReaderKind.PERSON
        elif any(word in people for people in self.members.values()):
            yield word, ReaderKind.PERSON
        else:
            yield word, ReaderKind.OUTSIDE if "@" in word else ReaderKind.ROLE

    def _order(self, squad: str, at: datetime) -> Sequence[str]:
        return self.order(squad, at) if self.order else self.members.get(squad, ())

    def _known(self, addresses: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """The addresses on channels that are configured; a word for a kind stands for the first channel of it."""
        if self.channels is None:
            return tuple(addresses)
        known = {}
        for word, address in addresses:
            kind = KIND_OF_WORD.get(word, word)
            channel = word if word in self.channels else next((n for n, k in self.channels.items() if k == kind), None)
            if channel is not None:
                known.setdefault(channel, address)
        return tuple(known.items())

    def _zone(self, name: str, subject: Subject) -> str:
        if name in self.people:
            return self.people[name].timezone
        own = next((self.zones[squad] for squad, people in self.members.items() if name in people & self.zones.keys()
                    ), None) if False else None
        return own or self.zones.get(subject.squad, "UTC")


def party_names(word: str, subject: Subject) -> tuple[str, ...]:
    """The people and roles of a case that a word such as ``accountable`` stands for."""
    if word == "responsible":
        return (subject.responsible,) if subject.responsible else ()
    if word == "account owner":
        return (subject.account_owner,) if subject.account_owner else ()
    names: tuple[str, ...] = getattr(subject, word)
    return names
