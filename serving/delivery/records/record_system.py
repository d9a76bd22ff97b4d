"""What Rescue needs of another system: one interface, which a small client of each system's published one provides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from serving.delivery.channel import DeliveryError


class RecordGoneError(DeliveryError):
    """The record is not there any more: somebody deleted it."""


class UnknownPersonError(DeliveryError):
    """The system has nobody with the address of a person."""


@dataclass(frozen=True)
class ExternalPerson:
    """A person in another system; ``keys`` are what identifies them there: mail address, login, id."""

    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExternalNote:
    """A comment on a record, in plain text; ``at`` is UTC without a zone."""

    id: str
    text: str
    author: ExternalPerson
    at: datetime


@dataclass(frozen=True)
class RecordState:
    """A record as the system has it now.

    ``words`` are its status, resolution, tags and the like, from which an outcome is read; ``resolution`` is what was
    written when it was closed. ``stamp`` changes with every change of the record, also with a new note.
    """

    id: str
    closed: bool
    words: tuple[str, ...] = ()
    resolution: str = ""
    owner: ExternalPerson | None = None
    stamp: str = ""


@dataclass(frozen=True)
class ExternalChange:
    """Who changed something of a record, and when; None where the system does not say."""

    by: ExternalPerson | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class RecordChanges:
    """The newest change of whether a record is closed, and of its owner."""

    closed: ExternalChange = ExternalChange()
    owner: ExternalChange = ExternalChange()


@dataclass(frozen=True)
class RecordRef:
    """The id of a record, and its page for people; ``own`` is false for a record of somebody else that gets notes."""

    id: str
    url: str | None
    own: bool = True


@dataclass(frozen=True)
class RecordDraft:
    """A record that is to be created; ``account`` is the id of the account there."""

    key: str
    subject: str
    text: str
    severity: str = ""
    account: str | None = None


class RecordSystem(Protocol):
    """A system that keeps a record of each case. Every method may raise :class:`DeliveryError`."""

    title: str
    longest: int
    """Characters of the longest text that it takes."""
    account_key: str
    """The field of accounts that has our account id where no setting names one; ``id`` is its own id."""

    def begin(self, seconds: float) -> None:
        """All requests from now on have to end within so many seconds."""

    def ensure(self, draft: RecordDraft) -> RecordRef:
        """The record with the key of the draft, which is created where there is none."""

    def add_note(self, record_id: str, text: str) -> None:
        """Add a note for colleagues, which customers do not see."""

    def assign(self, record_id: str, owner: str | None) -> None:
        """Give it to the person with that address, else :class:`UnknownPersonError`; to nobody where it is None."""

    def close(self, record_id: str, outcome: str, text: str) -> None:
        """Close it with the outcome of the case."""

    def reopen(self, record_id: str) -> None:
        """Open it again."""

    def find_account(self, key: str, account_id: str) -> str | None:
        """The id there of the account whose field ``key`` has the value; ``id`` is the system's own id."""

    def write_account(self, account: str, values: Mapping[str, Any]) -> None:
        """Write fields of an account."""

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The present state of records; those that were deleted are missing."""

    def changes(self, record_id: str) -> RecordChanges:
        """Who changed the record last, and when."""

    def notes(self, record_id: str) -> list[ExternalNote]:
        """All notes and comments of a record, oldest first."""

    def test(self) -> str:
        """Sign in and look at what is needed; where this leads, as the end of a sentence."""


def utc_instant(text: object) -> datetime | None:
    """An instant of a system as UTC without a zone; None where the text is none.

    >>> utc_instant("2026-07-01T10:00:00.000+0200")
    datetime.datetime(2026, 7, 1, 8, 0)
    >>> utc_instant("2026-07-01 08:00:00")
    datetime.datetime(2026, 7, 1, 8, 0)
    """
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
