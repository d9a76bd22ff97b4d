"""Accounts of one group are one piece of evidence: they are drawn for the hold-out together and influence each other.

The group of an account is its ``parent_id``, as the policy's hold-out reads it; an account without one is a group of
its own. The newest parent counts, at every cutoff: this is about which rows resemble each other, and no feature.
"""

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import TABLES
from features.history.history import History
from features.history.versions import known_instant

GROUP_COLUMN = "unit"


def with_groups(history: History, labels: pa.Table) -> pa.Table:
    """The labels with a column ``unit``: the parent of each account, or the account itself."""
    known = known_instant(TABLES["accounts"])
    parents = history.query(
        f"""
        SELECT account_id, arg_max(parent_id, {known}) AS parent_id
        FROM accounts WHERE nullif(trim(parent_id), '') IS NOT NULL GROUP BY account_id ORDER BY account_id
    """
    )
    own = labels["account_id"].combine_chunks()
    place = pc.index_in(own, value_set=parents["account_id"].combine_chunks())
    parent = parents["parent_id"].combine_chunks().take(place).cast(own.type)
    return labels.append_column(GROUP_COLUMN, pc.coalesce(parent, own))
