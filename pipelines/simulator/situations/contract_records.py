"""How contracts are recorded: a renewal is a new contract, an upgrade ends one, a renewal date is entered late.

The plain world writes a subscription from its start to its end as versions of one row. Here the rows of some accounts
are rewritten as their CRM would have entered them. Who leaves, and when, stays the same. Versions and what the CRM does
on its own (a date that is entered late, a second contract that begins) are processed in the order of their time.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count

import numpy as np

from pipelines.simulator.situations.traits import NOT_PAYING
from pipelines.simulator.situations.truth_log import SourceRow, TruthLog

NAMES_ITS_PREDECESSOR = 0.5
"""The share of contracts whose record names the one that they continue."""

ADD_ON_PLAN = "analytics_addon"
"""The plan of the plain world's own add-ons."""


@dataclass
class Record:
    """The contract that the CRM shows at present; ``template`` holds the columns that no situation changes."""

    template: SourceRow
    record: str
    started: datetime
    renews: datetime | None
    ended: datetime | None
    arr: float
    seats: int
    terms: int = 1
    shown_renews: datetime | None = None
    """While a renewal has not been entered: the date that has passed."""
    replaces: str | None = None
    """The contract that this one continues, where the CRM says so."""

    def runs(self, at: datetime) -> bool:
        """Whether the contract has begun and has not ended."""
        return self.started <= at and (self.ended is None or self.ended > at)


