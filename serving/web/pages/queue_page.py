"""The queue as a list, as a board and as a file, taking the next case from it, and its waiting list."""

from dataclasses import replace
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.errors import UsageError, suggest_name
from serving.cases.absence.away_people import away_texts
from serving.cases.exports import FORMATS
from serving.cases.people import count_open_cases, newest_rules
from serving.cases.permissions import Act
from serving.night_report.counting_day import counting_day
from serving.store import Session
from serving.store.case_states import OPEN, State
from serving.store.queries import decision_queries, queue_queries
from serving.store.queries.case_queries import active_squads, members_of, missed_responses, stayed_cases
from serving.store.queries.incident_queries import count_open_incidents, list_incidents
from serving.store.queries.overview_queries import late_cases
from serving.store.queries.queue_choices import (
    CLOSED_WITHIN,
    RENEWALS,
    FilterChoices,
    last_visibility_change,
    list_choices,
)
from serving.store.queries.queue_queries import OPEN_CASES, ListedCase, QueueFilter
from serving.store.queries.results.period_queries import sum_counted_revenue
from serving.store.queries.results.weekly_queries import counted_revenue, sole_currency
from serving.store.saved_views import saved_views
from serving.web.access import Permission
from serving.web.display_text import code_title, state_title
from serving.web.flash_messages import FlashMessage, success_message
from serving.web.forms import SNOOZE_DAYS
from serving.web.pages.case_messages import hand_over_message
from serving.web.rendering import render_page
from serving.web.request_context import (
    FormTexts,
    PageContext,
    ViewerContext,
    WorkerContext,
    redirect_to,
)
from serving.web.sign_in.sign_in import local_path
from serving.web.views.night_age import night_age
from serving.web.views.work.outcome_amount import amounts_together
from serving.web.views.work.queue_export import EXPORT_TYPES, MOST_EXPORTED, export_table
from serving.web.views.work.queue_tabs import LaneCounts, QueueTab, count_states, lane_tabs, state_tabs
from serving.web.views.work.queue_view import (
    ASCENDING,
    BOARD,
    QueueRow,
    QueueView,
    RowContext,
    elsewhere,
    outcome_choices,
    paginate,
    queue_row,
    sort_orders,
)
from serving.weekly.weekly_sections import AMOUNT_DEFINITION

queue_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

CARDS = 15
"""Cases that each column of the board shows; the list has all of them."""

LATE = 20
"""Cases past a deadline among which the first one for the reader is looked for."""

BANNERS = 5
"""Open incidents that the queue names above its list."""


@queue_router.get("/")
def home(context: ViewerContext) -> RedirectResponse:
    """The queue is the first page; the overview is, for those who see it and work on no case."""
    only_reads = context.person.may(Permission.OVERVIEW) and not context.person.may(Permission.WORK)
    return redirect_to("/overview" if only_reads else "/queue")


@queue_router.get("/queue")
def show_queue(request: Request, context: ViewerContext) -> Response:
    """One page of the cases of a view."""
    done, case_id = request.query_params.get("done", ""), request.query_params.get("case", "")
    message = (hand_over_message(context, case_id) if case_id else None) or success_message(done)
    return render_queue(request, context, dict(request.query_params), message)


@queue_router.get("/waiting")
def show_waiting_list(request: Request, context: ViewerContext) -> Response:
    """The accounts that the newest night selected and for which the squads had no capacity."""
    with context.store.reading() as session:
        night = queue_queries.newest_night(session)
        chosen = QueueView().chosen(context.squads, context.person.name, night or context.now.date())
        shown = {
            "night": night,
            "age": night_age(session, context.now.date(), context.reader),
            "today": counting_day(night, context.now.date()),
            "rows": decision_queries.waiting_list(session, chosen),
            "lanes": lanes_beside(session, request, context),
        }
    return render_page(request, "waiting.html.j2", shown)


def lanes_beside(session: Session, request: Request, context: PageContext) -> list[QueueTab]:
    """The tabs of the lanes on a page beside the queue, such as the waiting list."""
    night = queue_queries.newest_night(session)
    chosen = QueueView().chosen(context.squads, context.person.name, night or context.now.date())
    counts = queue_queries.count_by_lane_and_state(session, chosen)
    return lane_tabs(QueueView(), counts, lane_counts(session, request, chosen), request.url.path)


@queue_router.post("/queue/next")
def open_next_case(texts: FormTexts, context: WorkerContext) -> Response:
    """Claim the most urgent new case of the person's squads, or of ``squad``, and show it."""
    case = context.cases.take_next(texts.get("squad") or None, context.actor(Act.WORK))
    if case is None:
        return redirect_to(local_path(texts.get("back", "/queue")), done="no_new_case")
    return redirect_to(f"/case/{case.id}", done="claim")


