"""The plain world as real sources record it: situations are applied month by month, and written to the truth."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.clock import Flags, Floats, Ints, day_of
from pipelines.simulator.simulator_settings import SimulatorSettings
from pipelines.simulator.situations.contract_records import ContractRecords
from pipelines.simulator.situations.health_records import scores_as_recorded
from pipelines.simulator.situations.help_desk_records import HelpDesk
from pipelines.simulator.situations.money_records import invoices_as_recorded
from pipelines.simulator.situations.seasons import bot_rows, usage_with_seasons
from pipelines.simulator.situations.ticket_intents import TicketIntents
from pipelines.simulator.situations.traits import NOT_PAYING, USUAL, Traits
from pipelines.simulator.situations.truth_log import SourceRow, TruthLog

NIGHT: Final = timedelta(hours=2, minutes=30)
"""When the nightly job runs: the sources go on loading after midnight, so some rows of that day are there already."""

STOPPED: Final = ("health_scores", 0.7, 6)
"""A feed that stops: its table, when (as a share of the world's time), and for how many days."""

LATE: Final = ("ticket_events", 0.55, 8, 2)
"""A feed that is late for some days: its table, when, for how many days, and by how many days."""

_EXTRA: Final = {
    "accounts": [("type", pa.string())],
    "subscriptions": [("currency", pa.string()), ("replaces", pa.string())],
    "tickets": [("merged_into", pa.string()), ("url", pa.string())],
}
_FEEDS: Final = (
    "accounts", "subscriptions", "health_scores", "tickets", "ticket_events", "invoices", "truth_intents",
)  # fmt: skip
_UNDER_MERGED_RECORDS: Final = (
    "accounts", "health_scores", "tickets", "usage_daily", "invoices", "outcomes", "truth",
)  # fmt: skip


class RealWorld:
    """Applies the situations of a world to the rows that became known in each month."""

    def __init__(self, settings: SimulatorSettings, accounts: Sequence[str], monthly: Sequence[str]) -> None:
        self._settings = settings
        traits = self._traits = Traits.draw(settings)
        self._ids = list(accounts)[: settings.accounts]
        self._number = {account: place for place, account in enumerate(self._ids)}
        self._names = pa.array([*self._ids, *(account.replace("a-", "m-") for account in self._ids)])
        self._dollars: Flags = np.arange(settings.accounts) % 3 == 0
        self._random = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2**24,)))
        self.log = TruthLog()
        self._desk = HelpDesk(
            self._number, traits.help_desk == "status_only", traits.help_desk == "day_granular",
            traits.help_desk == "imported", traits.day, self._random,
        )  # fmt: skip
        self._intents = TicketIntents(traits.language.tolist(), self._random)
        self._paying_from = {
            account: datetime.combine(traits.day[number], time(11))
            for number, account in enumerate(self._ids)
            if traits.converts[number]
        }
        self._contracts = ContractRecords(
            dict(zip(self._ids, traits.contract.tolist(), strict=True)),
            dict(zip(self._ids, traits.type.tolist(), strict=True)),
            {account: "USD" if self._dollars[number] else "EUR" for number, account in enumerate(self._ids)},
            self._paying_from,
            dict(zip(self._ids, traits.day, strict=True)),
            frozenset(monthly),
            self._random,
            self.log,
        )  # fmt: skip
        self._pending: dict[str, pa.Table] = {}
        self._newest: dict[str, SourceRow] = {}
        self._merged_on: Ints = np.full(settings.accounts, np.iinfo(np.int64).max)
        self._log_types()

    def apply(self, tables: Mapping[str, pa.Table], month: date, until: date) -> dict[str, pa.Table]:
        """The month's tables as the sources recorded them; rows that are known later come in later months."""
        tables = dict(tables)
        end = datetime.combine(until, time())
        limit = end + NIGHT if until == self._settings.until else end
        if "accounts" in tables:
            tables["accounts"] = self._accounts(tables["accounts"], month, until)
        if "subscriptions" in tables:
            rows = self._contracts.rewrite(tables["subscriptions"].to_pylist(), limit)
            tables["subscriptions"] = _table("subscriptions", rows, tables)
        if "tickets" in tables:
            tables |= self._support(tables)
        if "invoices" in tables:
            tables["invoices"] = self._invoices(tables["invoices"])
        if "health_scores" in tables:
            scores = tables["health_scores"]
            tables["health_scores"] = scores_as_recorded(scores, _numbers(scores), self._random)
        if "usage_daily" in tables:
            tables["usage_daily"] = self._usage(tables["usage_daily"], month, until)
        for name in sorted({*_FEEDS} & tables.keys()):
            tables[name] = self._released(name, tables[name], limit)
        for name in sorted({*_UNDER_MERGED_RECORDS} & tables.keys()):
            tables[name] = self._under_merged_records(tables[name])
        return {**tables, "truth_situations": self.log.release()}

    def _log_types(self) -> None:
        start = datetime.combine(self._settings.start, time())
        for account, kind, usage in zip(
            self._ids, self._traits.type.tolist(), self._traits.usage.tolist(), strict=True
        ):
            for situation in (kind, usage):
                if situation != USUAL:
                    self.log.add(account, situation, start, start)
            if account in self._paying_from:
                at = self._paying_from[account]
                self.log.add(account, "converted", at, at)

    def _accounts(self, table: pa.Table, month: date, until: date) -> pa.Table:
        """Accounts with their type, and what changes on each account's day."""
        rows = sorted(table.to_pylist(), key=lambda row: row["known_at"])
        recorded = [self._as_recorded(row, row["known_at"]) for row in rows]
        for number, account in enumerate(self._ids):
            if month <= self._traits.day[number] < until:
                at = datetime.combine(self._traits.day[number], time(10))
                earlier = [row for row in rows if row["account_id"] == account and row["known_at"] < at]
                newest = earlier[-1] if earlier else self._newest.get(account)
                if newest is not None:
                    recorded.extend(self._changes(number, newest, at))
        self._newest |= {row["account_id"]: row for row in rows}
        return _table("accounts", recorded, {"accounts": table})

    def _as_recorded(self, row: SourceRow, known: datetime) -> SourceRow:
        """The version of an account that becomes known then, with everything that has changed by then."""
        account = row["account_id"]
        number = self._number[account]
        kind, changed = str(self._traits.type[number]), known.date() >= self._traits.day[number]
        is_customer = kind in (USUAL, "free") or (changed and account in self._paying_from)
        recorded = {**row, "type": "customer" if is_customer else kind, "known_at": known}
        if changed and self._traits.owner_leaves[number]:
            recorded["owner"] = None
        if changed and self._traits.contract[number] == "acquired":
            recorded["parent_id"] = f"g-acquirer-{account[-2:]}"
        if changed and self._traits.contract[number] == "merged":
            recorded["parent_id"] = row["parent_id"] or f"g-{account}"
        return recorded

    def _changes(self, number: int, newest: SourceRow, at: datetime) -> list[SourceRow]:
        """Acquisitions, merged records, owners who leave and trials that become customers: the new versions."""
        account, way = newest["account_id"], self._traits.contract[number]
        owner_leaves = bool(self._traits.owner_leaves[number])
        if not (owner_leaves or account in self._paying_from or way in ("acquired", "merged")):
            return []
        version = self._as_recorded(newest, at)
        if owner_leaves:
            self.log.add(account, "owner_left", at, at)
        if way in ("acquired", "merged"):
            self.log.add(account, str(way), at, at)
        if way != "merged":
            return [version]
        into = account.replace("a-", "m-")
        self._merged_on[number] = day_of(at.date())
        self._contracts.schedule(at, partial(self._contracts.merge, account, into, at))
        return [version, {**version, "account_id": into}]

    def _support(self, tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
        """Tickets, their events, and what the texts ask for."""
        rows = tables["tickets"].to_pylist()
        number = [self._number[row["account_id"]] for row in rows]
        noticed = [self._ids[place] in self._contracts.leaving for place in number]
        mood = _satisfaction(tables["truth"], number, [day_of(row["opened_at"].date()) for row in rows])
        intents = self._intents.plant(rows, number, mood.tolist(), noticed)
        recorded, merges = self._desk.tickets(rows)
        events = self._desk.events(tables["ticket_events"])
        merged = pa.Table.from_pylist(merges, schema=_plain(events.schema)).cast(events.schema)
        return {
            "tickets": _table("tickets", recorded, tables),
            "ticket_events": pa.concat_tables([events, merged]),
            "truth_intents": intents,
        }

    def _invoices(self, table: pa.Table) -> pa.Table:
        number = _numbers(table)
        return invoices_as_recorded(table, number, self._dollars, self._paying(table, number), self._random)

    def _paying(self, table: pa.Table, number: Ints) -> Flags:
        """Which rows of invoices belong to accounts that paid something then."""
        issued = table["issued_at"].cast(pa.int64()).to_numpy()
        begins = np.where(np.isin(self._traits.type, NOT_PAYING), np.iinfo(np.int64).max, 0)
        for account, at in self._paying_from.items():
            begins[self._number[account]] = pa.scalar(at, pa.timestamp("us")).cast(pa.int64()).as_py()
        paying: Flags = issued >= begins[number]
        return paying

    def _usage(self, table: pa.Table, month: date, until: date) -> pa.Table:
        number = _numbers(table)
        schools, bots = self._traits.usage == "school", self._traits.usage == "bot"
        usage = usage_with_seasons(table, number, schools, bots, self._random)
        running = [
            (self._number[account], max(begin, month), min(end, until))
            for account, begin, end in self._contracts.periods([self._ids[place] for place in np.flatnonzero(bots)])
        ]
        calls = bot_rows(table, self._names[: len(self._ids)], [period for period in running if period[1] < period[2]])
        both = pa.concat_tables([usage, calls]).unify_dictionaries()
        order = np.argsort(both["day"].cast(pa.int32()).to_numpy(), kind="stable")
        return both.take(pa.array(order))

    def _released(self, name: str, table: pa.Table, limit: datetime) -> pa.Table:
        """The rows that are known before ``limit``, with those that waited; feeds stop or are late for some days."""
        table = self._with_feed(name, table)
        if name in self._pending:
            table = pa.concat_tables([self._pending[name], table])
        known = pc.less(table["known_at"], pa.scalar(limit, pa.timestamp("us")))
        self._pending[name] = table.filter(pc.invert(known))
        return table.filter(known)

    def _with_feed(self, name: str, table: pa.Table) -> pa.Table:
        for feed, share, length, late in ((*STOPPED, 0), LATE):
            if name != feed:
                continue
            begins = datetime.combine(self._settings.start, time()) + share * (
                self._settings.until - self._settings.start
            )
            ends = pa.scalar(begins + timedelta(days=length), pa.timestamp("us"))
            known = table["known_at"]
            affected = pc.and_(pc.greater_equal(known, pa.scalar(begins, pa.timestamp("us"))), pc.less(known, ends))
            then = pc.add(known, pa.scalar(timedelta(days=late), pa.duration("us"))) if late else ends
            place = table.column_names.index("known_at")
            table = table.set_column(place, "known_at", pc.if_else(affected, then, known))
        return table

    def _under_merged_records(self, table: pa.Table) -> pa.Table:
        """Rows of an account that was merged are recorded under its new record from the next day on."""
        if not (self._merged_on < np.iinfo(np.int64).max).any():
            return table
        time_column = next(name for name in ("as_of", "day", "known_at") if name in table.column_names)
        days = table[time_column].cast(pa.date32()).cast(pa.int32()).to_numpy()
        ids = table["account_id"]
        codes = ids.cast(pa.string()).dictionary_encode() if not pa.types.is_dictionary(ids.type) else ids
        codes = codes.unify_dictionaries().combine_chunks()
        own = pc.index_in(codes.dictionary, value_set=self._names).to_numpy(zero_copy_only=False)
        number = pc.fill_null(codes.indices, -1).to_numpy()
        place = np.where(number >= 0, own[number], -1).astype(np.int64)
        known = (place >= 0) & (place < len(self._ids))
        moved = known & (days > self._merged_on[np.where(known, place, 0)])
        if not moved.any():
            return table
        place = np.where(moved, place + len(self._ids), place).astype(np.int32)
        new = pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), self._names)
        return table.set_column(table.column_names.index("account_id"), "account_id", new.cast(ids.type))


