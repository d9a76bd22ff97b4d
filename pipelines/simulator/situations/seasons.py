"""Holidays, schools and bots in daily usage."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.clock import DAY, Flags, Ints, day_of

HOLIDAYS: Final = ((12, 22), (1, 3))
"""The two weeks in which nearly nobody works, as month and day."""

SCHOOL_HOLIDAYS: Final = (7, 8)
"""The months in which schools are closed."""

AT_WORK: Final = 0.08
"""The share of usage rows that remain in the holidays, and in a school's summer."""

CALLS: Final = 2400
"""The calls of a bot on every day."""


def usage_with_seasons(
    table: pa.Table, number: Ints, schools: Flags, bots: Flags, generator: np.random.Generator
) -> pa.Table:
    """Daily usage without most rows of holidays and of schools in summer; an account with a bot has only the bot's.

    ``number`` is the account of each row; ``schools`` and ``bots`` have one entry per account.
    """
    days = table["day"]
    month, day = pc.month(days).to_numpy(), pc.day(days).to_numpy()
    holiday = ((month == HOLIDAYS[0][0]) & (day >= HOLIDAYS[0][1])) | (
        (month == HOLIDAYS[1][0]) & (day <= HOLIDAYS[1][1])
    )
    school, bot = schools[number], bots[number]
    closed = holiday | (school & np.isin(month, SCHOOL_HOLIDAYS))
    wanted = ~closed | (generator.random(table.num_rows) < AT_WORK)
    return table.filter(pa.array(wanted & ~bot))


def bot_rows(table: pa.Table, names: pa.Array, running: Sequence[tuple[int, date, date]]) -> pa.Table:
    """The same number of calls on every day from one technical user, in the columns of ``table``.

    ``names`` holds the ids of all accounts; ``running`` has the account, its first day and the day after its last one.
    """
    number = np.repeat([who for who, _, _ in running], [(end - begin).days for _, begin, end in running]).astype(
        np.int32
    )
    days = [begin + timedelta(days=place) for _, begin, end in running for place in range((end - begin).days)]
    dense = np.array([day_of(day) for day in days], dtype=np.int64)
    columns = {
        "account_id": pa.DictionaryArray.from_arrays(pa.array(number), names),
        "day": pa.array(days, pa.date32()),
        "feature": pa.array(["api"] * len(days), pa.string()).dictionary_encode(),
        "events": pa.array(np.full(len(days), CALLS, dtype=np.int32)),
        "minutes": pa.array(np.zeros(len(days), dtype=np.float32)),
        "users": pa.array(np.ones(len(days), dtype=np.int32)),
        "user_id": pc.binary_join_element_wise(names.take(pa.array(number)), "service", "-").dictionary_encode(),
        "known_at": pa.array(((dense + 1) * DAY + 2 * 3600) * 1_000_000, pa.timestamp("us")),
    }
    return pa.table({name: columns[name] for name in table.column_names}).cast(table.schema)
