"""From columns of numbers to the contract's tables: ids, words, instants."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.activity import ticket_texts, vocabulary
from pipelines.simulator.clock import NEVER, Numbers
from pipelines.simulator.pending_rows import Rows
from pipelines.simulator.population.names import INDUSTRIES, REGIONS, SEGMENTS, managers
from pipelines.simulator.population.population import FEATURES

ORDER: Final[dict[str, tuple[str, ...]]] = {
    "accounts": ("known", "account"),
    "subscriptions": ("known", "account", "number"),
    "health_scores": ("known", "account", "measured"),
    "tickets": ("opened", "account", "ticket"),
    "ticket_events": ("occurred", "account", "ticket", "kind"),
    "usage_daily": ("day", "account"),
    "invoices": ("known", "account", "invoice"),
    "outcomes": ("known", "account"),
    "truth": ("day", "account"),
}
"""How the rows of each table are ordered in its files."""


class Encoder:
    """Writes rows as Arrow tables. ``names`` holds every account's company, in the order of their numbers."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = pa.array(names)
        self.ids = pa.array([f"a-{number:06d}" for number in range(len(names))])
        self._digits = pa.array([f"{number:04d}" for number in range(10_000)])
        self._by_table: dict[str, Callable[[Rows], dict[str, pa.Array]]] = {
            "accounts": self._accounts,
            "subscriptions": self._subscriptions,
            "health_scores": self._health_scores,
            "tickets": self._tickets,
            "ticket_events": self._ticket_events,
            "usage_daily": self._usage_daily,
            "invoices": self._invoices,
            "outcomes": self._outcomes,
            "truth": self._truth,
        }

    def table(self, name: str, rows: Rows) -> pa.Table:
        """The rows of one table, ordered, in the contract's columns."""
        order = np.lexsort([rows[column] for column in reversed(ORDER[name])])
        return pa.table(self._by_table[name]({column: values[order] for column, values in rows.items()}))

    def _account(self, rows: Rows) -> pa.Array:
        return _dictionary(rows["account"], self.ids)

    def _numbered(self, letter: str, rows: Rows, column: str) -> pa.Array:
        """An id such as ``t-000012-0003``: the account's number and a running number within it."""
        account = pc.utf8_slice_codeunits(self.ids, 1).take(pa.array(rows["account"]))
        number = self._digits.take(pa.array(rows[column]))
        return pc.binary_join_element_wise(pa.scalar(letter), account, pc.binary_join_element_wise("-", number, ""), "")

    def _accounts(self, rows: Rows) -> dict[str, pa.Array]:
        group = rows["parent"].astype(np.int64)
        parents = pa.array([f"g-{number:05d}" if number >= 0 else None for number in group.tolist()], pa.string())
        return {
            "account_id": self._account(rows),
            "parent_id": parents,
            "name": self._names.take(pa.array(rows["account"])),
            "segment": _dictionary(rows["segment"], SEGMENTS),
            "industry": _dictionary(rows["industry"], INDUSTRIES),
            "region": _dictionary(rows["region"], REGIONS),
            "owner": pa.array(managers(rows["manager"].astype(np.int64)), pa.string()),
            "created_at": _instants(rows["created"]),
            "known_at": _instants(rows["known"]),
        }

    def _subscriptions(self, rows: Rows) -> dict[str, pa.Array]:
        return {
            "subscription_id": self._numbered("s", rows, "number"),
            "account_id": self._account(rows),
            "plan": _dictionary(rows["plan"], vocabulary.ALL_PLANS),
            "seats": pa.array(rows["seats"]),
            "arr": pa.array(rows["arr"]),
            "auto_renew": pa.array(rows["auto_renew"]),
            "started_at": _instants(rows["started"]),
            "renews_at": _instants(rows["renews"]),
            "ended_at": _instants(rows["ended"]),
            "known_at": _instants(rows["known"]),
        }

    def _health_scores(self, rows: Rows) -> dict[str, pa.Array]:
        return {
            "account_id": self._account(rows),
            "measured_at": _instants(rows["measured"]),
            "score": pa.array(rows["score"]),
            "source": _dictionary(rows["source"], vocabulary.SOURCES),
            "known_at": _instants(rows["known"]),
        }

    def _tickets(self, rows: Rows) -> dict[str, pa.Array]:
        category = rows["category"].astype(np.int64)
        words, tone = rows["words"].astype(np.int64), rows["tone"].astype(np.int64)
        return {
            "ticket_id": self._numbered("t", rows, "ticket"),
            "account_id": self._account(rows),
            "opened_at": _instants(rows["opened"]),
            "channel": _dictionary(rows["channel"], vocabulary.TICKET_CHANNELS),
            "category": _dictionary(category, vocabulary.CATEGORIES),
            "priority": _dictionary(rows["priority"], vocabulary.PRIORITIES),
            "group": _dictionary(np.array(vocabulary.TEAM_OF)[category], vocabulary.TEAMS),
            "subject": ticket_texts.subjects(words, category),
            "body": ticket_texts.bodies(words, category, tone),
            "known_at": _instants(rows["known"]),
        }

    def _ticket_events(self, rows: Rows) -> dict[str, pa.Array]:
        ticket = self._numbered("t", rows, "ticket")
        kind = _dictionary(rows["kind"], vocabulary.KINDS)
        return {
            "ticket_id": ticket,
            "occurred_at": _instants(rows["occurred"]),
            "kind": kind,
            "value": _dictionary(rows["value"], vocabulary.VALUES, absent=0),
            "actor": _dictionary(rows["actor"], vocabulary.ACTORS),
            "group": _dictionary(rows["team"], vocabulary.TEAMS),
            "event_id": self._event_ids(ticket, rows),
            "known_at": _instants(rows["known"]),
        }

    def _event_ids(self, ticket: pa.Array, rows: Rows) -> pa.Array:
        """An event id has the kind and instant of the event, and a number where several share a second."""
        letters = pa.array([f"-{letter}" for letter in "abcdefghijk"]).take(pa.array(rows["kind"]))
        seconds = pc.cast(pa.array(rows["occurred"].astype(np.int64) % 10_000_000), pa.string())
        ids = pc.binary_join_element_wise(
            pc.replace_substring(ticket, "t-", "e-", max_replacements=1), letters, seconds, ""
        )
        return pc.binary_join_element_wise(ids, distinguishing_suffixes(ids), "")

    def _usage_daily(self, rows: Rows) -> dict[str, pa.Array]:
        columns = {
            "account_id": self._account(rows),
            "day": pa.array(rows["day"].astype(np.int32), pa.date32()),
            "feature": _dictionary(rows["feature"], FEATURES),
            "events": pa.array(rows["events"].astype(np.int32)),
            "minutes": pa.array(rows["minutes"].astype(np.float32)),
        }
        if "users" in rows:
            return columns | {"users": pa.array(rows["users"].astype(np.int32))}
        user = self._numbered("u", rows, "user")
        return columns | {"user_id": pc.dictionary_encode(user), "known_at": _instants(rows["known"])}

    def _invoices(self, rows: Rows) -> dict[str, pa.Array]:
        return {
            "invoice_id": self._numbered("i", rows, "invoice"),
            "account_id": self._account(rows),
            "issued_at": _instants(rows["issued"]),
            "due_at": _instants(rows["due"]),
            "paid_at": _instants(rows["paid"]),
            "amount": pa.array(rows["amount"]),
            "known_at": _instants(rows["known"]),
        }

    def _outcomes(self, rows: Rows) -> dict[str, pa.Array]:
        return {
            "account_id": self._account(rows),
            "risk": pa.array(np.full(rows["account"].size, "churn")),
            "action": _dictionary(rows["action"], vocabulary.ACTIONS),
            "verdict": _dictionary(rows["verdict"], vocabulary.VERDICTS, absent=0),
            "decided_at": _instants(rows["decided"]),
            "holdout": pa.array(rows["holdout"]),
            "known_at": _instants(rows["known"]),
        }

    def _truth(self, rows: Rows) -> dict[str, pa.Array]:
        return {
            "account_id": self._account(rows),
            "as_of": pa.array(rows["day"].astype(np.int32), pa.date32()),
            "churn": pa.array(rows["churn"].astype(np.float32), from_pandas=True),
            "escalation": pa.array(rows["escalation"].astype(np.float32)),
            "satisfaction": pa.array(rows["satisfaction"].astype(np.float32)),
            "mood": pa.array(rows["mood"].astype(np.float32)),
            "fit": pa.array(rows["fit"].astype(np.float32)),
        }


def _dictionary(codes: Numbers, words: Sequence[str] | pa.Array, *, absent: int | None = None) -> pa.Array:
    """Words by code; the code ``absent`` is null."""
    indices = pa.array(codes.astype(np.int32), mask=None if absent is None else codes == absent)
    return pa.DictionaryArray.from_arrays(indices, words if isinstance(words, pa.Array) else pa.array(words))


def _instants(seconds: Numbers) -> pa.Array:
    """Naive UTC instants, null where there is none."""
    never = seconds == NEVER
    return pa.array(np.where(never, 0, seconds) * 1_000_000, pa.timestamp("us"), mask=never)


def distinguishing_suffixes(ids: pa.Array) -> pa.Array:
    """What to add to each id so that none is there twice: nothing, and a number to one that has been before."""
    codes = ids.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    place = np.arange(len(codes))
    first = np.diff(codes[order], prepend=-1) != 0
    before = np.empty(len(codes), np.int64)
    before[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return pc.if_else(
        pa.array(before > 0), pc.binary_join_element_wise("-", pc.cast(pa.array(before), "string"), ""), ""
    )
