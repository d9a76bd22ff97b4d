"""Labels as drawings: what happened to one account, and what the label says. Tests and the docs read the same ones.

One character is one day, and everything happens at its first instant. The first line is the ruler: ``T`` is the cutoff,
``¦`` the ends of the lead and of the window (each belongs to what is left of it), ``M`` the instant at which the
label matures.

A subscription (``A``, ``B``) of 100 a year: ``=`` running, ``S`` starts, ``N`` notice becomes known, ``-`` running out,
``E`` ends, ``R`` the notice is taken back, ``L`` only now do we learn that it has ended, ``v`` changes to a plan of 70,
``w`` to one of 90, ``^`` back to one of 100, ``x`` to one whose revenue is unknown, ``s`` starts unseen until ``K``,
when our copy learns of it, ``Z`` our copy learns of it before it starts; ``B>A`` names the subscription that it
replaces. An invoice (``bill``): ``i`` issued, ``d`` due, ``p`` paid, ``P`` a payment that our copy
learns of at the next ``K``, ``c`` issued as a credit note.
Tickets: ``o`` opened, ``!`` escalated, ``?`` escalated, learned at the next ``K``. The team: ``c`` called, ``n`` looked
and did nothing, ``h`` held out, ``H`` called although held out, ``w`` noted a call by mistake and took it back at the
next ``K``. Activity: ``i`` an invoice, ``u`` use, ``z`` a row of use with no events in it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from features.contract import TABLES
from features.history.history import History
from features.labels.labels import LabelRule, eligibility, label
from support.worlds.factories import TYPES

CUTOFF = date(2025, 3, 1)
MARGIN = 8  # columns of the row's name
LONG_AGO = -400
PLANS = {"^": 100.0, "w": 90.0, "v": 70.0, "x": None}
"""The revenue of a subscription after each mark."""

CHURN = LabelRule("churn", "contract", horizon=25, lead=5, grace=10)
ESCALATION = LabelRule("escalation", "event", horizon=14, table="ticket_events", where="kind = 'escalated'")
SILENCE = LabelRule("churn", "silence", horizon=14, active=9)
CONTRACTION = LabelRule("contraction", "decrease", horizon=14, lead=2, grace=5)
LATE_PAYMENT = LabelRule("late_payment", "overdue", horizon=14, days=3)
RULES = {
    "Churn by contract": CHURN,
    "Escalation": ESCALATION,
    "Churn by silence": SILENCE,
    "Contraction (a decrease by a fifth)": CONTRACTION,
    "Late payment (overdue by 3 days)": LATE_PAYMENT,
}


@dataclass(frozen=True)
class Timeline:
    """One drawing: its title, what the label must say, and where the data end (by default, after all is mature)."""

    title: str
    says: str
    drawing: str
    rule: LabelRule = CHURN
    until: int = 60
    current_state: bool = False

    @property
    def rows(self) -> Iterator[tuple[str, list[tuple[int, str]]]]:
        """The drawing's rows: a name, and the marks with their days."""
        ruler, *lines = self.drawing.strip("\n").splitlines()
        origin = ruler.index("T")
        for line in lines:
            marks = [(place - origin, mark) for place, mark in enumerate(line) if place >= MARGIN and mark != " "]
            yield line[:MARGIN].strip(), marks

    def answer(self) -> str:
        """What the label says, in the words of ``says``."""
        history = self.history()
        account = _row(eligibility(history, [CUTOFF], self.rule))
        if not account["eligible"]:
            return f"not eligible: {account['why'].replace('_', ' ')}"
        outcome = _row(label(history, [CUTOFF], self.rule))
        marks = [mark for mark, there in (("treated", outcome["treated"]), ("held out", outcome["holdout"])) if there]
        return ", ".join([_event(outcome), *marks])

    def history(self) -> History:
        """The drawing as tables; a second account's last health score says where the data end."""
        tables: dict[str, list[dict[str, Any]]] = {
            "accounts": [_account("acme"), _account("other")],
            "health_scores": [{"account_id": "other", "measured_at": instant(self.until - 1), "score": 50.0}],
        }
        for name, marks in self.rows:
            for table, row in _READERS.get(name, _subscription)(name, marks):
                tables.setdefault(table, []).append(row)
        if self.current_state and "subscriptions" in tables:
            tables["subscriptions"] = _as_it_ended(tables["subscriptions"])
        return History.from_tables({name: as_table(name, rows) for name, rows in tables.items()})


def instant(day: float) -> datetime:
    """The first instant of a day, counted from the cutoff."""
    return datetime.combine(CUTOFF, datetime.min.time()) + timedelta(days=day)


def ruler(rule: LabelRule) -> str:
    """The first line of every drawing of this rule."""
    line = list(" " * (MARGIN + 10) + "T" + " " * rule.maturity)
    for day in (rule.lead, rule.lead + rule.horizon):
        if day:
            line[MARGIN + 10 + day] = "¦"
    line[-1] = "M"
    return "".join(line)


def as_table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the contract's table, with the columns that any row has."""
    given = {column for row in rows for column in row}
    fields = [pa.field(column.name, TYPES[column.kind]) for column in TABLES[name].columns if column.name in given]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _row(table: pa.Table) -> dict[str, Any]:
    return next(row for row in table.to_pylist() if row["account_id"] == "acme")