def _numbers(table: pa.Table) -> Ints:
    """The account of each row, as its number: it is in the ids of the plain world."""
    ids = table["account_id"].unify_dictionaries().combine_chunks()
    own = pc.utf8_slice_codeunits(ids.dictionary, 2).cast(pa.int64()).to_numpy(zero_copy_only=False)
    numbers: Ints = own[ids.indices.to_numpy()]
    return numbers


def _satisfaction(truth: pa.Table, number: Sequence[int], day: Sequence[int]) -> Floats:
    """The satisfaction of each account on the Monday before each day; 0 where the month says nothing of it."""
    key = _numbers(truth) * 100_000 + truth["as_of"].cast(pa.int32()).to_numpy()
    order = np.argsort(key)
    wanted = np.asarray(number, dtype=np.int64) * 100_000 + np.asarray(day, dtype=np.int64)
    if not key.size:
        return np.zeros(wanted.size)
    place = np.maximum(np.searchsorted(key[order], wanted, side="right") - 1, 0)
    same = key[order][place] // 100_000 == wanted // 100_000
    values: Floats = np.where(same, truth["satisfaction"].to_numpy()[order][place], 0.0)
    return values


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema without dictionaries."""
    return pa.schema(
        [(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type) for field in schema]
    )


def _table(name: str, rows: list[SourceRow], tables: Mapping[str, pa.Table]) -> pa.Table:
    """Rows as a table, with the columns that situations add."""
    return pa.Table.from_pylist(rows, schema=pa.schema([*_plain(tables[name].schema), *map(_field, _EXTRA[name])]))


def _field(column: tuple[str, pa.DataType]) -> pa.Field:
    return pa.field(*column)
