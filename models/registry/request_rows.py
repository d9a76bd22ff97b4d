"""The rows of a request to a served model, checked before anything is scored.

Whoever asks a server gets either numbers that mean something or one sentence that says what is wrong with the request.
The night scores values that the model has never seen as unknown and marks the score. A client cannot see such a mark,
so here they are refused, unless the request says ``"params": {"score_unknown": true}``.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from models.data.signature import InputColumn, Signature, SignatureError

SCORE_UNKNOWN = "score_unknown"
"""The parameter of a request that asks for scores of rows with values that the model has never seen."""

MOST_NAMED = 5
CATEGORY_TYPE = "string"


def read_rows(signature: Signature, request: pd.DataFrame, *, score_unknown: bool = False) -> pa.Table:
    """The rows of a request as a table of the model's columns, in their order.

    Raises:
        SignatureError: no rows; columns missing or of another type; values that the model has never seen.
    """
    missing = [name for name in signature.names if name not in request.columns]
    if missing:
        raise SignatureError(f"The request lacks {_listed(missing, 'column')} of the model.")
    if not len(request):
        raise SignatureError("The request has no rows.")
    rows = pa.table({column.name: _values(column, request[column.name]) for column in signature.columns})
    if not score_unknown and (unknown := list(_unknown_values(signature, rows))):
        raise SignatureError(
            f'{"; ".join(unknown)}. With "params": {{"{SCORE_UNKNOWN}": true}} such values are scored as unknown.'
        )
    return rows


def _values(column: InputColumn, values: pd.Series) -> pa.Array:
    kind = pa.string() if column.type == CATEGORY_TYPE else pa.float64()
    try:
        return pa.array(values, kind, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):
        wanted = "a text" if column.type == CATEGORY_TYPE else "a number"
        raise SignatureError(f"The column {column.name} has a value that is not {wanted}.") from None


def _unknown_values(signature: Signature, rows: pa.Table) -> Iterator[str]:
    """One clause for each column with a value that the model has never seen, up to `MOST_NAMED`."""
    unknown = signature.unknown(rows).to_pylist()
    first = {name: row for row, names in reversed(list(enumerate(unknown))) for name in names or ()}
    columns = [column for column in signature.columns if column.name in first]
    for column in columns[:MOST_NAMED]:
        yield _clause(column, first[column.name], rows[column.name][first[column.name]].as_py())
    if len(columns) > MOST_NAMED:
        yield f"{len(columns) - MOST_NAMED} more columns have such values"


def _clause(column: InputColumn, row: int, value: Any) -> str:
    if value is None:
        return f"{column.name} is missing in row {row + 1}, and was never missing in training"
    known = ", ".join(column.levels[:MOST_NAMED]) + (", …" if len(column.levels) > MOST_NAMED else "")
    return f"{column.name} is {value!r} in row {row + 1}, which the model has never seen (it knows {known})"


def _listed(names: list[str], noun: str) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"the {noun}{'' if len(names) == 1 else 's'} {', '.join(names[:MOST_NAMED])}{more}"
