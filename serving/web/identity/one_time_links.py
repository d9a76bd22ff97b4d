"""Links that sign somebody in once: how ``rescue review --demo`` opens the app without a password.

They live in this process alone, for ten minutes, and work from this machine only.
"""

import secrets
import time
from dataclasses import dataclass, field
from ipaddress import ip_address

from serving.web.identity.person import Person

LIFE = 600.0


@dataclass
class OnceLinks:
    """The links that are still good."""

    _offered: dict[str, tuple[Person, float]] = field(default_factory=dict)

    def offer(self, person: Person) -> str:
        """A link's path."""
        code = secrets.token_urlsafe(32)
        self._offered[code] = (person, time.monotonic() + LIFE)
        return f"/sign-in/once/{code}"

    def take(self, code: str, address: str | None) -> Person | None:
        """Whose link it is; it is used up. None where there is none, or it is asked for from elsewhere."""
        person, until = self._offered.pop(code, (None, 0.0))
        return person if time.monotonic() < until and _is_here(address) else None


def _is_here(address: str | None) -> bool:
    try:
        return ip_address(address or "").is_loopback
    except ValueError:
        return False
