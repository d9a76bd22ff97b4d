"""Is the queue correct with untidy data? Sixty nights on a simulated real world, compared with its truth.

    python benchmarks/untidy_world.py [--accounts 1000] [--months 18] [--seed 1] [--nights 60] [--keep FOLDER]

Simulates a real world whose last nights include the turn of the year, trains on what was known before the first night,
and runs every night through the code of ``rescue nightly``, each with what was known then. A team works some cases on
each day: it contacts customers and closes a part of the cases as saved, lost or false alarms. After each night every
open case is compared with ``truth_situations``. Printed are

- nights that were stopped;
- the share of case-nights that are untrue: the account has left, goes on under another record or is no customer (trial,
  internal, test, free), or its contract is leaving where the case says at risk, or goes on where the case says leaving;
  and for how many nights in a row a case stays untrue;
- how many cancellations reach the queue on the first night that can know them, and why the others do not;
- the share of open cases in the holidays that were raised because nobody used the product.

``--keep`` keeps the world, the trained models and the home of the queue; what is there already is used again. Exits
with 1 where a goal is missed.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sqlalchemy import select

from features.errors import RescueError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.settings import Settings
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.step_runner import plain_runner
from pipelines.training.train_models import train_from
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.decision_tables import SetAside
from serving.store.tables import Case

UNTIL = date(2026, 1, 20)
HOLIDAYS = (date(2025, 12, 24), date(2026, 1, 3))
"""The nights on which the newest days of usage are holidays."""

NO_CUSTOMERS = ("trial", "internal", "test", "free")
WORKED = 6
"""Cases that the team takes a day."""

VERDICTS = {"saved": 0.4, "false_alarm": 0.3, "lost": 0.15, "no_action": 0.15}
MONEY = {"currency": {"code": "EUR", "rates": {"USD": 0.9}}}
"""The settings of money: the world has two currencies."""

INACTIVITY = "trigger:silent_before_renewal"


@dataclass
class Truth:
    """The situations of accounts over time."""

    rows: list[dict[str, object]]
    by_account: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Order the rows of each account by the time they were known."""
        for row in sorted(self.rows, key=lambda row: str(row["known_at"])):
            self.by_account.setdefault(str(row["account_id"]), []).append(row)

    def status(self, account: str, cutoff: date) -> str:
        """``running``, ``leaving``, ``left``, ``none``, or the kind of an account that is no customer."""
        at = datetime.combine(cutoff, time())
        status, ends, kind = "none", at, ""
        for row in self.by_account.get(account, []):
            if row["known_at"] >= at:
                break
            situation = str(row["situation"])
            if situation in ("started", "returned", "withdrawn"):
                status = "running"
            elif situation == "leaving":
                status, ends = "leaving", row["effective_at"]
            elif situation == "merged":
                status = "none"
            elif situation in NO_CUSTOMERS:
                kind = situation
            elif situation == "converted":
                kind = ""
        return kind or ("left" if status == "leaving" and ends < at else status)

    def cancellations(self, cutoff: date) -> list[str]:
        """The customers whose notice became known on the day before the cutoff, and who are still under contract."""
        at = datetime.combine(cutoff, time())
        return [
            str(row["account_id"])
            for row in self.rows
            if row["situation"] == "leaving"
            and at - timedelta(days=1) <= row["known_at"] < at
            and self.status(str(row["account_id"]), cutoff) == "leaving"
        ]


@dataclass
class Findings:
    """What the nights showed."""

    stopped: list[str] = field(default_factory=list)
    case_nights: int = 0
    untrue: Counter[str] = field(default_factory=Counter)
    untrue_since: dict[str, int] = field(default_factory=dict)
    longest: int = 0
    examples: dict[str, str] = field(default_factory=dict)
    planted: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    holiday_cases: int = 0
    holiday_inactive: int = 0


