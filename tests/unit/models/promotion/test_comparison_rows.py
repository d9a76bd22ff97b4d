"""Challenger and champion meet only on cutoffs of which neither knew the outcome."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from support.worlds.trained_factory import FIRST, made_events, made_frame, made_model, scored_rows

from models.learners.risk_model import RiskModel
from models.promotion.comparison_rows import contest, first_contest, later_than, needed_cutoffs
from models.risks import CHURN


def champion_through(day: date) -> RiskModel:
    frame = made_frame(accounts=60)
    return replace(made_model(frame, made_events(frame)), facts={"through": day.isoformat()})


def test_the_champion_is_asked_only_after_its_last_label_was_over() -> None:
    champion = champion_through(FIRST - timedelta(days=CHURN.embargo + 1) + timedelta(weeks=3))
    assert later_than(champion) == FIRST + timedelta(weeks=3)
    frame = made_frame(accounts=50, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    cutoffs = [FIRST + timedelta(weeks=week) for week in (3, 4, 5)]
    assert needed_cutoffs(scored, champion) == cutoffs

    rows = contest(scored, CHURN, champion, frame.take(np.random.default_rng(1).permutation(frame.num_rows)))
    expected = scored.filter(pc.greater_equal(scored["as_of"], pa.scalar(cutoffs[0])))
    assert np.array_equal(rows.event, expected["event"].to_numpy())
    assert np.array_equal(rows.challenger.rank_score, expected["rank_score"].to_numpy())
    assert rows.champion is not None
    assert np.allclose(rows.champion.rank_score, expected["rank_score"].to_numpy()), "the same model, the same rows"
    assert sorted(rows.rules) == ["lowest_health", "random"]


def test_a_first_contest_takes_every_test_row_and_no_champion() -> None:
    champion = champion_through(FIRST)
    frame = made_frame(accounts=50, seed=5)
    rows = first_contest(scored_rows(champion, frame, made_events(frame)), CHURN)
    assert (len(rows.event), rows.count, rows.champion) == (frame.num_rows, 50, None)


def test_a_champion_trained_yesterday_leaves_no_rows() -> None:
    champion = champion_through(FIRST + timedelta(weeks=5))
    frame = made_frame(accounts=20, seed=5)
    scored = scored_rows(champion, frame, made_events(frame))
    assert needed_cutoffs(scored, champion) == []
    assert len(contest(scored, CHURN, champion, frame).event) == 0
