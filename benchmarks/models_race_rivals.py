"""The rivals' side of `models_race.py`, run by the interpreter of their own environment.

    python models_race_rivals.py churnkit|featuretools FOLDER

Both get each table's rows that were known before a cutoff, and nothing else. churnkit: its window aggregates (count,
sum, mean, maximum over 7 to 365 days, recency, tenure) and its LightGBM baseline, both as shipped. featuretools: deep
feature synthesis with its usual aggregations and cutoff times, and LightGBM as shipped.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

WINDOWS = ["7d", "30d", "90d", "180d", "365d"]
ID_IS_TEXT = {"account_id": "Unknown"}
"""featuretools would take ids of digits for numbers, and not find them again."""

NOT_VALUES = {"known", "known_at", "account_id", "as_of"}


def tables(share: Path) -> dict[str, pd.DataFrame]:
    """The exported tables by name; what happened on a ticket has its account beside it."""
    files = [file for file in sorted(share.glob("*.parquet")) if file.stem not in {"labels", "tests"}]
    found = {file.stem: pd.read_parquet(file) for file in files if "." not in file.stem}  # not another rival's scores
    if "ticket_events" in found:
        owners = found["tickets"][["ticket_id", "account_id"]].drop_duplicates("ticket_id")
        found["ticket_events"] = found["ticket_events"].merge(owners, on="ticket_id")
    return found


def numbers(table: pd.DataFrame) -> list[str]:
    """Columns that can be summed."""
    return [c for c in table.select_dtypes("number").columns if c not in NOT_VALUES and table[c].notna().any()]


def by_churnkit(given: dict[str, pd.DataFrame], cutoffs: list[pd.Timestamp]) -> pd.DataFrame:
    """The window aggregates of churnkit, of every table at every cutoff."""
    from customer_retention.stages.profiling import TimeWindowAggregator

    parts = []
    for cutoff in cutoffs:
        frame = given["accounts"].loc[given["accounts"]["known"] < cutoff, ["account_id"]].drop_duplicates()
        for name, table in given.items():
            seen = table[table["known"] < cutoff]
            if name == "accounts" or seen.empty:
                continue
            found = TimeWindowAggregator("account_id", "known").aggregate(
                seen.reset_index(drop=True),
                windows=WINDOWS,
                value_columns=numbers(seen) or None,
                agg_funcs=["sum", "mean", "max", "count"],
                reference_date=cutoff,
                include_event_count=True,
                include_recency=True,
                include_tenure=True,
            )
            found.columns = ["account_id", *(f"{name}_{column}" for column in found.columns[1:])]
            frame = frame.merge(found, on="account_id", how="left")
        parts.append(frame.assign(as_of=cutoff))
    return pd.concat(parts, ignore_index=True)


def by_featuretools(given: dict[str, pd.DataFrame], cutoffs: list[pd.Timestamp]) -> pd.DataFrame:
    """Deep feature synthesis at every cutoff."""
    import featuretools

    accounts = given["accounts"].drop_duplicates("account_id").drop(columns=["known"], errors="ignore")
    known = given["accounts"].groupby("account_id")["known"].min()
    entities = featuretools.EntitySet("race").add_dataframe(
        dataframe_name="accounts",
        dataframe=accounts[["account_id"]].copy(),
        index="account_id",
        logical_types=ID_IS_TEXT,
    )
    for name, table in given.items():
        if name == "accounts":
            continue
        own = table[table["account_id"].isin(accounts["account_id"])]
        columns = ["account_id", "known", *numbers(own), *[c for c in ("feature", "status") if c in own]]
        entities = entities.add_dataframe(
            dataframe_name=name,
            dataframe=own[columns].reset_index(drop=True),
            index="row",
            make_index=True,
            time_index="known",
            logical_types=ID_IS_TEXT,
        ).add_relationship("accounts", "account_id", name, "account_id")
    parts = []
    for cutoff in cutoffs:
        who = known.index[known < cutoff]
        wanted = pd.DataFrame({"account_id": who, "time": cutoff - pd.Timedelta(microseconds=1)})
        frame, _ = featuretools.dfs(
            entityset=entities,
            target_dataframe_name="accounts",
            cutoff_time=wanted,
            trans_primitives=[],
            max_depth=2,
            agg_primitives=["count", "sum", "mean", "max", "min", "std", "trend", "time_since_last", "num_unique"],
        )
        parts.append(frame.reset_index().assign(as_of=cutoff))
    return pd.concat(parts, ignore_index=True)


def learner(name: str) -> Callable[[pd.DataFrame, pd.Series], object]:
    """How the rival fits a model."""
    if name == "churnkit":
        from customer_retention.stages.modeling import BaselineTrainer, ModelType

        return lambda x, y: BaselineTrainer(ModelType.LIGHTGBM).fit(x, y).model
    from lightgbm import LGBMClassifier

    return lambda x, y: LGBMClassifier(verbosity=-1, random_state=7).fit(x, y)


def main() -> None:
    """Build the rival's features, fit it at every fold, and write its scores."""
    name, share = sys.argv[1], Path(sys.argv[2])
    given = tables(share)
    labels, tests = (pd.read_parquet(share / f"{part}.parquet") for part in ("labels", "tests"))
    embargo = pd.Timedelta(days=int((share / "embargo").read_text()))
    for table in (labels, tests):
        table["as_of"] = pd.to_datetime(table["as_of"])
    tests["start"] = pd.to_datetime(tests["start"])
    cutoffs = sorted(labels["as_of"].unique())
    frame = {"churnkit": by_churnkit, "featuretools": by_featuretools}[name](given, cutoffs)
    columns = [c for c in frame.columns if c not in ("account_id", "as_of")]
    frame[columns] = frame[columns].apply(pd.to_numeric, errors="coerce").replace([np.inf, -np.inf], np.nan)
    frame.columns = [
        "account_id" if c == "account_id" else "as_of" if c == "as_of" else f"x{n}" for n, c in enumerate(frame.columns)
    ]
    inputs = [c for c in frame.columns if c not in ("account_id", "as_of")]
    rows = labels.merge(frame, on=["account_id", "as_of"], how="left")
    fit, found = learner(name), []
    for start, wanted in tests.groupby("start"):
        training = rows[rows["as_of"] + embargo < start]
        model = fit(training[inputs], training["event"].astype(int))
        features = wanted[["account_id", "as_of"]].merge(frame, on=["account_id", "as_of"], how="left")
        score = model.predict_proba(features[inputs])[:, 1]  # type: ignore[attr-defined]
        found.append(wanted[["account_id", "as_of"]].assign(score=score))
    scores = pd.concat(found)
    scores["as_of"] = scores["as_of"].dt.date
    scores.to_parquet(share / f"{name}.scores.parquet", index=False)


if __name__ == "__main__":
    main()
