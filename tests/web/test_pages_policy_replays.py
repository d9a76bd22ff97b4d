"""Replays of a draft on the page of the policy: a job that the page shows, and programs that ask for one."""

from support.nights.night_factory import NOW
from support.web.policy_editor import edited, form_of
from support.web.web_people import People, TestClient

from serving.cases.permissions import Role
from serving.policy_versions import replay_jobs


def test_a_replay_is_a_job_that_the_page_shows_until_it_is_done(policy_team: People, policy_lead: TestClient) -> None:
    answer = edited(policy_lead, "replay", **{"set__squads__success__capacity": "12"})
    address = answer.headers["location"]
    job = address.rsplit("/", 1)[1]
    assert policy_team.app.state.started == [job]
    assert "It waits to start." in policy_lead.get(address).text
    assert replay_jobs.begin_replay(policy_team.store, job, NOW) is not None
    assert replay_jobs.begin_replay(policy_team.store, job, NOW) is None  # another process computes it
    replay_jobs.report_progress(policy_team.store, job, NOW, step="Replaying 60 nights", nights=15)
    page = policy_lead.get(address).text
    assert "15 of 60 nights are done" in page
    answer = edited(policy_lead, "replay", **{"set__squads__success__capacity": "13"})
    assert answer.headers["location"] == f"{address}?done=replay_busy"
    result = {
        "from": "2026-01-01",
        "to": "2026-03-01",
        "rows": [["cases", "31 cases", "40 cases"], ["risk churn", "31 cases", "31 cases"]],
        "models": {"churn": {"origin": "trained", "version": "before", "reason": ""}},
        "totals": {"current": {"cases": 31, "caught": 9}, "draft": {"cases": 40, "caught": 8}},
        "cases_known": {"current": 0, "draft": 0},
    }
    replay_jobs.end_replay(policy_team.store, job, NOW, result=result)
    page = policy_lead.get(address).text
    for text in (
        "In 60 nights the draft opens 9 cases more by prediction, and catches 1 event fewer.",
        "60 nights, 1 Jan 2026 to 1 Mar 2026",
        "<strong>40 cases</strong>",
        "Risk churn",
        "compare the numbers of cases",
    ):
        assert text in page, text
    assert "capacity = 12" in form_of(policy_lead.get(f"/policy/edit?replay={job}").text)["policy"]
    assert "is done" in policy_lead.get("/policy").text


def test_a_replay_whose_process_was_killed_is_started_again_and_given_up_at_last(
    policy_team: People, policy_lead: TestClient
) -> None:
    answer = edited(policy_lead, "replay", **{"set__squads__success__capacity": "12"})
    address, job = answer.headers["location"], policy_team.app.state.started[0]
    for attempt in range(replay_jobs.MOST_ATTEMPTS):
        assert policy_team.app.state.started == [job] * (attempt + 1)
        begun = replay_jobs.begin_replay(policy_team.store, job, NOW)
        assert begun is not None
        with policy_team.store.transaction() as session:
            row = replay_jobs.replay_job(session, job)
            row.holder, row.seen_at = "another machine/1/1", NOW - 2 * replay_jobs.SILENT_AFTER
        policy_lead.get(address)
    page = policy_lead.get(address).text
    assert "The process that computed it was stopped 3 times" in page


def test_programs_check_save_restore_and_replay(policy_team: People) -> None:
    program = policy_team.program(Role.LEAD)
    text = program.get("/api/v1/policy/text").json()
    draft = text["text"].replace("capacity = 10", "capacity = 12", 1)
    found = program.post("/api/v1/policy/check", json={"text": draft}).json()
    assert (found["valid"], found["changes"]) == (True, ["squads.success.capacity: 10 before, 12 now"])
    found = program.post("/api/v1/policy/check", json={"text": draft.replace("enter = 0.15", "enter = 3")}).json()
    assert (found["valid"], found["problems"][0].startswith("policy, line ")) == (False, True)
    sent = {"text": draft, "reason": "More people", "base": text["base"]}
    answer = program.post("/api/v1/policy/versions", json=sent)
    assert (answer.status_code, answer.json()["number"]) == (201, 2)
    answer = program.post("/api/v1/policy/versions", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (409, "policy-conflict")
    assert program.get("/api/v1/policy").json()["number"] == 2
    assert [row["number"] for row in program.get("/api/v1/policy/versions").json()["items"]] == [2, 1]
    answer = program.post("/api/v1/policy/replays", json={"text": text["text"]})
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert program.get(f"/api/v1/policy/replays/{answer.json()['id']}").json()["nights"] == 60
    base = program.get("/api/v1/policy").json()["base"]
    answer = program.post("/api/v1/policy/versions/1/restore", json={"reason": "Back", "base": base})
    assert answer.json()["restores"] == 1
    assert program.get("/api/v1/policy/versions/1").json()["text"] == text["text"]
    assert program.get("/api/v1/policy/versions/9").status_code == 404
