"""Holidays, schools and bots in daily usage."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

HOLIDAYS: Final = ((12, 22), (1, 3))
"""The two weeks in which nearly nobody works, as month and day."""

AT_WORK: Final = 0.08
"""The share of usage rows that remain in the holidays, and in a school's summer."""


def usage_with_seasons(table: pa.Table, kinds: Mapping[str, str], generator: np.random.Generator) -> pa.Table:
    """Daily usage without most rows of holidays; bots go on alone, schools close in summer."""
    if not table.num_rows:
        return table
    ids = table["account_id"].cast(pa.string())
    days = table["day"]
    month, day = pc.month(days).to_numpy(), pc.day(days).to_numpy()
    holiday = ((month == 12) & (day >= HOLIDAYS[0][1])) | ((month == 1) & (day <= HOLIDAYS[1][1]))
    school = pc.is_in(ids, value_set=_of_kind(kinds, "school")).to_numpy(zero_copy_only=False)
    bot = pc.is_in(ids, value_set=_of_kind(kinds, "bot")).to_numpy(zero_copy_only=False)
    closed = (holiday & ~bot) | (school & np.isin(month, (7, 8)))
    kept = ~closed | (generator.random(table.num_rows) < AT_WORK)
    kept &= ~bot | (pc.equal(table["feature"].cast(pa.string()), "api").to_numpy(zero_copy_only=False))
    return table.filter(pa.array(kept))


def bot_rows(schema: pa.Schema, kinds: Mapping[str, str], days: list[date], running: frozenset[str]) -> pa.Table:
    """The same number of calls every day, by one technical user."""
    accounts = sorted(set(_of_kind(kinds, "bot").to_pylist()) & running)
    rows = [
        {
            "account_id": account,
            "day": day,
            "feature": "api",
            "events": 2400,
            "minutes": 0.0,
            "users": 1,
            "user_id": f"{account}-service",
        }
        for day in days
        for account in accounts
    ]
    plain = pa.schema([(field.name, _plain(field.type)) for field in schema])
    return pa.Table.from_pylist(rows, schema=plain).cast(plain)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _of_kind(kinds: Mapping[str, str], kind: str) -> pa.Array:
    return pa.array([account for account, found in kinds.items() if found == kind], pa.string())
