"""Links that sign a person in once: ``rescue review --demo`` opens the app without a password.

They exist only in this process, for ten minutes, and work only from this machine.
"""

import secrets
import time
from dataclasses import dataclass, field
from ipaddress import ip_address

from serving.web.identity.person import Person

LINK_SECONDS = 600.0


@dataclass
class OneTimeLinks:
    """The links that can still be used."""

    _links: dict[str, tuple[Person, float]] = field(default_factory=dict)

    def create(self, person: Person) -> str:
        """The path of a new link."""
        code = secrets.token_urlsafe(32)
        self._links[code] = (person, time.monotonic() + LINK_SECONDS)
        return f"/sign-in/once/{code}"

    def redeem(self, code: str, address: str | None) -> Person | None:
        """The person of the link, which can then not be used again. None for an unknown link or another machine."""
        person, until = self._links.pop(code, (None, 0.0))
        return person if time.monotonic() < until and _is_this_machine(address) else None


def _is_this_machine(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False
