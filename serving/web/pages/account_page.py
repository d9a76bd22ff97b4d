"""An account over time, and the search for accounts."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.store.queries import account_queries
from serving.web.error_pages import AccountNotFoundError
from serving.web.rendering import render_page
from serving.web.request_context import ViewerContext
from serving.web.views.account_view import account_view

account_router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


@account_router.get("/accounts")
def show_accounts(request: Request, context: ViewerContext, q: str = "") -> Response:
    """The accounts with this text in their name or id."""
    text = q.strip()[:200]
    with context.store.reading() as session:
        accounts = account_queries.search(session, text, context.squads)
    return render_page(
        request, "accounts.html.j2", {"text": text, "accounts": accounts, "limit": account_queries.FOUND}
    )


@account_router.get("/account/{account_id:path}")
def show_account(request: Request, account_id: str, context: ViewerContext) -> Response:
    """One account; its id may contain any character."""
    with context.store.reading() as session:
        file = account_queries.account_file(session, account_id, context.squads)
    if file is None:
        raise AccountNotFoundError(account_id)
    return render_page(request, "account.html.j2", {"view": account_view(file, context.now)})