@dataclass
class ContractRecords:
    """Rewrites the versions of subscriptions, month by month.

    The mappings have one entry per account: ``ways`` how its contracts are recorded, ``types`` what it is,
    ``paying_from`` when a trial becomes a customer, ``day`` when its other contracts begin.
    """

    ways: Mapping[str, str]
    types: Mapping[str, str]
    currency: Mapping[str, str]
    paying_from: Mapping[str, datetime]
    day: Mapping[str, date]
    monthly: frozenset[str]
    generator: np.random.Generator
    log: TruthLog
    leaving: dict[str, datetime] = field(default_factory=dict)
    """The accounts that have given notice and have not withdrawn it, and when their contract ends."""
    _current: dict[str, Record] = field(default_factory=dict)
    _second: dict[str, Record] = field(default_factory=dict)
    _main: dict[str, str] = field(default_factory=dict)
    _began: dict[str, date] = field(default_factory=dict)
    _factor: dict[str, float] = field(default_factory=dict)
    _paused: dict[str, Record] = field(default_factory=dict)
    _dropped: dict[str, datetime] = field(default_factory=dict)
    _due: list[tuple[datetime, int, Callable[[], Iterator[SourceRow]]]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=count)

    def schedule(self, at: datetime, action: Callable[[], Iterator[SourceRow]]) -> None:
        """Process an action at its time, in order with all others."""
        heapq.heappush(self._due, (at, next(self._number), action))

    def rewrite(self, rows: list[SourceRow], until: datetime) -> list[SourceRow]:
        """The rows that become known before ``until``, in that order."""
        for row in sorted(rows, key=lambda row: row["known_at"]):
            self.schedule(row["known_at"], partial(self._version, row))
        recorded: list[SourceRow] = []
        while self._due and self._due[0][0] < until:
            recorded.extend(heapq.heappop(self._due)[2]())
        return recorded

    def merge(self, account: str, into: str, at: datetime) -> Iterator[SourceRow]:
        """End the running contracts of an account that is merged, and continue them under the new record."""
        keys = [key for key in self._current if key.startswith(f"s-{account.removeprefix('a-')}-")]
        for key in keys:
            found = self._current[key]
            if found.ended is not None and found.ended <= at:
                continue
            yield self._row(found, at, ended_at=max(at, found.started))
            begins = max(at, found.started)
            following = Record(
                {**found.template, "account_id": into}, f"{found.record}-m", begins, found.renews, found.ended,
                found.arr, found.seats, found.terms, replaces=found.record,
            )  # fmt: skip
            self._current[key] = following
            yield self._row(following, at)
            self.log.add(account, "continued", at, at, subscription=found.record)
            if key == self._main.get(account):
                self.log.add(into, "started", at, begins, subscription=following.record)
                if account in self.leaving:
                    self.log.add(into, "leaving", at, self.leaving[account], subscription=following.record)

    def periods(self, accounts: list[str]) -> Iterator[tuple[str, date, date]]:
        """When the main contract of each account runs, as its first day and the day of its end."""
        for account in accounts:
            if account in self._main:
                found = self._current[self._main[account]]
                ended = found.ended.date() if found.ended is not None else date.max
                yield account, self._began[account], ended

    def _version(self, row: SourceRow) -> Iterator[SourceRow]:
        """A version of the plain world: a new contract, or a change of one."""
        key, account, at = row["subscription_id"], row["account_id"], row["known_at"]
        if account in self.monthly:
            row = {**row, "renews_at": None}
        if key in self._paused:
            waiting = self._paused[key]
            waiting.renews, waiting.seats, waiting.ended = row["renews_at"], row["seats"], row["ended_at"]
            return
        found = self._current.get(key)
        if found is not None:
            yield from self._change(row, found)
            return
        found = self._current[key] = Record(
            row, key, row["started_at"], row["renews_at"], row["ended_at"], row["arr"], row["seats"]
        )
        yield self._row(found, at)
        if row["plan"] != ADD_ON_PLAN:
            self._begin(account, key, found, at)

    def _begin(self, account: str, key: str, found: Record, at: datetime) -> None:
        """The account's main contract begins: for the first time, or again after an end."""
        self.log.add(account, "returned" if account in self._main else "started", at, found.started, subscription=key)
        first = account not in self._main
        self._main[account] = key
        self._began[account] = found.started.date()
        self.leaving.pop(account, None)
        day = datetime.combine(self.day[account], time(11))
        if first and self.ways[account] in ("add_on", "co_term"):
            begins = max(day, at + timedelta(days=30))
            self.schedule(begins, partial(self._begin_second, account, begins))
        if first and account in self.paying_from:
            self.schedule(max(self.paying_from[account], at), partial(self._convert, account))

    def _change(self, row: SourceRow, found: Record) -> Iterator[SourceRow]:
        """A later version: a renewal, another number of seats, a notice or its withdrawal."""
        account, at, way = row["account_id"], row["known_at"], self.ways[row["account_id"]]
        if row["plan"] == ADD_ON_PLAN and way not in ("term_records", "upgrade_records"):
            way = "usual"
        renewed = bool(found.renews and row["renews_at"] and row["renews_at"] > found.renews) and not row["ended_at"]
        resized = row["seats"] != found.seats and not row["ended_at"]
        self._log_end(row, found)
        if renewed and way == "downgrade" and account not in self._factor and at.date() >= self.day[account]:
            self._factor[account] = float(self.generator.uniform(0.02, 0.4))
            self.log.add(account, "downgraded", at, found.renews or at, subscription=found.record)
        arr = round(row["arr"] * self._factor.get(account, 1.0), 2)
        if renewed and way in ("term_records", "co_term") and found.renews:
            yield from self._next_record(row, found, arr, ends=found.renews, begins=found.renews, known=at)
        elif renewed and way == "pause" and found.renews and found.renews <= at:
            yield from self._pause(row, found, arr)
        elif resized and way == "upgrade_records" and not renewed:
            day = max(datetime.combine(at.date(), time()), found.started)
            yield from self._next_record(row, found, arr, ends=day, begins=day, known=at)
        else:
            if renewed and way == "late_renewal" and found.renews and found.renews <= at:
                self._renew_late(row["subscription_id"], found, at)
            found.renews, found.arr, found.seats = row["renews_at"], arr, row["seats"]
            found.ended = max(row["ended_at"], found.started) if row["ended_at"] else None
            if found.shown_renews is None or row["ended_at"] or resized:
                yield self._row(found, at)
        if row["plan"] != ADD_ON_PLAN:
            yield from self._follow(account, at)

    def _renew_late(self, key: str, found: Record, at: datetime) -> None:
        """The renewal is entered days later; until then the date that has passed is shown."""
        found.shown_renews = found.renews
        entered = at + timedelta(days=int(self.generator.integers(3, 26)), hours=5)
        self.log.add(found.template["account_id"], "renewal_overdue", at, found.renews or at, subscription=found.record)

        def enter() -> Iterator[SourceRow]:
            current = self._current[key]
            current.shown_renews = None
            account = current.template["account_id"]
            self.log.add(account, "renewed_late", entered, entered, subscription=current.record)
            yield self._row(current, entered)

        self.schedule(entered, enter)

    def _pause(self, row: SourceRow, found: Record, arr: float) -> Iterator[SourceRow]:
        """The term ends and is not renewed; weeks later the next one begins, unless the account has left by then."""
        key, account, name = row["subscription_id"], row["account_id"], found.template["account_id"]
        found.ended = max(found.renews or row["known_at"], found.started)
        yield self._row(found, row["known_at"])
        self.leaving[account] = found.ended
        self.log.add(name, "leaving", row["known_at"], found.ended, subscription=found.record)
        begins = found.ended + timedelta(days=int(self.generator.integers(14, 26)))
        following = self._paused[key] = self._following(row, found, arr, begins)

        def resume() -> Iterator[SourceRow]:
            del self._paused[key]
            if following.ended is not None and following.ended <= begins:
                return
            self._current[key] = following
            del self.leaving[account]
            self.log.add(name, "returned", begins, begins, subscription=following.record)
            self.log.add(name, "continued", begins, begins, subscription=found.record)
            if following.ended is not None:
                self.leaving[account] = following.ended
                self.log.add(name, "leaving", begins, following.ended, subscription=following.record)
            yield self._row(following, begins)

        self.schedule(begins, resume)

    def _next_record(
        self, row: SourceRow, found: Record, arr: float, *, ends: datetime, begins: datetime, known: datetime
    ) -> Iterator[SourceRow]:
        """End the contract and continue it with another one; both are known now."""
        found.ended = max(ends, found.started)
        yield self._row(found, known)
        second = self._second.get(row["account_id"])
        if second is not None and self.ways[row["account_id"]] == "co_term" and second.runs(begins):
            second.ended = begins
            yield self._row(second, known)
            self.log.add(row["account_id"], "continued", known, begins, subscription=second.record)
            self._factor[row["account_id"]] = 1.0 + second.arr / max(row["arr"], 1.0)
            arr += second.arr
        following = self._following(row, found, arr, max(begins, found.started))
        self._current[row["subscription_id"]] = following
        following.replaces = found.record if self.generator.random() < NAMES_ITS_PREDECESSOR else None
        yield self._row(following, known)
        self.log.add(found.template["account_id"], "continued", known, begins, subscription=found.record)

    def _following(self, row: SourceRow, found: Record, arr: float, begins: datetime) -> Record:
        terms = found.terms + 1
        return Record(
            found.template,
            f"{row['subscription_id']}-{terms}",
            begins,
            row["renews_at"],
            None,
            arr,
            row["seats"],
            terms,
        )

    def _begin_second(self, account: str, at: datetime) -> Iterator[SourceRow]:
        """A second contract beside the main one: an add-on, or one that will be merged into the next term."""
        main = self._current[self._main[account]]
        if not main.runs(at) or main.ended is not None:
            return
        share = 0.4 if self.ways[account] == "co_term" else float(self.generator.uniform(0.02, 0.15))
        renews = main.renews if self.ways[account] == "add_on" else at + timedelta(days=365)
        template = {**main.template, "plan": "consulting" if self.ways[account] == "add_on" else "second_product"}
        second = Record(
            template, f"{main.record}-x", at, renews, None, round(main.arr * share, 2), max(1, main.seats // 3)
        )
        self._second[account] = second
        yield self._row(second, at)
        if self.ways[account] == "add_on" and self.generator.random() < 0.6:
            notice = at + timedelta(days=int(self.generator.integers(60, 240)))
            self.schedule(notice, partial(self._end_second, account, notice))

    def _end_second(self, account: str, at: datetime) -> Iterator[SourceRow]:
        """The add-on is cancelled on its own, a month before its end."""
        second = self._second[account]
        main = self._current[self._main[account]]
        if second.ended is None and main.ended is None:
            second.ended = self._dropped[account] = at + timedelta(days=30)
            yield self._row(second, at)
            self.log.add(main.template["account_id"], "partial_loss", at, second.ended, subscription=second.record)

    def _follow(self, account: str, at: datetime) -> Iterator[SourceRow]:
        """The second contract ends with the main one, unless it ends before; an add-on also renews with it."""
        second = self._second.get(account)
        if second is None or not second.runs(at):
            return
        before = (second.renews, second.ended)
        ends = [end for end in (self._dropped.get(account), self.leaving.get(account)) if end is not None]
        second.ended = max(min(ends), second.started) if ends else None
        if self.ways[account] == "add_on" and account not in self.leaving:
            second.renews = self._current[self._main[account]].renews
        if (second.renews, second.ended) != before:
            yield self._row(second, at)

    def _convert(self, account: str) -> Iterator[SourceRow]:
        """A trial becomes a customer: from now on its contract has a price."""
        at = self.paying_from[account]
        found = self._current[self._main[account]]
        if found.runs(max(at, found.started)):
            yield self._row(found, max(at, found.started))

    def _log_end(self, row: SourceRow, found: Record) -> None:
        account, at, ended = found.template["account_id"], row["known_at"], row["ended_at"]
        if row["plan"] == ADD_ON_PLAN:
            if ended and not found.ended and row["account_id"] not in self.leaving:
                self.log.add(account, "partial_loss", at, ended, subscription=found.record)
        elif ended and not found.ended:
            self.leaving[row["account_id"]] = ended
            self.log.add(account, "leaving", at, ended, subscription=found.record)
        elif found.ended and not ended and row["account_id"] in self.leaving:
            del self.leaving[row["account_id"]]
            self.log.add(account, "withdrawn", at, at, subscription=found.record)

    def _row(self, found: Record, known: datetime, **changes: object) -> SourceRow:
        account = found.template["account_id"].replace("m-", "a-")
        free = self.types[account] in NOT_PAYING
        if free and account in self.paying_from:
            free = known < self.paying_from[account]
        return {
            **found.template,
            "subscription_id": found.record,
            "started_at": found.started,
            "renews_at": found.shown_renews or found.renews,
            "ended_at": found.ended,
            "arr": 0.0 if free else found.arr,
            "seats": found.seats,
            "currency": self.currency[account],
            "replaces": found.replaces,
            "known_at": known,
            **changes,
        }
