"""What every page works with: the signed-in person, the queue, the time, and what was typed into the form.

A page declares what it needs as the type of a parameter: ``ViewerContext`` for a page that shows cases,
``WorkerContext`` for one that works them, and so on. This module is the only place where pages name permissions.
What was typed is read before anything can fail, so that an error page can show it again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.people import load_roster
from serving.cases.permissions import Act, Actor
from serving.store import Session, Store
from serving.store.queries.incident_queries import has_incidents
from serving.web.access import Permission, Person, csrf_token, require_permission
from serving.web.reader import UNKNOWN_READER, ZONE_COOKIE, PageReader
from serving.web.security.form_input import MAX_TEXT_LENGTH, form_texts, keep_texts

MAX_SELECTED_CASES = 200
"""Cases that can be changed at once."""


class TextTooLongError(UsageError):
    """A text is longer than the history stores; it is not cut, but shown again to be shortened."""

    def __init__(self, length: int) -> None:
        super().__init__(
            f"The text has {length:,} characters of at most {MAX_TEXT_LENGTH:,}: shorten it and send it again."
        )


@dataclass(frozen=True)
class PageContext:
    """What a page works with; ``now`` is naive UTC."""

    store: Store
    cases: Cases
    person: Person
    now: datetime
    reader: PageReader = UNKNOWN_READER

    @property
    def today(self) -> date:
        """The day of the reader: a task that is due today is due on this day."""
        return self.reader.local(self.now).date()

    @property
    def squads(self) -> frozenset[str] | None:
        """The squads whose cases this person sees; None for every squad."""
        return self.person.visible_squads

    def actor(self, act: Act = Act.SEE) -> Actor:
        """The person, in the role that can do ``act`` to most cases."""
        return self.person.actor(act)


async def read_form_texts(request: Request) -> dict[str, str]:
    """The texts of a form by field; of a field that was sent twice, the last.

    Raises:
        TextTooLongError: one of them is longer than what is stored.
    """
    fields = form_texts(await request.form())
    keep_texts(request, fields)
    longest = max((len(value) for _, value in fields), default=0)
    if longest > MAX_TEXT_LENGTH:
        raise TextTooLongError(longest)
    return dict(fields)


async def read_selected_cases(request: Request) -> list[str]:
    """The cases that were selected in a list, as ``id:version``."""
    form = await request.form()
    return [value for value in form.getlist("case") if isinstance(value, str)][:MAX_SELECTED_CASES]


def page_context(permission: Permission) -> Callable[..., PageContext]:
    """The dependency of a page that needs this permission."""
    permitted_person = require_permission(permission)

    def build_context(request: Request) -> PageContext:
        person = permitted_person(request)
        if request.method != "GET":  # actions follow the policy that is in force now
            request.app.state.policies.refresh()
        request.state.person = person
        request.state.csrf = csrf_token(request)
        cases: Cases = request.app.state.cases
        with cases.store.reading() as session:
            roster = load_roster(session)
            request.state.has_incidents = _has_incidents(request, session)
        request.state.has_people = roster.listed  # pages name the list of people only where the policy lists them
        request.state.reader = PageReader.of(roster, person.name, request.cookies.get(ZONE_COOKIE, ""))
        return PageContext(cases.store, cases, person, cases.clock(), request.state.reader)

    return build_context


def _has_incidents(request: Request, session: Session) -> bool:
    """Whether there has ever been an incident: pages name incidents only then; once there was one, it is known."""
    state = request.app.state
    if not getattr(state, "has_incidents", False):
        state.has_incidents = has_incidents(session)
    return bool(state.has_incidents)


FormTexts = Annotated[dict[str, str], Depends(read_form_texts)]
SelectedCases = Annotated[list[str], Depends(read_selected_cases)]
ViewerContext = Annotated[PageContext, Depends(page_context(Permission.SEE))]
CommenterContext = Annotated[PageContext, Depends(page_context(Permission.COMMENT))]
WorkerContext = Annotated[PageContext, Depends(page_context(Permission.WORK))]
AssignerContext = Annotated[PageContext, Depends(page_context(Permission.ASSIGN))]
OverviewContext = Annotated[PageContext, Depends(page_context(Permission.OVERVIEW))]
PolicyContext = Annotated[PageContext, Depends(page_context(Permission.POLICY))]


def redirect_to(address: str, done: str = "") -> RedirectResponse:
    """Answer a form with the page that shows its result; ``done`` names the message on top of that page."""
    parameter = f"{'&' if '?' in address else '?'}done={done}" if done else ""
    return RedirectResponse(address + parameter, status_code=303)
