"""Sign in by password, by a one-time link or at an identity provider, and sign out."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.web.identity import users
from serving.web.identity.cookies import set_session_cookie
from serving.web.identity.identity import Identity
from serving.web.identity.person import Person
from serving.web.identity.rate_limit import TooManyAttemptsError, comparable_name
from serving.web.security.form_input import form_texts, keep_texts, kept_texts, page_of_form
from serving.web.security.problem_details import problem_response, refuse_request
from serving.web.sign_in import oidc
from serving.web.sign_in.sign_in_page import PendingForm, PendingFormInput, send_again_page, sign_in_page

sign_in_router = APIRouter(include_in_schema=False)

INVALID_LOGIN = "The name or the password is wrong: check both and try again."


@sign_in_router.get("/sign-in")
def show_sign_in(request: Request, next: str = "/") -> Response:
    """The sign-in page."""
    return sign_in_page(request, next)


@sign_in_router.post("/sign-in")
def sign_in_by_password(
    request: Request,
    form: PendingFormInput,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in a local user; a form that was not sent because the session had ended is shown again."""
    identity: Identity = request.app.state.identity
    if identity.settings.auth != "local":
        return refuse_request(request, 404, "Sign-in by password is not available: go to the sign-in page.")
    try:
        if not _signed_in_as(request, name):
            identity.attempts.count(name, identity.address_of(request))
    except TooManyAttemptsError as error:
        headers = {"Retry-After": str(error.seconds)}
        return sign_in_page(request, next, str(error), 429, headers, name=name, form=form)
    person = users.authenticate(identity.store, name, password, identity.address_of(request))
    if person is None:
        return sign_in_page(request, next, INVALID_LOGIN, 401, name=name, form=form)
    redirect = start_session(request, person, how="password", to=next)
    return send_again_page(request, replace(form, action=local_path(form.action))) if form.fields else redirect


@sign_in_router.get("/sign-in/once/{code}")
def sign_in_by_link(request: Request, code: str) -> Response:
    """Sign in the person of a one-time link."""
    identity: Identity = request.app.state.identity
    person = identity.links.redeem(code, identity.address_of(request))
    if person is None:
        return refuse_request(
            request, 404, "This link was used or is too old: start the review app again for a new one."
        )
    return start_session(request, person, how="link")


@sign_in_router.get("/sign-in/oidc")
async def to_provider(request: Request, next: str = "/") -> Response:
    """Redirect to the identity provider."""
    identity: Identity = request.app.state.identity
    if identity.settings.auth != "oidc":
        return refuse_request(request, 404, "Sign-in with a company account is not available: go to the sign-in page.")
    try:
        return await oidc.redirect_to_provider(request, identity.settings, local_path(next))
    except oidc.ProviderError as error:
        return sign_in_page(request, next, str(error), 503)


@sign_in_router.get("/sign-in/oidc/return")
async def from_provider(request: Request) -> Response:
    """Sign in the person that the identity provider returns."""
    identity: Identity = request.app.state.identity
    if identity.settings.auth != "oidc":
        return refuse_request(request, 404, "Sign-in with a company account is not available: go to the sign-in page.")
    try:
        person, to = await oidc.read_provider_response(request, identity)
    except oidc.ProviderError as error:
        return await run_in_threadpool(_refused, request, str(error))
    return await run_in_threadpool(start_session, request, person, how="oidc", to=to)


@sign_in_router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session and show the sign-in page."""
    identity: Identity = request.app.state.identity
    if request.state.session:
        identity.sessions.end(request.state.session, how="cookie", address=identity.address_of(request))
    set_session_cookie(request, "")
    return RedirectResponse("/sign-in", 303)


def start_session(request: Request, person: Person, *, how: str, to: str = "/") -> Response:
    """Create a new session for the person, and go to the page that they requested."""
    identity: Identity = request.app.state.identity
    value = identity.sessions.begin(
        person, how=how, address=identity.address_of(request), instead_of=request.state.session
    )
    set_session_cookie(request, value)
    return RedirectResponse(local_path(to), 303)


def _signed_in_as(request: Request, name: str) -> bool:
    """Whether this browser has a session of the same person, who then cannot be locked out by others' attempts."""
    identity: Identity = request.app.state.identity
    person = identity.sessions.find(request.state.session) if request.state.session else None
    return person is not None and comparable_name(person.name) == comparable_name(name)


def local_path(path: str) -> str:
    """The path if it is within this app, otherwise ``/``: a sign-in link must not lead to another site."""
    external = not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable()
    return "/" if external or path.startswith("/sign-") else path


async def send_to_sign_in(request: Request, error: Exception) -> Response:
    """Nobody is signed in: show the sign-in page; the texts of a form that was sent are kept in it."""
    if request.url.path.startswith("/api/"):
        return problem_response(401, str(error), {"WWW-Authenticate": "Bearer"})
    if request.method in {"GET", "HEAD"}:
        requested = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(requested)}", 303)
    keep_texts(request, form_texts(await request.form()))
    path = request.url.path
    return sign_in_page(request, page_of_form(path), str(error), 401, form=PendingForm(path, kept_texts(request)))


def _refused(request: Request, why: str) -> Response:
    identity: Identity = request.app.state.identity
    identity.sessions.record_refusal(how="oidc", address=identity.address_of(request))
    return sign_in_page(request, "/", why, 401)
