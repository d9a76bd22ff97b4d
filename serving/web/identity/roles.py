"""What a role may do in the review app: one table, from which the routes and the matrix of tests are drawn.

Rights on cases are those of ``serving.cases.permissions``; here stand only the pages that are no case.
"""

from enum import StrEnum

from serving.cases.permissions import ALLOWED, Act, Role


class Permission(StrEnum):
    """What a route asks for."""

    SEE = "see cases"
    COMMENT = "comment on cases"
    WORK = "work cases"
    ASSIGN = "assign cases"
    OVERVIEW = "see the overview"


_OF_ACT = {Act.SEE: Permission.SEE, Act.COMMENT: Permission.COMMENT, Act.WORK: Permission.WORK}
_OF_ACT[Act.ASSIGN] = Permission.ASSIGN
_OVERVIEW = frozenset({Role.LEAD, Role.ANALYST, Role.ADMIN})

PEOPLE = tuple(role for role in Role if role is not Role.SYSTEM)
"""The roles that somebody can have; ``system`` is the night's own."""

GRANTED: dict[Role, frozenset[Permission]] = {
    role: frozenset(_OF_ACT[act] for act in ALLOWED[role])
    | (frozenset({Permission.OVERVIEW}) if role in _OVERVIEW else frozenset())
    for role in PEOPLE
}
"""The whole table."""
