"""Nights on a source that changes in between: what becomes of cases whose customer cancels, stays after all or is gone.

One account is drawn for each situation, from those that the first night gave a case. Every night reads the source anew,
and the queue is read as people see it.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import select
from support.nights.night_home import NightHome

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM
from serving.night_report.report_schema import NightReport
from serving.night_report.report_text import decision_lines
from serving.store import Store
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case


@dataclass
class Company:
    """A home and its source, and the night that comes next."""

    data: Path
    home: Path
    night: date

    @property
    def store(self) -> Store:
        return Store(f"sqlite:///{self.home}/rescue.db")

    def end_contract(self, account: str, ended_at: date | None) -> None:
        """From tonight on it is known that every running contract of the account ends then, or does not end."""
        table = self.data / "subscriptions.parquet"
        known = datetime.combine(self.night - timedelta(days=1), time(12))
        ends = datetime.combine(ended_at, time(6)) if ended_at else None
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE s AS SELECT * FROM '{table}'")
            connection.execute(
                """INSERT INTO s SELECT * REPLACE (?::TIMESTAMP AS ended_at, ?::TIMESTAMP AS known_at) FROM (
                SELECT * FROM s WHERE account_id = ? QUALIFY row_number() OVER
                (PARTITION BY subscription_id ORDER BY known_at DESC) = 1)
                WHERE ended_at IS NULL OR ended_at >= ?""",
                [ends, known, account, known],
            )
            connection.execute(f"COPY s TO '{table}' (FORMAT parquet)")

    def quiet_customer(self, in_queue: set[str]) -> str:
        """The largest customer without a case whose contracts do not end."""
        table = self.data / "subscriptions.parquet"
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"SELECT account_id FROM '{table}' GROUP BY account_id HAVING count(ended_at) = 0 "
                "ORDER BY max(arr) DESC, account_id"
            ).fetchall()
        return next(account for (account,) in rows if account not in in_queue)

    def run(self) -> NightReport:
        """The next night."""
        settings = configuration.load(data=str(self.data), home=self.home)
        steps = Steps(quiet=True)
        (report,) = run_nights(settings, self.night, plain_runner(steps), steps)
        self.night += timedelta(days=1)
        return report

    def case_of(self, account: str) -> Case:
        """The newest case of the account."""
        with self.store as store, store.reading() as session:
            query = select(Case).where(Case.account_id == account).order_by(Case.opened_on.desc())
            return session.scalars(query).first()  # type: ignore[return-value]

    def comments(self, account: str) -> list[str]:
        """What the history of the account's case says, oldest first."""
        case = self.case_of(account)
        with self.store as store, store.reading() as session:
            return [event.comment or "" for event in case_history(session, case.id)]


@pytest.fixture(scope="module")
def company(night_home: NightHome, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Company]:
    """Makes a copy of the world of the first night."""

    def make() -> Company:
        folder = tmp_path_factory.mktemp("company")
        data = Path(shutil.copytree(night_home.data, folder / "data"))
        return Company(data, night_home.copy(folder / "home"), night_home.first.as_of + timedelta(days=1))

    return make


def test_a_cancellation_raises_the_open_case_again_in_the_lane_of_its_own(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at, account = company(), night_home.first.queue[0].account_id
    leaves_on = at.night + timedelta(days=9)
    at.end_contract(account, leaves_on)
    second = at.run()
    case = at.case_of(account)
    assert (case.lane, case.contract_status, case.ends_on) == ("leaving", "leaving", leaves_on)
    assert (case.raised_on, case.probability) == (second.as_of, None)
    assert case.alarms["cancellation"].raised_on == second.as_of
    assert at.comments(account)[-1] == "New alarm: the customer has cancelled."
    assert account in {row.account_id for row in second.queue if row.lane == "leaving"}
    assert second.decision.cancellations >= 1


def test_a_cancellation_that_is_withdrawn_offers_to_close_its_case(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at = company()
    account = at.quiet_customer({case.account_id for case in night_home.first.queue})
    at.end_contract(account, at.night + timedelta(days=60))
    second = at.run()
    opened = at.case_of(account)
    assert (opened.lane, opened.opened_on, opened.probability) == ("leaving", second.as_of, None)

    at.end_contract(account, None)
    third = at.run()
    case = at.case_of(account)
    assert "cancellation" not in case.alarms
    assert (case.resolved, case.resolved_on, case.closed_at) == ("withdrawn", third.as_of, None)
    assert third.cases.resolved >= 1
    assert "The cancellation was withdrawn" in at.comments(account)[-1]


def test_an_account_that_has_left_leaves_the_queue_with_date_and_reason(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at, account = company(), night_home.first.queue[0].account_id
    ended_on = at.night - timedelta(days=1)
    at.end_contract(account, ended_on)
    report = at.run()
    case = at.case_of(account)
    assert (case.state, case.closure, case.closure_on) == ("lost", "left", ended_on)
    assert report.cases.closed["left"] >= 1
    assert "as lost because the contract ended" in " ".join(decision_lines(report.decision, report.cases))
    assert account not in {row.account_id for row in report.queue}


def test_after_a_loss_the_account_rests_and_is_settled_when_its_contract_ends(
    night_home: NightHome, company: Callable[[], Company]
) -> None:
    at, account = company(), night_home.first.queue[0].account_id
    at.end_contract(account, at.night + timedelta(days=1))
    at.run()
    case = at.case_of(account)
    with at.store as store:
        cases = Cases(store)
        cases.claim(case.id, SYSTEM)
        cases.resolve(case.id, SYSTEM, verdict="lost")
    rests = at.run()
    assert at.case_of(account).id == case.id
    assert rests.cases.settled == 0
    settled = at.run()
    assert (settled.cases.settled, at.case_of(account).id) == (1, case.id)
    assert at.case_of(account).settled_on == settled.as_of - timedelta(days=1)
    assert at.run().cases.settled == 0
