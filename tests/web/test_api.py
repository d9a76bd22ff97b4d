"""The API: the same use cases as the pages, and every error as problem details that say what to do next."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from support.web.web_people import People, TestClient, opened, settled

from serving.cases.permissions import Role
from serving.store import Store
from serving.store.queries.queue_queries import PAGE, SORTS
from serving.web.api.action_models import CaseActionRequest
from serving.web.api.casework.casework_models import TaskActionRequest
from serving.web.forms import USE_CASES
from serving.web.identity.review_settings import ReviewSettings
from serving.web.security.csrf import MAX_BODY_BYTES


@pytest.fixture
def people(migrated_sqlite: Path, tmp_path: Path) -> Iterator[People]:
    path = tmp_path / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    found = opened(path)
    yield found
    found.close()


@pytest.fixture
def north(people: People) -> list[str]:
    """The cases of the squad north."""
    return settled(people.store, PAGE + 1)[0]


def problem(answer: httpx.Response, status: int, code: str, says: str) -> dict[str, Any]:
    """The answer as the problem that it should be."""
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["status"], found["code"]) == (status, status, code), found
    assert says in found["detail"]
    assert found["detail"].rstrip().endswith((".", "!", "?"))
    return found


def act(program: TestClient, case: str, **wish: Any) -> httpx.Response:
    """Do something to a case."""
    return program.post(f"/api/v1/cases/{case}/actions", json=wish)


def test_cases_are_listed_a_page_at_a_time(people: People, north: list[str]) -> None:
    program = people.program(Role.REVIEWER)
    first, second = (program.get("/api/v1/cases", params={"page": page}).json() for page in (1, 2))
    assert (first["total"], first["pages"], first["night"]) == (PAGE + 1, 2, "2026-03-01")
    listed = [item["case"]["id"] for item in (*first["items"], *second["items"])]
    assert sorted(listed) == sorted(north)
    assert first["items"][0]["reason"].startswith("Product events fell")
    assert people.program(Role.ANALYST).get("/api/v1/cases").json()["total"] == 2 * (PAGE + 1)


def test_filters_narrow_the_list(people: People, north: list[str]) -> None:
    program = people.program(Role.REVIEWER)
    act(program, north[0], action="claim", version=1)

    def total(**wanted: Any) -> int:
        found: int = program.get("/api/v1/cases", params=wanted).json()["total"]
        return found

    assert total(mine=True) == total(state="claimed") == 1
    assert total(state="closed") == total(risk="escalation") == total(segment="none") == total(squad="south") == 0
    assert total(text="a000002") == 1
    assert 0 < total(renews=30) < PAGE + 1


def test_a_case_is_read_with_its_hand_off_and_record(people: People, north: list[str]) -> None:
    found = people.program(Role.VIEWER).get(f"/api/v1/cases/{north[0]}").json()
    assert found["handoff"]["schema_version"] == "2.3"
    assert found["handoff_of"] == "2026-03-01"
    assert found["actions"][0] == "claim"
    assert found["history"][0]["at"].endswith("Z")
    assert found["account"]["name"] == "Ünit a000000"


def test_a_case_is_worked_from_claim_to_outcome(people: People, north: list[str]) -> None:
    program, case = people.program(Role.REVIEWER), north[0]
    versions = [
        act(program, case, action="claim", version=1),
        act(program, case, action="contact", version=2, comment="spoke to Ines"),
        act(program, case, action="plan", version=3, plan="training on Tuesday"),
        act(program, case, action="resolve", version=4, outcome="saved", comment="they stay"),
    ]
    assert [answer.json()["version"] for answer in versions] == [2, 3, 4, 5]
    assert versions[-1].json()["state"] == "saved"
    said = program.post(f"/api/v1/cases/{case}/comments", json={"text": "well done"})
    assert said.status_code == 201
    record = program.get(f"/api/v1/cases/{case}").json()["history"]
    assert [entry["kind"] for entry in record][1:] == ["claim", "contact", "plan", "resolve", "comment"]
    assert {entry["actor"] for entry in record[1:]} == {"program-reviewer"}
    back = act(program, case, action="undo", version=5).json()
    assert back["state"] == "in_plan"


def test_whoever_was_slower_is_told_who_was_quicker(people: People, north: list[str]) -> None:
    act(people.program(Role.LEAD), north[0], action="claim", version=1)
    slower = act(people.program(Role.REVIEWER), north[0], action="claim", version=1)
    problem(slower, 409, "stale-case", "program-lead (claim)")


def test_what_the_state_or_the_owner_forbids_is_told(people: People, north: list[str]) -> None:
    reviewer, lead = people.program(Role.REVIEWER), people.program(Role.LEAD)
    problem(act(reviewer, north[0], action="reopen", version=1, reason="x"), 409, "illegal-action", "allowed: claim")
    act(lead, north[0], action="claim", version=1)
    problem(act(reviewer, north[0], action="contact", version=2), 403, "not-allowed", "or a lead to reassign it")
    past = act(lead, north[0], action="snooze", version=2, until="2020-01-01", reason="later")
    problem(past, 422, "usage", "choose a day after")
    empty = act(lead, north[0], action="log_contact", comment="x")
    problem(empty, 422, "usage", "Give the person, the channel or the result")
    empty = lead.post(f"/api/v1/cases/{north[0]}/contacts", json={})
    problem(empty, 422, "usage", "Give the person, the channel or the result")
    problem(act(lead, north[0], action="assign", version=2, person="bobb"), 422, "usage", "did you mean 'bob'?")


def test_accounts_are_found_and_read(people: People, north: list[str]) -> None:
    program = people.program(Role.REVIEWER)
    assert [one["account_id"] for one in program.get("/api/v1/accounts?text=A000002").json()["items"]] == ["a000002"]
    found = program.get("/api/v1/accounts/a000002").json()
    assert found["scores"]["churn"][0]["as_of"] == "2026-03-01"
    assert len(found["cases"]) == 1
    problem(program.get("/api/v1/accounts/a000001"), 404, "account-not-found", "Search for it by its name")
    problem(program.get("/api/v1/accounts/a/b%2Fc"), 404, "account-not-found", "Search for it by its name")


def test_the_metrics_of_paths_are_those_of_the_callers_squads(people: People, north: list[str]) -> None:
    found = people.program(Role.LEAD).get("/api/v1/paths/metrics").json()
    names = {(group["dimension"], group["name"]) for group in found["groups"]}
    assert ("squad", "north") in names
    assert ("squad", "south") not in names
    assert found["groups"][0]["cases"] >= len(north)
    assert people.program(Role.LEAD).get("/api/v1/paths/metrics?since=2099-01-01").json()["groups"] == []
    assert people.program(Role.LEAD).get("/api/v1/paths/metrics?since=soon").status_code == 422
    assert people.program(Role.REVIEWER).get("/api/v1/paths/metrics").status_code == 403


def test_the_overview_counts_what_the_lead_sees(people: People, north: list[str]) -> None:
    found = people.program(Role.LEAD).get("/api/v1/overview").json()
    assert sum(week["flagged"] for week in found["weeks"]) == PAGE + 1
    assert len(found["weeks"]) == 12
    assert (found["realised_outcomes"], found["judged"]) == ([], [])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"action": "claim"}, "version"),
        ({"action": "claim", "version": 0}, "version"),
        ({"action": "claim", "version": 1 << 40}, "version"),
        ({"action": "claim", "version": 1, "canary-extra": 1}, "canary-extra"),
        ({"action": "canary", "version": 1}, "action"),
        ({"action": "plan", "version": 1, "plan": " "}, "plan"),
        ({"action": "plan", "version": 1, "plan": "a\x00b"}, "NUL"),
        ({"action": "plan", "version": 1, "plan": "x" * 4001}, "plan"),
        ({"action": "snooze", "version": 1, "until": "31.03.2026", "reason": "x"}, "until"),
        ([], "body"),
        ("canary-body", "body"),
    ],
)
def test_what_does_not_fit_is_named_and_not_repeated(people: People, body: Any, says: str) -> None:
    answer = people.program(Role.ADMIN).post("/api/v1/cases/x/actions", json=body)
    assert says in problem(answer, 422, "invalid", "correct it")["detail"]
    assert "canary-body" not in answer.text


def test_broken_json_and_too_much_of_it(people: People) -> None:
    program = people.program(Role.ADMIN)
    broken = program.post(
        "/api/v1/cases/x/comments", content=b'{"text": "\xff', headers={"Content-Type": "application/json"}
    )
    assert broken.status_code in {400, 422}
    surrogate = program.post(
        "/api/v1/cases/x/comments", content=rb'{"text": "\ud800"}', headers={"Content-Type": "application/json"}
    )
    problem(surrogate, 422, "invalid", "correct it")
    large = program.post("/api/v1/cases/x/comments", content=b" " * (MAX_BODY_BYTES + 1))
    assert (large.status_code, "send less" in large.json()["detail"]) == (413, True)


def test_addresses_and_methods_that_do_not_exist(people: People) -> None:
    program = people.program(Role.ADMIN)
    problem(program.get("/api/v1/nothing"), 404, "http", "openapi.json lists")
    wrong = program.delete("/api/v1/cases")
    problem(wrong, 405, "http", "does not accept that method")
    assert wrong.headers["allow"] == "GET"


@pytest.mark.parametrize("header", ["Bearer nothing", "Bearer ", "Basic YTpi", "bearer x", ""])
def test_a_token_that_is_none_is_refused(people: People, header: str) -> None:
    browser = people.signed_in(Role.ADMIN)
    answer = browser.get("/api/v1/me", headers={"Authorization": header})
    problem(answer, 401, "sign-in-needed", "rescue users token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_opens_no_page(people: People) -> None:
    program = people.program(Role.ADMIN)
    assert program.get("/queue").status_code == 303
    assert program.post("/case/x/claim").status_code == 403


def test_a_database_that_is_down_is_told_and_nothing_breaks(people: People, north: list[str]) -> None:
    program, browser = people.program(Role.REVIEWER), people.signed_in(Role.REVIEWER)
    whole = people.store.engine
    people.store.engine = people.store._reading = Store("sqlite:////nowhere/at/all.db").engine
    try:
        answers = [
            program.get("/api/v1/cases"),
            act(program, north[0], action="claim", version=1),
            browser.get("/api/v1/overview"),
        ]
        pages = [browser.get("/queue"), browser.post(f"/case/{north[0]}/comment", data={"text": "not to be lost"})]
    finally:
        people.store.engine = people.store._reading = whole
    for answer in answers:
        problem(answer, 503, "store-unavailable", "try again in a minute")
        assert answer.headers["retry-after"] == "30"
        assert "rescue.db" not in answer.text
    assert [page.status_code for page in pages] == [503, 503]
    assert not [page for page in pages if "rescue.db" in page.text]
    assert "not to be lost" in pages[1].text
    assert program.get("/api/v1/me").status_code == 200


def test_everything_that_can_be_done_on_a_page_can_be_done_here() -> None:
    acts = {get_args(model.model_fields["action"].annotation)[0] for model in get_args(get_args(CaseActionRequest)[0])}
    tasks = {f"task_{word}" for word in get_args(TaskActionRequest.model_fields["action"].annotation)} | {"task_add"}
    assert acts | tasks | {"comment", "reassign", "detach"} == set(USE_CASES)


def test_every_sort_order_of_the_queue_can_be_requested(people: People, north: list[str]) -> None:
    program = people.program(Role.REVIEWER)
    risks = program.get("/api/v1/cases").json()["risks"]
    assert risks == ["churn", "escalation"]
    for sort in (*SORTS, *risks):
        listed = program.get("/api/v1/cases", params={"sort": sort})
        assert (listed.status_code, listed.json()["total"]) == (200, len(north)), sort
    problem(program.get("/api/v1/cases?sort=chrun"), 422, "usage", "did you mean 'churn'?")


def test_a_program_takes_the_next_case(people: People, north: list[str]) -> None:
    program = people.program(Role.REVIEWER)
    first = program.get("/api/v1/cases").json()["items"][0]["case"]["id"]
    taken = program.post("/api/v1/take-next", json={}).json()["case"]
    assert (taken["id"], taken["state"], taken["owner"]) == (first, "claimed", "program-reviewer")
    for _ in range(len(north) - 1):
        assert program.post("/api/v1/take-next", json={"squad": "north"}).json()["case"] is not None
    assert program.post("/api/v1/take-next", json={}).json() == {"case": None}
    problem(program.post("/api/v1/take-next", json={"squad": "south"}), 403, "not-allowed", "ask a lead")


@pytest.mark.parametrize(
    "path", ["/api/v1/cases/%00", "/case/%00", "/account/%00", "/accounts?q=%00", "/queue?text=%00"]
)
def test_no_address_breaks_either_database(new_url: Callable[..., str], path: str) -> None:
    with Store(new_url()) as store:
        people = People(store, ReviewSettings())
        answer = people.signed_in(Role.ADMIN).get(path)
        people.browsers.close()
    assert answer.status_code < 500
