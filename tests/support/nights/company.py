"""A company whose source changes between nights: contracts end, accounts change, tickets arrive."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import select

from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.handoff.package import Handoff
from serving.night_report.report_schema import NightReport
from serving.policy import definition
from serving.store import Store
from serving.store.queries.case_queries import case_history
from serving.store.queries.night_queries import handoff_of
from serving.store.tables import Case
from support.nights.night_home import NightHome


@dataclass
class Company:
    """A home and its source, and the night that comes next."""

    data: Path
    home: Path
    night: date
    policy: Path | None = None

    @classmethod
    def of(cls, night_home: NightHome, folder: Path) -> "Company":
        """A copy of a world, after its first night."""
        data = Path(shutil.copytree(night_home.data, folder / "data"))
        return cls(data, night_home.copy(folder / "home"), night_home.first.as_of + timedelta(days=1))

    @property
    def store(self) -> Store:
        return Store(f"sqlite:///{self.home}/rescue.db")

    @property
    def yesterday(self) -> datetime:
        """Noon of the day before the next night: what becomes known then, the night is the first to know."""
        return datetime.combine(self.night - timedelta(days=1), time(12))

    def use_policy(self, *more: str, **replaced: str) -> None:
        """From tonight on the default policy applies with these sections added, and with texts replaced."""
        text = (Path(definition.__file__).parent / "policy.default.toml").read_text()
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        self.policy = self.home.parent / "policy.toml"
        self.policy.write_text("\n".join((text, *more)))

    def add_rows(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Add rows; columns that they leave out are empty."""
        file = self.data / f"{table}.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t AS SELECT * FROM '{file}'")
            for row in rows:
                names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO t ({names}) VALUES ({marks})", list(row.values()))
            connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")

    def change_account(self, account: str, **columns: str) -> None:
        """From tonight on it is known that columns of an account have other values."""
        values = ", ".join(f"'{value}' AS {name}" for name, value in columns.items())
        file = self.data / "accounts.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t AS SELECT * FROM '{file}'")
            for name in columns:
                connection.execute(f"ALTER TABLE t ADD COLUMN IF NOT EXISTS {name} VARCHAR")
            connection.execute(
                f"INSERT INTO t SELECT * REPLACE ({values}, ?::TIMESTAMP AS known_at) FROM (SELECT * FROM t "
                "WHERE account_id = ? QUALIFY row_number() OVER (ORDER BY known_at DESC) = 1)",
                [self.yesterday, account],
            )
            connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")

    def end_contract(self, account: str, ended_at: date | None) -> None:
        """From tonight on it is known that every running contract of the account ends then, or does not end."""
        table, known = self.data / "subscriptions.parquet", self.yesterday
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
        """The largest customer outside the queue whose contracts do not end."""
        table = self.data / "subscriptions.parquet"
        with duckdb.connect() as connection:
            rows: list[tuple[str]] = connection.execute(
                f"SELECT account_id FROM '{table}' GROUP BY account_id HAVING count(ended_at) = 0 "
                "ORDER BY max(arr) DESC, account_id"
            ).fetchall()
        return next(account for (account,) in rows if account not in in_queue)

    def run(self) -> NightReport:
        """The next night."""
        settings = configuration.load(data=str(self.data), home=self.home, policy=self.policy)
        steps = Steps(quiet=True)
        (report,) = run_nights(settings, self.night, plain_runner(steps), steps)
        self.night += timedelta(days=1)
        return report

    def case_of(self, account: str) -> Case:
        """The newest case of the account."""
        with self.store as store, store.reading() as session:
            query = select(Case).where(Case.account_id == account).order_by(Case.opened_on.desc())
            return session.scalars(query).first()  # type: ignore[return-value]

    def handoff(self, account: str) -> Handoff:
        """The newest hand-off of the account."""
        with self.store as store, store.reading() as session:
            return Handoff.model_validate_json(handoff_of(session, account) or "")

    def comments(self, account: str) -> list[str]:
        """What the history of the account's case says, oldest first."""
        case = self.case_of(account)
        with self.store as store, store.reading() as session:
            return [event.comment or "" for event in case_history(session, case.id)]
