"""What the routes of the API take as parameters: the caller with a permission, the use cases, and ids.

This module is the only place where the API names permissions.
"""

from typing import Annotated

from fastapi import Depends, Path, Request

from serving.cases.cases import Cases
from serving.web.access import Permission, Person, require_permission, require_sign_in


def get_use_cases(request: Request) -> Cases:
    """The use cases that ``create_api`` was given."""
    cases: Cases = request.app.state.cases
    if request.method != "GET":  # actions follow the policy that is in force now
        request.app.state.policies.refresh()
    return cases


def may_edit(person: Person) -> bool:
    """Whether a person may change the policy, and so sees all of it."""
    return person.may(Permission.POLICY)


UseCases = Annotated[Cases, Depends(get_use_cases)]
SignedInPerson = Annotated[Person, Depends(require_sign_in)]
Viewer = Annotated[Person, Depends(require_permission(Permission.SEE))]
Commenter = Annotated[Person, Depends(require_permission(Permission.COMMENT))]
Worker = Annotated[Person, Depends(require_permission(Permission.WORK))]
Lead = Annotated[Person, Depends(require_permission(Permission.OVERVIEW))]
PolicyEditor = Annotated[Person, Depends(require_permission(Permission.POLICY))]
CaseId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\x00/]+$")]
AccountId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
"""The account's id in the source, which may contain any character except NUL."""


def sees_hold_outs(person: Person) -> bool:
    """Whether a person is told which accounts are held out; whoever works with customers or sees them is not."""
    return person.may(Permission.HOLD_OUTS)
