"""A person as the review app knows them, whoever vouched for them."""

from dataclasses import dataclass

from features.errors import RescueError
from serving.cases.permissions import ALLOWED, EVERY_SQUAD, Act, Actor, Role
from serving.web.identity.roles import GRANTED, Permission


class SignInNeededError(RescueError):
    """Nobody is signed in, or not any more."""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in: the name that goes on the record, their roles and their squads."""

    name: str
    roles: frozenset[Role]
    squads: frozenset[str]

    @property
    def visible_squads(self) -> frozenset[str] | None:
        """The squads whose cases exist for this person; None for every squad."""
        return None if self.roles & EVERY_SQUAD else self.squads

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles includes it."""
        return any(permission in GRANTED[role] for role in self.roles)

    def actor(self, act: Act = Act.WORK) -> Actor:
        """The person in the role in which they can do ``act`` to most cases.

        An analyst who is a reviewer too sees every squad's cases and works those of their own squads only.
        """
        able = [role for role in self.roles if act in ALLOWED[role]] or list(self.roles)
        widest = max(able, key=lambda role: (role in EVERY_SQUAD, len(ALLOWED[role]), role))
        return Actor(self.name, widest, self.squads)
