"""Contracts as drawings: what is known of an account's contracts at ``T``, and what of it ends.

One character is three days, and everything happens at its first instant; the days of grace are ten characters. A row is
a contract: `A`, or `B>A` where it names the one that it replaces, or `new.B>A` where it is a contract of the account
`new`, a record of the same group. `=` running, `S` starts, `s` starts unseen until `K`, when our copy learns of it,
`Z` our copy learns of it before it starts at `S`, `N` a notice becomes known, `-` running out, `E` ends, `R` the notice
is taken back, `!` the renewal date. Each contract is worth 100 a year, the contract `C` 25 a year and the contract `Q`
an unknown amount. Days count from `T`, which is day 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from features.history.history import History
from features.succession.succession import succession_at
from support.labels.timelines import as_table

CUTOFF = date(2025, 6, 1)
MARGIN = 8
SCALE = 3
LONG_AGO = -200
UNDRAWN = 15
"""So many characters after its notice, a contract ends whose end is not drawn."""

REVENUE = {"C": 25.0, "Q": None}


@dataclass(frozen=True)
class ContractTimeline:
    """One drawing: its title, and what the succession says of the account ``acme`` at ``T``."""

    title: str
    says: str
    drawing: str
    current_state: bool = False

    def answer(self) -> str:
        """What the succession says, in the words of ``says``."""
        rows = succession_at(self.history(), CUTOFF).to_pylist()
        return "; ".join(_sentences(next(row for row in rows if row["account_id"] == "acme")))

    def history(self) -> History:
        """The drawing as tables."""
        ruler, *lines = self.drawing.strip("\n").splitlines()
        origin = ruler.index("T")
        rows = [row for line in lines for row in _versions(line, origin)]
        if self.current_state:
            newest = {row["subscription_id"]: row for row in rows}
            rows = [{name: value for name, value in row.items() if name != "known_at"} for row in newest.values()]
        accounts = [{"account_id": name, "parent_id": "group", "created_at": instant(-300)} for name in ("acme", "new")]
        return History.from_tables(
            {"accounts": as_table("accounts", accounts), "subscriptions": as_table("subscriptions", rows)}
        )


def instant(place: int) -> datetime:
    """The first instant of a character, counted from the cutoff."""
    return datetime.combine(CUTOFF, datetime.min.time()) + timedelta(days=place * SCALE)


def _versions(line: str, origin: int) -> Iterator[dict[str, Any]]:
    """The versions of one contract, as our copy learned them."""
    name, _, replaces = line[:MARGIN].strip().partition(">")
    account, _, contract = name.rpartition(".")
    marks = [(place - origin, mark) for place, mark in enumerate(line) if place >= MARGIN and mark != " "]
    starts = next((place for place, mark in marks if mark in "Ss"), LONG_AGO)
    renews = next((place for place, mark in marks if mark == "!"), None)
    row = {
        "subscription_id": contract,
        "account_id": account or "acme",
        "started_at": instant(starts),
        "renews_at": None if renews is None else instant(renews),
        "ended_at": None,
        "replaces": replaces or None,
        "arr": REVENUE.get(contract, 100.0),
    }
    early = any(mark == "Z" for _, mark in marks)
    if "s" not in {mark for _, mark in marks} and not early:
        yield {**row, "known_at": instant(starts)}
    for place, mark in marks:
        if mark in "ZNKR":
            given = next((at for at, other in marks if other == "E" and at > place), None)
            ends = {"N": given or place + UNDRAWN, "K": given}.get(mark)
            yield {**row, "ended_at": None if ends is None else instant(ends), "known_at": instant(place)}


def _sentences(row: dict[str, Any]) -> Iterator[str]:
    yield row["status"] + (f" {_day(row['leaves_on'])}" if row["leaves_on"] else "")
    if row["partial_loss_on"]:
        share = row["partial_loss_share"]
        yield f"a part ends {_day(row['partial_loss_on'])}: " + ("unknown" if share is None else f"{share:.0%}")
    if row["withdrawn_on"]:
        yield f"notice taken back {_day(row['withdrawn_on'])}"
    if row["renewal_date"]:
        yield f"renews {_day(row['renewal_date'])}"
    if row["renewal_overdue_days"]:
        yield f"renewal overdue by {row['renewal_overdue_days']} days"
    if row["successor_subscriptions"]:
        yield f"continued by {', '.join(row['successor_subscriptions'])}"
    if row["continued_by_account"]:
        yield f"in the account {row['continued_by_account']}"
    revenue = row["revenue"]
    if row["status"] in ("running", "leaving"):
        yield "revenue " + ("unknown" if revenue is None else f"{revenue:.0f}")


def _day(day: date) -> str:
    return f"on day {(day - CUTOFF).days}"


def contracts_page(timelines: tuple[ContractTimeline, ...]) -> str:
    """The drawings as a page of Markdown."""
    legend = (__doc__ or "").split("\n\n", 1)[1]
    drawn = [
        f"**{timeline.title}**{' (a source of the current state)' if timeline.current_state else ''}: {timeline.says}."
        f"\n\n```text\n{timeline.drawing.strip(chr(10))}\n```"
        for timeline in timelines
    ]
    return "\n\n".join([_INTRODUCTION, legend.strip(), *drawn]) + "\n"


_INTRODUCTION = """# What of an account really ends, drawn

<!-- Generated: `PYTHONPATH=tests python -m support.labels.drawn_contracts > docs/contracts.md` -->

A CRM records a renewal as an end and a new contract, an upgrade as another one, a merger as contracts of another
account. So an end alone says little. One definition decides what really ends; labels, eligibility, features, alarms and
hand-offs use it. An ending is *continued* by a contract that runs on beyond it and names it in `replaces` (also one of
another account of the group), or starts between 30 days before and 30 days after it. An account is `leaving` when
everything that runs has a known end that nothing continues, has `left` when that end has passed, and is `running`
otherwise; a part that ends while others go on is a partial loss. [Labels](labels.md) follow from this: churn is the
moment at which the status turns from running to leaving.

Each drawing is also a test. Ties: of contracts that end on the same day, none continues the other; of several
contracts that continue one ending, all are its successors, and the account's renewal is the earliest of theirs; a
contract without an end that another one replaces ends when its successor starts."""