@queue_router.get("/queue/export.{ending}")
def export_queue(request: Request, ending: str, context: ViewerContext) -> Response:
    """All cases of a view as a file, in its order: what the list shows, page by page."""
    if ending not in EXPORT_TYPES:
        raise UsageError(f"There is no export as {ending!r}: {suggest_name(ending, EXPORT_TYPES)}")
    with context.store.reading() as session:
        choices, view, chosen, night = _chosen(request, session, context, dict(request.query_params))
        total = queue_queries.count_cases(session, chosen)
        if total > MOST_EXPORTED:
            raise UsageError(
                f"The view has {total:,} cases of at most {MOST_EXPORTED:,} in one file: add a filter, or use "
                "`rescue queue export`."
            )
        listed = queue_queries.list_cases(session, chosen, sort=view.sort, page=1, size=MOST_EXPORTED)
        common = _row_context(session, context, choices, night, listed)
        rows = [queue_row(row, common) for row in listed]
    table = export_table(rows, choices.risks, context.reader)
    name = f"rescue-queue-{night}.{ending}" if night else f"rescue-queue.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(FORMATS[ending](table), media_type=EXPORT_TYPES[ending], headers=headers)


def render_queue(
    request: Request, context: PageContext, query: dict[str, str], message: FlashMessage | None, status: int = 200
) -> Response:
    """The page of a view, as a list or as a board."""
    with context.store.reading() as session:
        choices, view, chosen, night = _chosen(request, session, context, query)
        counts = queue_queries.count_by_lane_and_state(session, chosen)
        age = night_age(session, context.now.date(), context.reader)
        states = count_states(view, counts)
        total = states.get(view.state, 0)
        sums = sum_counted_revenue(session, queue_queries.chosen_ids(chosen)) if view.of_closed and total else {}
        view = view.within(total)
        board = view.layout == BOARD and view.state == OPEN_CASES
        listed = [] if board else queue_queries.list_cases(session, chosen, sort=view.sort, page=view.page)
        columns = _columns(session, chosen, view, states) if board else []
        shown_cases = [*listed, *(row for _, rows in columns for row in rows)]
        options = _options(session, context, choices, view) | _assignees(session, context, listed)
        rows = _row_context(session, context, choices, night, shown_cases)
        shown_people = [row.case.responsible for row in shown_cases]
        late = _late_rows(session, context, view, rows)
        shown: dict[str, Any] = {
            "lanes": lane_tabs(view, counts, lane_counts(session, request, chosen)),
            "open_incidents": list_incidents(session, state="open", limit=BANNERS)
            if request.state.has_incidents
            else (),
            "stayed": stayed_cases(session, [row.case for row in listed]) if view.of_closed else frozenset(),
            "away": away_texts(session, shown_people, context.now),
        }
    shown |= {
        "view": view,
        "night": night,
        "today": rows.today,
        "age": age,
        "notice": message,
        "risks": choices.risks,
        "rows": (lines := [queue_row(row, rows) for row in listed]),
        "first_row": (first := _first_row(lines, late, context)),
        "late": [row for row in late if first is None or row.case.id != first.case.id],
        "columns": [(tab, [queue_row(row, rows) for row in cards]) for tab, cards in columns],
        "board": board,
        "tabs": state_tabs(view, counts),
        "pages": paginate(view, total),
        "together": amounts_together(sums),
        "amount_definition": AMOUNT_DEFINITION,
        "clear": QueueView(state=view.state).url(),
        "elsewhere": elsewhere(view),
        "orders": sort_orders(choices.risks, closed=view.of_closed),
        "ascending": ASCENDING,
    }
    return render_page(request, "queue.html.j2", shown | options, status=status)


def _late_rows(session: Session, context: PageContext, view: QueueView, rows: RowContext) -> list[QueueRow]:
    """The cases past a deadline that the first page names above its list, the longest overdue first."""
    found = late_cases(session, context.now, context.squads, LATE) if view.plain else []
    listed = [ListedCase(case, account, case.first_reason or case.headline) for case, account in found]
    return [queue_row(row, rows) for row in listed if view.lane in ("", row.case.lane)]


def _first_row(rows: list[QueueRow], late: list[QueueRow], context: PageContext) -> QueueRow | None:
    """The row to explain: of somebody who works on cases, their own that is late, else the first that they can act on.

    Of all others, the first of the list.
    """
    person, top = context.person.name, rows[0] if rows else None
    if not context.person.may(Permission.WORK):
        return top
    own = next((row for row in late if row.case.responsible == person), None)
    if own is not None:
        return next((row for row in rows if row.case.id == own.case.id), own)
    return next((row for row in rows if row.is_for(person)), top)


