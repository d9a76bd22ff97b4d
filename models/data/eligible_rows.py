"""The rows of a frame that meet a risk's condition ``eligible``: a part of who can be predicted at all.

The condition reads features, and features know nothing later than their cutoff, so what it selects in training is what
it will select on the night.
"""

import numpy as np
import pyarrow as pa

from features.conditions import Columns, ConditionError, compile_condition, condition_problem
from features.duckdb_connection import open_duckdb
from features.errors import UsageError
from models.data.arrays import Bools


def rows_meeting(frame: pa.Table, condition: str) -> Bools:
    """Whether each row meets the condition; a row of which it is unknown does not. Without a condition every row does.

    Raises:
        UsageError: the condition names a column that the frame does not have.
    """
    if not condition or not frame.num_rows:
        return np.ones(frame.num_rows, dtype=np.bool_)
    columns: Columns = {
        field.name: (field.name, "text" if pa.types.is_string(field.type) else "number")
        for field in frame.schema
        if field.name != "as_of"
    }
    try:
        compiled = compile_condition(condition, columns, listing="docs/features.md lists the features")
    except ConditionError as error:
        raise UsageError(condition_problem(f"The condition eligible ({condition})", error)) from None
    needed = frame.select(list(compiled.columns) or ["account_id"])
    with open_duckdb() as connection:
        rows = connection.from_arrow(needed).project(f"coalesce({compiled.sql}, false) AS meets")
        return np.asarray(rows.fetchnumpy()["meets"], dtype=np.bool_)
