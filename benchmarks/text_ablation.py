"""The value of ticket texts: both risks are learned with them, and without.

    benchmarks/.venv-peers/bin/python benchmarks/text_vectors.py minilm DATA VECTORS.parquet
    python benchmarks/text_ablation.py DATA --vectors minilm=VECTORS.parquet [static=…] [--components 8]

An account's words at a cutoff are the mean of the vectors of its tickets that were opened in the 90 days before and
known by then, as they were known then. At each fold they are reduced to principal components, fitted on the
training rows of the fold only. The *plain signals* are the optional features `text`.
As a control, *shuffled* gives each ticket the vector of another one: its gain is chance.

Prints a Markdown table per risk: the difference of average precision and log loss (relative to the base rate) of the
trees on later cutoffs from those without texts, with 95% intervals from drawing accounts again.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from compared import Extra, Figures, walk_forward_scores
from scipy import sparse
from sklearn.decomposition import PCA

from features.catalogue import OPTIONAL, select_features
from features.engine.table_rows.relations import all_versions
from features.frame import EPOCH, build
from features.history.history import History
from features.labels.labels import label
from models.data.arrays import Matrix
from models.learners.training_set import prepare_training_set
from models.risks.configuration import for_history
from pipelines.settings import Settings
from pipelines.sources.validated_source import validate_source
from pipelines.training.training_data import training_cutoffs

WINDOW = 90
"""Days whose tickets are read."""


def words(history: History, frame: pa.Table, cutoffs: Sequence[date], vectors: Path, *, shuffled: bool) -> Matrix:
    """The mean vector of each row of the frame; NaN where the account had no ticket with words."""
    known = pq.read_table(vectors)
    vector = known["vector"].combine_chunks().flatten().to_numpy().reshape(len(known), -1)
    history.create_table("vector_places", pa.table({"text": known["text"], "place": np.arange(len(known))}))
    tickets = history.query(
        "SELECT account_id, known, replaced, CAST(opened_at AS DATE) - DATE '1970-01-01' AS opened, place FROM "
        f"({all_versions('tickets', history)}) JOIN vector_places ON text = "
        "md5(coalesce(subject, '') || chr(10) || coalesce(body, '')) ORDER BY ticket_id, known"
    )
    found = {name: tickets[name].to_numpy() for name in ("known", "replaced", "opened", "place")}
    said = vector[found["place"]]
    if shuffled:
        said = np.random.default_rng(7).permutation(said)
    names = {name: place for place, name in enumerate(history.accounts.to_pylist())}
    account = np.array([names[name] for name in tickets["account_id"].to_pylist()])
    place = np.array([names[name] for name in frame["account_id"].to_pylist()])
    as_of = frame["as_of"].cast(pa.int32()).to_numpy()
    mean = np.full((len(frame), vector.shape[1]), np.nan, dtype=np.float32)
    for cutoff in ((day - EPOCH).days for day in cutoffs):
        held = (found["known"] < cutoff) & (cutoff <= found["replaced"])
        seen = np.flatnonzero(held & (found["opened"] < cutoff) & (found["opened"] >= cutoff - WINDOW))
        ones = np.ones(len(seen), dtype=np.float32)
        owned = sparse.csr_array((ones, (account[seen], np.arange(len(seen)))), shape=(len(names), len(seen)))
        count = owned.sum(axis=1)
        with np.errstate(invalid="ignore"):
            own = np.where(count[:, None] > 0, (owned @ said[seen]) / count[:, None], np.nan)
        rows = np.flatnonzero(as_of == cutoff)
        mean[rows] = own[place[rows]]
    return mean


def main_components(count: int) -> Callable[[Matrix], Callable[[Matrix], Matrix]]:
    """How training rows are reduced, and by that every other row."""

    def learn(training: Matrix) -> Callable[[Matrix], Matrix]:
        reduced = PCA(count, svd_solver="covariance_eigh").fit(training[~np.isnan(training[:, 0])])

        def components(rows: Matrix) -> Matrix:
            found = np.full((len(rows), count), np.nan, dtype=np.float32)
            there = ~np.isnan(rows[:, 0])
            found[there] = reduced.transform(rows[there])
            return found

        return components

    return learn


def variants(
    history: History, frame: pa.Table, cutoffs: Sequence[date], vectors: dict[str, Path], count: int
) -> dict[str, tuple[bool, Extra | None]]:
    """By name: whether the plain signals are used, and the columns learned from texts."""
    learn = main_components(count)
    found: dict[str, tuple[bool, Extra | None]] = {"plain signals": (True, None)}
    for name, path in vectors.items():
        extra = Extra(words(history, frame, cutoffs, path, shuffled=False), learn, count)
        found[f"{name}, {count} components"] = (False, extra)
    for name, path in list(vectors.items())[:1]:
        extra = Extra(words(history, frame, cutoffs, path, shuffled=True), learn, count)
        found[f"{name}, shuffled"] = (False, extra)
    return found


def main() -> None:
    """Walk through time with every variant of both risks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--vectors", nargs="+", required=True, help="NAME=FILE as text_vectors.py writes it")
    parser.add_argument("--components", type=int, default=8)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    vectors = {name: Path(path) for name, path in (pair.split("=", 1) for pair in arguments.vectors)}
    plain = {feature.name for feature in OPTIONAL["text"]}
    with tempfile.TemporaryDirectory() as scratch:
        opened = validate_source(Settings(data=arguments.data), Path(scratch))
        cutoffs = training_cutoffs(opened.history, opened.history.until)
        frame = build(opened.history, cutoffs, features=select_features(("text",)))
        found = variants(opened.history, frame, cutoffs, vectors, arguments.components)
        for risk in for_history(opened.history, opened.risk_settings).values():
            labels = label(opened.history, cutoffs, risk.label)
            without = frame.drop_columns([name for name in frame.column_names if name in plain])
            bare = prepare_training_set(without, labels, risk, threads=arguments.threads)
            signals = prepare_training_set(frame, labels, risk, threads=arguments.threads)
            figures = Figures(bare, walk_forward_scores(bare))
            print(figures.headline(risk.title, bare.examples.labelled.events), flush=True)
            for name, (with_signals, extra) in found.items():
                print(figures.row(name, walk_forward_scores(signals if with_signals else bare, extra)), flush=True)


if __name__ == "__main__":
    main()
