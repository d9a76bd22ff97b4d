"""Who may do what to a case: one table of roles, and the rule that a squad's cases are that squad's.

A person who may not see a case gets the answer that it does not exist, because "not yours" would confirm the id.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from features.errors import RescueError


class Role(StrEnum):
    """The roles of people in the queue."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    LEAD = "lead"
    ANALYST = "analyst"
    ADMIN = "admin"
    SYSTEM = "system"


class Act(StrEnum):
    """What a role may permit."""

    SEE = "see"
    COMMENT = "comment"
    WORK = "work"
    ASSIGN = "assign"


ALLOWED: dict[Role, frozenset[Act]] = {
    Role.VIEWER: frozenset({Act.SEE}),
    Role.REVIEWER: frozenset({Act.SEE, Act.COMMENT, Act.WORK}),
    Role.LEAD: frozenset({Act.SEE, Act.COMMENT, Act.WORK, Act.ASSIGN}),
    Role.ANALYST: frozenset({Act.SEE, Act.COMMENT}),
    Role.ADMIN: frozenset(Act),
    Role.SYSTEM: frozenset(Act),
}

EVERY_SQUAD = frozenset({Role.ANALYST, Role.ADMIN, Role.SYSTEM})
"""The roles that see the cases of every squad."""


class NotAllowedError(RescueError):
    """The person's role does not include the action."""


class OtherOwnerError(NotAllowedError):
    """The case belongs to somebody else."""

    def __init__(self, case_id: str, owner: str) -> None:
        super().__init__(f"Case {case_id} belongs to {owner}: ask {owner} to release it, or a lead to reassign it.")
        self.owner = owner


@dataclass(frozen=True)
class Actor:
    """The person who acts: the name for the record, the role, and the squads.

    ``via`` names the system that the person acted in, such as ``Slack``; empty for the app and its API. ``channel`` is
    then the name of its channel, and ``change`` the id of the change there, which is not made twice.
    """

    name: str
    role: Role = Role.REVIEWER
    squads: frozenset[str] = field(default_factory=frozenset)
    via: str = ""
    channel: str = ""
    change: str = ""

    def sees(self, squad: str) -> bool:
        """Whether this person sees the cases of the squad."""
        return self.role in EVERY_SQUAD or squad in self.squads

    def may(self, act: Act) -> bool:
        """Whether the role includes the act."""
        return act in ALLOWED[self.role]

    def require(self, act: Act) -> None:
        """Raise :class:`NotAllowedError` unless the role includes the act."""
        if not self.may(act):
            raise NotAllowedError(f"{self.name} is {self.role}, which does not include to {act} cases: ask a lead.")


SYSTEM = Actor("rescue", Role.SYSTEM)
"""The night and the SLA timers."""
