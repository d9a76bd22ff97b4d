"""Is the simulator's true risk true? What it says is held against what then happened, read from the tables alone."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

from pipelines.simulator import Simulation, SimulatorSettings

WORLD = SimulatorSettings(accounts=4000, months=24, seed=11, flaws=0.0, world="plain")
SETTLED = 97 + 125  # a decision's end, and the grace after it, have to be over
Z = 3.5


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Account × Monday with both true risks and whether each came true."""
    tables = Simulation(WORLD).advance(WORLD.until)
    truth = tables["truth"].to_pandas()
    truth["account_id"] = truth["account_id"].astype(str)
    truth["as_of"] = pd.to_datetime(truth["as_of"])
    truth["left"] = _happened(truth, _decisions(tables["subscriptions"].to_pandas()), 7, 97)
    events = tables["ticket_events"].filter(pc.equal(tables["ticket_events"]["kind"].cast("string"), "escalated"))
    tickets = tables["tickets"].select(["ticket_id", "account_id"]).to_pandas()
    escalated = events.select(["ticket_id", "occurred_at"]).to_pandas().merge(tickets, on="ticket_id")
    truth["escalated"] = _happened(truth, escalated.rename(columns={"occurred_at": "at"}), 0, 14)
    return truth


def _decisions(versions: pd.DataFrame) -> pd.DataFrame:
    """One row a decision to leave for good: the notice that stood, of the last contract, with no return in 30 days."""
    versions = versions.sort_values("known_at")
    last = versions.groupby("subscription_id").last()
    running = versions[versions["ended_at"].isna()].groupby("subscription_id")["known_at"].max()
    ended = last[last["ended_at"].notna()].join(running.rename("was_running"))
    notices = versions.join(ended["was_running"], on="subscription_id", how="inner")
    notices = notices[notices["known_at"] > notices["was_running"]]
    ended["at"] = notices.groupby("subscription_id")["known_at"].min()
    pairs = ended.reset_index().merge(last.reset_index(), on="account_id", suffixes=("", "_other"))
    goes_on = pairs["ended_at_other"].isna() | (pairs["ended_at_other"] > pairs["ended_at"])
    goes_on &= pairs["started_at_other"] <= pairs["ended_at"] + pd.Timedelta(days=30)
    stayed = set(pairs.loc[goes_on & (pairs["subscription_id"] != pairs["subscription_id_other"]), "subscription_id"])
    decided = ended[~ended.index.isin(stayed)]
    return decided[["account_id", "at"]].astype({"account_id": str})


def _happened(rows: pd.DataFrame, events: pd.DataFrame, after: int, until: int) -> np.ndarray:
    pairs = rows[["account_id", "as_of"]].reset_index().merge(events.astype({"account_id": str}), on="account_id")
    wait = pairs["at"] - pairs["as_of"]
    hit = (wait > pd.Timedelta(days=after)) & (wait <= pd.Timedelta(days=until))
    return rows.index.isin(pairs.loc[hit, "index"])


def _mature(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    return rows[rows["as_of"] < pd.Timestamp(WORLD.until - timedelta(days=days))]


def _deciles(rows: pd.DataFrame, risk: str, happened: str, weeks: int) -> pd.DataFrame:
    """Mean risk, rate and its standard error by decile; one event makes up to ``weeks`` Mondays of an account true."""
    rows = rows.assign(decile=pd.qcut(rows[risk], 10, labels=False))
    deciles = rows.groupby("decile").agg(said=(risk, "mean"), came=(happened, "mean"), size=(risk, "size"))
    deciles["error"] = np.sqrt(deciles["said"] * (1 - deciles["said"]) * weeks / deciles["size"])
    return deciles


@pytest.mark.parametrize(
    ("risk", "happened", "days", "weeks"), [("churn", "left", SETTLED, 13), ("escalation", "escalated", 15, 2)]
)
def test_the_true_risk_is_calibrated_in_every_decile(
    rows: pd.DataFrame, risk: str, happened: str, days: int, weeks: int
) -> None:
    deciles = _deciles(_mature(rows, days).dropna(subset=[risk]), risk, happened, weeks)
    assert (deciles["size"] > 10_000).all()
    assert ((deciles["said"] - deciles["came"]).abs() < Z * deciles["error"]).all(), deciles


@pytest.mark.parametrize(
    ("risk", "happened", "days", "low", "high"),
    [("churn", "left", SETTLED, 0.04, 0.065), ("escalation", "escalated", 15, 0.02, 0.04)],
)
def test_the_rates_are_realistic_and_the_truth_ranks_well(
    rows: pd.DataFrame, risk: str, happened: str, days: int, low: float, high: float
) -> None:
    mature = _mature(rows, days).dropna(subset=[risk])
    assert low < mature[happened].mean() < high
    ranks = mature[risk].rank().to_numpy()
    came = mature[happened].to_numpy()
    area = (ranks[came].mean() - (came.sum() + 1) / 2) / (~came).sum()
    assert 0.80 < area < 0.88


def test_a_probability_is_never_certain(rows: pd.DataFrame) -> None:
    for risk in ("churn", "escalation"):
        known = rows[risk].dropna()
        assert known.between(0, 1, inclusive="neither").all()
    assert rows["as_of"].dt.day_of_week.eq(0).all()
    assert rows["as_of"].min().date() >= date(2024, 7, 1)


def test_a_rescue_halves_the_true_risk_of_those_rescued_alone() -> None:
    settings = SimulatorSettings(accounts=300, months=12, seed=5, flaws=0.0, world="plain")
    left_alone, acted_on = Simulation(settings), Simulation(settings)
    for world in (left_alone, acted_on):
        world.advance(date(2026, 1, 5))
    chosen = left_alone.worst(20)
    acted_on.rescue(chosen, holdout=[place >= 15 for place in range(20)])
    later = [world.advance(date(2026, 1, 20)) for world in (left_alone, acted_on)]
    before, after = (part["truth"].to_pandas().set_index(["as_of", "account_id"])["churn"] for part in later)
    ratio = (np.log1p(-after.astype(float)) / np.log1p(-before.astype(float)))[date(2026, 1, 12)].dropna()
    rescued, others = ratio[ratio.index.isin(chosen[:15])], ratio[~ratio.index.isin(chosen[:15])]
    assert len(rescued) > 10
    assert 0.45 < rescued.median() < 0.6
    assert rescued.max() < 0.75
    assert others.eq(1.0).all()
    outcomes = later[1]["outcomes"].to_pandas()
    assert outcomes["holdout"].sum() == 5
    assert set(outcomes["account_id"]) == set(chosen)
