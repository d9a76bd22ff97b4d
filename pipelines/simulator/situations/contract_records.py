"""How contracts are recorded: a renewal is a new contract, an upgrade ends one, a renewal date is entered late.

The plain world tells one subscription from its start to its end in versions of one row. Here the rows of some accounts
are rewritten as their CRM would have entered them. Whatever is rewritten is the same life: an account leaves when it
left before, and only then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import numpy as np

from pipelines.simulator.situations.truth_log import SourceRow, TruthLog


@dataclass
class _Contract:
    """The record that stands for a subscription of the plain world now."""

    record: str
    started: datetime
    renews: datetime | None
    ended: datetime | None
    arr: float
    seats: int
    terms: int = 1


@dataclass
class ContractRecords:
    """Rewrites the versions of subscriptions, month by month."""

    contract: Mapping[str, str]
    types: Mapping[str, str]
    currency: Mapping[str, str]
    monthly: frozenset[str]
    generator: np.random.Generator
    log: TruthLog
    _current: dict[str, _Contract] = field(default_factory=dict)
    _templates: dict[str, SourceRow] = field(default_factory=dict)
    _merged: set[str] = field(default_factory=set)

    def rewrite(self, rows: list[SourceRow]) -> list[SourceRow]:
        """The rows as the CRM recorded them, in the order in which they became known."""
        return sorted((new for row in rows for new in self._rewritten(row)), key=lambda row: row["known_at"])

    def merge(self, account: str, into: str, at: datetime) -> Iterator[SourceRow]:
        """End the running contracts of an account that is merged, and continue them under the new record."""
        for key, found in list(self._current.items()):
            if key.startswith(f"s-{account.removeprefix('a-')}-") and (found.ended is None or found.ended > at):
                template = self._templates[key]
                yield self._row(template, found, ended_at=at, known_at=at)
                following = _Contract(f"{found.record}-m", at, found.renews, found.ended, found.arr, found.seats)
                self._current[key] = following
                self._templates[key] = {**template, "account_id": into}
                yield self._row(self._templates[key], following, known_at=at, replaces=found.record)
                self.log.add(account, "continued", at, at, subscription=found.record)
        self._merged.add(account)

    def _rewritten(self, row: SourceRow) -> Iterator[SourceRow]:
        key, account = row["subscription_id"], row["account_id"]
        way, kind = self.contract[account], self.types[account]
        if kind in ("trial", "internal", "test", "free"):
            row = {**row, "arr": 0.0}
        if account in self.monthly:
            row = {**row, "renews_at": None}
        known = self._current.get(key)
        account_id = self._templates.get(key, row)["account_id"] if account in self._merged else account
        self._templates[key] = row = {**row, "account_id": account_id}
        if known is None:
            found = self._current[key] = _Contract(
                key, row["started_at"], row["renews_at"], row["ended_at"], row["arr"], row["seats"]
            )
            yield self._row(row, found, known_at=row["known_at"])
            return
        yield from self._changed(way, row, known)

    def _changed(self, way: str, row: SourceRow, found: _Contract) -> Iterator[SourceRow]:
        """A later version: a renewal, another number of seats, a notice or its withdrawal."""
        key, at = row["subscription_id"], row["known_at"]
        renewed = bool(found.renews and row["renews_at"] and row["renews_at"] > found.renews)
        moved = row["seats"] != found.seats
        self._log_end(row, found)
        if renewed and way == "term_records" and not row["ended_at"]:
            yield from self._next_record(row, found, begins=found.renews or at, known=at)
        elif renewed and way == "pause" and not row["ended_at"] and found.renews and found.renews <= at:
            begins = found.renews + timedelta(days=int(self.generator.integers(14, 26)))
            yield from self._next_record(row, found, begins=begins, known=begins)
        elif moved and way == "upgrade_records" and not row["ended_at"] and not renewed:
            yield from self._next_record(row, found, begins=datetime.combine(at.date(), time()), known=at)
        else:
            if renewed and way == "late_renewal" and found.renews:
                at = max(at, found.renews) + timedelta(days=int(self.generator.integers(3, 26)))
                self.log.add(
                    row["account_id"], "renewal_overdue", found.renews, found.renews, subscription=found.record
                )
                self.log.add(row["account_id"], "continued", at, at, subscription=found.record)
            found.renews, found.arr, found.seats = row["renews_at"], row["arr"], row["seats"]
            found.ended = max(row["ended_at"], found.started) if row["ended_at"] else None
            yield self._row(self._templates[key], found, known_at=at)

    def _next_record(
        self, row: SourceRow, found: _Contract, *, begins: datetime, known: datetime
    ) -> Iterator[SourceRow]:
        """End the record at the beginning of the next one, which is known then (a pause) or now."""
        ended = begins if begins <= known or found.renews is None else min(begins, found.renews)
        begins = max(begins, found.started)
        yield self._row(row, found, ended_at=max(ended, found.started), known_at=row["known_at"])
        base = row["subscription_id"]
        following = _Contract(
            f"{base}-{found.terms + 1}", begins, row["renews_at"], None, row["arr"], row["seats"], found.terms + 1
        )
        self._current[base] = following
        named = found.record if self.generator.random() < 0.5 else None
        yield self._row(row, following, known_at=known, replaces=named)
        self.log.add(row["account_id"], "continued", known, begins, subscription=found.record)

    def _log_end(self, row: SourceRow, found: _Contract) -> None:
        ended, at = row["ended_at"], row["known_at"]
        situation = "partial_loss" if row["plan"] == "analytics_addon" else "leaving"
        if ended and not found.ended:
            self.log.add(row["account_id"], situation, at, ended, subscription=found.record)
        elif found.ended and not ended:
            self.log.add(row["account_id"], "withdrawn", at, at, subscription=found.record)

    def _row(self, template: SourceRow, found: _Contract, **changes: object) -> SourceRow:
        return {
            **template,
            "subscription_id": found.record,
            "started_at": found.started,
            "renews_at": found.renews,
            "ended_at": found.ended,
            "arr": found.arr,
            "seats": found.seats,
            "currency": self.currency[template["account_id"].replace("m-", "a-")],
            "replaces": None,
            **changes,
        }
