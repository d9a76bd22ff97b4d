"""A queue to look at: invented accounts with full hand-offs, some of them worked on.

``fill`` writes rows as a night would; ``work_through`` walks cases the legal way, by the use cases, over past weeks.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from serving.night_report.report_schema import (
    DecisionReport,
    DifferenceReport,
    EffectReport,
    FeedReport,
    GroupReport,
    NightReport,
    NotScored,
    RealisedOutcomes,
    RiskReport,
    TableRows,
)
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.handoff.package import Handoff
from serving.store import Store
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff, HeldOutRow, Member, NightRow, Score, Squad, Waiting
from support.nights.handoff_factory import NIGHT, handoff

NOW = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 - the queue's instants are naive UTC
SQUADS = {"success": ("ines", "jonas", "mara"), "support": ("tom", "lea"), "strategic": ("vera", "noor")}

_FIRST = [
    "Amber",
    "Birch",
    "Cedar",
    "Dune",
    "Ember",
    "Fjord",
    "Granite",
    "Harbour",
    "Iris",
    "Juniper",
    "Kestrel",
    "Linden",
    "Marlow",
    "North",
    "Osprey",
    "Pine",
]
_LAST = ("Logistics", "Academy", "Health", "Industries", "Learning", "Software", "Foods", "Energy", "Travel", "Labs")
_OWNERS = ("carla.park", "omar.lopez", "luca.sato", "uma.lang", "elif.reyes", "tarik.udo")
_REASONS = (
    ("usage", "Product events fell 43% against the four weeks before; last one on 12 Feb"),
    ("health", "Health fell from 78 to 54 within a month"),
    ("billing", "The oldest overdue invoice is 22 days late"),
    ("support", "3 tickets were reopened in the last four weeks, one of them twice"),
    ("adoption", "5 of 9 features in use in November are not used any more"),
    ("contract", "The contract is up for renewal, and does not renew by itself"),
)


@dataclass
class Clock:
    """A time that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Rows:
    """What a queue is made of, table by table."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    handoffs: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)


def fill(
    store: Store,
    cases: int,
    *,
    nights: int = 1,
    texts: Callable[[int], dict[str, str]] | None = None,
    package: Handoff | None = None,
) -> None:
    """Record ``nights`` nights and open so many cases on the last.

    ``texts`` says by what to replace texts of a case's rows and hand-off; ``package`` is the hand-off that each case's
    own is made from.
    """
    dice = random.Random(7)
    frozen = json.loads((package or handoff()).to_json())
    rows = Rows()
    for number in range(cases):
        _add(rows, number, dice, frozen, nights, texts(number) if texts else {})
    with store.transaction() as session:
        session.execute(insert(Squad), [{"name": name, "active": True} for name in SQUADS])
        session.execute(insert(Member), _members())
        session.execute(insert(NightRow), [_night(NIGHT - timedelta(days=back), cases) for back in range(nights)])
        for table, made in (
            (Account, rows.accounts),
            (Case, rows.cases),
            (FrozenHandoff, rows.handoffs),
            (CaseEvent, rows.events),
            (Score, rows.scores),
        ):
            session.execute(insert(table), made)
        session.execute(insert(Waiting), [_waiting(row) for row in rows.accounts[-3:]])
        session.execute(insert(HeldOutRow), [_held(row) for row in rows.accounts[-2:]])


def _members() -> list[dict[str, Any]]:
    return [
        {"squad": squad, "person": person, "position": position}
        for squad, people in SQUADS.items()
        for position, person in enumerate(people)
    ]


def _night(as_of: date, cases: int) -> dict[str, Any]:
    report = NightReport(
        as_of=as_of,
        run_id="5e1f0c7a9b12",
        tables=(
            TableRows(name="accounts", rows=640, accepted=640, duplicates=0, quarantined={}),
            TableRows(
                name="usage_daily", rows=486045, accepted=485537, duplicates=0, quarantined={"out_of_range": 508}
            ),
            TableRows(name="tickets", rows=6060, accepted=6054, duplicates=0, quarantined={"unknown_account": 6}),
        ),
        missing_tables=("outcomes",),
        feeds=(FeedReport(table="tickets", age_days=5, max_age_days=4, stale=True),),
        risks=(
            RiskReport(
                name="churn",
                title="Churn within 90 days",
                model_version="1",
                eligible=323,
                scored=323,
                not_scored=(NotScored(code="no_subscription", count=69),),
            ),
            RiskReport(
                name="escalation", title="Escalation within 14 days", model_version="1", eligible=330, scored=330
            ),
        ),
        decision=DecisionReport(flagged=cases, waiting=3, held_out=2),
        realised_outcomes=(
            RealisedOutcomes(
                risk="churn",
                horizon_days=97,
                cases=214,
                settled=131,
                events=45,
                median_lead_days=41.0,
                effect=EffectReport(
                    worked=GroupReport(accounts=140, settled=131, events=20),
                    held_out=GroupReport(accounts=100, settled=96, events=25),
                    needed=30,
                    difference=DifferenceReport(value=0.112, low=0.014, high=0.206),
                ),
            ),
            RealisedOutcomes(
                risk="escalation",
                horizon_days=14,
                cases=88,
                settled=9,
                events=3,
                median_lead_days=5.0,
                effect=EffectReport(
                    worked=GroupReport(accounts=9, settled=9, events=3),
                    held_out=GroupReport(accounts=4, settled=4, events=1),
                    needed=30,
                    difference=None,
                ),
            ),
        ),
    ).to_json()
    at = datetime.combine(as_of, datetime.min.time()) + timedelta(hours=2)
    named = {"run_id": "5e1f0c7a9b12", "epoch": 1, "status": "recorded", "content_hash": "", "failure": None}
    return {"as_of": as_of, "lease_until": at, "started_at": at, "recorded_at": at, "report": report, **named}


def _add(
    rows: Rows, number: int, dice: random.Random, package: dict[str, Any], nights: int, texts: dict[str, str]
) -> None:
    account = _account(number, dice, texts)
    risk = "churn" if number % 3 else "escalation"
    found = {"churn": round(dice.uniform(0.02, 0.75), 3), "escalation": round(dice.uniform(0.005, 0.4), 3)}
    reasons = dice.sample(_REASONS, 4)
    headline = f"{account['name']}: {risk} risk {found[risk]:.0%}; {reasons[0][1]}"
    case = _case(number, dice, account, risk, found) | {
        "headline": texts.get("headline", headline),
        "routed": texts.get("routed", f"needs adoption skills, as its first reason is {reasons[0][0]}"),
    }
    rows.accounts.append(account)
    rows.cases.append(case)
    content = _package(package, account, risk, found, reasons, headline, texts)
    frozen = {"case_id": case["id"], "as_of": NIGHT, "schema_version": "1.0", "content": content, "content_hash": ""}
    rows.handoffs.append(frozen)
    said = {"actor": "rescue", "kind": "opened", "before": {}, "after": {"state": "new"}, "version": 1}
    opening = {"case_id": case["id"], "at": case["opened_at"], "comment": texts.get("comment")}
    rows.events.append(opening | said)
    rows.scores.extend(_scores(account["account_id"], dice, found, nights))


def _account(number: int, dice: random.Random, texts: dict[str, str]) -> dict[str, Any]:
    first = f"{_FIRST[number % len(_FIRST)]}{dice.choice(('wood', 'lake', 'field', 'beck', 'stone'))}"
    account, name = f"a-{number:06d}", texts.get("name", f"{first} {dice.choice(_LAST)}")
    return {
        "account_id": account,
        "parent_id": None,
        "name": name,
        "segment": texts.get("segment", dice.choice(("smb", "mid", "enterprise"))),
        "industry": texts.get("industry", "logistics"),
        "region": texts.get("region", "emea"),
        "owner": texts.get("owner", dice.choice(_OWNERS)),
        "arr": float(round(dice.lognormvariate(10, 1))),
        "renews_on": NIGHT + timedelta(days=dice.randint(3, 360)),
        "seen_on": NIGHT,
        "search": f"{name} {account}".casefold(),
    }


def _case(
    number: int, dice: random.Random, account: dict[str, Any], risk: str, found: dict[str, float]
) -> dict[str, Any]:
    squad = "success" if number < 3 else dice.choice(("success", "success", "support", "strategic"))
    severity = "critical" if account["arr"] > 90_000 else "high" if found[risk] > 0.5 else "normal"
    hours = {"critical": 8.0, "high": 24.0, "normal": 72.0}[severity]
    opened = NOW - timedelta(hours=6, minutes=number % 50)
    return {
        "id": f"case{number:09d}",
        "account_id": account["account_id"],
        "risk": risk,
        "family": "rescue",
        "squad": squad,
        "state": "new",
        "priority": account["arr"] * found[risk] if number else 1e9,
        "rank": number + 1,
        "at_stake": account["arr"],
        "severity": severity,
        "probability": found[risk],
        "probabilities": found,
        "triggers": [],
        "opened_on": NIGHT,
        "raised_on": NIGHT,
        "raises": 0,
        "opened_at": opened,
        "updated_at": opened,
        "ladder": list(SQUADS[squad]),
        "rung": 0,
        "hand_on_hours": [hours / 2],
        "respond_hours": hours,
        "resolve_hours": hours * 7,
        "respond_by": opened + timedelta(hours=hours),
        "resolve_by": opened + timedelta(hours=hours * 7),
        "version": 1,
    }


def _scores(account: str, dice: random.Random, found: dict[str, float], nights: int) -> Iterator[dict[str, Any]]:
    """Both risks on each of the nights, lower the longer ago."""
    for back in range(nights):
        for risk, value in found.items():
            drift = max(0.004, value * (1 - back / (nights + 4)) + dice.uniform(-0.01, 0.01) * (back > 0))
            yield {
                "as_of": NIGHT - timedelta(days=back),
                "risk": risk,
                "account_id": account,
                "probability": drift,
                "rank_score": drift,
                "model_version": "3",
            }


def _package(
    package: dict[str, Any],
    account: dict[str, Any],
    risk: str,
    found: dict[str, float],
    reasons: list[tuple[str, str]],
    headline: str,
    texts: dict[str, str],
) -> str:
    """The hand-off of the factory with this account's own name, risks and reasons."""
    own = {**package, "headline": headline}
    own["account"] = {**package["account"], **{key: account[key] for key in package["account"] if key in account}}
    own["contract"] = {**package["contract"], "arr": account["arr"], "renews_on": account["renews_on"].isoformat()}
    own["raised"] = {**package["raised"], "risk": risk, "at_stake": account["arr"], "triggers": []}
    strengths = (1.3, 0.7, 0.4, 0.2)
    told = [
        {"group": group, "feature": group, "sentence": says, "strength": strength, "weak": strength < 0.3}
        for (group, says), strength in zip(reasons, strengths, strict=True)
    ]
    cards = sorted(package["risks"], key=lambda card: card["risk"] != risk)
    own["risks"] = [
        {**card, "probability": found[card["risk"]], "reasons": told if card["risk"] == risk else told[1:3]}
        for card in cards
    ]
    own["changes"] = [f"{risk.capitalize()} risk rose from 10% to {found[risk]:.0%}", *package["changes"][1:-2]]
    for card in own["risks"]:
        now = found[card["risk"]]
        card["history"] = [{**one, "probability": one["probability"] * now} for one in card["history"]]
        card["what_if"] = [{**one, "before": now, "after": now / 2} for one in card["what_if"]]
    text = json.dumps(own)
    for old, new in texts.items():
        text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1]) if len(old) > 12 else text
    return text


