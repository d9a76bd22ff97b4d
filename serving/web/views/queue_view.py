"""What the queue's page says, and the address that says which queue: the view is in the URL and nowhere else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import ceil
from urllib.parse import urlencode

from serving.store.case_states import OPEN, State
from serving.store.queue_queries import CLOSED_CASES, OPEN_CASES, PAGE, SORTS, STATES, Chosen, Listed
from serving.store.tables import Account, Case
from serving.web import display_text

RISKS = ("churn", "escalation")
FILTERS = ("squad", "mine", "state", "risk", "segment", "owner", "renews")
"""What an address and the database call by the same name."""

ORDERS = {
    "priority": "priority",
    "account": "account",
    "revenue": "money at stake",
    "churn": "churn risk",
    "escalation": "escalation risk",
    "renewal": "renewal",
    "clock": "clock",
}
"""What the list can be sorted by, in words."""

LONGEST = 200
"""Characters of a filter that are read; nobody searches for more."""


@dataclass(frozen=True)
class View:
    """A queue as its address asks for it; a value that makes no sense is left at its default."""

    squad: str = ""
    mine: bool = False
    state: str = OPEN_CASES
    risk: str = ""
    segment: str = ""
    owner: str = ""
    renews: int | None = None
    q: str = ""
    sort: str = "priority"
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "View":
        """Read an address."""
        said = {name: query.get(name, "").strip()[:LONGEST] for name in cls.__dataclass_fields__}
        return cls(
            squad=said["squad"],
            mine=said["mine"] in {"1", "on"},
            state=_one_of(said["state"], STATES, OPEN_CASES),
            risk=_one_of(said["risk"], RISKS, ""),
            segment=said["segment"],
            owner=said["owner"],
            renews=_number(said["renews"]),
            q=said["q"],
            sort=_one_of(said["sort"], SORTS, "priority"),
            page=_number(said["page"]) or 1,
        )

    def url(self, **other: object) -> str:
        """The address of this view with some of it changed; whatever narrows the list goes back to its first page."""
        view = replace(self, **({"page": 1} | other))  # type: ignore[arg-type]  # the fields are named by templates
        plain = View()
        said = {
            name: int(value) if isinstance(value, bool) else value
            for name, value in vars(view).items()
            if value != getattr(plain, name)
        }
        return "/queue" + (f"?{urlencode(said)}" if said else "")

    @property
    def narrowed(self) -> bool:
        """Whether anything but the state narrows the list."""
        return replace(self, state=OPEN_CASES, sort="priority", page=1) != View()

    def chosen(self, squads: frozenset[str] | None, person: str, night: date) -> Chosen:
        """The view as the database is asked."""
        asked = {name: getattr(self, name) for name in FILTERS}
        return Chosen(squads, person, night, text=self.q, **asked)


@dataclass(frozen=True)
class Row:
    """A line of the queue."""

    case: Case
    name: str
    account: Account
    risks: tuple[tuple[str, float | None], ...]
    reason: str | None
    renews: str
    clock: display_text.Clock | None

    @property
    def can_be_claimed(self) -> bool:
        """Whether nobody has it yet."""
        return self.case.state == State.NEW


def row(found: Listed, night: date, now: datetime) -> Row:
    """What a line says of a case."""
    case, account, reason = found
    return Row(
        case=case,
        name=account.name or account.account_id,
        account=account,
        risks=tuple((risk, case.probabilities.get(risk)) for risk in RISKS),
        reason=reason,
        renews=display_text.countdown(account.renews_on, night),
        clock=display_text.clock(case, now),
    )


@dataclass(frozen=True)
class Tab:
    """A state to look at: its name, its address, how many cases it has, and whether it is the one shown."""

    title: str
    url: str
    count: int | None
    current: bool


def tabs(view: View, counts: Mapping[str, int]) -> list[Tab]:
    """The states as tabs; closed cases are not counted, there are more every day."""
    open_ones = [
        Tab(display_text.state(state), view.url(state=state), counts.get(state, 0), view.state == state)
        for state in (OPEN_CASES, *OPEN)
    ]
    return [
        *open_ones,
        Tab(display_text.state(CLOSED_CASES), view.url(state=CLOSED_CASES), None, view.state == CLOSED_CASES),
    ]


@dataclass(frozen=True)
class Pages:
    """Where in the list one is."""

    first: int
    last: int
    total: int
    previous: str | None
    next: str | None


def pages(view: View, total: int) -> Pages:
    """The cases that this page shows, and the addresses of its neighbours."""
    last_page = max(1, ceil(total / PAGE))
    first = (view.page - 1) * PAGE
    return Pages(
        first=min(first + 1, total),
        last=min(first + PAGE, total),
        total=total,
        previous=view.url(page=min(view.page - 1, last_page)) if view.page > 1 else None,
        next=view.url(page=view.page + 1) if view.page < last_page else None,
    )


def _one_of(value: str, known: Iterable[str], default: str) -> str:
    return value if value in known else default


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and 0 < int(value[:9]) <= 100_000 else None
