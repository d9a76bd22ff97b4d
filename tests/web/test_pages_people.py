"""The page of people, absences, and hand-off forms on the page of a case and in the API; nothing without them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.nights.night_factory import NOW
from support.nights.people_factory import ANSWERS, open_people_cases, people_rules
from support.web.web_people import People, TestClient, opened

from serving.cases.permissions import Role

BOTH = ("north", "south")


@pytest.fixture
def people(migrated_sqlite: Path, tmp_path: Path) -> Iterator[People]:
    path = tmp_path / "people.db"
    shutil.copy(migrated_sqlite, path)
    found = opened(path)
    yield found
    found.close()


@pytest.fixture
def case(people: People) -> str:
    return open_people_cases(people.store)[0]


def sent(browser: TestClient, case: str, **fields: str) -> Any:
    form = {"squad": "south", "tier": "1", "form": "technical", "text": "needs an engineer", "version": "1"}
    return browser.post(f"/case/{case}/hand_over", data=form | {f"field-{key}": value for key, value in fields.items()})


def test_people_enter_their_absence_and_the_next_one_is_on_duty(people: People, case: str) -> None:
    ann = people.signed_in(Role.REVIEWER, name="ann")
    page = ann.get("/people").text
    for text in (
        "Ann Ames",
        "<strong>primary of north</strong>",
        "Europe/Berlin",
        '1<span class="unseen"> open cases of Ann Ames</span></a> of 50',
    ):
        assert text in page, text
    assert '<a href="/people" aria-current="page">People</a>' in page
    assert "dan" not in page  # of the other squad
    assert '<select name="person">' not in page
    answer = ann.post("/people/absences", data={"first": "2026-03-02", "last": "2026-03-01"})
    assert (answer.status_code, "exchange the days" in answer.text) == (422, True)
    answer = ann.post("/people/absences", data={"first": "2026-03-01", "last": "2026-03-08", "text": "<b>skiing"})
    assert answer.headers["location"] == "/people?done=absence_entered"
    page = ann.get("/people?done=absence_entered").text
    for text in (
        "The absence is entered. Ann Ames has 1 open case, which stays with Ann Ames until somebody reassigns it."
        ' <a href="/queue?responsible=ann">Show these cases</a>',
        "Open cases stay with them until somebody reassigns them.",
        "1 Mar 2026 – 8 Mar 2026: &lt;b&gt;skiing",
        "Absent (back on 9 Mar 2026)",
    ):
        assert text in page, text
    assert "<br><strong>primary of north</strong>" in page.split("bob")[1].split("</tr>")[0]
    answer = people.signed_in(Role.REVIEWER, name="bob").post("/people/absences/1/withdraw")
    assert (answer.status_code, "ask a lead of their squad" in answer.text) == (403, True)
    lead = people.signed_in(Role.LEAD, name="pat")
    assert '<option value="bob">' in lead.get("/people").text
    assert lead.post("/people/absences/1/withdraw").headers["location"] == "/people?done=absence_withdrawn"
    assert lead.post("/people/absences/1/withdraw").status_code == 422
    span = "1 Mar 2026 – 8 Mar 2026"
    record = (
        f"Ann Ames, {span} (&lt;b&gt;skiing): entered by Ann Ames on Sun 1 Mar 2026, 05:00 (UTC), "
        "removed by Pat Lead on Sun 1 Mar 2026"
    )
    assert record in lead.get("/people").text


def test_the_queue_of_one_person(people: People, case: str) -> None:
    lead = people.signed_in(Role.LEAD, name="pat")
    row = f'data-case="{case}"'
    assert row in lead.get("/queue?responsible=ann").text  # by the path of the case: nobody owns it
    assert row not in lead.get("/queue?responsible=bob").text
    assert "No case" in lead.get("/queue?responsible=nobody").text
    assert '<option value="ann" selected>Ann Ames</option>' in lead.get("/queue?responsible=ann").text
    ann = people.signed_in(Role.REVIEWER, name="ann")
    assert '<a href="/queue?responsible=ann">1<span' in ann.get("/people").text


def test_a_form_is_filled_accepted_and_shown(people: People, case: str) -> None:
    ann = people.signed_in(Role.REVIEWER, name="ann", squads=BOTH)
    page = ann.get(f"/case/{case}").text
    for text in (
        "Hand over to south: Technical question",
        "<option>all users</option>",
        "<option selected>no</option>",
        'type="date" name="field-since" value=""',
        ">Nordlicht Logistik may leave</textarea>",
    ):
        assert text in page, text
    refused = sent(ann, case, steps="restarted <i>", impact="some users")
    assert refused.status_code == 422
    text = refused.text
    assert "Fill in “Customer contacted” before the case is handed over." in text
    assert ">restarted &lt;i&gt;</textarea>" in text
    assert "<option selected>some users</option>" in text
    assert 'id="hand_over-1" open>' in text
    assert sent(ann, case, **ANSWERS).status_code == 303
    dan = people.signed_in(Role.REVIEWER, name="dan", squads=("south",))
    page = dan.get(f"/case/{case}").text
    for text in (
        "Handed over by Ann Ames of north",
        "<strong>Reason:</strong> needs an engineer",
        "<dt>Steps tried</dt><dd>restarted</dd>",
        "Accept this case",
        "Responsible: dan, not accepted yet",
    ):
        assert text in page, text
    assert "Claim this case" not in page
    assert "Handed over" in dan.get("/queue").text
    assert dan.post(f"/case/{case}/accept", data={"version": "2"}).status_code == 303
    assert "You accepted the case. It is yours." in dan.get(f"/case/{case}?done=accept").text


def test_a_returned_case_is_with_its_sender_and_the_reason_is_in_the_history(people: People, case: str) -> None:
    ann = people.signed_in(Role.REVIEWER, name="ann")
    location = sent(ann, case, **ANSWERS).headers["location"]
    assert location == f"/queue?case={case}&done=hand_over"
    queue = ann.get(location).text
    assert "Ünit a000000 is with the squad south now: dan, not accepted yet, to answer by " in queue
    assert f'<a href="/case/{case}">Read the case</a>' in queue
    dan = people.signed_in(Role.REVIEWER, name="dan", squads=("south",))
    answer = dan.post(f"/case/{case}/return", data={"version": "2", "text": "no error code"})
    assert answer.headers["location"] == "/queue?done=return"
    page = ann.get(f"/case/{case}").text
    assert "<blockquote>no error code</blockquote>" in page
    assert "<strong>Returned by dan</strong> of south on 1 Mar 2026, 06:00: no error code" in page
    assert ">restarted</textarea>" in page
    assert "Responsible: Ann Ames" in page
    assert "Hand-overs with a form" not in ann.get("/people").text
    figures = people.signed_in(Role.LEAD, name="pat").get("/people").text
    assert "north → south" in figures
    assert '<td data-label="Returned" class="right num">1</td>' in figures


def test_who_handed_a_case_over_reads_it_and_does_nothing_else(people: People, case: str) -> None:
    ann = people.signed_in(Role.REVIEWER, name="ann")
    sent(ann, case, **ANSWERS)
    dan = people.signed_in(Role.REVIEWER, name="dan", squads=("south",))
    dan.post(f"/case/{case}/accept", data={"version": "2"})
    answer = ann.get(f"/case/{case}")
    assert answer.status_code == 200
    assert "You handed this case over. It is with the squad south, with dan." in answer.text
    for text in (f'action="/case/{case}/', ">Comment</summary>", "Undo"):
        assert text not in answer.text, text
    assert ann.get(f"/case/{case}/handoff.md").status_code == 200
    for action in ("comment", "accept", "acknowledge", "resolve", "undo", "disagree"):
        refused = ann.post(f"/case/{case}/{action}", data={"text": "x", "verdict": "saved", "reason": "usage"})
        assert refused.status_code == 404, action
    assert ann.get(f"/api/v1/cases/{case}").json()["actions"] == []
    assert people.signed_in(Role.REVIEWER, name="bob").get(f"/case/{case}").status_code == 404


def test_a_lead_sees_load_absence_and_local_time_where_a_case_is_assigned(people: People, case: str) -> None:
    lead = people.signed_in(Role.LEAD, name="pat")
    lead.post("/people/absences", data={"person": "bob", "first": "2026-03-01", "last": "2026-03-03"})
    page = lead.get(f"/case/{case}").text
    assert 'To Ann Ames <span class="note">primary on duty, 1 of 50 open, local time 06:00</span>' in page
    assert 'To bob <span class="note">0 open, local time 00:00, is absent (back on 4 Mar 2026)</span>' in page
    queue = lead.get("/queue").text.split('class="list"')[1]  # behind the filters
    assert '<option value="bob">' not in queue  # who is absent cannot get several cases at once
    assert '<option value="ann">Ann Ames, 1 open</option>' in queue
    lead.post("/people/absences", data={"person": "ann", "first": "2026-03-01", "last": "2026-03-05"})
    for address in ("/queue", f"/case/{case}"):
        assert "absent (back on 6 Mar 2026)</span>" in lead.get(address).text, address
    answer = lead.post(f"/case/{case}/assign", data={"person": "bob", "version": "1"})
    assert (answer.status_code, "choose somebody else" in answer.text) == (422, True)


def test_the_api_has_the_same_forms_people_and_figures(people: People, case: str) -> None:
    program = people.program(Role.LEAD, BOTH)
    forms = program.get(f"/api/v1/cases/{case}/hand-over-forms").json()
    assert [field["name"] for field in forms["choices"][0]["fields"]][:2] == ["steps", "impact"]
    action = {"action": "hand_over", "version": 1, "squad": "south", "reason": "theirs"}
    refused = program.post(f"/api/v1/cases/{case}/actions", json=action)
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "Fill in “Steps tried”, “Impact” and “Customer contacted” before the case is handed over.",
    )
    moved = program.post(f"/api/v1/cases/{case}/actions", json=action | {"answers": ANSWERS})
    assert (moved.status_code, moved.json()["state"]) == (200, "handed_over")
    returned = program.post(f"/api/v1/cases/{case}/actions", json={"action": "return", "version": 2, "reason": "no"})
    assert returned.status_code == 200
    figures = program.get("/api/v1/hand-overs/figures").json()["items"]
    assert [(row["from_squad"], row["to_squad"], row["returned"], row["completeness"]) for row in figures] == [
        ("north", "south", 1, 0.6)
    ]
    everybody = {row["name"]: row for row in program.get("/api/v1/people").json()["items"]}
    assert everybody["ann"]["duties"] == ["primary of north"]
    entered = program.post("/api/v1/absences", json={"person": "ann", "first": "2026-03-02", "last": "2026-03-02"})
    assert (entered.status_code, entered.json()["starts_at"]) == (201, "2026-03-01T23:00:00Z")
    gone = program.delete(f"/api/v1/absences/{entered.json()['id']}")
    assert (gone.status_code, gone.json()["withdrawn_at"] is not None) == (200, True)
    assert program.delete(f"/api/v1/absences/{entered.json()['id']}").status_code == 404


def test_a_small_team_sees_none_of_it(people: People) -> None:
    case = open_people_cases(people.store, rules=people_rules(people={}, roles={}, forms={}))[0]
    lead = people.signed_in(Role.LEAD, name="pat")
    for address in ("/queue", f"/case/{case}"):
        page = lead.get(address).text
        assert "People" not in page
        assert "Handed over" not in page
    page = lead.get(f"/case/{case}").text
    assert ">To south</button>" in page
    assert 'To ann <span class="note">primary on duty, 1 open</span></button>' in page
    assert "The policy does not list people." in lead.get("/people").text
    answer = lead.post(f"/case/{case}/hand_over", data={"squad": "south", "text": "theirs", "version": "1"})
    assert answer.headers["location"] == f"/queue?case={case}&done=hand_over"
    assert NOW
