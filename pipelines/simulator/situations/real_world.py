"""The plain world as real sources record it: situations are applied month by month, and written to the truth."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.simulator_settings import SimulatorSettings
from pipelines.simulator.situations.contract_records import ContractRecords
from pipelines.simulator.situations.help_desk_records import HelpDesk
from pipelines.simulator.situations.money_records import Money
from pipelines.simulator.situations.seasons import bot_rows, usage_with_seasons
from pipelines.simulator.situations.traits import Traits
from pipelines.simulator.situations.truth_log import SourceRow, TruthLog

NOT_MEASURED: Final = 0.06
"""The share of health scores that are empty: not measured then."""

SAME_INSTANT: Final = 0.25
"""The share of managers' opinions that are entered at the instant of the computed score."""

STOPPED: Final = ("health_scores", 0.7, 6)
"""A feed that stops: its table, when (as a share of the world's time), and for how many days."""

LATE: Final = ("ticket_events", 0.55, 8, 2)
"""A feed that is late for some days: its table, when, for how many days, and by how many days."""

_EXTRA: Final = {
    "accounts": [("type", pa.string())],
    "subscriptions": [("currency", pa.string()), ("replaces", pa.string())],
    "tickets": [("merged_into", pa.string()), ("url", pa.string())],
    "invoices": [("currency", pa.string()), ("status", pa.string())],
}


