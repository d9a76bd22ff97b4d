"""Who sends the request: the first step of every page and every call of the API.

``create_app`` calls :func:`install_access` once. A route then declares ``Depends(require_sign_in)`` or
``Depends(require_permission(Permission.WORK))`` and receives a :class:`Person`; a request without a signed-in person
does not reach it. Queries take :attr:`Person.visible_squads` and use cases take :meth:`Person.actor`, so that a case of
another squad does not exist for either.
"""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request

from serving.cases.casework.attachment_files import AttachmentLimits
from serving.cases.permissions import NotAllowedError
from serving.store import Store
from serving.web.display_text import permission_text
from serving.web.identity.cookies import Cookies
from serving.web.identity.identity import Identity
from serving.web.identity.person import Person, SignInNeededError
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.roles import Permission
from serving.web.security.csrf import CsrfProtection, csrf_token
from serving.web.security.headers import SecurityHeaders
from serving.web.security.request_limit import RequestLimit
from serving.web.sign_in import oidc
from serving.web.sign_in.sign_in import send_to_sign_in, sign_in_router

__all__ = [
    "Identity",
    "Permission",
    "Person",
    "csrf_token",
    "install_access",
    "require_permission",
    "require_sign_in",
]


def install_access(app: FastAPI, store: Store, settings: ReviewSettings) -> Identity:
    """Add the middlewares, the sign-in pages, and the redirect to them; return the identity service."""
    identity = app.state.identity = Identity.of(store, settings)
    if settings.auth == "oidc":
        app.state.provider = oidc.create_provider_client(settings)
        app.add_middleware(
            SessionMiddleware,
            secret_key=oidc.signing_key(settings),
            session_cookie=oidc.STATE_COOKIE,
            path=oidc.STATE_PATH,
            max_age=oidc.STATE_SECONDS,
            https_only=settings.secure_cookies,
        )
    largest = AttachmentLimits(settings.attachment_megabytes).largest
    app.add_middleware(RequestLimit)
    app.add_middleware(CsrfProtection, largest_file=largest)
    app.add_middleware(Cookies, secure=settings.secure_cookies)
    app.add_middleware(SecurityHeaders, secure=settings.secure_cookies)
    app.add_exception_handler(SignInNeededError, send_to_sign_in)
    app.include_router(sign_in_router)
    return identity


def require_sign_in(request: Request) -> Person:
    """The person who sent the request.

    Raises:
        SignInNeededError: nobody is signed in, or the session has ended.
    """
    identity: Identity = request.app.state.identity
    return identity.authenticate_request(request)


def require_permission(permission: Permission) -> Callable[..., Person]:
    """The person who sent the request, if one of their roles includes ``permission``.

    It is one function and not a chain of dependencies, because each of these would wait for a thread of its own.
    """

    def permitted_person(request: Request) -> Person:
        person = require_sign_in(request)
        if not person.may(permission):
            roles = " and ".join(sorted(person.roles)) or "no role"
            raise NotAllowedError(
                f"Your role ({roles}) does not allow you to {permission_text(permission)}: ask an admin."
            )
        return person

    return permitted_person
