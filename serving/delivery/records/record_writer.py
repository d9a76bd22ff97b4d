"""Brings the record of a case up to date in another system: the same steps for every system, in an order that repeats.

A sender may die after any of these requests, and an answer may be lost after the system did what was asked. So nothing
is created before the system was searched for the case's key, each note has the mark of its entry and is written only
where the record has no such mark, and everything else sets a state. Doing it all again changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from serving.delivery.channel import ChannelMessage, DeliveryError, ExternalRecord, SaveRecord
from serving.delivery.records.case_update import CaseUpdate
from serving.delivery.records.marks import marked_entry, marked_subject, record_key
from serving.delivery.records.record_system import (
    ExternalNote,
    ExternalPerson,
    RecordChanges,
    RecordDraft,
    RecordGoneError,
    RecordState,
    RecordSystem,
    UnknownPersonError,
)
from serving.delivery.records.record_texts import closing_text, description, entry_note, newest_raise, noted_entries
from serving.delivery.records.stored_records import RECORD_GONE

WRITE_SECONDS = 200.0
"""For all requests about one case; less than the lease of a record."""
READ_SECONDS = 60.0
"""For all requests about the records that are read together: the timers of cases wait for them."""
GONE_WAIT = 6 * 3600.0
"""The seconds until a record that is missing is tried again: ten attempts last longer than a day, after which the
record counts as deleted, and its messages are not needed any more.
"""
WARNING, OWNER, CASE_OWNER, OWN, DESCRIBED = "warning", "owner", "case_owner", "own", "described"
"""Keys of the state of a record: a sentence about something that could not be written; who had the record last, as
a list of what identifies a person there; who had the case then; whether the record is ours; the newest entry that its
description has.
"""

ACCOUNT_VALUES = ("risk", "health", "state", "outcome", "severity", "headline", "link", "owner")
"""What can be written into fields of an account."""


@dataclass(frozen=True)
class RecordOptions:
    """What the settings of a channel say, whatever its system.

    ``account_fields`` are the fields of the account by what is written into them; ``account_key`` is the field there
    that has the account id of Rescue. Cases of other ``squads`` than these get no record, where any are named.
    ``outcomes`` are the outcomes of cases by the words of the system, in small letters. With ``reads``, changes there
    come back; people of the system who are not known here act in ``role``.
    """

    kind: str
    account_key: str | None = None
    account_fields: Mapping[str, str] = field(default_factory=dict)
    squads: frozenset[str] = frozenset()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    reads: bool = True
    role: str = "lead"


@dataclass(frozen=True)
class CaseRecords:
    """A channel that keeps a record of each case in ``system``."""

    system: RecordSystem
    options: RecordOptions

    @property
    def title(self) -> str:
        """The name of the system."""
        return self.system.title

    def send(self, message: ChannelMessage) -> None:
        """Refuse a message to a person: the channel only keeps records.

        Raises:
            DeliveryError: always.
        """
        raise DeliveryError(
            f"A channel to {self.title} keeps a record of each case and sends no messages: name another channel.",
            permanent=True,
        )

    def write(self, message: ChannelMessage, record: ExternalRecord, save: SaveRecord) -> ExternalRecord | None:
        """Bring the record up to date with the case; None where there is nothing to write."""
        update = message.update
        if update is None or record.data.get(RECORD_GONE):
            return None
        if record.key is None and self.options.squads and update.squad not in self.options.squads:
            return None
        self.system.begin(WRITE_SECONDS)
        try:
            return self._bring_up_to_date(update, record, save)
        except RecordGoneError:
            raise DeliveryError(
                f"{self.title} {record.key} was not found there: it was deleted, or the token cannot see it.",
                retry_after=GONE_WAIT,
            ) from None

    def read(self, record_ids: Collection[str]) -> list[RecordState]:
        """The present state of records of this channel; what is asked about them next has to end in time, too."""
        self.system.begin(READ_SECONDS)
        return self.system.read(record_ids)

    def changes(self, record_id: str) -> RecordChanges:
        """Who changed a record last."""
        return self.system.changes(record_id)

    def notes(self, record_id: str) -> list[ExternalNote]:
        """The notes and comments of a record."""
        return self.system.notes(record_id)

    def test(self) -> str:
        """Sign in; where this leads, as the end of a sentence."""
        self.system.begin(WRITE_SECONDS)
        return self.system.test()

    def _bring_up_to_date(self, update: CaseUpdate, record: ExternalRecord, save: SaveRecord) -> ExternalRecord:
        account = self._account(update) if record.key is None or self.options.account_fields else None
        if record.key is None:
            record = self._create(update, account)
            save(record)
        key, state = record.key or "", dict(record.data)
        self._add_notes(update, key, int(state.get(DESCRIBED, 0)))
        if state.get(OWN, True):
            state |= self._assign(update, key, state)
            if update.closed and not state.get("closed"):
                self.system.close(key, update.outcome, closing_text(update))
            elif not update.closed and state.get("closed"):
                self.system.reopen(key)
        state |= {"closed": update.closed, "state": update.state}
        record = ExternalRecord(key, record.url, state, update.newest)
        if not self.options.account_fields:
            return record
        save(record)  # the record is complete, also where the account cannot be written
        return replace(record, data={**state, **self._write_account(update, account, state)})

    def _create(self, update: CaseUpdate, account: str | None) -> ExternalRecord:
        draft = RecordDraft(
            key=record_key(update.case_id),
            subject=marked_subject(f"{update.account_name}: {_without_name(update)}", update.case_id),
            text=description(update, self.system.longest),
            severity=update.severity,
            account=account,
        )
        ref = self.system.ensure(draft)
        state = {"closed": False, DESCRIBED: newest_raise(update), **({} if ref.own else {OWN: False})}
        return ExternalRecord(ref.id, ref.url, state)

    def _assign(self, update: CaseUpdate, key: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """Give the record to the owner of the case where that has changed; returns what is stored about it.

        The first owner of a new record is whoever the system gives it to: that is no change by a person.
        """
        known: dict[str, Any] = {} if OWNER in state else {OWNER: owner_keys(self._first_owner(key))}
        if not update.owner_is_known:
            return known
        known[CASE_OWNER] = update.owner
        if state.get(CASE_OWNER) == update.owner:
            return known
        address = update.owner_address
        if update.owner is not None and address is None:
            return {**known, WARNING: f"{update.owner} has no address in {self.title}: the policy can give one."}
        try:
            self.system.assign(key, address)
        except UnknownPersonError as error:
            return {**known, WARNING: str(error)}
        return {**known, OWNER: [address] if address else [], WARNING: None}

    def _first_owner(self, key: str) -> ExternalPerson | None:
        return next((state.owner for state in self.system.read([key])), None)

    def _add_notes(self, update: CaseUpdate, key: str, described: int) -> None:
        entries = noted_entries(update, described)
        if not entries:
            return
        written = {marked_entry(note.text, update.case_id) for note in self.system.notes(key)}
        for entry in entries:
            if entry.id not in written:
                self.system.add_note(key, entry_note(update, entry, self.system.longest))

    def _account(self, update: CaseUpdate) -> str | None:
        """The id of the account there: what the data say of this system, or what a search by the key says."""
        known = update.external_accounts.get(self.options.kind)
        if known is not None and self.options.account_key is None:
            return known
        return self.system.find_account(self.options.account_key or self.system.account_key, update.account_id)

    def _write_account(self, update: CaseUpdate, account: str | None, state: Mapping[str, Any]) -> dict[str, Any]:
        """Write what changed of the account; returns what is stored about it."""
        if account is None:
            return {WARNING: f"{self.title} has no account {update.account_id}: check account_key of the channel."}
        every = account_values(update)
        values = {field: every[name] for name, field in self.options.account_fields.items()}
        if state.get("account") != values:
            self.system.write_account(account, values)
        return {"account": values}


def owner_keys(person: ExternalPerson | None) -> list[str]:
    """What identifies the owner of a record; empty for nobody."""
    return list(person.keys) if person is not None else []


def account_values(update: CaseUpdate) -> dict[str, Any]:
    """What can be written into fields of an account; an adjusted health is never read back as a measured one."""
    return {
        "risk": None if update.risk is None else round(100 * update.risk, 1),
        "health": None if update.health is None else round(update.health, 1),
        "state": update.state.replace("_", " "),
        "outcome": update.outcome.replace("_", " ") or None,
        "severity": update.severity,
        "headline": update.headline[:250],
        "link": update.link or None,
        "owner": update.owner,
    }


def _without_name(update: CaseUpdate) -> str:
    return update.headline.removeprefix(f"{update.account_name}: ")
