"""What a person may do who acts from outside the app, such as in Slack: somebody else has said who it is.

Nobody gets more this way than by signing in. A local user has the roles and squads of the user. Where people sign in
with a provider, Rescue stores nobody's groups: so a person acts as a reviewer in the squads that the policy lists them
in, and for anything more the app is opened.
"""

from sqlalchemy import select

from serving.cases.permissions import NotAllowedError, Role
from serving.store import Store
from serving.store.people_tables import User
from serving.store.tables import Member
from serving.web.identity.claims import is_revoked
from serving.web.identity.person import Person
from serving.web.identity.review_settings import ReviewSettings


def known_person(store: Store, settings: ReviewSettings, name: str) -> Person:
    """The person of this name, with what they may do.

    Raises:
        NotAllowedError: the access was revoked, the user is disabled, or there is none.
    """
    if is_revoked(store, name):
        raise NotAllowedError(f"The access of {name} was revoked: ask an admin.")
    with store.reading() as session:
        user = session.get(User, name)
        squads = frozenset(session.scalars(select(Member.squad).where(Member.person == name)))
    if user is not None:
        if user.disabled_at is not None:
            raise NotAllowedError(f"{name} is disabled in Rescue: ask an admin.")
        return Person(user.name, frozenset(Role(role) for role in user.roles), frozenset(user.squads))
    if settings.auth == "local":
        raise NotAllowedError(f"{name} has no user in Rescue: ask an admin to add one.")
    if not squads:
        raise NotAllowedError(f"{name} is in no squad of the policy: open Rescue and sign in to act.")
    return Person(name, frozenset({Role.REVIEWER}), squads)