def _event(found: dict[str, Any]) -> str:
    if found["event"] is None:
        return "unknown: " + re.sub(r"\d{4}-\d\d-\d\d", lambda day: _day(date.fromisoformat(day[0])), found["unknown"])
    return f"event on {_day(found['event_at'].date())}" if found["event"] else "no event"


def _day(day: date) -> str:
    return f"day {(day - CUTOFF).days}"


def _account(name: str) -> dict[str, Any]:
    return {"account_id": name, "created_at": instant(LONG_AGO)}


def _subscription(name: str, marks: list[tuple[int, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Its versions, as our copy learned them."""
    started = next((day for day, mark in marks if mark in "Ss"), LONG_AGO)
    arr = PLANS["^"]
    if marks[0][1] not in "sZ":
        yield _version(name, started, started, None, arr)
    for day, mark in marks:
        arr = PLANS.get(mark, arr)
        if mark in "NKRLZ" or mark in PLANS:
            yield _version(name, day, started, _end(marks, day, mark), arr)


def _end(marks: list[tuple[int, str]], day: int, mark: str) -> int | None:
    ends = [at for at, other in marks if other == "E"]
    if mark == "N":
        return next((at for at in ends if at > day), day + 30)
    return ends[-1] if mark == "L" or (mark == "K" and ends) else None


def _version(name: str, known: int, started: int, ended: int | None, arr: float | None) -> tuple[str, dict[str, Any]]:
    contract, _, replaced = name.partition(">")
    return "subscriptions", {
        "subscription_id": contract,
        "replaces": replaced or None,
        "account_id": "acme",
        "started_at": instant(started),
        "ended_at": None if ended is None else instant(ended),
        "arr": arr,
        "known_at": instant(known),
    }


def _as_it_ended(versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest version of each subscription, without the time at which it was known."""
    newest = {row["subscription_id"]: row for row in versions}
    return [{column: value for column, value in row.items() if column != "known_at"} for row in newest.values()]


def _tickets(_: str, marks: list[tuple[int, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "tickets", {"ticket_id": "t", "account_id": "acme", "opened_at": instant(marks[0][0])}
    for day, mark in marks:
        if mark in "!?":
            known = day if mark == "!" else next(at for at, other in marks if other == "K" and at > day)
            event = {"ticket_id": "t", "occurred_at": instant(day), "kind": "escalated", "known_at": instant(known)}
            yield "ticket_events", event


def _team(_: str, marks: list[tuple[int, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for day, mark in marks:
        if mark == "K":
            continue
        action = {"n": "none", "h": "held_out"}.get(mark, "contacted")
        act = {"account_id": "acme", "risk": "churn", "holdout": mark in "hH", "decided_at": instant(day)}
        yield "outcomes", {**act, "action": action, "known_at": instant(day)}
        if mark == "w":
            learned = next(at for at, other in marks if other == "K" and at > day)
            yield "outcomes", {**act, "action": "withdrawn", "known_at": instant(learned)}


def _activity(_: str, marks: list[tuple[int, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for day, mark in marks:
        if mark == "i":
            invoice = {"invoice_id": f"i{day}", "account_id": "acme", "issued_at": instant(day), "amount": 10.0}
            yield "invoices", invoice
        else:
            use = {"account_id": "acme", "day": instant(day).date(), "feature": "core", "events": int(mark == "u")}
            yield "usage_daily", use


def _bill(_: str, marks: list[tuple[int, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """An invoice, and the version with its payment."""
    (issued, kind), (due, _due) = marks[:2]
    amount = -10.0 if kind == "c" else 10.0
    bill = {"invoice_id": "bill", "account_id": "acme", "issued_at": instant(issued), "due_at": instant(due)}
    yield "invoices", {**bill, "amount": amount, "known_at": instant(issued)}
    for day, mark in marks[2:]:
        if mark in "pP":
            known = day if mark == "p" else next(at for at, other in marks if other == "K" and at > day)
            yield "invoices", {**bill, "amount": amount, "paid_at": instant(day), "known_at": instant(known)}


_READERS = {"tickets": _tickets, "team": _team, "activity": _activity, "bill": _bill}


def page(timelines: Sequence[Timeline]) -> str:
    """The timelines as a page of Markdown, by rule."""
    legend = (__doc__ or "").split("\n\n", 1)[1].replace("``", "`")
    parts = ["# What the label says, drawn", _INTRODUCTION, legend.strip()]
    for title, rule in RULES.items():
        parts.append(f"## {title}\n\n{_settings(rule)}")
        parts += [
            f"**{timeline.title}**: {timeline.says}.\n\n```text\n{timeline.drawing.strip(chr(10))}\n```"
            for timeline in timelines
            if timeline.rule == rule
        ]
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """<!-- Generated: `PYTHONPATH=tests python -m support.labels.labels_drawn > docs/labels.md` -->

Each drawing is one account and one cutoff; each is also a test. The windows are shortened, so that a day can be one
character."""


def _settings(rule: LabelRule) -> str:
    settings = [f"window {rule.horizon} days", f"lead {rule.lead}"]
    if rule.kind in {"contract", "decrease"}:
        settings.append(f"grace {rule.grace}")
    if rule.kind == "silence":
        settings.append(f"active in the {rule.active} days before")
    return ", ".join(settings) + "."
