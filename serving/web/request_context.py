"""Where a request stands: who asks, the queue behind it, what time it is, and what was typed.

Every page begins with ``Depends(desk(Permission.…))``. What was typed is read before anything can fail, so that a page
about a failure can give it back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Act, Actor
from serving.store import Store
from serving.web.access import Permission, Person, csrf_token, require
from serving.web.security.form_input import keep, texts

TEXT_LIMIT = 4000
"""Characters of a text that are kept on the record."""

MOST = 200
"""Cases that can be changed at once."""


class TextTooLongError(UsageError):
    """More was typed than is kept; it is not cut, but given back to be shortened."""

    def __init__(self, length: int) -> None:
        super().__init__(f"The text has {length:,} characters of at most {TEXT_LIMIT:,}: shorten it and send it again.")


@dataclass(frozen=True)
class Desk:
    """What a page works with."""

    store: Store
    cases: Cases
    person: Person
    now: datetime

    @property
    def squads(self) -> frozenset[str] | None:
        """The squads whose cases this person sees; None for every one."""
        return self.person.visible_squads

    def actor(self, act: Act = Act.SEE) -> Actor:
        """The person, in the role that can do most of this."""
        return self.person.actor(act)


async def typed(request: Request) -> dict[str, str]:
    """The texts of a form; of a field that came twice, the last.

    Raises:
        TextTooLongError: one of them is longer than what is kept.
    """
    fields = texts(await request.form())
    keep(request, fields)
    longest = max((len(value) for _, value in fields), default=0)
    if longest > TEXT_LIMIT:
        raise TextTooLongError(longest)
    return dict(fields)


async def ticked(request: Request) -> list[str]:
    """The cases that were ticked in a list."""
    form = await request.form()
    return [value for value in form.getlist("case") if isinstance(value, str)][:MOST]


Typed = Annotated[dict[str, str], Depends(typed)]
Ticked = Annotated[list[str], Depends(ticked)]


def desk(permission: Permission) -> Callable[..., Desk]:
    """The dependency of a page that needs this permission."""

    def found(request: Request, person: Annotated[Person, Depends(require(permission))]) -> Desk:
        request.state.person = person
        request.state.csrf = csrf_token(request)
        cases: Cases = request.app.state.cases
        return Desk(cases.store, cases, person, cases.clock())

    return found


def to(address: str, done: str = "") -> RedirectResponse:
    """Answer a form with the page that shows what it did; ``done`` names the notice on top of it."""
    told = f"{'&' if '?' in address else '?'}done={done}" if done else ""
    return RedirectResponse(address + told, status_code=303)
