"""An account over time, and finding one by its name."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from serving.store import account_queries
from serving.web.access import Permission
from serving.web.error_pages import AccountNotFoundError
from serving.web.rendering import page
from serving.web.request_context import Desk, desk
from serving.web.views.account_view import account_view

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

See = Annotated[Desk, Depends(desk(Permission.SEE))]


@router.get("/accounts")
def search(request: Request, desk: See, q: str = "") -> Response:
    """The accounts with this text in their name or id."""
    text = q.strip()[:200]
    with desk.store.reading() as session:
        found = account_queries.search(session, text, desk.squads)
    return page(request, "accounts.html.j2", {"text": text, "found": found, "limit": account_queries.FOUND})


@router.get("/account/{account_id:path}")
def show(request: Request, account_id: str, desk: See) -> Response:
    """One account; its id may hold any sign."""
    with desk.store.reading() as session:
        file = account_queries.account_file(session, account_id, desk.squads)
    if file is None:
        raise AccountNotFoundError(account_id)
    return page(request, "account.html.j2", {"view": account_view(file, desk.now)})
