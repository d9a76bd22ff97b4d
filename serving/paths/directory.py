"""Who is meant by the words of a path at an instant, and how they are reached.

A word is a tier on duty, a party of the case, a role, a squad, a person, or a mail address outside the team. People who
cannot act are left out with the reason, so that the record of a case can say why.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from serving.paths.duty import ObstacleCode, Situation, find_obstacle, find_on_duty, shift_order
from serving.paths.path_steps import TIER_WORDS
from serving.paths.roster import Roster
from serving.paths.subjects import Subject

PARTY_WORDS = ("responsible", "accountable", "consulted", "informed", "account owner")
"""Words for people and roles of the case itself."""

VENDOR_ROLE = "vendor"
"""The people of this role are outside the team: they are notified, and never become responsible."""

KIND_OF_WORD = {"mail": "email"}
"""Words for addresses that are not the name of the kind of channel."""


Addresses = tuple[tuple[str, str], ...]


class ReaderKind(StrEnum):
    """What a reader is: a person, a role without a person, or somebody outside the team."""

    PERSON = "person"
    ROLE = "role"
    OUTSIDE = "outside"


class Reader(NamedTuple):
    """Somebody that a message is for; ``addresses`` are by channel, the preferred one first."""

    name: str
    kind: ReaderKind = ReaderKind.PERSON
    addresses: tuple[tuple[str, str], ...] = ()
    timezone: str = "UTC"
    title: str = ""

    @property
    def shown(self) -> str:
        """The name as others read it."""
        return self.title or (f"the {self.name}" if self.kind is ReaderKind.ROLE else self.name)


class LeftOut(NamedTuple):
    """Somebody who is not addressed; ``reason`` is the clause after the name, such as "is disabled".

    ``person`` is False for a word that stands for nobody.
    """

    name: str
    reason: str
    person: bool = True


class Resolution(NamedTuple):
    """The readers of some words of the policy, each once, and who was left out."""

    readers: tuple[Reader, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True)
class Directory:
    """The people of a policy and what the policy does not say about them at present.

    ``channels`` maps the names of the configured channels to their kinds; None where they are not known: then every
    address is used under the name that the policy gives it. ``preferred`` are the channels that people chose.
    """

    roster: Roster
    situation: Situation = field(default_factory=Situation)
    channels: Mapping[str, str] | None = None
    preferred: Mapping[str, str] = field(default_factory=dict)

    def resolve_all(self, words: Sequence[str], subject: Subject, at: datetime) -> Resolution:
        """The readers of several words, each once."""
        found = [self.resolve(word, subject, at) for word in words]
        readers = {reader.name: reader for part in found for reader in part.readers}
        left_out = {entry.name: entry for part in found for entry in part.left_out if entry.name not in readers}
        return Resolution(tuple(readers.values()), tuple(left_out.values()))

    def resolve(self, word: str, subject: Subject, at: datetime) -> Resolution:
        """The readers of one word of the policy at an instant."""
        plain = word.casefold()
        if plain in TIER_WORDS:
            return self._tier(TIER_WORDS.index(plain), word, subject, at)
        if plain in PARTY_WORDS:
            names = [name for name in party_names(plain, subject) if name.casefold() not in PARTY_WORDS]
            found = self.resolve_all(names, subject, at)
            return found if names else Resolution((), (LeftOut(word, "is nobody at the moment", person=False),))
        if "@" in word:
            return Resolution((self._reader(word, subject, ReaderKind.OUTSIDE),))
        targets = self.roster.role_targets(word, subject.squad) or self._by_title(word)
        if targets is None:
            return Resolution((self._reader(word, subject, ReaderKind.ROLE),))
        return self._targets(targets, subject, at)

    def on_duty(self, subject: Subject, at: datetime) -> Resolution:
        """Everybody in the subject's squad who can act, in the order of their duty."""
        duty = find_on_duty(self.roster, subject.squad, at, self.situation)
        readers = tuple(self._reader(name, subject) for name in duty.people)
        return Resolution(readers, tuple(LeftOut(entry.person, entry.text) for entry in duty.skipped))

    def is_outside(self, name: str) -> bool:
        """Whether a name is not one of the team: a vendor, or a mail address."""
        return "@" in name or name in (self.roster.role_targets(VENDOR_ROLE) or ())

    def routes(self, reader: Reader, channels: Sequence[str] = ()) -> tuple[tuple[str, str | None], ...]:
        """The channels of a message to a reader, each with the reader's address there.

        Without ``channels``, the first address. A named channel on which the reader has no address gets the message
        itself: it goes to the channel's own receivers and names the reader.
        """
        if not channels:
            return reader.addresses[:1]
        own = dict(reader.addresses)
        return tuple((channel, own.get(channel)) for channel in dict.fromkeys(channels))

    def _tier(self, place: int, word: str, subject: Subject, at: datetime) -> Resolution:
        """The person of a tier: the next in order steps in for somebody who cannot act.

        Whoever the path has reached keeps their place, so that nobody after them is passed over.
        """
        taken, passed = 0, list[LeftOut]()
        for name in self._order(subject.squad, at):
            reason = self._obstacle(name, subject.squad, at)
            if reason is not None and name not in subject.reached:
                passed.append(LeftOut(name, reason))
            elif taken < place:
                taken, passed = taken + 1, []
            elif reason is not None:
                return Resolution((), (*passed, LeftOut(name, reason)))
            else:
                return Resolution((self._reader(name, subject),), tuple(passed))
        return Resolution((), (*passed, LeftOut(word, "is nobody at the moment", person=False)))

    def _targets(self, targets: Sequence[str], subject: Subject, at: datetime) -> Resolution:
        """The people of a role; a squad stands for the first person on duty who can act."""
        readers: list[Reader] = []
        left_out: list[LeftOut] = []
        for target in targets:
            if target in self.roster.squads and target not in self.roster.people:
                duty = find_on_duty(self.roster, target, at, self.situation)
                readers += [self._reader(name, subject) for name in duty.people[:1]]
                left_out += [LeftOut(entry.person, entry.text) for entry in duty.skipped if not duty.people]
                continue
            obstacle = find_obstacle(self.roster, target, at, self.situation)
            if obstacle is not None and obstacle.code is not ObstacleCode.AT_CAPACITY:
                left_out.append(LeftOut(target, obstacle.text))
            else:
                outside = ReaderKind.OUTSIDE if self.is_outside(target) else ReaderKind.PERSON
                readers.append(self._reader(target, subject, outside))
        return Resolution(tuple(readers), tuple(left_out))

    def _order(self, squad: str, at: datetime) -> Sequence[str]:
        """The people of a squad in the order of their duty, whoever can act."""
        entry = self.roster.squads.get(squad)
        if entry is None:
            return ()
        return shift_order(entry.duty, at, self.roster, self.situation) if entry.duty else entry.tiers

    def _obstacle(self, name: str, squad: str, at: datetime) -> str | None:
        rota = self.roster.squads[squad].duty
        hours = bool(rota and rota.working_hours)
        obstacle = find_obstacle(self.roster, name, at, self.situation, working_hours=hours)
        return obstacle.text if obstacle else None

    def _by_title(self, word: str) -> tuple[str, ...] | None:
        """The person that others call so, such as the owner of an account in the CRM; a member of a squad too."""
        wanted = word.casefold()
        found = next((person.name for person in self.roster.people.values() if person.title.casefold() == wanted), None)
        if found is None:
            members = (name for squad in self.roster.squads.values() for name in squad.members)
            found = next((name for name in members if name.casefold() == wanted), None)
        return (found,) if found else None

    def _reader(self, name: str, subject: Subject, kind: ReaderKind = ReaderKind.PERSON) -> Reader:
        person = self.roster.person(name)
        if kind is ReaderKind.OUTSIDE and "@" in name:
            addresses: Addresses = (("mail", name),)
        else:
            addresses = tuple(person.addresses.items())
        zone = self.roster.timezone_of(name, subject.squad)
        return Reader(name, kind, self._preferred_first(name, self._known(addresses)), zone, person.title)

    def person(self, name: str) -> Reader:
        """A person of the team as a reader, whether they can act or not."""
        entry = self.roster.person(name)
        addresses = self._preferred_first(name, self._known(tuple(entry.addresses.items())))
        return Reader(name, ReaderKind.PERSON, addresses, self.roster.timezone_of(name), entry.title)

    def _preferred_first(self, name: str, addresses: Addresses) -> Addresses:
        """The addresses with the one on the chosen channel first, as long as the person still has it."""
        chosen = self.preferred.get(name)
        return tuple(sorted(addresses, key=lambda pair: pair[0] != chosen))

    def _known(self, addresses: Addresses) -> Addresses:
        """The addresses on channels that are configured; a word for a kind stands for the first channel of it."""
        if self.channels is None:
            return addresses
        known: dict[str, str] = {}
        for word, address in addresses:
            channel = find_channel(word, self.channels)
            if channel is not None:
                known.setdefault(channel, address)
        return tuple(known.items())


def find_channel(word: str, channels: Mapping[str, str]) -> str | None:
    """The configured channel of this name, or the first of this kind; None where there is none."""
    if word in channels:
        return word
    kind = KIND_OF_WORD.get(word, word)
    return next((name for name, its_kind in channels.items() if its_kind == kind), None)


def party_names(word: str, subject: Subject) -> Iterator[str]:
    """The people and roles of a case that a word such as ``accountable`` stands for."""
    if word == "responsible":
        yield from (subject.responsible,) if subject.responsible else ()
    elif word == "account owner":
        yield from (subject.account_owner,) if subject.account_owner else ()
    else:
        yield from {
            "accountable": subject.accountable,
            "consulted": subject.consulted,
            "informed": subject.informed,
        }[word]
