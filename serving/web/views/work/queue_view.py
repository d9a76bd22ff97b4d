"""What the queue page shows, and the address that selects it: the view is in the URL and nowhere else.

The risks are data: the queue has one column, one filter value and one sort order for each risk that the newest night
scored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from math import ceil
from urllib.parse import urlencode

from features.errors import UsageError
from serving.night_report.closure_titles import closure_title
from serving.policy.definition.policy_schema import PolicyFile
from serving.store.case_states import OUTCOMES, State
from serving.store.queries.queue_queries import (
    CLOSED_CASES,
    LANES,
    OPEN_CASES,
    PAGE,
    STATES,
    ListedCase,
    QueueFilter,
    is_closed_view,
)
from serving.store.tables import Account, Case
from serving.web import display_text
from serving.web.reader import UNKNOWN_READER, PageReader
from serving.web.views.case_summary import without_account_name
from serving.web.views.work.next_step import next_step
from serving.web.views.work.outcome_amount import OutcomeAmount, outcome_amount
from serving.web.views.work.price_text import PriceText, price_text
from serving.web.views.work.responsible_text import responsible_text
from serving.weekly.weekly_figures import parse_week

FILTERS = ("squad", "lane", "mine", "state", "risk", "segment", "owner", "responsible", "renews")
"""The filters that have the same name in an address and in a query."""

ASCENDING = frozenset({"account", "leaving", "renewal", "clock"})
"""The sort orders that begin with the smallest value."""

BOARD = "board"
"""The layout with one column for each state; the other one is the list."""

MAX_FILTER_LENGTH = 200
"""Characters of a filter that are read."""


@dataclass(frozen=True)
class QueueView:
    """The part of the queue that an address selects; an invalid value is replaced by the default."""

    squad: str = ""
    lane: str = ""
    mine: bool = False
    state: str = OPEN_CASES
    risk: str = ""
    segment: str = ""
    owner: str = ""
    responsible: str = ""
    renews: int | None = None
    closed: int | None = None
    week: str = ""
    q: str = ""
    sort: str = "priority"
    page: int = 1
    layout: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str], risks: Sequence[str]) -> "QueueView":
        """Read an address; ``risks`` are those that can be filtered and sorted by."""
        state = _one_of(query.get("state", ""), STATES, OPEN_CASES)
        closed = is_closed_view(state)
        texts = {name: query.get(name, "").strip()[:MAX_FILTER_LENGTH] for name in cls.__dataclass_fields__}
        return cls(
            squad=texts["squad"],
            lane=_one_of(texts["lane"], LANES, ""),
            mine=texts["mine"] in {"1", "on"},
            state=state,
            risk=_one_of(texts["risk"], risks, ""),
            segment=texts["segment"],
            owner=texts["owner"],
            responsible=texts["responsible"],
            renews=whole_number(texts["renews"]),
            closed=whole_number(texts["closed"]) if closed else None,
            week=_week(texts["week"]) if closed else "",
            q=texts["q"],
            sort=_one_of(texts["sort"], sort_orders(risks, closed=closed), "closed" if closed else "priority"),
            page=whole_number(texts["page"]) or 1,
            layout=_one_of(texts["layout"], (BOARD,), ""),
        )

    def url(self, **changes: object) -> str:
        """The address of this view with some fields changed; without ``page`` it leads to the first page."""
        view = replace(self, **({"page": 1} | changes))  # type: ignore[arg-type]  # templates name the fields
        first = "closed" if view.of_closed else "priority"
        titles, only = display_text.CLOSED_SORT_TITLES, display_text.ONLY_CLOSED_SORTS
        if view.sort not in titles if view.of_closed else view.sort in only:
            view = replace(view, sort=first)  # open and closed cases have other columns
        default = QueueView(sort=first)
        parameters = {
            name: int(value) if isinstance(value, bool) else value
            for name, value in vars(view).items()
            if value != getattr(default, name)
        }
        return "/queue" + (f"?{urlencode(parameters)}" if parameters else "")

    def export_url(self, ending: str) -> str:
        """The address of a file of this format with all cases of the view, in its order."""
        return self.url(layout="").replace("/queue", f"/queue/export.{ending}", 1)

    def within(self, total: int) -> "QueueView":
        """This view, on its last page where the address names one behind it; ``total`` is the number of its cases."""
        return replace(self, page=min(self.page, last_page(total)))

    @property
    def narrowed(self) -> bool:
        """Whether a filter other than the lane and the state is set."""
        return replace(self, lane="", state=OPEN_CASES, sort="priority", page=1, layout="") != QueueView()

    @property
    def of_closed(self) -> bool:
        """Whether it shows closed cases."""
        return is_closed_view(self.state)

    @property
    def plain(self) -> bool:
        """Whether it is the whole queue in its order from the first case on, in one lane or all."""
        return not self.narrowed and (self.state, self.sort, self.page) == (OPEN_CASES, "priority", 1)

    def chosen(self, squads: frozenset[str] | None, person: str, night: date) -> QueueFilter:
        """The view as a query of the store."""
        filters = {name: getattr(self, name) for name in FILTERS}
        return QueueFilter(squads, person, night, text=self.q, closed=self._closed_span(night), **filters)

    def _closed_span(self, night: date) -> tuple[datetime, datetime] | None:
        """Between which instants the cases were closed; None without a limit."""
        if self.week:
            first = datetime.combine(parse_week(self.week), time())
            return first, first + timedelta(weeks=1)
        if self.closed is None:
            return None
        return datetime.combine(night - timedelta(days=self.closed), time()), datetime.combine(date.max, time())


def sort_orders(risks: Sequence[str], *, closed: bool = False) -> tuple[str, ...]:
    """What the queue can be sorted by: its own columns, and of open cases the probability of each risk."""
    return tuple(display_text.CLOSED_SORT_TITLES) if closed else (*display_text.SORT_TITLES, *risks)


@dataclass(frozen=True)
class QueueRow:
    """A line of the queue; ``probabilities`` has one (risk, probability or None) for each risk column.

    ``change`` is that of the case's own risk since the case was opened, or last raised where that is not recorded, and
    ``end`` when the contract ends or renews. ``price`` is what the queue is ordered by. ``currency`` is
    that of all amounts. ``missed_at`` is when a deadline was missed that a hand-over has replaced.
    """

    case: Case
    name: str
    account: Account
    probabilities: tuple[tuple[str, float | None], ...]
    change: str
    reason: str | None
    end: str
    resolved: str
    timer: display_text.SlaTimer | None
    price: PriceText
    next_step: str
    responsible: str = ""
    outcome_reason: str = ""
    currency: str = ""
    amount: OutcomeAmount | None = None
    missed_at: datetime | None = None

    @property
    def is_late(self) -> bool:
        """Whether its next deadline has passed."""
        return self.timer is not None and self.timer.urgency == "late"

    def is_for(self, person: str) -> bool:
        """Whether this person can act on it now: it is theirs, or they can claim it."""
        return self.case.state != State.SNOOZED and (self.case.responsible == person or self.can_be_claimed)

    @property
    def can_be_claimed(self) -> bool:
        """Whether nobody works on the case yet."""
        return self.case.state == State.NEW

    def can_be_selected(self, person: str, may_assign: bool) -> bool:
        """Whether this person may change the open case: it is nobody's or theirs, or they assign cases."""
        return self.case.closed_at is None and (may_assign or self.case.owner in {None, person})


