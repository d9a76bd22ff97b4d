"""A queue for tests of the review app: invented accounts with full hand-offs, some of them worked on.

``fill`` writes rows as a night does; ``work_through`` lets the squads work on cases through the use cases, over past
weeks.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.handoff.package import Handoff
from serving.store import Store
from serving.store.decision_tables import HeldOutRow, Waiting
from serving.store.tables import (
    Account,
    AccountRisk,
    Case,
    CaseAlarm,
    CaseEvent,
    CaseScore,
    FrozenHandoff,
    Member,
    NightRow,
    Score,
    Squad,
)
from support.nights.handoff_factory import NIGHT, handoff
from support.nights.night_factory import Clock
from support.web.web_night import night_row

NOW = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 - the times of the queue are naive UTC
SQUADS = {"success": ("ines", "jonas", "mara"), "support": ("tom", "lea"), "strategic": ("vera", "noor")}
RISKS = {"churn": (0.02, 0.75), "escalation": (0.005, 0.4)}
"""The scored risks, each with the range of its probabilities."""

_FIRST = (
    *("Amber", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Granite", "Harbour"),
    *("Iris", "Juniper", "Kestrel", "Linden", "Marlow", "North", "Osprey", "Pine"),
)
_LAST = ("Logistics", "Academy", "Health", "Industries", "Learning", "Software", "Foods", "Energy", "Travel", "Labs")
_OWNERS = ("carla.park", "omar.lopez", "luca.sato", "uma.lang", "elif.reyes", "tarik.udo")
_REASONS = (
    ("usage", "Product events fell 43% against the four weeks before; last one on 12 Feb"),
    ("health", "Health fell from 78 to 54 within a month"),
    ("billing", "The oldest overdue invoice is 22 days late"),
    ("support", "3 tickets were reopened in the last four weeks, one of them twice"),
    ("adoption", "5 of 9 features in use in November are not used any more"),
    ("contract", "The contract is up for renewal and does not renew automatically"),
)


@dataclass
class Rows:
    """The rows of a queue, by table."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    case_scores: list[dict[str, Any]] = field(default_factory=list)
    case_alarms: list[dict[str, Any]] = field(default_factory=list)
    handoffs: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Invented:
    """What one account of the queue is made from: its row, the risk of its case, all probabilities, and its reasons."""

    number: int
    account: dict[str, Any]
    risk: str
    probabilities: dict[str, float]
    reasons: list[tuple[str, str]]
    texts: dict[str, str]

    @property
    def headline(self) -> str:
        """The headline of its case."""
        risk = f"{self.risk} risk {self.probabilities[self.risk]:.0%}"
        return self.texts.get("headline", f"{self.account['name']}: {risk}; {self.reasons[0][1]}")


def fill(
    store: Store,
    cases: int,
    *,
    nights: int = 1,
    texts: Callable[[int], dict[str, str]] | None = None,
    package: Handoff | None = None,
    risks: dict[str, tuple[float, float]] = RISKS,
) -> None:
    """Record ``nights`` nights and open so many cases on the last.

    ``texts`` replaces texts in the rows and the hand-off of a case; ``package`` is the hand-off from which that of each
    case is made; ``risks`` are the scored risks with the ranges of their probabilities.
    """
    dice = random.Random(7)
    frozen = json.loads((package or handoff()).to_json())
    rows = Rows()
    for number in range(cases):
        _add(rows, _invent(number, dice, texts(number) if texts else {}, risks), dice, frozen, nights)
    night_rows = [night_row(NIGHT - timedelta(days=back), cases, tuple(risks)) for back in range(nights)]
    with store.transaction() as session:
        session.execute(insert(Squad), [{"name": name, "active": True} for name in SQUADS])
        session.execute(insert(Member), _members())
        session.execute(insert(NightRow), night_rows)
        for table, values in (
            (Account, rows.accounts),
            (Case, rows.cases),
            (CaseScore, rows.case_scores),
            (CaseAlarm, rows.case_alarms),
            (FrozenHandoff, rows.handoffs),
            (CaseEvent, rows.events),
            (Score, rows.scores),
            (AccountRisk, _newest_scores(rows.scores)),
        ):
            if values:
                session.execute(insert(table), values)
        session.execute(insert(Waiting), [_waiting(row) for row in rows.accounts[-3:]])
        session.execute(insert(HeldOutRow), [_held_out(row) for row in rows.accounts[-2:]])


