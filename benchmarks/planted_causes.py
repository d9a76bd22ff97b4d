"""Is the planted cause the first reason of a case?

    python benchmarks/planted_causes.py [--accounts 1500] [--months 18] [--seed 1] [--each 15] [--keep FOLDER]

Simulates a plain world and trains on it. Then one clear cause is planted into the last weeks of each of some healthy
accounts: use collapses, the busiest user is gone, urgent tickets stay unanswered, a ticket escalates, invoices are not
paid, or a ticket asks to cancel. A night is run on the changed tables with a policy that has room for every account at
risk and low thresholds, and the first reason of each planted account's case is compared with what was planted. Printed
are the share of the cases with the planted cause first, by cause, and over all cases of the night the share whose
first reason is a level of the health score. Exits with 1 where a goal is missed.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from sqlalchemy import select

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.simulator import SimulatorSettings, simulate_world
from pipelines.simulator.simulator_settings import UNTIL
from pipelines.step_runner import plain_runner
from pipelines.training.train_models import train_from
from serving.policy.definition.policy_file import default_text
from serving.store import Store
from serving.store.queries import night_queries
from serving.store.tables import Case

Tables = dict[str, pd.DataFrame]
NIGHT = pd.Timestamp(datetime.combine(UNTIL, time()))
HEALTH_LEVELS = ("health_score", "health_score_unaided", "health_mean_28d", "health_mean_90d", "health_lowest_90d")
ACCEPTED = {
    "usage_collapse": ("usage", "adoption"),
    "champion_left": ("usage", "adoption"),
    "urgent_tickets": ("support",),
    "escalation": ("escalations", "support"),
    "unpaid_invoices": ("billing",),
}
"""The groups of reasons that name each cause but a request to cancel, which is quoted."""


def main() -> None:
    """Plant, run the night and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1500)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=15)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp())
    world = folder / f"plain-{given.accounts}x{given.months}-{given.seed}"
    wanted = SimulatorSettings(
        accounts=given.accounts, months=given.months, seed=given.seed, by_user=True, flaws=0.0, world="plain"
    )
    if not world.exists():
        simulate_world(wanted, world)
    changed = Path(tempfile.mkdtemp(dir=folder)) / "changed"
    causes = plant(world, changed, given.each, np.random.default_rng(given.seed))
    home = folder / f"home-{given.accounts}x{given.months}-{given.seed}"
    if not home.exists():
        train_from(configuration.load(data=str(world), home=home), "all", UNTIL, 0, Steps(quiet=True))
    night_home = changed.parent / "home"
    shutil.copytree(home, night_home)
    policy = changed.parent / "policy.toml"
    policy.write_text(roomy_policy(), encoding="utf-8")
    settings = configuration.load(data=str(changed), home=night_home, policy=policy)
    steps = Steps(quiet=True)
    run_nights(settings, UNTIL, plain_runner(steps), steps)
    with assembly.open_store(settings) as store:
        firsts = first_reasons(store)
    sys.exit(0 if report(given, causes, firsts) else 1)


def roomy_policy() -> str:
    """The default policy without hold-out, with room for everybody and low thresholds."""
    text = default_text()
    for pattern, value in (
        (r"enter = 0\.\d+", "enter = 0.004"),
        (r"leave = 0\.\d+", "leave = 0.003"),
        (r"capacity = \d+", "capacity = 1000"),
        (r"(?m)^share = 0\.\d+", "share = 0.0"),
        (r"cost = \d+", "cost = 0"),
    ):
        text = re.sub(pattern, value, text)
    return text


def plant(world: Path, changed: Path, each: int, random: np.random.Generator) -> dict[str, str]:
    """Write the changed tables; the cause by account."""
    shutil.copytree(world, changed)
    tables = {path.stem: pq.read_table(path).to_pandas() for path in changed.glob("*.parquet")}
    for table in tables.values():
        for column in table.select_dtypes("category"):
            table[column] = table[column].astype(str)
    chosen = healthy(tables, random)
    causes: dict[str, str] = {}
    for cause, change in CHANGES.items():
        able = [account for account in chosen if account not in causes]
        planted = 0
        for account in able:
            if planted == each:
                break
            if change(tables, account):
                causes[account] = cause
                planted += 1
    for name in ("usage_daily", "tickets", "ticket_events", "invoices"):
        tables[name].to_parquet(changed / f"{name}.parquet", index=False)
    return causes


def healthy(tables: Tables, random: np.random.Generator) -> list[str]:
    """Accounts of ordinary risk with much use and no trouble of their own in the last weeks, in random order."""
    truth = tables["truth"]
    newest = truth[truth["as_of"] == truth["as_of"].max()].dropna(subset=["churn"])
    low = newest[newest["churn"].between(*newest["churn"].quantile([0.2, 0.9]))]
    usage = tables["usage_daily"]
    recent = usage[pd.to_datetime(usage["day"]) >= NIGHT - pd.Timedelta(days=60)]
    active = recent.groupby("account_id").size()
    tickets = tables["tickets"]
    busy = set(tickets[tickets["opened_at"] >= NIGHT - pd.Timedelta(days=28)]["account_id"])
    accounts = [a for a in low["account_id"] if active.get(a, 0) >= 60 and a not in busy]
    return list(random.permutation(accounts))


def collapse(tables: Tables, account: str) -> bool:
    """For three weeks nearly nobody has used the product."""
    usage = tables["usage_daily"]
    recent = (usage["account_id"] == account) & (pd.to_datetime(usage["day"]) >= NIGHT - pd.Timedelta(days=21))
    gone = usage[recent].iloc[2:].index
    tables["usage_daily"] = usage.drop(gone)
    return len(gone) > 12