@dataclass(frozen=True)
class RowContext:
    """What all rows of a page have in common: risks, times, the policy, the reader, and risks at opening by case.

    Timers count from ``now``, the days of contracts from ``today``. ``currency`` is that of amounts without one: a
    customer whose contracts have ended has none in the source any more. ``counted`` is the revenue that each closed
    case saved or lost, and ``missed`` when the time to respond of a case was missed that has a later deadline now.
    """

    risks: Sequence[str]
    now: datetime
    today: date
    rules: PolicyFile | None = None
    reader: PageReader = UNKNOWN_READER
    opened: Mapping[str, float] = field(default_factory=dict)
    currency: str = ""
    counted: Mapping[str, float] = field(default_factory=dict)
    missed: Mapping[str, datetime] = field(default_factory=dict)


def queue_row(listed: ListedCase, context: RowContext) -> QueueRow:
    """The line of a case."""
    case, account, reason = listed
    then, since = case.probability, case.raised_on
    if case.id in context.opened:
        then, since = context.opened[case.id], case.opened_on
    name = account.name or account.account_id
    currency = account.currency or case.outcome_currency or context.currency
    return QueueRow(
        case=case,
        name=name,
        account=account,
        probabilities=tuple((risk, case.probabilities.get(risk)) for risk in context.risks),
        change=display_text.points_since(then, case.probabilities.get(case.risk), since),
        reason=without_account_name(reason, name) if reason else None,
        end=display_text.contract_end(case, account, context.today),
        resolved=display_text.resolved_title(case.resolved),
        timer=display_text.sla_timer(case, context.now),
        price=price_text(case, account, context.rules, currency),
        next_step=next_step(case, context.reader),
        responsible=responsible_text(case, context.reader),
        outcome_reason=_reason_title(case, context.rules),
        currency=currency,
        amount=outcome_amount(case, context.counted.get(case.id), currency),
        missed_at=context.missed.get(case.id),
    )


