"""The rows that a training learns from, chosen on a cluster: only these come to this machine.

The same rows as :func:`pipelines.training.training_rows.training_rows` draws of a large source. The labels of all
cutoffs are one table of the cluster for each risk; executors compute the number by which a row is drawn; and how many
rows are certain is all that this machine has to know before it asks for the sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from features.engine.spark.account_batches import map_relation
from features.engine.table_rows.relations import NUMBERED, number_accounts
from features.labels.eligibility import with_ids
from features.labels.groups import with_groups
from features.labels.labels import label_query
from models.data.row_sampling import CERTAIN_SHARE, REPRESENTS, chances_of_rows, row_shares
from pipelines.training.training_rows import NEWEST_ACCOUNTS, TrainingRows, rows_of, training_rows

if TYPE_CHECKING:
    import duckdb

    from features.engine.spark.spark_engine import SparkEngine
    from features.history.history import History
    from models.risks.risk import Risk

CHANCES = pa.schema(
    [
        *(("account", pa.int32()), ("as_of", pa.date32())),
        *(("certain", pa.bool_()), ("newest", pa.bool_()), ("chance", pa.float64())),
    ]
)
"""The columns of the rows from which the sample is drawn."""


def cluster_training_rows(
    cluster: SparkEngine, history: History, wanted: Sequence[Risk], cutoffs: Sequence[date], most_rows: int
) -> TrainingRows:
    """See :func:`pipelines.training.training_rows.training_rows`; the rows of the history are on the cluster."""
    size = len(cutoffs) * len(history.accounts)
    if size <= most_rows:
        return training_rows(history, wanted, cutoffs, most_rows)
    number_accounts(history)
    cursor = history.connection.cursor()
    names = {risk.name: f"training_labels_{number}" for number, risk in enumerate(wanted)}
    for risk in wanted:
        known = "event IS NOT NULL OR event_at IS NOT NULL"
        query = label_query(history, cutoffs, risk.label)
        cursor.execute(f"CREATE OR REPLACE TABLE {names[risk.name]} AS SELECT * FROM ({query}) WHERE {known}")
    cursor.execute(f"CREATE OR REPLACE TABLE training_places AS {_places(names.values())}")
    map_relation(cluster, history, ("training_places", "training_chances"), _with_chances, CHANCES)
    share = _share(cursor, size, most_rows)
    cursor.execute(
        "CREATE OR REPLACE TABLE training_sample AS "
        f"SELECT account, as_of, 1 / {share} AS {REPRESENTS} FROM training_chances WHERE chance < {share}"
    )
    labels = {name: _sampled(history, table) for name, table in names.items()}
    parts = (rows_of(table, history, cutoffs) for table in (*labels.values(), _newest(history, cutoffs)))
    for table in (*names.values(), "training_places", "training_chances", "training_sample"):
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
    return TrainingRows(labels, reduce(np.logical_or, parts))


def _share(cursor: duckdb.DuckDBPyConnection, size: int, most_rows: int) -> str:
    """SQL of the probability with which a row is kept; newest rows are certain where that leaves every event in."""
    counts = "SELECT count(*) FILTER (certain), count(*) FILTER (certain OR newest) FROM training_chances"
    ((sure, together),) = cursor.execute(counts).fetchall()
    with_newest = together <= most_rows * CERTAIN_SHARE
    shares = row_shares(int(together if with_newest else sure), size, most_rows)
    certain, other = (f"CAST('{share!r}' AS DOUBLE)" for share in shares)  # a bare number is a decimal
    return f"CASE WHEN {'certain OR newest' if with_newest else 'certain'} THEN {certain} ELSE {other} END"


def _places(tables: Iterable[str]) -> str:
    """SQL of the rows of any risk, with the account's id, and whether a sample should hold them, or they are newest."""
    sure = "coalesce(event, true) OR treated OR holdout OR selected"
    newest = "as_of = max(as_of) OVER (PARTITION BY account)"
    parts = (f"SELECT account, as_of, {sure} AS certain, {newest} AS newest FROM {table}" for table in tables)
    flags = "bool_or(certain) AS certain, bool_or(newest) AS newest"
    every = f"SELECT account, as_of, {flags} FROM ({' UNION ALL '.join(parts)})"
    return f"SELECT every.*, account_id FROM ({every} GROUP BY account, as_of) AS every JOIN {NUMBERED} USING (account)"


def _with_chances(rows: pa.Table) -> pa.Table:
    """What executors add to rows of ``training_places``."""
    return rows.append_column("chance", pa.array(chances_of_rows(rows))).select(CHANCES.names)


def _sampled(history: History, table: str) -> pa.Table:
    """The labels of the sample, with the group of each account."""
    rows = history.query(
        f"SELECT labels.*, {REPRESENTS} FROM {table} AS labels JOIN training_sample USING (account, as_of) "
        "ORDER BY as_of, account"
    )
    return with_groups(history, with_ids(history, rows))


def _newest(history: History, cutoffs: Sequence[date]) -> pa.Table:
    """Some accounts of the newest cutoff, whose labels are not known yet."""
    rows = pa.table({"account_id": history.accounts, "as_of": pa.repeat(cutoffs[-1], len(history.accounts))})
    return rows.filter(pa.array(chances_of_rows(rows) < NEWEST_ACCOUNTS / rows.num_rows))
