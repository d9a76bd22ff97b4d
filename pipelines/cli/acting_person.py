"""Who acts at the command line: the name after ``--by``, else the user name of the computer."""

import getpass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.cases.permissions import Actor
    from serving.paths.roster import Roster
    from serving.store import Store


def acting_person(store: "Store", name: str | None, roster: "Roster | None" = None) -> "Actor":
    """The actor of a command, who may do everything: whoever can open the database may.

    Where the policy lists people, only they can act: a name that it does not know would become responsible for a case,
    and no message would reach it. The people are those of the newest night and of ``roster``, the policy in use.

    Raises:
        UsageError: the policy lists people, and this is none of them.
    """
    from serving.cases.absence.absence_entries import require_person
    from serving.cases.people import load_roster
    from serving.cases.permissions import Actor, Role

    known = name or getpass.getuser()
    with store.reading() as session:
        listed = [found for found in (load_roster(session), roster) if found is not None and found.listed]
    if listed and not any(known in found.people for found in listed):
        require_person(listed[-1], known)
    return Actor(known, Role.ADMIN)