def _reason_title(case: Case, rules: PolicyFile | None) -> str:
    """The title of the reason with which a case was closed, or of why a night closed it; empty where there is none."""
    if case.outcome_reason is None:
        return closure_title(case.closure) if case.closed_at and case.closure else ""
    rule = rules.outcomes.get(case.state) if rules is not None else None
    known = rule.reasons if rule is not None else {}
    return known.get(case.outcome_reason, display_text.code_title(case.outcome_reason))


def outcome_choices(rules: PolicyFile | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """The outcomes with which several cases can be closed, each with its choices: itself, and its reasons.

    An outcome that requires a reason cannot be chosen without one. A choice is ``lost`` or ``lost:price``.
    """
    known = rules.outcomes if rules else {}
    choices = []
    for outcome in OUTCOMES:
        title, rule = display_text.state_title(outcome), known.get(outcome)
        plain = [] if rule is not None and rule.required else [(str(outcome), title)]
        reasons = rule.reasons if rule is not None else {}
        choices.append(
            (title, [*plain, *((f"{outcome}:{code}", f"{title}: {text}") for code, text in reasons.items())])
        )
    return choices


@dataclass(frozen=True)
class Pagination:
    """The position in the list: numbers of the first and last case shown, and the addresses of the next pages."""

    first: int
    last: int
    total: int
    previous: str | None
    next: str | None


def paginate(view: QueueView, total: int) -> Pagination:
    """The cases that this page shows, and the addresses of the pages before and after it."""
    last = last_page(total)
    first = (view.page - 1) * PAGE
    return Pagination(
        first=min(first + 1, total),
        last=min(first + PAGE, total),
        total=total,
        previous=view.url(page=min(view.page - 1, last)) if view.page > 1 else None,
        next=view.url(page=view.page + 1) if view.page < last else None,
    )


def last_page(total: int) -> int:
    """The number of the last page of so many cases; the first one of none."""
    return max(1, ceil(total / PAGE))


def elsewhere(view: QueueView) -> list[tuple[str, str]]:
    """Where else the words of a search may be found, as (title, address); empty where nothing is searched for."""
    if not view.q:
        return []
    other, title = (OPEN_CASES, "open") if view.of_closed else (CLOSED_CASES, "closed")
    return [
        (f"Search the {title} cases", QueueView(state=other, q=view.q).url()),
        ("Search all accounts", f"/accounts?{urlencode({'q': view.q})}"),
    ]


def _week(text: str) -> str:
    """A week as an address names it, such as ``2026-W47``, in which cases were closed; empty for anything else."""
    try:
        year, number, _ = parse_week(text).isocalendar()
    except UsageError:
        return ""
    return f"{year}-W{number:02}"


def _one_of(value: str, allowed: Iterable[str], default: str) -> str:
    return value if value in allowed else default


def whole_number(value: str, most: int = 100_000) -> int | None:
    """A number from 1 to ``most`` as it is in an address; None for anything else, such as one of a hundred digits."""
    number = int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 0
    return number if 0 < number <= most else None
