"""A guard against running a home with another source: accounts of two companies in one queue cannot be separated again.

A night on another source would leave the cases of the first in the queue for ever. So a command whose home and source
do not fit is stopped before anything else is read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import ACCOUNTS
from features.duckdb_connection import open_duckdb
from features.errors import UsageError
from features.source_table import SourceTable, explain_read_errors
from features.validation.values.column_types import cast_column
from pipelines.extensions.load_extensions import own_features
from pipelines.scratch import scratch_folder
from pipelines.sources.named.open_sources import open_configured_source
from serving.store.queries.outcome_queries import accounts_of_newest_night, count_newest_night

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from serving.store import Store

LEAST_SHARED = 0.1
"""A source that holds fewer of the accounts of the queue's newest night is another one; one that was cut off has more,
and is stopped by the gate of volume."""

FIRST_ASKED = 2
"""Times as many accounts as it has to hold that are looked for at first."""


def refuse_other_source(settings: Settings, store: Store) -> None:
    """Do nothing where the settings' source holds the accounts of the queue, or the queue knows of none.

    Raises:
        UsageError: it holds the accounts of another source.
        DataGateError: its accounts cannot be read.
    """
    with store.reading() as session:
        count = count_newest_night(session)
        accounts = _accounts(settings) if count else None
        if accounts is None:
            return
        least = LEAST_SHARED * count
        for most in (math.ceil(FIRST_ASKED * least), count):  # nearly always the first of them are enough
            known = accounts_of_newest_night(session, most)
            shared = pc.sum(pc.is_in(pa.array(known, pa.string()), value_set=accounts)).as_py() or 0
            if shared >= least:
                return
    held = f"only {shared:,}" if shared else "none"
    raise UsageError(
        f"The queue of {settings.home} belongs to another source: of its {count:,} accounts "
        f"{settings.source_text} has {held}. Give this source a --home of its own."
    )


def _accounts(settings: Settings) -> pa.Array | None:
    own_features(settings)  # a mapping may have queries of an extension's tables
    source = open_configured_source(settings)
    if "accounts" not in source.tables():
        return None
    with scratch_folder() as scratch:
        (table,) = source.stage(["accounts"], scratch)
        return account_ids(table)


def account_ids(accounts: SourceTable) -> pa.Array | None:
    """The ids of a source's accounts as validation reads them; ``None`` where it has no such column.

    Raises:
        DataGateError: the table cannot be read.
    """
    column = ACCOUNTS.column("account_id")
    with open_duckdb(files=accounts.files) as connection, explain_read_errors(accounts.label):
        types = {name.lower(): kind for name, kind in accounts.types(connection).items()}
        if column.name not in types:
            return None
        read = f"SELECT DISTINCT {cast_column(column, types[column.name])} AS id FROM {accounts.relation} s"
        return connection.sql(read).to_arrow_table()["id"].combine_chunks().cast(pa.string())
