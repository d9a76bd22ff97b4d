"""Whether a request comes from Slack: its signature, its age, and that it was not received before."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from features.errors import RescueError
from serving.operations.used_requests import AlreadyUsedError, use_once
from serving.store import Store

OLDEST = timedelta(minutes=5)
VERSION = "v0"


class SlackSignatureError(RescueError):
    """The request does not prove that it comes from Slack; nothing was done."""


def check_slack_signature(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> str:
    """The secret that the request is signed with; ``headers`` are in lower case, ``now`` is naive UTC.

    Raises:
        SlackSignatureError: the signature is missing or wrong, or is more than five minutes old.
    """
    stamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not stamp or not given:
        raise SlackSignatureError("The request is not signed by Slack.")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 15):
        raise SlackSignatureError("The time of the request cannot be read.")
    if abs(now.replace(tzinfo=UTC).timestamp() - int(stamp)) > OLDEST.total_seconds():
        raise SlackSignatureError("The request is more than 5 minutes old: check the clock of this machine.")
    signed = f"{VERSION}:{stamp}:".encode() + body
    for secret in secrets:
        expected = f"{VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
        if hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            return secret
    raise SlackSignatureError("The signature does not fit the body and the signing secret.")


def refuse_replay(store: Store, headers: Mapping[str, str], now: datetime) -> None:
    """Refuse a request that was received before.

    Raises:
        SlackSignatureError: it was.
    """
    try:
        use_once(store, "slack", headers["x-slack-signature"], expires_at=now + 3 * OLDEST, now=now)
    except AlreadyUsedError:
        raise SlackSignatureError("This request was received before: nothing was done again.") from None
