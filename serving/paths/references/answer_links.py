"""Links in mails by which one person answers about one case: acknowledge it, snooze it, or disagree with a reason.

Whoever is on duty reads the mail on a phone at night, where signing in takes longer than the answer. So the link itself
says who answers about what, until when, and is signed. It opens a page that shows the case and asks; programs that
follow links in mails change nothing by it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeSerializer

from features.errors import RescueError

SALT = "rescue answer link"
PATH = "/answer"
SHORTEST_KEY = 32


class AnswerLinkError(RescueError):
    """The link is not valid, or has expired; nothing was done."""


class AnswerLink(NamedTuple):
    """What a link permits: answers of one person about one case, until an instant (naive UTC)."""

    case: str
    person: str
    expires_at: datetime

    @property
    def key(self) -> str:
        """What the link is remembered by once it was used: the text of a link can be written in several ways."""
        return "\x1f".join((self.case, self.person, self.expires_at.isoformat()))


@dataclass(frozen=True)
class AnswerLinks:
    """Makes and reads links; ``address`` is that of the app in browsers, ``key`` signs them."""

    address: str
    key: str = field(repr=False)
    life: timedelta = timedelta(hours=72)

    @property
    def hours(self) -> int:
        """How long a link works."""
        return round(self.life / timedelta(hours=1))

    def link(self, case: str, person: str, at: datetime) -> str:
        """The link for a message that was written at an instant (naive UTC): the same on every attempt."""
        expires = int((at + self.life).replace(tzinfo=UTC).timestamp())
        token = self._serializer.dumps([case, person, expires])
        return f"{self.address.rstrip('/')}{PATH}?{urlencode({'token': token})}"

    def read(self, token: str, now: datetime) -> AnswerLink:
        """What a link permits.

        Raises:
            AnswerLinkError: it was not made with this key, or has expired.
        """
        try:
            case, person, expires = self._serializer.loads(token[:2000])
            found = AnswerLink(str(case), str(person), datetime.fromtimestamp(int(expires), UTC).replace(tzinfo=None))
        except (BadSignature, ValueError, TypeError, OverflowError, OSError):
            raise AnswerLinkError(
                "This link is not valid: copy the whole address from the mail, or open the case."
            ) from None
        if now >= found.expires_at:
            raise AnswerLinkError("This link has expired: open the case in Rescue instead.")
        return found

    @property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt=SALT)
