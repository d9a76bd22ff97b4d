"""Rows of a night on a cluster: those of chosen accounts come back, in the frame's order, and each of them once."""

from typing import Any, cast

import numpy as np
import pyarrow as pa

from features.cluster_frame import ClusterFrame
from pipelines.night.cluster.cluster_scoring import ClusterFrames

ROWS = pa.table({"account_id": ["a", "b", "c", "d"], "value": [1.0, 2.0, 3.0, 4.0]}).append_column(
    "as_of", pa.array([20_000] * 4, pa.date32())
)


class CountingFrame:
    """A frame of these rows that knows which accounts it was asked for."""

    schema = ROWS.schema

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def of_accounts(self, accounts: list[str]) -> pa.Table:
        self.asked.append(accounts)
        return ROWS.take([place for place, name in enumerate("abcd") if name in accounts])


def test_a_row_comes_from_the_cluster_once() -> None:
    frame = CountingFrame()
    frames = ClusterFrames(ROWS.select(["account_id", "as_of"]), on_cluster=cast("ClusterFrame", cast("Any", frame)))
    frames.places.update(churn=np.array([0, 1, 3]), escalation=np.array([2, 3]))
    assert frames.of_accounts("churn", pa.array(["d", "c"]))["value"].to_pylist() == [4.0]
    assert frames.of_accounts("churn", pa.array(["a", "d"]))["value"].to_pylist() == [1.0, 4.0]
    assert frames.of_accounts("escalation", pa.array(["d", "c", "a"])).equals(ROWS.slice(2))
    assert frames.of_accounts("escalation", pa.array(["c"]))["value"].to_pylist() == [3.0]
    assert frames.of_accounts("escalation", pa.array(["a"])).num_rows == 0
    assert frame.asked == [["d"], ["a"], ["c"]]
    assert frames["churn"]["account_id"].to_pylist() == ["a", "b", "d"]
