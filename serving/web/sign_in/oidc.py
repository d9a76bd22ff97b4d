"""Signing in at a provider: OpenID Connect's code flow with PKCE, state and nonce, all of it by Authlib.

What has to be remembered between going there and coming back (state, nonce, verifier) is in a signed cookie of its own,
good for ten minutes and for ``/sign-in`` only; it is signed with a key that is derived from the client's secret.
"""

import hashlib
import hmac
import warnings
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from features.errors import RescueError, UsageError
from serving.web.identity.claims import NoPartError, person_of
from serving.web.identity.identity import Identity
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings

COOKIE, PATH, LIFE = "rescue-sign-in", "/sign-in", 600
FAILED = "The provider did not let you in ({}): try again, and ask an admin if it stays so."


class ProviderError(RescueError):
    """The provider did not say who it is, or it is nobody here."""


def provider(settings: ReviewSettings) -> Any:
    """The client of the provider that the settings name.

    Raises:
        UsageError: the extra ``sso`` is not installed.
    """
    try:
        with warnings.catch_warnings():
            import authlib.deprecate  # noqa: F401 - it switches its own warnings on, so it has to come first

            warnings.simplefilter("ignore")
            from authlib.integrations.starlette_client import OAuth
    except ModuleNotFoundError as error:
        raise UsageError("auth = 'oidc' needs a library: install rescue with the extra 'sso'.") from error
    secret = settings.oidc_client_secret
    registry = OAuth()
    registry.register(
        "provider",
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        server_metadata_url=f"{(settings.oidc_issuer or '').rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": 10},
    )
    return registry.provider


def signing_key(settings: ReviewSettings) -> str:
    """The key of the cookie; it is no secret that opens anything at the provider."""
    secret = settings.oidc_client_secret
    return hmac.new((secret.get_secret_value() if secret else "").encode(), b"sign-in", hashlib.sha256).hexdigest()


async def depart(request: Request, settings: ReviewSettings, to: str) -> Response:
    """Off to the provider; ``to`` is where the person wanted to go.

    Raises:
        ProviderError: the provider does not answer.
    """
    from httpx import HTTPError

    request.session["to"] = to
    path = request.app.url_path_for("from_provider")
    back = path.make_absolute_url(settings.address or str(request.base_url))
    try:
        response: Response = await request.app.state.provider.authorize_redirect(request, str(back))
    except HTTPError as error:
        raise ProviderError("The provider does not answer: try again in a minute, and ask an admin then.") from error
    return response


async def arrive(request: Request, identity: Identity) -> tuple[Person, str]:
    """Who it is according to the provider, and where they wanted to go.

    Raises:
        ProviderError: the answer does not hold, or the person has no part here.
    """
    from authlib.common.errors import AuthlibBaseError
    from httpx import HTTPError
    from joserfc.errors import JoseError

    try:
        token = await request.app.state.provider.authorize_access_token(request)
    except AuthlibBaseError as error:
        raise ProviderError(FAILED.format(error.error or "unclear answer")) from error
    except (JoseError, HTTPError, ValueError, KeyError) as error:
        raise ProviderError(FAILED.format(type(error).__name__)) from error
    person = await run_in_threadpool(_person, token.get("userinfo") or {}, identity)
    to = request.session.get("to", "/")
    request.session.clear()
    return person, to


def _person(claims: dict[str, Any], identity: Identity) -> Person:
    settings = identity.settings
    name = claims.get(settings.name_claim)
    if not isinstance(name, str):
        raise ProviderError(f"The provider sends no {settings.name_claim}: ask an admin to set name_claim.")
    if settings.name_claim == "email" and claims.get("email_verified") is not True:
        raise ProviderError("The provider has not verified your address: verify it there and try again.")
    squads = claims.get(settings.squads_claim)
    try:
        return person_of(
            name,
            _strings(claims.get(settings.roles_claim)),
            None if squads is None else _strings(squads),
            settings=settings,
            store=identity.store,
        )
    except NoPartError as error:
        raise ProviderError(str(error)) from error


def _strings(claim: object) -> tuple[str, ...]:
    parts = claim if isinstance(claim, list) else [claim]
    return tuple(part for part in parts if isinstance(part, str))
