"""A policy with people, a duty rota and hand-off forms, on the small night of :mod:`support.nights.night_factory`."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from serving.cases.permissions import Actor, Role
from serving.nights.case_updates import Package, case_id
from serving.policy.definition.policy_schema import PolicyFile
from serving.store import Store
from support.nights.handoff_factory import handoff
from support.nights.night_factory import NOW, RULES, flag_of, names, record_of, run, simple_decision

CALENDARS = {"madrid": {"timezone": "Europe/Madrid", "hours": ["mon-fri 09:00-17:00"]}}
PEOPLE: dict[str, dict[str, Any]] = {
    "ann": {"title": "Ann Ames", "timezone": "Europe/Berlin", "addresses": {"mail": "ann@example.org"}, "max_open": 50},
    "bob": {"timezone": "America/New_York", "manager": "pat"},
    "cid": {"calendar": "madrid"},
    "dan": {},
    "eve": {"skills": ["escalation"]},
    "pat": {"title": "Pat Lead"},
}
ROLES = {"lead": {"north": "pat", "south": "eve"}}
FORMS: dict[str, Any] = {
    "technical": {
        "title": "Technical question",
        "skill": "escalation",
        "fields": {
            "steps": {"label": "Steps tried"},
            "impact": {"label": "Impact", "kind": "choice", "choices": ["all users", "some users"]},
            "since": {"label": "Since when", "kind": "date", "required": False},
            "contacted": {"label": "Customer contacted", "kind": "yes-no", "prefill": "contacted"},
            "summary": {"label": "Summary", "required": False, "prefill": "headline"},
        },
    }
}
ANSWERS = {"steps": "restarted", "impact": "some users", "contacted": "no"}


def people_rules(**changes: Any) -> PolicyFile:
    """The rules of the small night with people, roles and forms; ``changes`` replace whole sections."""
    content = RULES.model_dump(mode="json", exclude_unset=True)
    sections: dict[str, Any] = {"calendars": CALENDARS, "people": PEOPLE, "roles": ROLES, "forms": FORMS}
    content |= sections | changes
    return PolicyFile.model_validate(content)


def open_people_cases(
    store: Store, count: int = 1, rules: PolicyFile | None = None, now: datetime = NOW, squad: str = "north"
) -> list[str]:
    """A night that opens this many cases of a squad under a policy with people; their ids."""
    accounts = names(count)
    flags = tuple(flag_of(account, place, squad=squad) for place, account in enumerate(accounts, 1))
    decision = replace(simple_decision([]), flags=flags, policy_version="with people")
    package = Package(handoff().to_json(), "1.0", "Nordlicht Logistik may leave")
    record = record_of(accounts, decision, channels=())
    run(store, replace(record, rules=rules or people_rules(), handoffs=dict.fromkeys(record.handoffs, package)), now)
    return [case_id(account, "churn", decision.as_of) for account in accounts]


def person(name: str, role: Role = Role.REVIEWER, *squads: str) -> Actor:
    """Somebody of both squads, or of these."""
    return Actor(name, role, frozenset(squads or ("north", "south")))
