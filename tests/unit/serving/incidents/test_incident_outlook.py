"""What the timeline and the outlook of an incident say: skipped people, the next step, and reopening."""

from datetime import timedelta

from support.nights.incident_factory import NOON, arrive, at, incidents
from support.nights.policy_factory import policy

from pipelines.cli.output.incident_output import incident_lines
from serving.cases.permissions import Actor, Role
from serving.incidents.incident_actions import Incidents
from serving.incidents.incident_outlook import incident_outlook
from serving.store import Store
from serving.store.handover_tables import AbsenceRow
from serving.store.queries.incident_queries import incident_file

PEOPLE = """
[people.ana]
title = "Ana Abt"
[people.ben]
title = "Ben Bode"
[people.cleo]
[people.dan]
[incidents.failed_checkouts]
when = "kind = 'checkout.failed'"
count = 3
within = "15 minutes"
quiet = "20 hours"
severity = "high"
path = "outage"
[[paths.outage]]
to = "ana"
[[paths.outage]]
to = "ben"
after = "10 minutes"
[[paths.outage]]
to = "cleo"
after = "10 minutes"
"""


def shown(store: Store, minutes: float) -> str:
    with store.reading() as session:
        file = incident_file(session, incidents(store)[0].id, None)
        assert file is not None
        return "\n".join(incident_lines(file, incident_outlook(session, file.incident, at(minutes), POLICY.rules)))


POLICY = policy(PEOPLE)


def test_the_timeline_names_who_was_left_out_and_the_next_step(store: Store) -> None:
    away = AbsenceRow(
        person="ana",
        starts_at=NOON - timedelta(days=1),
        ends_at=NOON + timedelta(days=2),
        reason="",
        source="app",
        entered_by="ana",
        entered_at=NOON,
    )
    with store.transaction() as session:
        session.add(away)
    (opened,) = arrive(store, [0, 1, 2], POLICY).opened
    text = shown(store, 3)
    assert "The path begins with Ben Bode. Step 1 of the path outage was skipped. Ana Abt is absent" in text
    assert "Rescue opened the incident" in text
    assert "Next escalation: 2 Mar 2026, 12:12 UTC to cleo" in text
    Incidents(store, clock=lambda: at(5), rules=POLICY.rules).acknowledge(opened, Actor("ben", Role.ADMIN))
    text = shown(store, 6)
    assert "Ben Bode acknowledged it" in text and "responsible: Ben Bode" in text
    assert "Next" not in text


def test_an_incident_that_has_ended_says_until_when_it_is_opened_again(store: Store) -> None:
    (opened,) = arrive(store, [0, 1, 2], POLICY).opened
    Incidents(store, clock=lambda: at(5), rules=POLICY.rules).resolve(opened, Actor("ben", Role.ADMIN))
    assert "Opened again if its signals return until 3 Mar 2026, 12:05" in shown(store, 6)
    assert "Opened again" not in shown(store, 5 + 1441)