def main() -> None:
    """Run the nights and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--months", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--policy", type=Path)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp())
    world = folder / f"real-{given.accounts}x{given.months}-{given.seed}"
    if not world.exists():
        simulate_world(
            SimulatorSettings(accounts=given.accounts, months=given.months, seed=given.seed, until=UNTIL, by_user=True),
            world,
        )
    home = Path(tempfile.mkdtemp(dir=folder)) / "home"
    settings = configuration.load(data=str(world), home=home, policy=given.policy, **MONEY)
    truth = Truth(pq.read_table(world / "truth_situations.parquet").to_pylist())
    first = UNTIL - timedelta(days=given.nights - 1)
    trained = folder / f"trained-{given.accounts}x{given.months}-{given.seed}-{given.nights}"
    if trained.exists():
        shutil.copytree(trained, home)
    else:
        train_from(settings, "all", first, 0, Steps(quiet=True))
        shutil.copytree(home, trained)
    findings = Findings()
    random = np.random.default_rng(given.seed)
    for number in range(given.nights):
        night = first + timedelta(days=number)
        one_night(settings, truth, night, findings, random)
        untrue, missing = findings.untrue.total(), findings.missing.total()
        print(
            f"{night}: {untrue} of {findings.case_nights} case-nights untrue, "
            f"{missing} of {findings.planted} cancellations without a case, {len(findings.stopped)} nights stopped",
            file=sys.stderr,
            flush=True,
        )
    sys.exit(0 if report(given, findings) else 1)


def one_night(settings: Settings, truth: Truth, night: date, findings: Findings, random: np.random.Generator) -> None:
    """Run a night, compare its queue with the truth, and let the team work."""
    steps = Steps(quiet=True)
    try:
        run_nights(settings, night, plain_runner(steps), steps)
    except RescueError as error:
        findings.stopped.append(f"{night}: {error}")
        print(error, file=sys.stderr)
        return
    with assembly.open_store(settings) as store:
        cases = open_cases(store)
        for case in cases:
            compare(case, truth.status(case.account_id, night), findings, night)
        planted(store, truth, night, cases, findings)
        if HOLIDAYS[0] <= night <= HOLIDAYS[1]:
            findings.holiday_cases += len(cases)
            findings.holiday_inactive += sum(set(case.alarms) == {INACTIVITY} for case in cases)
        work(store, night, random)


def open_cases(store: Store) -> list[Case]:
    """Every open case with its alarms."""
    with store.reading() as session:
        cases = list(session.scalars(select(Case).where(Case.closed_at.is_(None))))
        for case in cases:
            len(case.alarms)
        return cases


def compare(case: Case, status: str, findings: Findings, night: date) -> None:
    """Count a case-night, and whether what the case says is true."""
    findings.case_nights += 1
    wrong = contradiction(case, status)
    if wrong is None:
        findings.untrue_since.pop(case.id, None)
        return
    findings.untrue[wrong] += 1
    findings.untrue_since[case.id] = nights = findings.untrue_since.get(case.id, 0) + 1
    findings.longest = max(findings.longest, nights)
    findings.examples.setdefault(wrong, f"{case.account_id} on {night}, alarms {', '.join(sorted(case.alarms))}")


def contradiction(case: Case, status: str) -> str | None:
    """How the case contradicts the truth, if it does."""
    if status in ("left", "none"):
        return f"the account has {'left' if status == 'left' else 'no contract under this record'}"
    if status in NO_CUSTOMERS:
        return f"the account is {status}"
    if case.resolved is not None:
        return "marked as resolved, but the account is leaving" if status == "leaving" else None
    if status == "leaving" and case.lane != "leaving":
        return f"in the lane {case.lane}, but the account is leaving"
    if status == "running" and "cancellation" in case.alarms:
        return "says cancelled, but the contract goes on"
    return None


def planted(store: Store, truth: Truth, night: date, cases: list[Case], findings: Findings) -> None:
    """Count the cancellations of the day, and the reasons of those that have no case."""
    covered = {account for case in cases for account in (case.account_id, *case.group_members)}
    for account in truth.cancellations(night):
        findings.planted += 1
        if account not in covered:
            with store.reading() as session:
                wanted = select(SetAside.code).where(SetAside.as_of == night, SetAside.account_id == account)
                code = session.scalars(wanted).first()
            findings.missing[code or "not detected"] += 1
            findings.missed.append(f"{account} on {night}: {code or 'not detected'}")


def work(store: Store, night: date, random: np.random.Generator) -> None:
    """The team takes the most urgent cases of the day, and closes some."""
    minutes = itertools.count()
    cases = Cases(store, clock=lambda: datetime.combine(night, time(9)) + timedelta(minutes=next(minutes)))
    team = Actor("team", Role.ADMIN)
    for _ in range(WORKED):
        case = cases.take_next(None, team)
        if case is None:
            break
        cases.contact(case.id, team)
        if random.random() < 0.6:
            cases.resolve(case.id, team, verdict=str(random.choice(list(VERDICTS), p=list(VERDICTS.values()))))


def report(given: argparse.Namespace, findings: Findings) -> bool:
    """Print the table; whether every goal is met."""
    untrue, reached = findings.untrue.total(), findings.planted - findings.missing.total()
    not_worth = findings.missing.get("below_minimum", 0)
    share = untrue / max(findings.case_nights, 1)
    holiday = findings.holiday_inactive / max(findings.holiday_cases, 1)
    rows = [
        ("nights that were stopped", f"{len(findings.stopped)} of {given.nights}", "0", not findings.stopped),
        ("case-nights that are untrue", f"{untrue} of {findings.case_nights} ({share:.1%})", "≤ 2%", share <= 0.02),
        ("nights in a row that a case is untrue, at most", str(findings.longest), "1", findings.longest <= 1),
        (
            "cancellations that reach the queue on the same night",
            f"{reached} of {findings.planted}; {not_worth} are worth less than their cost",
            "100%",
            reached + not_worth == findings.planted,
        ),
        (
            "open cases in the holidays that only inactivity raised",
            f"{findings.holiday_inactive} of {findings.holiday_cases} ({holiday:.1%})",
            "≤ 5%",
            holiday <= 0.05,
        ),
    ]
    print(f"\n### {given.accounts:,} accounts × {given.months} months, seed {given.seed}: {given.nights} nights\n")
    print("| | found | goal | |\n|---|---|---|---|")
    for title, value, goal, met in rows:
        print(f"| {title} | {value} | {goal} | {'met' if met else '**missed**'} |")
    for kind, count in findings.untrue.most_common():
        print(f"\nUntrue, {count} case-nights: {kind} (for example {findings.examples[kind]}).")
    for code, count in findings.missing.most_common():
        print(f"\nNo case for {count} cancellations: {code}.")
    for line in [*findings.missed[:5], *findings.stopped[:5]]:
        print(f"- {line}")
    return all(met for *_, met in rows)


if __name__ == "__main__":
    main()