def champion_left(tables: Tables, account: str) -> bool:
    """The user with most events, at least a third of all, is gone for four weeks."""
    usage = tables["usage_daily"]
    own = usage[usage["account_id"] == account]
    events = own.groupby("user_id")["events"].sum()
    if events.max() < 0.3 * events.sum():
        return False
    recent = pd.to_datetime(own["day"]) >= NIGHT - pd.Timedelta(days=28)
    tables["usage_daily"] = usage.drop(own[recent & (own["user_id"] == events.idxmax())].index)
    return True


def urgent_tickets(tables: Tables, account: str) -> bool:
    """Four urgent tickets of the last two weeks that nobody has answered."""
    for number in range(4):
        add_ticket(tables, account, number, days=2 + 3 * number, body="Nothing works as agreed, please answer.")
    return True


def escalation(tables: Tables, account: str) -> bool:
    """A ticket that was escalated last week."""
    ticket = add_ticket(tables, account, 0, days=9, body="This has taken too long.", priority="high")
    at = NIGHT - pd.Timedelta(days=6)
    row = {
        "ticket_id": ticket, "occurred_at": at, "kind": "escalated", "value": "management", "actor": "agent",
        "group": "support", "event_id": f"{ticket}-escalated", "known_at": at + pd.Timedelta(minutes=15),
    }  # fmt: skip
    tables["ticket_events"] = pd.concat([tables["ticket_events"], pd.DataFrame([row])], ignore_index=True)
    return True


def unpaid(tables: Tables, account: str) -> bool:
    """The invoices of the last months are not paid; there are at least two that are overdue."""
    invoices = tables["invoices"]
    recent = (invoices["account_id"] == account) & (invoices["issued_at"] >= NIGHT - pd.Timedelta(days=200))
    overdue = invoices[recent & (invoices["due_at"] < NIGHT - pd.Timedelta(days=30)) & (invoices["amount"] > 0)]
    if overdue["invoice_id"].nunique() < 2:
        return False
    tables["invoices"] = invoices.drop(invoices[recent & invoices["paid_at"].notna()].index)
    return True


def cancel_text(tables: Tables, account: str) -> bool:
    """A ticket that asks how to cancel."""
    add_ticket(tables, account, 0, days=5, body="Please tell us how we can terminate the contract.", priority="normal")
    return True


CHANGES: dict[str, Callable[[Tables, str], bool]] = {
    "unpaid_invoices": unpaid,
    "champion_left": champion_left,
    "usage_collapse": collapse,
    "urgent_tickets": urgent_tickets,
    "escalation": escalation,
    "cancel_text": cancel_text,
}


def add_ticket(tables: Tables, account: str, number: int, *, days: int, body: str, priority: str = "urgent") -> str:
    """A new ticket of the customer; its id."""
    opened = NIGHT - pd.Timedelta(days=days) + timedelta(hours=10)
    ticket = f"planted-{account}-{number}"
    row = {
        "ticket_id": ticket, "account_id": account, "opened_at": opened, "channel": "email", "category": "bug",
        "priority": priority, "group": "support", "subject": "A question", "body": body,
        "known_at": opened + pd.Timedelta(minutes=15),
    }  # fmt: skip
    tables["tickets"] = pd.concat([tables["tickets"], pd.DataFrame([row])], ignore_index=True)
    return ticket


@dataclass(frozen=True)
class First:
    """What a hand-off names first: group and feature of the first reason of the case's risk, and quoted requests."""

    group: str
    feature: str
    asks_to_cancel: bool

    def names(self, cause: str) -> bool:
        """Whether the reader sees the cause first; a quote from a ticket is shown above the reasons."""
        return self.asks_to_cancel if cause == "cancel_text" else self.group in ACCEPTED[cause]


def first_reasons(store: Store) -> dict[str, First]:
    """By account, what the hand-off of its case names first."""
    firsts: dict[str, First] = {}
    with store.reading() as session:
        for case in session.scalars(select(Case)):
            package = json.loads(night_queries.handoff_of(session, case.id) or "{}")
            cards = {card["risk"]: card for card in package["risks"]}
            reasons = cards.get(case.risk, {}).get("reasons") or [{"group": "none", "feature": "none"}]
            kinds = {item["kind"] for item in package.get("evidence", ())}
            firsts[case.account_id] = First(reasons[0]["group"], reasons[0]["feature"], "asks_to_cancel" in kinds)
    return firsts


def report(given: argparse.Namespace, causes: dict[str, str], firsts: dict[str, First]) -> bool:
    """Print the table; whether the goals are met."""
    planted = Counter(causes.values())
    cases = Counter(cause for account, cause in causes.items() if account in firsts)
    right = Counter(cause for account, cause in causes.items() if account in firsts and firsts[account].names(cause))
    print(f"\n### Planted causes: {given.accounts:,} accounts × {given.months} months, seed {given.seed}\n")
    print("| cause | planted | with a case | first reason | what else was first |\n|---|---|---|---|---|")
    for cause in planted:
        others = Counter(
            firsts[account].feature
            for account, own in causes.items()
            if own == cause and account in firsts and not firsts[account].names(cause)
        )
        text = ", ".join(f"{name} ({count})" for name, count in others.most_common(3))
        print(f"| {cause} | {planted[cause]} | {cases[cause]} | {right[cause]} | {text} |")
    share = right.total() / max(cases.total(), 1)
    levels = sum(first.feature in HEALTH_LEVELS for first in firsts.values()) / max(len(firsts), 1)
    print(f"\nThe planted cause is first in {share:.0%} of {cases.total()} cases (goal: 90%).")
    print(f"A level of the health score is first in {levels:.0%} of {len(firsts)} cases (goal: at most 10%).")
    return share >= 0.9 and levels <= 0.1


if __name__ == "__main__":
    main()
