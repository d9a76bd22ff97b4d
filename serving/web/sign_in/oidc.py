"""Sign-in at an identity provider: OpenID Connect's code flow with PKCE, state and nonce, by Authlib.

The values between the redirect and the return (state, nonce, verifier) are in a signed cookie, which is valid for ten
minutes and for ``/sign-in`` only; its key is derived from the client secret.
"""

import hashlib
import hmac
import warnings
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from features.errors import RescueError, UsageError, extra_command
from serving.web.identity.claims import NoRoleError, person_from_claims
from serving.web.identity.identity import Identity
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings

STATE_COOKIE, STATE_PATH, STATE_SECONDS = "rescue-sign-in", "/sign-in", 600
SIGN_IN_FAILED = "The sign-in at your company account failed ({}): try again, and ask an admin if it happens again."


class ProviderError(RescueError):
    """The identity provider did not return a person who has a role in Rescue."""


def create_provider_client(settings: ReviewSettings) -> Any:
    """The client of the identity provider in the settings.

    Raises:
        UsageError: the extra ``sso`` is not installed.
    """
    try:
        with warnings.catch_warnings():
            import authlib.deprecate  # noqa: F401 - it switches its own warnings on, so it has to come first

            warnings.simplefilter("ignore")
            from authlib.integrations.starlette_client import OAuth
    except ModuleNotFoundError as error:
        raise UsageError(f"auth = 'oidc' needs an extra that is not installed: {extra_command('sso')}.") from error
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
    """The key that signs the cookie; it gives no access at the identity provider."""
    secret = settings.oidc_client_secret
    return hmac.new((secret.get_secret_value() if secret else "").encode(), b"sign-in", hashlib.sha256).hexdigest()


async def redirect_to_provider(request: Request, settings: ReviewSettings, to: str) -> Response:
    """Redirect to the identity provider; ``to`` is the page that the person requested.

    Raises:
        ProviderError: the identity provider does not answer.
    """
    from httpx import HTTPError

    request.session["to"] = to
    path = request.app.url_path_for("from_provider")
    back = path.make_absolute_url(settings.address or str(request.base_url))
    try:
        response: Response = await request.app.state.provider.authorize_redirect(request, str(back))
    except HTTPError as error:
        raise ProviderError(
            "The sign-in service of your company does not answer: try again in a minute, then ask an admin."
        ) from error
    return response


async def read_provider_response(request: Request, identity: Identity) -> tuple[Person, str]:
    """The person that the identity provider returns, and the page that they requested.

    Raises:
        ProviderError: the response is not valid, or the person has no role in Rescue.
    """
    from authlib.common.errors import AuthlibBaseError
    from httpx import HTTPError
    from joserfc.errors import JoseError

    try:
        token = await request.app.state.provider.authorize_access_token(request)
    except AuthlibBaseError as error:
        raise ProviderError(SIGN_IN_FAILED.format(error.error or "no reason given")) from error
    except (JoseError, HTTPError, ValueError, KeyError) as error:
        raise ProviderError(SIGN_IN_FAILED.format(type(error).__name__)) from error
    person = await run_in_threadpool(_person, token.get("userinfo") or {}, identity)
    to = request.session.get("to", "/")
    request.session.clear()
    return person, to


def _person(claims: dict[str, Any], identity: Identity) -> Person:
    settings = identity.settings
    name = claims.get(settings.name_claim)
    if not isinstance(name, str):
        raise ProviderError(f"The identity provider sends no {settings.name_claim}: ask an admin to set name_claim.")
    if settings.name_claim == "email" and claims.get("email_verified") is not True:
        raise ProviderError(
            "Your e-mail address is not verified at the identity provider: verify it there and try again."
        )
    squads = claims.get(settings.squads_claim)
    try:
        return person_from_claims(
            name,
            _strings(claims.get(settings.roles_claim)),
            None if squads is None else _strings(squads),
            settings=settings,
            store=identity.store,
        )
    except NoRoleError as error:
        raise ProviderError(str(error)) from error


def _strings(claim: object) -> tuple[str, ...]:
    parts = claim if isinstance(claim, list) else [claim]
    return tuple(part for part in parts if isinstance(part, str))
