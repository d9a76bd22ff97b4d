"""Who sent a request: a signature of Standard Webhooks, a vendor's HMAC of the body, or the secret itself.

A signature covers a timestamp that is at most five minutes old, so a request that was recorded cannot be sent again
later. Vendors without one are protected by the ids of their signals: what is known already changes nothing.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from features.errors import RescueError
from serving.signals.payload_adapter import PayloadAdapter
from serving.signals.signal_settings import can_sign

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
LONGEST_WEBHOOK_ID = 200


class UnsignedError(RescueError):
    """The request does not prove who sent it; nothing was written."""


class IntakeClosedError(RescueError):
    """The settings have no secret, so nobody may send signals."""


def check_sender(
    body: bytes, headers: Mapping[str, str], secret: str | None, adapter: PayloadAdapter | None = None
) -> None:
    """Raise unless the request proves that its sender has the secret; ``headers`` are in lower case.

    Raises:
        IntakeClosedError: there is no secret.
        UnsignedError: the signature is missing, wrong or too old.
    """
    if not secret:
        raise IntakeClosedError(
            "This Rescue takes no signals: an admin sets signals.secret (RESCUE_SIGNALS__SECRET) first."
        )
    sign = adapter.sign if adapter is not None else "standard_webhooks"
    if sign == "standard_webhooks" or (sign == "bearer" and "webhook-signature" in headers):
        _check_standard(body, headers, secret)
    elif sign == "hmac" and adapter is not None:
        _check_hmac(body, headers.get(adapter.header.lower(), ""), adapter, secret)
    else:
        _check_bearer(headers.get("authorization", ""), secret)


def _check_standard(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    missing = [name for name in HEADERS if not headers.get(name)]
    if missing:
        raise UnsignedError(
            f"The request is not signed: {missing[0]} is missing. Sign it as Standard Webhooks "
            "(webhook-id, webhook-timestamp, webhook-signature)."
        )
    if len(headers["webhook-id"]) > LONGEST_WEBHOOK_ID:
        raise UnsignedError(f"The webhook-id is longer than {LONGEST_WEBHOOK_ID} characters.")
    if not can_sign(secret):
        raise IntakeClosedError("This Rescue takes no signals: the secret in signals.secret_file has to be base64.")
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        text = str(error)
        if "timestamp too" in text:
            raise UnsignedError(
                "The webhook-timestamp is more than 5 minutes from the present: sign the request again, "
                "and check the clock of the sender."
            ) from None
        raise UnsignedError("The webhook-signature does not fit the body and the secret.") from None
    except (ValueError, binascii.Error):  # a header or a body that is no text; what follows a comma is no base64
        raise UnsignedError("The webhook-signature cannot be read.") from None


def _check_hmac(body: bytes, given: str, adapter: PayloadAdapter, secret: str) -> None:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    parts = [part.strip().removeprefix(adapter.prefix) for part in given.split(",")]
    if not any(hmac.compare_digest(expected.encode(), part.encode()) for part in parts if part):
        reason = "does not fit the body and the secret" if given else "is missing"
        raise UnsignedError(f"The signature of {adapter.title} ({adapter.header}) {reason}.")


def _check_bearer(given: str, secret: str) -> None:
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), secret.encode()):
        raise UnsignedError("Send the secret of signals as Authorization: Bearer ….")


def new_secret() -> str:
    """A random secret in the form of Standard Webhooks."""
    import secrets

    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