class RealWorld:
    """Applies the situations of a world to the rows that became known in each month."""

    def __init__(self, settings: SimulatorSettings, accounts: Sequence[str], monthly: Sequence[str]) -> None:
        self._settings = settings
        traits = Traits.draw(settings)
        self._ids = list(accounts)[: settings.accounts]
        self._types = dict(zip(self._ids, traits.type.tolist(), strict=True))
        self._contract = dict(zip(self._ids, traits.contract.tolist(), strict=True))
        self._usage = dict(zip(self._ids, traits.usage.tolist(), strict=True))
        self._day = dict(zip(self._ids, traits.day, strict=True))
        self._owner_leaves = dict(zip(self._ids, traits.owner_leaves.tolist(), strict=True))
        self._currency = {account: "USD" if number % 3 == 0 else "EUR" for number, account in enumerate(self._ids)}
        self._random = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(2**24,)))
        self.log = TruthLog()
        desk = dict(zip(self._ids, traits.help_desk.tolist(), strict=True))
        self._help_desk = HelpDesk(desk, self._day, self._currency, self._random)
        self._money = Money(self._currency, self._random)
        self._contracts = ContractRecords(
            self._contract, self._types, self._currency, frozenset(monthly), self._random, self.log
        )
        self._pending: dict[str, list[SourceRow]] = {}
        self._moved: dict[str, str] = {}
        self._newest: dict[str, SourceRow] = {}
        self._running: set[str] = set()
        self._log_types()

    def apply(self, tables: Mapping[str, pa.Table], month: date, until: date) -> dict[str, pa.Table]:
        """The month's tables as the sources recorded them; rows that are known later come in later months."""
        tables = dict(tables)
        rows = {name: table.to_pylist() for name, table in tables.items() if name in _ROWS}
        rows["tickets"], merges = self._help_desk.tickets(rows.get("tickets", []))
        rows["ticket_events"] = [*self._help_desk.events(rows.get("ticket_events", [])), *merges]
        rows["invoices"] = self._money.invoices(rows.get("invoices", []))
        rows["accounts"] = [self._with_type(row) for row in rows.get("accounts", [])]
        rows["subscriptions"] = self._contracts.rewrite(rows.get("subscriptions", []))
        rows["health_scores"] = self._scores(rows.get("health_scores", []))
        self._change_accounts(rows, month, until)
        for name, own in rows.items():
            own = [self._feed(name, row) for row in own]
            own = [*self._pending.pop(name, []), *map(self._as_merged, own)]
            self._pending[name] = [row for row in own if row["known_at"] >= datetime.combine(until, time())]
            schema = _schema(name, tables[name].schema)
            known = [row for row in own if row["known_at"] < datetime.combine(until, time())]
            tables[name] = pa.Table.from_pylist(known, schema=schema)
        tables["usage_daily"] = self._seasonal(tables["usage_daily"], month, until)
        tables["truth"] = self._true_risks(tables["truth"])
        return {**tables, "truth_situations": self.log.release()}

    def _log_types(self) -> None:
        start = datetime.combine(self._settings.start, time())
        for account in self._ids:
            for kind in (self._types[account], self._usage[account]):
                if kind != "usual":
                    self.log.add(account, kind, start, start)

    def _with_type(self, row: SourceRow) -> SourceRow:
        kind = self._types[row["account_id"]]
        row = {**row, "type": "customer" if kind in ("usual", "free") else kind}
        if self._owner_leaves[row["account_id"]] and row["known_at"].date() >= self._day[row["account_id"]]:
            row["owner"] = None
        self._newest[row["account_id"]] = row
        return row

    def _change_accounts(self, rows: dict[str, list[SourceRow]], month: date, until: date) -> None:
        """Acquisitions, merged records and owners who leave, on the account's day."""
        for account, day in self._day.items():
            if not month <= day < until or account not in self._newest:
                continue
            at, newest = datetime.combine(day, time(10)), self._newest[account]
            if self._contract[account] == "acquired":
                self._newest[account] = {**newest, "parent_id": f"g-acquirer-{account[-2:]}", "known_at": at}
                rows["accounts"].append(self._newest[account])
                self.log.add(account, "acquired", at, at)
            elif self._contract[account] == "merged":
                self._merge(rows, account, at)
            elif self._owner_leaves[account]:
                self._newest[account] = {**newest, "owner": None, "known_at": at}
                rows["accounts"].append(self._newest[account])

    def _merge(self, rows: dict[str, list[SourceRow]], account: str, at: datetime) -> None:
        into = account.replace("a-", "m-")
        newest = self._newest[account]
        parent = newest["parent_id"] or f"g-{account}"
        later = at - timedelta(minutes=5)
        if newest["parent_id"] is None:
            rows["accounts"].append({**newest, "parent_id": parent, "known_at": later})
        rows["accounts"].append(
            {**newest, "account_id": into, "parent_id": parent, "created_at": later, "known_at": later}
        )
        rows["subscriptions"].extend(self._contracts.merge(account, into, at))
        self._moved[account] = into
        self.log.add(account, "merged", at, at)

    def _as_merged(self, row: SourceRow) -> SourceRow:
        """Rows of an account that was merged are recorded under its new record from then on."""
        into = self._moved.get(row.get("account_id") or "")
        if into is None or row["known_at"].date() <= self._day[row["account_id"]] or "subscription_id" in row:
            return row
        return {**row, "account_id": into}

    def _scores(self, rows: list[SourceRow]) -> list[SourceRow]:
        """Two sources at one instant, and scores that were not measured."""
        computed: dict[str, datetime] = {}
        scores = []
        for row in rows:
            if row["source"] == "crm":
                computed[row["account_id"]] = row["measured_at"]
            elif row["account_id"] in computed and self._random.random() < SAME_INSTANT:
                row = {**row, "measured_at": min(computed[row["account_id"]], row["known_at"])}
            if self._random.random() < NOT_MEASURED:
                row = {**row, "score": None}
            scores.append(row)
        return _without_repeated_keys(scores)

    def _feed(self, name: str, row: SourceRow) -> SourceRow:
        """Feeds that stop or are late for some days."""
        known = row["known_at"]
        for table, share, length, late in ((*STOPPED, 0), LATE):
            begins = datetime.combine(self._settings.start, time()) + share * (
                self._settings.until - self._settings.start
            )
            ends = begins + timedelta(days=length)
            if name == table and begins <= known < ends:
                return {**row, "known_at": known + timedelta(days=late) if late else ends}
        return row

    def _true_risks(self, table: pa.Table) -> pa.Table:
        """The true risks under the ids that the accounts have at each date."""
        days = {account: self._day[account] for account in self._moved}
        rows = zip(table["account_id"].cast(pa.string()).to_pylist(), table["as_of"].to_pylist(), strict=True)
        ids = [self._moved[a] if a in days and day > days[a] else a for a, day in rows]
        return table.set_column(0, "account_id", pa.array(ids, pa.string()))

    def _seasonal(self, table: pa.Table, month: date, until: date) -> pa.Table:
        usage = usage_with_seasons(table, self._usage, self._random)
        running = frozenset(pc.unique(table["account_id"].cast(pa.string())).to_pylist())
        days = [month + timedelta(days=number) for number in range((until - month).days)]
        bots = bot_rows(table.schema, self._usage, days, running)
        if "known_at" in table.column_names:
            at = pa.array([datetime.combine(day + timedelta(days=1), time(2)) for day in bots["day"].to_pylist()])
            place = bots.schema.get_field_index("known_at")
            bots = bots.set_column(place, "known_at", at.cast(bots.schema.field("known_at").type))
        plain = usage.cast(bots.schema)
        return pa.concat_tables([plain, bots])


_ROWS: Final = ("accounts", "subscriptions", "health_scores", "tickets", "ticket_events", "invoices")


def _schema(name: str, schema: pa.Schema) -> pa.Schema:
    fields = [
        (field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type) for field in schema
    ]
    return pa.schema(
        [*fields, *((column, kind) for column, kind in _EXTRA.get(name, []) if column not in schema.names)]
    )


def _without_repeated_keys(rows: list[SourceRow]) -> list[SourceRow]:
    """One row for each account, instant, source and time it was known."""
    seen: dict[tuple[object, ...], SourceRow] = {}
    for row in rows:
        seen.setdefault((row["account_id"], row["measured_at"], row["source"], row["known_at"]), row)
    return list(seen.values())