def _newest_scores(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The scores of the last night with their ranks, as a night leaves them for the pages of accounts."""
    newest = [row for row in scores if row["as_of"] == NIGHT]
    ranks: Counter[str] = Counter()
    found = []
    for row in sorted(newest, key=lambda row: -row["probability"]):
        ranks[row["risk"]] += 1
        figures = {name: row[name] for name in ("account_id", "risk", "as_of", "probability")}
        found.append({**figures, "rank": ranks[row["risk"]], "curve": None})
    return found


def _members() -> list[dict[str, Any]]:
    return [
        {"squad": squad, "person": person, "position": position}
        for squad, people in SQUADS.items()
        for position, person in enumerate(people)
    ]


def _invent(number: int, dice: random.Random, texts: dict[str, str], risks: dict[str, tuple[float, float]]) -> Invented:
    account = _account(number, dice, texts)
    probabilities = {risk: round(dice.uniform(low, high), 3) for risk, (low, high) in risks.items()}
    risk = "churn" if number % 3 else "escalation"
    return Invented(number, account, risk, probabilities, dice.sample(_REASONS, 4), texts)


def _add(rows: Rows, invented: Invented, dice: random.Random, package: dict[str, Any], nights: int) -> None:
    case = _case(invented, dice)
    rows.accounts.append(invented.account)
    rows.cases.append(case)
    rows.case_scores.extend(
        {"case_id": case["id"], "risk": risk, "probability": value, "priority": case["priority"], "is_open": True}
        for risk, value in invented.probabilities.items()
    )
    rows.case_alarms.append({"case_id": case["id"], "alarm": f"risk:{invented.risk}", "raised_on": NIGHT})
    content = _package(package, invented)
    frozen = {"as_of": NIGHT, "schema_version": "2.1", "content": content, "content_hash": ""}
    rows.handoffs.append({"case_id": case["id"], **frozen})
    opening = {"actor": "rescue", "kind": "opened", "before": {}, "after": {"state": "new"}, "version": 1}
    comment = invented.texts.get("comment")
    rows.events.append({"case_id": case["id"], "at": case["opened_at"], "comment": comment, **opening})
    rows.scores.extend(_scores(invented, dice, nights))


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
        "currency": "EUR",
        "renews_on": NIGHT + timedelta(days=dice.randint(3, 360)),
        "seen_on": NIGHT,
        "search": f"{name} {account}".casefold(),
    }


def _case(invented: Invented, dice: random.Random) -> dict[str, Any]:
    number, probability = invented.number, invented.probabilities[invented.risk]
    revenue = invented.account["arr"]
    squad = "success" if number < 3 else dice.choice(("success", "success", "support", "strategic"))
    severity = "critical" if revenue > 90_000 else "high" if probability > 0.5 else "normal"
    hours = {"critical": 8.0, "high": 24.0, "normal": 72.0}[severity]
    opened = NOW - timedelta(hours=6, minutes=number % 50)
    return {
        "id": f"case{number:09d}",
        "account_id": invented.account["account_id"],
        "risk": invented.risk,
        "family": "rescue",
        "squad": squad,
        "state": "new",
        "priority": revenue * probability if number else 1e9,
        "rank": number + 1,
        "at_stake": revenue,
        "lane": "at_risk",
        "revenue": revenue,
        "live_on": NIGHT,
        "group_members": [],
        "tier_since": opened,
        "severity": severity,
        "probability": probability,
        "triggers": [],
        "headline": invented.headline,
        "opened_on": NIGHT,
        "raised_on": NIGHT,
        "raises": 0,
        "opened_at": opened,
        "updated_at": opened,
        "escalation_path": list(SQUADS[squad]),
        "tier": 0,
        "escalate_after": [f"{hours / 2:g} hours"],
        "respond_within": f"{hours:g} hours",
        "resolve_within": f"{hours * 7:g} hours",
        "respond_by": opened + timedelta(hours=hours),
        "resolve_by": opened + timedelta(hours=hours * 7),
        "version": 1,
    }


def _scores(invented: Invented, dice: random.Random, nights: int) -> Iterator[dict[str, Any]]:
    """Every risk on each of the nights, lower in earlier nights."""
    for back in range(nights):
        for risk, value in invented.probabilities.items():
            drift = max(0.004, value * (1 - back / (nights + 4)) + dice.uniform(-0.01, 0.01) * (back > 0))
            yield {
                "as_of": NIGHT - timedelta(days=back),
                "risk": risk,
                "account_id": invented.account["account_id"],
                "probability": drift,
                "rank_score": drift,
                "model_version": "3",
            }


def _package(package: dict[str, Any], invented: Invented) -> str:
    """The hand-off of the factory with the name, risks and reasons of this account."""
    account, risk, texts = invented.account, invented.risk, invented.texts
    own = {**package, "headline": invented.headline}
    own["account"] = {**package["account"], **{key: account[key] for key in package["account"] if key in account}}
    own["contract"] = {**package["contract"], "arr": account["arr"], "renews_on": account["renews_on"].isoformat()}
    routing = {**package["case"]["routing"], "text": texts.get("routed", package["case"]["routing"]["text"])}
    own["case"] = {**package["case"], "risk": risk, "at_stake": account["arr"], "triggers": [], "routing": routing}
    own["risks"] = [
        _risk_card(card, invented) for card in sorted(package["risks"], key=lambda card: bool(card["risk"] != risk))
    ]
    rise = f"{risk.capitalize()} risk rose from 10% to {invented.probabilities[risk]:.0%}"
    own["changes"] = [rise, *package["changes"][1:-2]]
    text = json.dumps(own)
    for old, new in texts.items():
        text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1]) if len(old) > 12 else text
    return text


def _risk_card(card: dict[str, Any], invented: Invented) -> dict[str, Any]:
    strengths = (1.3, 0.7, 0.4, 0.2)
    reasons = [
        {"group": group, "feature": group, "sentence": sentence, "strength": strength, "weak": strength < 0.3}
        for (group, sentence), strength in zip(invented.reasons, strengths, strict=True)
    ]
    now = invented.probabilities[card["risk"]]
    return {
        **card,
        "probability": now,
        "reasons": reasons if card["risk"] == invented.risk else reasons[1:3],
        "history": [{**point, "probability": point["probability"] * now} for point in card["history"]],
        "counterfactuals": [{**change, "before": now, "after": now / 2} for change in card["counterfactuals"]],
    }


def _waiting(account: dict[str, Any]) -> dict[str, Any]:
    rank = int(account["account_id"][2:]) + 1
    figures = {"rank": rank, "priority": 10.0, "at_stake": account["arr"], "probability": 0.2}
    return {"as_of": NIGHT, "account_id": account["account_id"], "risk": "churn", "squad": "success", **figures}


def _held_out(account: dict[str, Any]) -> dict[str, Any]:
    drawn = {"unit": account["account_id"], "stratum": "smb", "probability": 0.3, "priority": 9.0}
    return {"as_of": NIGHT, "account_id": account["account_id"], "risk": "churn", **drawn}


def work_through(store: Store, cases: int, *, closed: int = 0) -> None:
    """Let the squads work on the first cases: the first ``closed`` are closed, the others are in every open state."""
    clock = Clock(NOW)
    work = Cases(store, clock=clock)
    for number in range(cases):
        case = work.get(f"case{number:09d}", Actor("rescue", Role.SYSTEM))
        actor = Actor(SQUADS[case.squad][number % 2], Role.REVIEWER, frozenset({case.squad}))
        if number < closed:
            _close(store, work, clock, case.id, actor, number)
        else:
            _work_on(work, clock, case.id, actor, number)


def _close(store: Store, work: Cases, clock: Clock, case_id: str, actor: Actor, number: int) -> None:
    clock.now = NOW - timedelta(days=7 * (number % 10), hours=3)
    with store.transaction() as session:
        case = session.get_one(Case, case_id)
        case.opened_at = clock.now - timedelta(days=number % 4)
        case.opened_on = case.opened_at.date()
    work.claim(case_id, actor)
    work.contact(case_id, actor, comment="Spoke to the sponsor; they miss the weekly report.")
    verdict = ("saved", "saved", "lost", "false_alarm")[number % 4]
    work.resolve(case_id, actor, verdict=verdict, comment="See the notes of the call.")


def _work_on(work: Cases, clock: Clock, case_id: str, actor: Actor, number: int) -> None:
    clock.now = NOW - timedelta(hours=1 + number % 4)
    work.claim(case_id, actor)
    if number % 4 == 1:
        work.contact(case_id, actor, comment="Called the admin: the new team does not know the product yet.")
    elif number % 4 == 2:
        work.plan(case_id, actor, plan="Two trainings until 20 March, then look at the numbers again.")
    elif number % 4 == 3:
        until = NOW.date() + timedelta(days=5)
        work.snooze(case_id, actor, until=until, reason="Their sponsor is away until Monday.")
