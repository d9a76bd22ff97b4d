"""Who is away while open cases are theirs: an absence moves no open case, so that whoever looks has to see it.

An absence ends the assignment of new cases. A case that somebody has already stays with them until a person gives it to
another or its escalation path goes on.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from serving.cases.people import count_open_cases, load_roster, load_staff
from serving.night_report.report_text import plural
from serving.paths.duty import ObstacleCode
from serving.paths.roster import Roster

AWAY = frozenset({ObstacleCode.ABSENT, ObstacleCode.DISABLED})


def away_texts(session: Session, people: Iterable[str | None], now: datetime) -> dict[str, str]:
    """Those of these people who are absent or disabled, as ``absent (back on 4 Mar 2026)`` by name."""
    staff = load_staff(session, now)
    obstacles = (staff.obstacle(person, now) for person in dict.fromkeys(people) if person is not None)
    return {
        obstacle.person: obstacle.text.removeprefix("is ")
        for obstacle in obstacles
        if obstacle is not None and obstacle.code in AWAY
    }


def kept_cases_text(session: Session, person: str, shown: str = "") -> str:
    """How many open cases stay with a person whose absence was entered; empty for none. ``shown`` is their name."""
    count = count_open_cases(session).get(person, 0)
    if not count:
        return ""
    stay = "stays" if count == 1 else "stay"
    name, them = shown or person, "it" if count == 1 else "them"
    return f"{name} has {plural(count, 'open case')}, which {stay} with {name} until somebody reassigns {them}."


def cases_of_unlisted_people(session: Session, roster: Roster | None = None) -> dict[str, int]:
    """The open cases by responsible person who is not in the policy, where it lists people.

    They were opened before the policy listed anybody, or somebody left it: no message reaches these people. The policy
    is that of the newest night, unless the ``roster`` of another is given.
    """
    roster = roster or load_roster(session)
    if not roster.listed:
        return {}
    return {name: count for name, count in sorted(count_open_cases(session).items()) if name not in roster.people}
