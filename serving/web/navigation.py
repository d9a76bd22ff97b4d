"""The entries of the main navigation: few, in the order of a day's work; pages below one of them have no entry.

A page belongs to the entry whose address, or one of ``also_for``, its address begins with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serving.web.identity.person import Person
from serving.web.identity.roles import Permission


@dataclass(frozen=True)
class NavigationEntry:
    """An entry: where it leads, its title, the addresses of the pages that belong to it, and who sees it.

    ``shown`` gets the person and the state of the request (``has_incidents``, ``has_people``).
    """

    address: str
    title: str
    also_for: tuple[str, ...] = ()
    shown: Callable[[Person, Any], bool] = lambda _person, _state: True

    def holds(self, path: str) -> bool:
        """Whether the page of this path belongs to the entry."""
        return any(path == start or path.startswith(f"{start}/") for start in (self.address, *self.also_for))


def _sees_overview(person: Person, _state: Any) -> bool:
    return person.may(Permission.OVERVIEW)


def _has_people(_person: Person, state: Any) -> bool:
    return bool(getattr(state, "has_people", False))


def _has_incidents(_person: Person, state: Any) -> bool:
    return bool(getattr(state, "has_incidents", False))


NAVIGATION: tuple[NavigationEntry, ...] = (
    NavigationEntry("/my-day", "My day"),
    NavigationEntry("/queue", "Queue", ("/case", "/waiting")),
    NavigationEntry("/accounts", "Accounts", ("/account",)),
    NavigationEntry("/incidents", "Incidents", ("/incident",), _has_incidents),
    NavigationEntry("/people", "People", (), _has_people),
    NavigationEntry("/overview", "Overview", ("/weekly",), _sees_overview),
    NavigationEntry("/policy", "Policy", (), _sees_overview),
)
"""Every entry, from left to right."""


def entries_for(person: Person | None, state: Any) -> tuple[NavigationEntry, ...]:
    """The entries that a person sees; none where nobody is signed in."""
    return tuple(entry for entry in NAVIGATION if person is not None and entry.shown(person, state))
