"""A signed-in person, whichever way they signed in."""

from dataclasses import dataclass

from features.errors import RescueError
from serving.cases.permissions import ALLOWED, EVERY_SQUAD, Act, Actor, Role
from serving.web.identity.roles import ROLE_PERMISSIONS, Permission


class SignInNeededError(RescueError):
    """Nobody is signed in, or the session has ended."""


@dataclass(frozen=True)
class Person:
    """A signed-in person: the name for the history, the roles and the squads."""

    name: str
    roles: frozenset[Role]
    squads: frozenset[str]

    @property
    def visible_squads(self) -> frozenset[str] | None:
        """The squads whose cases this person sees; None for every squad."""
        return None if self.roles & EVERY_SQUAD else self.squads

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles includes the permission."""
        return any(permission in ROLE_PERMISSIONS[role] for role in self.roles)

    def actor(self, act: Act = Act.WORK) -> Actor:
        """The person in the role with which they can do ``act`` to most cases.

        A person who is both analyst and reviewer sees the cases of every squad, but works only those of their own.
        """
        able = [role for role in self.roles if act in ALLOWED[role]] or list(self.roles)
        widest = max(able, key=lambda role: (role in EVERY_SQUAD, len(ALLOWED[role]), role))
        return Actor(self.name, widest, self.squads)
