"""The night after a renewal date: the new date is not entered yet, and nobody may disappear because of that."""

import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import select
from support.nights.night_home import NightHome

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.store.tables import Account, Score

STRONGEST = 3


def strongest(home: NightHome) -> list[str]:
    """The accounts at risk of the first night's queue with the highest priority."""
    at_risk = [case.account_id for case in home.first.queue if case.lane == "at_risk"]
    assert len(at_risk) >= STRONGEST
    return at_risk[:STRONGEST]


def with_passed_renewals(data: Path, accounts: list[str], day: date) -> None:
    """Their contracts say that they renewed on that day, in a row that our copy learned a day before."""
    path = data / "subscriptions.parquet"
    rows = pq.read_table(path)
    mine = rows.filter(pc.is_in(rows["account_id"], value_set=pa.array(accounts)))
    newest = {row["subscription_id"]: row for row in sorted(mine.to_pylist(), key=lambda row: row["known_at"])}
    passed = {
        "renews_at": datetime.combine(day, time(6)),
        "known_at": datetime.combine(day - timedelta(days=1), time(1)),
    }
    added = [row | passed for row in newest.values() if row["ended_at"] is None]
    pq.write_table(pa.concat_tables([rows, pa.Table.from_pylist(added, rows.schema)]), path)


def test_the_night_after_a_renewal_date_scores_everybody(night_home: NightHome, tmp_path: Path) -> None:
    home, accounts = night_home.copy(tmp_path / "home"), strongest(night_home)
    data = tmp_path / "data"
    shutil.copytree(night_home.data, data)
    tonight = night_home.first.as_of + timedelta(days=2)
    with_passed_renewals(data, accounts, tonight - timedelta(days=1))
    settings = configuration.load(data=str(data), home=home)
    steps = Steps(quiet=True)

    (second,) = run_nights(settings, tonight, plain_runner(steps), steps)

    assert all(row.code != "missing_values" for risk in second.risks for row in risk.not_scored)
    with assembly.open_store(settings) as store, store.reading() as session:
        scored = set(session.scalars(select(Score.account_id).where(Score.as_of == tonight, Score.risk == "churn")))
        renewals = {
            row.account_id: row.renews_on for row in session.execute(select(Account.account_id, Account.renews_on))
        }
    assert scored >= set(accounts)
    assert {renewals[account] for account in accounts} == {tonight - timedelta(days=1)}
