"""The ways in and out: by password, by a link that works once, and out again; the provider's way is in ``oidc``."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.web.identity import users
from serving.web.identity.cookies import remember
from serving.web.identity.identity import Identity, address
from serving.web.identity.person import Person
from serving.web.identity.rate_limit import TooManyAttemptsError
from serving.web.security.form_input import keep, kept, page_of, texts
from serving.web.security.problem_details import problem, refuse
from serving.web.sign_in import oidc
from serving.web.sign_in.sign_in_page import CarriedAlong, Waiting, send_again_page, sign_in_page

router = APIRouter(include_in_schema=False)

WRONG = "Name and password do not go together: check both and try again."


@router.get("/sign-in")
def show(request: Request, next: str = "/") -> Response:
    """The page to sign in on."""
    return sign_in_page(request, next)


@router.post("/sign-in")
def by_password(
    request: Request,
    form: CarriedAlong,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Sign in a local user; a form that waited for it is shown again, to be sent."""
    identity: Identity = request.app.state.identity
    if identity.settings.auth != "local":
        return refuse(request, 404, "Nobody signs in by password here: go to the sign-in page.")
    try:
        identity.attempts.count(name, address(request))
    except TooManyAttemptsError as error:
        headers = {"Retry-After": str(error.seconds)}
        return sign_in_page(request, next, str(error), 429, headers, name=name, form=form)
    person = users.proved(identity.store, name, password, address(request))
    if person is None:
        return sign_in_page(request, next, WRONG, 401, name=name, form=form)
    entered = enter(request, person, how="password", to=next)
    return send_again_page(request, replace(form, action=local_path(form.action))) if form.fields else entered


@router.get("/sign-in/once/{code}")
def by_link(request: Request, code: str) -> Response:
    """Sign in whoever follows a link that works once."""
    identity: Identity = request.app.state.identity
    person = identity.once.take(code, address(request))
    if person is None:
        return refuse(request, 404, "This link was used or is too old: start the review app again for a new one.")
    return enter(request, person, how="link")


@router.get("/sign-in/oidc")
async def to_provider(request: Request, next: str = "/") -> Response:
    """Off to the provider."""
    identity: Identity = request.app.state.identity
    if identity.settings.auth != "oidc":
        return refuse(request, 404, "Nobody signs in by a provider here: go to the sign-in page.")
    try:
        return await oidc.depart(request, identity.settings, local_path(next))
    except oidc.ProviderError as error:
        return sign_in_page(request, next, str(error), 503)


@router.get("/sign-in/oidc/return")
async def from_provider(request: Request) -> Response:
    """Back from the provider, who says who it is."""
    identity: Identity = request.app.state.identity
    if identity.settings.auth != "oidc":
        return refuse(request, 404, "Nobody signs in by a provider here: go to the sign-in page.")
    try:
        person, to = await oidc.arrive(request, identity)
    except oidc.ProviderError as error:
        return await run_in_threadpool(_refused, request, str(error))
    return await run_in_threadpool(enter, request, person, how="oidc", to=to)


@router.post("/sign-out")
def leave(request: Request) -> Response:
    """End the session."""
    identity: Identity = request.app.state.identity
    if request.state.session:
        identity.sessions.end(request.state.session, how="cookie", address=address(request))
    remember(request, "")
    return RedirectResponse("/sign-in", 303)


def enter(request: Request, person: Person, *, how: str, to: str = "/") -> Response:
    """Begin the person's session, a new one whatever the browser had before, and go where they wanted to."""
    identity: Identity = request.app.state.identity
    value = identity.sessions.begin(person, how=how, address=address(request), instead_of=request.state.session)
    remember(request, value)
    return RedirectResponse(local_path(to), 303)


def local_path(path: str) -> str:
    """The path if it leads into this app, else the front page: a link to sign in must not lead elsewhere."""
    foreign = not path.startswith("/") or path.startswith(("//", "/\\")) or not path.isprintable()
    return "/" if foreign or path.startswith("/sign-") else path


async def send_to_sign_in(request: Request, error: Exception) -> Response:
    """Nobody is signed in: a page leads to the sign-in page, a form that was sent keeps what was typed into it."""
    if request.url.path.startswith("/api/"):
        return problem(401, str(error), {"WWW-Authenticate": "Bearer"})
    if request.method in {"GET", "HEAD"}:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(wanted)}", 303)
    keep(request, texts(await request.form()))
    path = request.url.path
    return sign_in_page(request, page_of(path), str(error), 401, form=Waiting(path, kept(request)))


def _refused(request: Request, why: str) -> Response:
    identity: Identity = request.app.state.identity
    identity.sessions.refuse(how="oidc", address=address(request))
    return sign_in_page(request, "/", why, 401)
