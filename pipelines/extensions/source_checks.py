"""What can be said of an extension only with rows: its features on a small slice of the source.

The slice is computed with the whole history and again with the history cut off, poisoned and extended after each
cutoff (:mod:`features.leakage`): a feature whose value at a cutoff changes sees the future. The same computation shows
a function that returns something else than one finite number for each account, and one that takes too long.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from features.arrow import to_numpy
from features.catalogue import Feature
from features.contract import TABLES
from features.engine.function_values import FunctionError
from features.frame import build
from features.history.history import History
from features.history.versions import EPOCH
from features.leakage import Leak, find_leaks
from features.quoting import quote_name
from pipelines.extensions.bounded import run_within
from pipelines.extensions.rules import ExtensionError, ExtensionRule, rule_of

SLICE_ACCOUNTS = 30
SLICE_ROWS = 8_000
"""Rows of each table in the slice, at most about so many."""
LONGEST_CHECK = 60.0
"""Seconds that the features of one file may take on the slice."""
QUANTILES = (0.5, 0.8, 0.95)
"""The cutoffs, as positions among the days of the slice's rows."""


def check_features_on_rows(file: str, features: Sequence[Feature], history: History) -> None:
    """Check the features of one file on a slice of a source.

    Raises:
        ExtensionError: a feature sees the future, its function fails or differs from run to run, or it takes too long.
    """
    tables = _slice(history, features)
    cutoffs = _cutoffs(tables, features)
    if not cutoffs:
        return  # the source has no rows of which anything could be computed

    def check() -> None:
        _check_values(file, features, tables, cutoffs)
        leaks = find_leaks(tables, features, cutoffs)
        if leaks:
            raise ExtensionError(file, ExtensionRule.LEAK, _leak_text(leaks[0]))

    names = ", ".join(feature.name for feature in features)
    with rule_of(file, ExtensionRule.VALUES, f"{names}: "):
        try:
            run_within(LONGEST_CHECK, check)
        except TimeoutError:
            problem = f"{names}: computing {SLICE_ACCOUNTS} accounts takes longer than {LONGEST_CHECK:.0f} seconds."
            raise ExtensionError(file, ExtensionRule.TIME, problem) from None


def _check_values(
    file: str, features: Sequence[Feature], tables: Mapping[str, pa.Table], cutoffs: Sequence[date]
) -> None:
    frames = [_values(file, feature, tables, cutoffs) for feature in features for _ in range(2)]
    for feature, first, second in zip(features, frames[::2], frames[1::2], strict=True):
        if not first.equals(second):
            problem = f"the feature {feature.name} has other values when it is computed again from the same rows."
            raise ExtensionError(file, ExtensionRule.VALUES, problem)


def _values(file: str, feature: Feature, tables: Mapping[str, pa.Table], cutoffs: Sequence[date]) -> pa.ChunkedArray:
    try:
        return build(History.from_tables(tables), cutoffs, features=[feature]).column(feature.name)
    except FunctionError as error:
        raise ExtensionError(file, ExtensionRule.VALUES, str(error).removeprefix(f"{file}: ")) from error


def _leak_text(leak: Leak) -> str:
    what = {
        "truncation": "rows that were not known yet were taken away",
        "later rows": "rows that became known later were added",
        "future times": "open ends were set to later times",
    }[leak.change]
    return (
        f"the feature {leak.feature} sees the future: for account {leak.account_id} at {leak.cutoff} it is "
        f"{leak.before}, and {leak.after} where {what}. Use only columns that are known when a row happens, or declare "
        "the time in future_times."
    )


def _slice(history: History, features: Sequence[Feature]) -> dict[str, pa.Table]:
    """The rows of some accounts in the tables that the features read, as the contract's columns that there are."""
    wanted = {table for feature in features for table in feature.sources} | {"accounts"}
    names = [name for name in TABLES if name in history.present and (name in wanted or _is_parent(name, wanted))]
    accounts = _accounts(history, [name for name in names if name != "accounts"])
    return {name: _rows(history, name, accounts) for name in names}


def _is_parent(name: str, wanted: set[str]) -> bool:
    return any(parent.table == name for table in wanted if (parent := TABLES[table].parent))


def _accounts(history: History, tables: Sequence[str]) -> list[str]:
    """Accounts with rows in each of the tables, in an order that does not depend on their names, and a few others."""
    own = [name for name in tables if "account_id" in TABLES[name].names]
    chosen: dict[str, None] = {}
    for name in own:
        rows = history.query(
            f"SELECT account_id, count(*) AS rows FROM {name} WHERE account_id IS NOT NULL "
            f"GROUP BY account_id ORDER BY md5(account_id) LIMIT {SLICE_ACCOUNTS}"
        ).to_pylist()
        total = np.cumsum([row["rows"] for row in rows])
        chosen |= {row["account_id"]: None for row, upto in zip(rows, total, strict=True) if upto <= SLICE_ROWS}
        chosen |= {row["account_id"]: None for row in rows[:2]}
    others = history.query(f"SELECT DISTINCT account_id FROM accounts ORDER BY md5(account_id) LIMIT {SLICE_ACCOUNTS}")
    return list(chosen | dict.fromkeys(others["account_id"].to_pylist()))


def _rows(history: History, name: str, accounts: Sequence[str]) -> pa.Table:
    table = TABLES[name]
    columns = ", ".join(quote_name(column) for column in table.names if column in history.columns[name])
    chosen = "SELECT unnest(CAST(? AS VARCHAR[]))"
    where = f"account_id IN ({chosen})"
    if "account_id" not in table.names:
        where = f"ticket_id IN (SELECT ticket_id FROM tickets WHERE {where})"
    return history.query(f"SELECT {columns} FROM {name} WHERE {where} LIMIT {4 * SLICE_ROWS}", [list(accounts)])


def _cutoffs(tables: Mapping[str, pa.Table], features: Sequence[Feature]) -> list[date]:
    """Days after a half, most and nearly all of the rows that the features read."""
    days = []
    for name in dict.fromkeys(table for feature in features for table in feature.sources):
        time = TABLES[name].event_time
        if name in tables and time is not None and tables[name].num_rows:
            known = tables[name].column(time).cast(pa.date32()).cast(pa.int32()).drop_null()
            days.append(np.quantile(to_numpy(known), QUANTILES))
    return sorted({EPOCH + timedelta(days=int(day) + 1) for day in np.concatenate(days)}) if days else []