def lane_counts(session: Session, request: Request, chosen: QueueFilter) -> LaneCounts:
    """The numbers of the lanes that have pages of their own."""
    incidents = count_open_incidents(session) if request.state.has_incidents else None
    return LaneCounts(decision_queries.count_waiting(session, chosen), incidents)


def _chosen(
    request: Request, session: Session, context: PageContext, query: dict[str, str]
) -> tuple[FilterChoices, QueueView, QueueFilter, date | None]:
    """The view of an address, and the query of the store that it means."""
    night = queue_queries.newest_night(session)
    choices = _cached_choices(request, session, context.squads, night)
    view = QueueView.of(query, choices.risks)
    chosen = view.chosen(context.squads, context.person.name, night or context.now.date())
    found = queue_queries.find_responsible(session, queue_queries.find_text(session, chosen))
    return choices, view, found, night


def _row_context(
    session: Session, context: PageContext, choices: FilterChoices, night: date | None, listed: list[ListedCase]
) -> RowContext:
    return RowContext(
        choices.risks,
        context.now,
        counting_day(night, context.now.date()),
        newest_rules(session),
        context.reader,
        queue_queries.opening_probabilities(session, [row.case for row in listed]),
        sole_currency(session) if any(not row.account.currency for row in listed) else "",
        counted_revenue(session, [row.case.id for row in listed if row.case.closed_at is not None]),
        missed_responses(session, [row.case for row in listed], context.now),
    )


def _columns(
    session: Session, chosen: QueueFilter, view: QueueView, counts: dict[str, int]
) -> list[tuple[QueueTab, list[ListedCase]]]:
    """The columns of the board: every open state with its first cases; *handed over* only where a case is in it."""
    columns = []
    for state in OPEN:
        if state == State.HANDED_OVER and not counts.get(state):
            continue
        tab = QueueTab(state_title(state), view.url(state=state, layout=""), counts.get(state, 0), current=False)
        of_state = replace(chosen, state=state)
        cards = (
            queue_queries.list_cases(session, of_state, sort=view.sort, page=1, size=CARDS) if counts.get(state) else []
        )
        columns.append((tab, cards))
    return columns


def _cached_choices(
    request: Request, session: Session, squads: frozenset[str] | None, night: date | None
) -> FilterChoices:
    """The values that the filters offer; they change with a night, and when a squad gets a case of another squad."""
    cache: dict[frozenset[str] | None, tuple[object, FilterChoices]] = request.app.state.choices
    stamp = (night, last_visibility_change(session))
    if squads not in cache or cache[squads][0] != stamp:
        cache[squads] = (stamp, list_choices(session, squads))
    return cache[squads][1]


def _options(session: Session, context: PageContext, choices: FilterChoices, view: QueueView) -> dict[str, Any]:
    """What the filters and forms of the page offer to this person."""
    squads = [name for name in active_squads(session) if context.squads is None or name in context.squads]
    people = {person for squad in squads for person in members_of(session, squad)} | ({view.responsible} - {""})
    return {
        "filters": [
            ("squad", "Squad", [(name, name) for name in squads]),
            ("risk", "Risk", [(name, code_title(name)) for name in choices.risks]),
            ("segment", "Segment", [(name, name) for name in choices.segments]),
            ("owner", "Account owner", [(name, context.reader.name_of(name)) for name in choices.owners]),
            ("responsible", "Responsible", [(name, context.reader.name_of(name)) for name in sorted(people)]),
            ("closed", "Closed within", [(days, f"{days} days") for days in CLOSED_WITHIN])
            if view.of_closed
            else ("renews", "Renews within", [(days, f"{days} days") for days in RENEWALS]),
        ],
        "saved": saved_views(session, context.person.name),
        "may_assign": context.person.may(Permission.ASSIGN),
        "may_work": context.person.may(Permission.WORK),
        "outcomes": outcome_choices(newest_rules(session)),
        "snooze_days": SNOOZE_DAYS,
    }


def _assignees(session: Session, context: PageContext, listed: list[ListedCase]) -> dict[str, Any]:
    """Who can get some of the listed cases: people of their squads who are not away, each with their squads."""
    if not context.person.may(Permission.ASSIGN):
        return {"people": {}, "open_cases": {}, "several_squads": False}
    squads = sorted({row.case.squad for row in listed if row.case.closed_at is None})
    found: dict[str, list[str]] = {}
    for squad in squads:
        for person in members_of(session, squad):
            found.setdefault(person, []).append(squad)
    away = away_texts(session, found, context.now)
    return {
        "people": {person: found[person] for person in sorted(found) if person not in away},
        "open_cases": count_open_cases(session),
        "several_squads": len(squads) > 1,
    }
