"""Large sources are sampled by rows, never by weeks; a sample has everything that happened and the same totals."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features import frame
from features.catalogue import FEATURES
from features.history.history import History
from models import training
from models.data.row_sampling import REPRESENTS
from models.evaluation.evaluate import backtest
from models.promotion.comparison import compare_with_champion
from models.risks.configuration import for_history
from models.risks.defaults import ESCALATION
from pipelines import settings as configuration
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.sources.validated_source import validate_source
from pipelines.training.training_data import TrainingData, gather_training_data, training_cutoffs
from pipelines.training.training_rows import rows_of, training_rows

USED = [feature for feature in FEATURES if feature.name in {"tickets_opened_28d", "health_score", "usage_events_28d"}]
RELATIVE = [feature for feature in FEATURES if feature.name == "usage_events_vs_portfolio"]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("rows")
    simulate_world(SimulatorSettings(accounts=260, months=14, seed=4, world="plain", flaws=0.0), folder / "data")
    yield validate_source(configuration.load(data=str(folder / "data")), folder).history


@pytest.fixture(scope="module")
def cutoffs(history: History) -> list[date]:
    return training_cutoffs(history, history.until)


def gathered(history: History, most_rows: int, features: Any = USED, log: list[str] | None = None) -> TrainingData:
    def build(of: History, days: Any, /, *, rows: Any = None) -> pa.Table:
        return frame.build(of, days, features=features, rows=rows)

    wanted = list(for_history(history).values())
    said = [] if log is None else log
    return gather_training_data(history, wanted, history.until, build=build, log=said.append, most_rows=most_rows)


def keys(table: pa.Table) -> set[tuple[str, date]]:
    return set(zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True))


def test_every_week_is_used_at_any_size(history: History, cutoffs: list[date]) -> None:
    said: list[str] = []
    data = gathered(history, 3_000, log=said)
    used = set(data.frame["as_of"].to_pylist())
    assert data.cutoffs == cutoffs and used >= {*cutoffs[:-3], cutoffs[-1]}, "all but those without a known label"
    assert abs(data.frame.num_rows - 3_000) < 900
    assert f"{data.frame.num_rows:,} of {len(cutoffs) * len(history.accounts):,} rows" in said[-1]


def test_a_sample_has_what_happened_and_counts_for_the_rest(history: History, cutoffs: list[date]) -> None:
    wanted = list(for_history(history).values())
    whole, sample = (training_rows(history, wanted, cutoffs, rows).labels for rows in (10**9, 9_000))
    for name, labels in whole.items():
        known = labels.filter(labels["event"].is_valid())
        drawn = sample[name].filter(sample[name]["event"].is_valid())
        happened = drawn.filter(drawn["event"])
        assert REPRESENTS not in labels.column_names
        assert keys(happened) == keys(known.filter(known["event"])), "every row with the event"
        assert pc.max(happened[REPRESENTS]).as_py() == 1
        assert drawn.num_rows < 0.75 * known.num_rows
        assert abs(pc.sum(drawn[REPRESENTS]).as_py() / known.num_rows - 1) < 0.05
        newest = known.group_by("account_id").aggregate([("as_of", "max")])
        assert keys(newest.rename_columns(["account_id", "as_of"])) <= keys(drawn), "the newest row of every account"
        assert drawn.drop_columns([REPRESENTS]).equals(rows_with(known, keys(drawn)))


def test_events_come_before_the_newest_rows_of_accounts(history: History, cutoffs: list[date]) -> None:
    wanted = list(for_history(history).values())
    whole = training_rows(history, wanted, cutoffs, 10**9).labels
    known = pa.concat_tables(labels.select(["account_id", "as_of", "event", "event_at"]) for labels in whole.values())
    happened = keys(known.filter(pc.or_(pc.fill_null(known["event"], False), known["event_at"].is_valid())))
    for name, labels in training_rows(history, wanted, cutoffs, 2 * len(happened) + 20).labels.items():
        events = labels.filter(labels["event"])
        assert keys(events) == keys(whole[name].filter(whole[name]["event"]))
        assert pc.max(events[REPRESENTS]).as_py() == 1


def rows_with(table: pa.Table, wanted: set[tuple[str, date]]) -> pa.Table:
    of_rows = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    return table.filter(pa.array([key in wanted for key in of_rows]))


def test_labels_read_a_few_weeks_at_a_time_are_the_same(history: History, cutoffs: list[date]) -> None:
    """A smaller sample is read in smaller parts; the rows that both hold have equal labels."""
    wanted = list(for_history(history).values())
    large, small = (training_rows(history, wanted, cutoffs, rows).labels for rows in (9_000, 1_500))
    for name, labels in small.items():
        of_large = rows_with(large[name], keys(labels))
        assert of_large.drop_columns([REPRESENTS]).equals(labels.drop_columns([REPRESENTS]))


def test_chosen_rows_have_the_features_of_the_whole_frame(history: History, cutoffs: list[date]) -> None:
    chosen = np.random.default_rng(3).random((len(cutoffs), len(history.accounts))) < 0.1
    features = [*USED, *RELATIVE]
    whole = frame.build(history, cutoffs, features=features)
    part = frame.build(history, cutoffs, features=features, rows=chosen, memory="2MiB")
    expected = whole.filter(pa.array(chosen[np.nonzero(rows_of(whole, history, cutoffs))]))
    assert part.equals(expected) and part.num_rows > 500


def test_a_sample_is_evaluated_like_all_rows(history: History) -> None:
    whole, sample = (gathered(history, rows) for rows in (10**9, 5_000))
    of_all, of_sample = (
        backtest(data.frame, data.labels["escalation"], ESCALATION).evaluation.overall for data in (whole, sample)
    )
    assert of_sample.rows < 0.6 * of_all.rows
    assert of_sample.events == of_all.events
    assert abs(of_sample.base_rate / of_all.base_rate - 1) < 0.1
    for figure in ("auc", "average_precision", "log_loss_skill"):
        theirs, own = (of.scorers["model"][figure] for of in (of_all, of_sample))
        assert theirs.low <= own.value <= theirs.high


def test_trainings_of_different_samples_are_compared_with_the_weights_of_the_smaller(history: History) -> None:
    results = []
    for rows in (5_000, 9_000):
        data = gathered(history, rows)
        results.append(_trained(data))
    (small, scored_small, frame_small), (large, scored_large, _) = results
    compared = compare_with_champion(small, scored_small, large, scored_large, frame_small, margin=0.03)
    other = compare_with_champion(large, scored_large, small, scored_small, frame_small, margin=0.03)
    assert not compared.differing and compared.evidence == "test_periods"
    assert np.isclose(compared.rows.weight.sum(), other.rows.weight.sum())
    assert abs(compared.rows.weight.sum() / scored_large["weight"].to_numpy().sum() - 1) < 0.1


def _trained(data: TrainingData) -> tuple[Any, pa.Table, pa.Table]:
    risk = replace(ESCALATION, learner="logistic")
    result = training.fit(data.frame, data.labels["escalation"], risk)
    return result.model, result.scored, data.frame