def _waiting(account: dict[str, Any]) -> dict[str, Any]:
    rank = int(account["account_id"][2:]) + 1
    figures = {"rank": rank, "priority": 10.0, "at_stake": account["arr"], "probability": 0.2}
    return {"as_of": NIGHT, "account_id": account["account_id"], "risk": "churn", "squad": "success", **figures}


def _held(account: dict[str, Any]) -> dict[str, Any]:
    drawn = {"unit": account["account_id"], "stratum": "smb", "probability": 0.3, "priority": 9.0}
    return {"as_of": NIGHT, "account_id": account["account_id"], "risk": "churn", **drawn}


def work_through(store: Store, cases: int, *, closed: int = 0) -> None:
    """Let the squads work the first cases of the fill: some claimed, contacted, planned, snoozed, the last closed."""
    clock = Clock()
    work = Cases(store, clock=clock)
    for number in range(cases):
        case = work.get(f"case{number:09d}", Actor("rescue", Role.SYSTEM))
        who = Actor(SQUADS[case.squad][number % 2], Role.REVIEWER, frozenset({case.squad}))
        if number < closed:
            clock.now = NOW - timedelta(days=7 * (number % 10), hours=3)
            with store.transaction() as session:
                row = session.get_one(Case, case.id)
                row.opened_at = clock.now - timedelta(days=number % 4)
                row.opened_on = row.opened_at.date()
            work.claim(case.id, who)
            work.contact(case.id, who, comment="Spoke to the sponsor; they miss the weekly report.")
            work.resolve(case.id, who, verdict=("saved", "saved", "lost", "false_alarm")[number % 4])
            continue
        clock.now = NOW - timedelta(hours=1 + number % 4)
        work.claim(case.id, who)
        if number % 4 == 1:
            work.contact(case.id, who, comment="Called the admin: the new team does not know the product yet.")
        elif number % 4 == 2:
            work.plan(case.id, who, plan="Two trainings until 20 March, then look at the numbers again.")
        elif number % 4 == 3:
            work.snooze(
                case.id, who, until=NOW.date() + timedelta(days=5), reason="Their sponsor is away until Monday."
            )
