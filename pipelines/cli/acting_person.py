"""Who acts at the command line: the name after ``--by``, else the user name of the computer."""

import getpass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from serving.cases.permissions import Actor
    from serving.paths.roster import Roster
    from serving.store import Store


def acting_person(store: "Store", name: str | None, roster: "Roster | None" = None) -> "Actor":
    """The actor of a command, who may do everything: whoever can open the database may.

    Only people who are known can act: a mistyped name would stop an escalation path or become responsible for a case,
    and no message would reach it. Where the policy lists people, they are those of the newest night and of ``roster``,
    the policy in use; else the members of its squads and the users. Where there are neither, any name is taken.

    Raises:
        UsageError: people are known, and this is none of them.
    """
    from features.errors import UsageError, suggest_name
    from serving.cases.people import load_roster
    from serving.cases.permissions import Actor, Role

    acting = name or getpass.getuser()
    with store.reading() as session:
        rosters = [found for found in (load_roster(session), roster) if found is not None]
    known = _known_people(store, rosters)
    if known and acting not in known:
        who = f"person {acting!r}" if name else f"person {acting!r}, your user name here: give a name with --by"
        raise UsageError(f"There is no {who}; {suggest_name(acting, known)}")
    return Actor(acting, Role.ADMIN)


def _known_people(store: "Store", rosters: "Sequence[Roster]") -> "Collection[str]":
    """The names of people who may act; empty where nobody is known by name."""
    from serving.policy.definition.policy_file import Policy
    from serving.web.identity.users import list_users

    listed = {name for found in rosters if found.listed for name in found.people}
    if listed:
        return listed
    users = {user.name for user in list_users(store) if user.disabled_at is None}
    members = {name for found in rosters for name in found.people}
    placeholders = set(Policy.default().rules.roster.people)
    return users | members if users or members - placeholders else set()
