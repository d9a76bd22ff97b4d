"""Reasons: exact, grouped, described with facts; a planted cause comes first, an accident of one fit is marked weak."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.worlds.trained_factory import made_events, made_frame, made_model

from features.catalogue import FEATURES, GROUPS, features_of, group_of_column
from models.explain.adverse_events import adverse_flags
from models.explain.reasons import ExplainedRow, explain, leading_groups
from models.learners.risk_model import Refit, RiskModel

CAUSES = {
    "usage_events_change_28d": -1.3,
    "tickets_open": 1.2,
    "escalations_90d": 1.1,
    "health_score": -1.0,
    "invoices_overdue_days": 1.2,
    "contract_seats_change_90d": -1.1,
}
NOISE = {"usage_minutes_28d": 0.0, "ticket_comments_28d": 0.0, "health_range_90d": 0.0}
ALL = {**CAUSES, **NOISE}


@pytest.fixture(scope="module")
def model() -> RiskModel:
    frame = made_frame(ALL, accounts=800, seed=11)
    return made_model(frame, made_events(frame, ALL), trees=100)


def planted(cause: str, rng: np.random.Generator) -> dict[str, Any]:
    """An ordinary account but for one thing, which is as bad as for one account in a thousand."""
    row = {name: float(value) for name, value in zip(ALL, rng.normal(0, 0.1, len(ALL)), strict=True)}
    return row | {cause: float(3.0 * np.sign(CAUSES[cause]))}


def table(rows: list[dict[str, Any]]) -> pa.Table:
    frame = made_frame(ALL, accounts=len(rows), cutoffs=1)
    return pa.Table.from_pylist(
        [known | row for known, row in zip(frame.to_pylist(), rows, strict=True)], schema=frame.schema
    )


def test_a_planted_cause_is_the_first_reason_in_95_of_100_accounts(model: RiskModel) -> None:
    rng = np.random.default_rng(5)
    causes = [cause for cause in CAUSES if cause != "health_score" for _ in range(50)]  # a level: test_reason_order
    found = explain(model, table([planted(cause, rng) for cause in causes]))
    first = [reasons[0].group == group_of_column(cause) for reasons, cause in zip(found, causes, strict=True)]
    assert np.mean(first) >= 0.95


def test_contributions_add_up_to_the_score(model: RiskModel) -> None:
    rows = made_frame(ALL, accounts=40, cutoffs=1, seed=3)
    assert np.allclose(model.contributions(rows).sum(axis=1), model.predict(rows).rank_score, atol=1e-6)


def test_the_leading_group_is_that_of_the_first_reason(model: RiskModel) -> None:
    rows = made_frame(ALL, accounts=200, cutoffs=1, seed=6)
    first = [reasons[0].group if reasons else None for reasons in explain(model, rows)]
    assert leading_groups(model, rows) == first
    assert None in first
    assert leading_groups(model, rows.slice(0, 0)) == []


def test_the_first_reasons_are_those_of_all_without_what_is_no_reason(model: RiskModel) -> None:
    rows = made_frame(ALL, accounts=200, cutoffs=1, seed=6)
    every = explain(model, rows)
    assert explain(model, rows, most=1) == [reasons[:1] for reasons in every]
    told = next(reasons[0].feature for reasons in every if reasons)
    others = [tuple(it for it in reasons if not it.feature.startswith(told))[:1] for reasons in every]
    assert explain(model, rows, most=1, without=(told,)) == others


def test_only_what_raises_the_risk_is_a_reason_and_the_strongest_event_comes_first(model: RiskModel) -> None:
    rows = made_frame(ALL, accounts=60, cutoffs=1, seed=4)
    events = {name: adverse_flags(name, rows) for name in ALL}
    for place, reasons in enumerate(explain(model, rows)):
        assert all(reason.strength > 0 for reason in reasons)
        assert {reason.group for reason in reasons} <= set(GROUPS)
        strengths = [reason.strength for reason in reasons if events[reason.feature][place]]
        assert strengths == sorted(strengths, reverse=True)


def test_what_an_account_is_comes_after_what_happened_to_it() -> None:
    known = {"account_age_days": 2.0, "tickets_open": 0.8}
    frame = made_frame(known, accounts=800, seed=11)
    model = made_model(frame, made_events(frame, known), trees=60)
    both, kind_only = dict.fromkeys(known, 2.0), {"account_age_days": 2.0, "tickets_open": -2.0}
    rows = pa.Table.from_pylist(
        [row | given for row, given in zip(frame.slice(0, 2).to_pylist(), (both, kind_only), strict=True)],
        schema=frame.schema,
    )
    first, second = explain(model, rows)
    assert [reason.group for reason in first] == ["support", "account"]
    assert first[1].strength > first[0].strength
    assert [reason.group for reason in second] == ["account"]
    assert leading_groups(model, rows) == ["support", "account"]


def test_a_reason_is_told_with_its_fact(model: RiskModel) -> None:
    row = planted("tickets_open", np.random.default_rng(1)) | {"tickets_open": 7.0}
    first = explain(model, table([row]))[0][0]
    assert (first.group, first.feature, first.sentence) == ("support", "tickets_open", "7 tickets open now")


@pytest.mark.parametrize(("age", "said"), [(7.0, "; the account is only 7 days old"), (28.0, ""), (None, "")])
def test_a_sentence_about_a_longer_time_than_the_account_exists_says_so(
    model: RiskModel, age: float | None, said: str
) -> None:
    row = planted("health_score", np.random.default_rng(1)) | {"as_of": date(2026, 3, 1), "account_age_days": age}
    row |= {"health_mean_28d": 32.8}
    names, known = ["health_mean_28d"], features_of(pa.schema([("health_mean_28d", pa.float64())]))
    explained = ExplainedRow(row, names, {"health": [0]}, np.ones(1), np.array([False]), np.ones(1), known)
    assert explained.sentence("health", names[0]).endswith(f"Health score 32.8 on average over four weeks{said}")


def test_a_reason_with_a_value_is_told_before_one_without(model: RiskModel) -> None:
    row = planted("health_score", np.random.default_rng(1)) | {"health_range_90d": None}
    assert explain(model, table([row]))[0][0].feature == "health_score"


def test_a_reason_that_earlier_fits_do_not_share_is_weak() -> None:
    with_cause = made_frame(ALL, accounts=300, seed=21)
    without = {**ALL, "tickets_open": 0.0}
    earlier = [made_frame(ALL, accounts=300, seed=seed) for seed in (22, 23, 24)]
    refits = [made_model(frame, made_events(frame, without)) for frame in earlier]
    others = tuple(Refit(refit.signature, refit.scorer) for refit in refits)
    model = replace(made_model(with_cause, made_events(with_cause, ALL)), refits=others)
    rng = np.random.default_rng(8)
    accident, lasting = explain(model, table([planted("tickets_open", rng), planted("escalations_90d", rng)]))
    assert (accident[0].group, accident[0].weak) == ("support", True)
    (unmarked,) = explain(model, table([planted("tickets_open", rng)]), mark_weak=False)
    assert (unmarked[0].group, unmarked[0].weak) == ("support", False)
    assert (lasting[0].group, lasting[0].weak) == ("escalations", False)


def test_refits_are_saved_and_loaded_with_the_model(tmp_path: Any) -> None:
    frame = made_frame(accounts=100)
    model = made_model(frame, made_events(frame))
    narrower = frame.drop_columns([model.signature.names[0]])
    other = made_model(narrower, made_events(frame), seed=8)
    saved = replace(model, refits=(Refit(model.signature, model.scorer), Refit(other.signature, other.scorer)))
    saved.save(tmp_path / "model")
    loaded = RiskModel.load(tmp_path / "model")
    for before, after in zip(saved.refit_contributions(frame), loaded.refit_contributions(frame), strict=True):
        assert np.allclose(before, after, atol=1e-12)
        assert before.shape == (frame.num_rows, len(model.signature.names) + 1)
    assert not saved.refit_contributions(frame)[1][:, 0].any()


def test_every_feature_of_the_catalogue_belongs_to_a_group_of_reasons() -> None:
    assert {group_of_column(feature.name) for feature in FEATURES} <= set(GROUPS)
