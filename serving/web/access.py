"""Who is asking: what every page and every call of the API begins with.

``create_app`` calls :func:`install` once. A route then says ``Depends(signed_in)`` or
``Depends(require(Permission.WORK))`` and gets a :class:`Person`; whoever is not signed in never reaches it. Reading
goes through queries with :attr:`Person.visible_squads`, acting through the use cases with :meth:`Person.actor`, so
that a foreign id does not exist in either.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from starlette.middleware.sessions import SessionMiddleware

from serving.cases.permissions import NotAllowedError
from serving.store import Store
from serving.web.identity.cookies import Cookies
from serving.web.identity.identity import Identity
from serving.web.identity.person import Person, SignInNeededError
from serving.web.identity.review_settings import ReviewSettings
from serving.web.identity.roles import Permission
from serving.web.security.csrf import RefuseForgeries, csrf_token
from serving.web.security.headers import SecurityHeaders
from serving.web.sign_in import oidc
from serving.web.sign_in.sign_in import router, send_to_sign_in

__all__ = ["Identity", "Permission", "Person", "csrf_token", "install", "require", "signed_in"]


def install(app: FastAPI, store: Store, settings: ReviewSettings) -> Identity:
    """Put identity before everything: middlewares, the ways in and out, and what happens without them.

    Refusals are drawn by ``app.state.error_page(request, status, detail)``, where it is set.
    """
    identity = app.state.identity = Identity.of(store, settings)
    if settings.auth == "oidc":
        app.state.provider = oidc.provider(settings)
        app.add_middleware(
            SessionMiddleware,
            secret_key=oidc.signing_key(settings),
            session_cookie=oidc.COOKIE,
            path=oidc.PATH,
            max_age=oidc.LIFE,
            https_only=settings.secure_cookies,
        )
    app.add_middleware(RefuseForgeries)
    app.add_middleware(Cookies, secure=settings.secure_cookies)
    app.add_middleware(SecurityHeaders, secure=settings.secure_cookies)
    app.add_exception_handler(SignInNeededError, send_to_sign_in)
    app.include_router(router)
    return identity


def signed_in(request: Request) -> Person:
    """The person who asks.

    Raises:
        SignInNeededError: nobody is signed in, or not any more.
    """
    identity: Identity = request.app.state.identity
    return identity.who(request)


def require(permission: Permission) -> Callable[..., Person]:
    """The person who asks, if one of their roles includes ``permission``."""

    def permitted(person: Annotated[Person, Depends(signed_in)]) -> Person:
        if not person.may(permission):
            roles = " and ".join(sorted(person.roles)) or "nothing here"
            raise NotAllowedError(f"{person.name} is {roles} and may not {permission}: ask an admin.")
        return person

    return permitted
