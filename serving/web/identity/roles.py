"""The permissions of each role in the review app: one table, which the routes use.

Permissions on cases follow ``serving.cases.permissions``; this module adds the pages that do not show a case.
"""

from enum import StrEnum

from serving.cases.permissions import ALLOWED, Role


class Permission(StrEnum):
    """What a route requires; the texts are in ``serving.web.display_text``."""

    SEE = "see"
    COMMENT = "comment"
    WORK = "work"
    ASSIGN = "assign"
    OVERVIEW = "overview"
    HOLD_OUTS = "hold_outs"
    POLICY = "policy"


_OVERVIEW = frozenset({Role.VIEWER, Role.LEAD, Role.ANALYST, Role.ADMIN})
_HOLD_OUTS = frozenset({Role.LEAD, Role.ANALYST, Role.ADMIN})
_POLICY = frozenset({Role.LEAD, Role.ADMIN})

ASSIGNABLE_ROLES = tuple(role for role in Role if role is not Role.SYSTEM)
"""The roles that a person can have; ``system`` is for the nightly run."""

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    role: frozenset(Permission(act) for act in ALLOWED[role])
    | (frozenset({Permission.OVERVIEW}) if role in _OVERVIEW else frozenset())
    | (frozenset({Permission.HOLD_OUTS}) if role in _HOLD_OUTS else frozenset())
    | (frozenset({Permission.POLICY}) if role in _POLICY else frozenset())
    for role in ASSIGNABLE_ROLES
}
"""The permissions of each role."""
