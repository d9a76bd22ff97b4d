"""Leads change the policy in the app: words, editor, conflicts, versions, replays, and who sees what."""

import re
from datetime import timedelta
from html import unescape

import pytest
from support.nights.night_factory import NOW
from support.web.policy_editor import ROLES, edited, form_of
from support.web.web_people import People, TestClient

from serving.cases.permissions import Role
from serving.policy.definition.policy_file import Policy, default_text
from serving.policy_versions.policy_fields import policy_fields
from serving.policy_versions.policy_service import PolicyService
from serving.policy_versions.saved_policies import saved_policies
from serving.store.handover_tables import AbsenceRow
from serving.store.tables import Account


def service(policy_team: People) -> PolicyService:
    found: PolicyService = policy_team.app.state.policies
    return found


def test_a_lead_changes_a_value_and_everything_follows_it(policy_team: People, policy_lead: TestClient) -> None:
    page = policy_lead.get("/policy").text
    for text in ("Which accounts become candidates", "an account enters at 15%", "boss@example.com"):
        assert text in page, text
    assert str(service(policy_team).in_force().source.file) not in page + policy_lead.get("/policy/edit").text
    assert "It is the policy file" not in page
    answer = edited(policy_lead, "check", **{"set__squads__success__capacity": "12"})
    assert "New cases per night (squad success): 10 before, 12 now" in answer.text
    assert "The draft is valid" in answer.text
    fields = form_of(answer.text)
    assert "capacity = 12" in fields["policy"]
    answer = policy_lead.post("/policy/edit", data={**fields, "do": "save"})
    assert (answer.status_code, "The reason is missing" in answer.text) == (422, True)
    answer = policy_lead.post("/policy/edit", data={**fields, "reason": "Two people came back", "do": "save"})
    assert answer.headers["location"] == "/policy?done=policy_saved"
    page = policy_lead.get("/policy?done=policy_saved").text
    for text in (
        "The version is saved and in force.",
        "<strong>Version 2</strong>",
        "“Two people came back”",
        "Version 1",
    ):
        assert text in page, text
    assert service(policy_team).in_force().policy.rules.squads["success"].capacity == 12
    assert policy_team.app.state.incidents.rules.squads["success"].capacity == 12


def test_the_paths_name_who_is_absent_today(policy_team: People, policy_lead: TestClient) -> None:
    assert "is absent" not in policy_lead.get("/policy").text
    with policy_team.store.transaction() as session:
        spans = {"starts_at": policy_team.now - timedelta(days=1), "ends_at": policy_team.now + timedelta(days=2)}
        entry = {"source": "app", "entered_by": "lea", "entered_at": policy_team.now, "reason": "ill"}
        session.add_all(AbsenceRow(person=name, **spans, **entry) for name in ("success-1", "zorro"))
    page = policy_lead.get("/policy").text
    assert "Today: success-1 is absent (back on" in page
    assert "who is absent is left out: the next person on duty takes the step" in page
    assert re.search(r"success-1 [^<]*; success-1 is absent \(back on", page)
    assert "zorro" not in page


def test_a_field_is_written_into_a_text_that_was_changed_too(policy_lead: TestClient) -> None:
    fields = form_of(policy_lead.get("/policy/edit").text)
    text = fields["policy"].replace("worsen_by = 0.20", "worsen_by = 0.25")
    answer = policy_lead.post(
        "/policy/edit", data={**fields, "policy": text, "set.risks.churn.enter": "18", "do": "check"}
    )
    assert "Becomes a case from (risk churn): 15% before, 18% now" in answer.text
    assert "Raised again at a rise of (risk escalation): 20% before, 25% now" in answer.text


def test_every_mistake_is_shown_with_its_line_and_the_nearest_name(
    policy_team: People, policy_lead: TestClient
) -> None:
    fields = form_of(policy_lead.get("/policy/edit").text)
    text = (
        fields["policy"]
        .replace('fallback = "success"', 'fallback = "sucess"')
        .replace('skill = "billing"', 'skill = "biling"')
    )
    answer = policy_lead.post("/policy/edit", data={**fields, "policy": text, "reason": "x", "do": "save"})
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert "did you mean 'success'?" in page
    assert "did you mean 'billing'?" in page
    assert re.search(r"Line \d+: there is no squad 'sucess'", page)
    assert 'fallback = "sucess"</code>' in page
    assert form_of(answer.text)["policy"] == text.rstrip() + "\n"
    assert service(policy_team).in_force().newest is None


@pytest.mark.parametrize("text", ["[risks", "", "x" * 300_000 + " = 1", "<script>alert(1)</script>", "a = 1\u202e\n"])
def test_a_text_that_is_no_policy_is_kept_and_explained(policy_lead: TestClient, text: str) -> None:
    fields = form_of(policy_lead.get("/policy/edit").text)
    answer = policy_lead.post("/policy/edit", data={**fields, "policy": text, "do": "check"})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "mistake" in answer.text


def test_two_leads_edit_and_the_second_is_told_what_the_first_saved(
    policy_team: People, policy_lead: TestClient
) -> None:
    max_ = policy_team.signed_in(Role.LEAD, name="max")
    late = form_of(max_.get("/policy/edit").text)
    edited(policy_lead, "save", reason="More people", **{"set__squads__success__capacity": "12"})
    answer = max_.post(
        "/policy/edit", data={**late, "set.squads.support.capacity": "4", "reason": "Holidays", "do": "save"}
    )
    page = unescape(answer.text)
    assert answer.status_code == 409
    assert re.search(r'lea saved version 2 on [^(]+\(UTC\), after you began: "More people"', page)
    kept = form_of(answer.text)
    assert (kept["reason"], "capacity = 4" in kept["policy"]) == ("Holidays", True)
    assert "New cases per night (squad success): 12 before, 10 now" in page  # saving this again would undo it
    answer = max_.post("/policy/edit", data={**kept, "do": "save"})
    assert answer.status_code == 303
    assert service(policy_team).in_force().number == 3


def test_fields_correct_a_draft_that_is_no_valid_policy(policy_lead: TestClient) -> None:
    answer = edited(policy_lead, "check", **{"set__risks__churn__enter": "4"})
    assert (answer.status_code, "1 mistake in the draft" in answer.text) == (422, True)
    fields = form_of(answer.text)
    assert (fields["set.risks.churn.enter"], "enter = 0.04" in fields["policy"]) == ("4", True)
    answer = policy_lead.post("/policy/edit", data={**fields, "set.risks.churn.enter": "18", "do": "check"})
    assert answer.status_code == 200
    assert "Becomes a case from (risk churn): 15% before, 18% now" in answer.text
    text = fields["policy"].replace("[risks.churn]", "[risks.nothing]")
    answer = policy_lead.post(
        "/policy/edit", data={**fields, "policy": text, "set.risks.churn.enter": "18", "do": "check"}
    )
    assert answer.status_code == 422


BAD = {"share": "4x", "count": "1.5", "money": "much"}
"""What cannot be a value of this kind."""


def test_a_mistake_in_one_field_keeps_every_other_edit(policy_team: People, policy_lead: TestClient) -> None:
    groups = policy_fields(service(policy_team).in_force().policy.rules)
    fields = {field.name: field for group in groups for field in group.fields}
    sent = {"set.risks.churn.enter": "18", "set.exclude.types": "test, partner", "reason": "More people"}
    wrong = [name for name, field in fields.items() if field.kind in BAD and name not in sent]
    for name in wrong:
        field = fields[name]
        answer = edited(policy_lead, "check", **sent, **{name: BAD[field.kind]})
        page, kept = unescape(answer.text), form_of(answer.text)
        assert answer.status_code == 422
        assert f"{field.title} is a" in page
        assert {key: kept[key] for key in (*sent, name)} == {**sent, name: BAD[field.kind]}
        assert "enter = 0.18" in kept["policy"]
    answer = policy_lead.post("/policy/edit", data={**kept, wrong[-1]: "7", "do": "check"})
    assert answer.status_code == 200
    assert "Becomes a case from (risk churn): 15% before, 18% now" in answer.text


def test_fields_stay_as_typed_while_the_text_is_not_toml(policy_lead: TestClient) -> None:
    sent = {"policy": "[risks", "set.risks.churn.enter": "18", "set.squads.success.capacity": "7"}
    answer = edited(policy_lead, "check", **sent)
    assert answer.status_code == 422
    kept = form_of(answer.text)
    assert {name: kept[name].strip() for name in sent} == sent


def test_a_version_has_its_own_hypothesis(policy_team: People, policy_lead: TestClient) -> None:
    expected = "What it is expected to change:"
    edited(
        policy_lead,
        "save",
        reason="Less",
        **{"set__risks__churn__enter": "18", "set__hypothesis": "Fewer false alarms."},
    )
    assert f"{expected}</span> Fewer false alarms." in policy_lead.get("/policy").text
    assert "Fewer false alarms." not in policy_lead.get("/policy/edit").text
    edited(policy_lead, "save", reason="More people", **{"set__squads__success__capacity": "12"})
    assert expected not in policy_lead.get("/policy").text
    assert service(policy_team).in_force().policy.rules.hypothesis is None
    page = policy_lead.get("/policy/version/2").text
    assert "New cases per night (squad success): now 12 → restored 10" in page
    assert "12 before" not in page.partition("Restore this version")[2].partition("</section>")[0]
    policy_lead.post("/policy/version/2/restore", data={"text": "Back"})
    assert f"{expected}</span> it restores version 2." in policy_lead.get("/policy").text


def test_an_earlier_version_is_shown_and_restored(policy_team: People, policy_lead: TestClient) -> None:
    edited(policy_lead, "save", reason="More people", **{"set__squads__success__capacity": "12"})
    page = policy_lead.get("/policy/version/1").text
    assert "New cases per night (squad success): now 12 → restored 10" in page
    base = re.search(r'name="base" value="([^"]+)"', page)
    assert base is not None
    answer = policy_lead.post("/policy/version/1/restore", data={"base": base[1], "text": "They left again"})
    assert answer.headers["location"] == "/policy?done=policy_restored"
    state = service(policy_team).in_force()
    assert (state.number, state.policy.rules.squads["success"].capacity) == (3, 10)
    answer = policy_lead.post("/policy/version/2/restore", data={"base": base[1], "text": "Again"})
    assert (answer.status_code, "lea saved version 3" in answer.text) == (409, True)
    assert policy_lead.get("/policy/version/99").status_code == 404


@pytest.mark.parametrize(("do", "capacity"), [("take", 15), ("keep", 12)])
def test_a_lead_decides_about_a_file_that_was_changed_elsewhere(
    policy_team: People, policy_lead: TestClient, do: str, capacity: int
) -> None:
    edited(policy_lead, "save", reason="More people", **{"set__squads__success__capacity": "12"})
    file = service(policy_team).source.file
    assert file is not None
    file.write_text((default_text() + ROLES).replace("capacity = 10", "capacity = 15", 1), encoding="utf-8")
    page = policy_lead.get("/policy").text
    assert "was changed without version 2" in page
    assert "New cases per night (squad success): 12 before, 15 now" in page
    assert "Use the file" not in policy_team.signed_in(Role.ANALYST).get("/policy").text
    answer = policy_lead.post("/policy/file", data={"do": do})
    assert answer.status_code == 303
    assert "was changed without" not in policy_lead.get("/policy").text
    assert service(policy_team).in_force().policy.rules.squads["success"].capacity == capacity
    assert policy_lead.post("/policy/file", data={"do": do}).status_code == 409


def test_a_table_that_is_written_twice_is_named(policy_lead: TestClient) -> None:
    text = form_of(policy_lead.get("/policy/edit").text)["policy"] + '\n[exclude]\ntypes = ["test"]\n'
    page = unescape(edited(policy_lead, "check", policy=text).text)
    assert re.search(r"Line \d+: \[exclude\] is written twice; put everything into the first one\.", page)


def test_an_escalation_path_is_a_table_of_when_and_what(policy_lead: TestClient) -> None:
    page = unescape(policy_lead.get("/policy").text)
    paths = re.findall(r'<table class="plain-table stack path-steps".*?</table>', page, re.S)
    assert len(paths) >= 2
    for path in paths:
        assert re.search(r"<caption>\w+, \w+", path)
        assert len(re.findall('<th scope="row"', path)) >= 2
    assert "the case is due to be closed" in paths[0]


def test_a_lead_excludes_one_account_and_takes_it_back(policy_team: People, policy_lead: TestClient) -> None:
    account = "a,000"
    with policy_team.store.transaction() as session:
        session.add(Account(account_id=account, name="Riverland", seen_on=NOW.date(), search="riverland a,000"))
    page = policy_lead.get(f"/account/{account}").text
    assert "Exclude from the queue" in page
    assert (
        "Exclude from the queue" not in policy_team.signed_in(Role.REVIEWER, name="ann").get(f"/account/{account}").text
    )
    assert policy_lead.post(f"/exclude-account/{account}", data={"text": " "}).status_code == 422
    before = service(policy_team).in_force().text
    answer = policy_lead.post(f"/exclude-account/{account}", data={"text": "A lawsuit", "do": "exclude"})
    assert answer.headers["location"] == "/account/a%2C000?done=account_excluded"
    state = service(policy_team).in_force()
    assert state.policy.rules.exclude.accounts == (account,)
    assert state.policy.rules.exclude.types == Policy.parse(before).rules.exclude.types
    page = policy_lead.get(f"/account/{account}?done=account_excluded").text
    assert "Excluded from the queue by the policy" in page
    assert "is excluded: A lawsuit" in policy_lead.get("/policy").text
    policy_lead.post(f"/exclude-account/{account}", data={"do": "include"})
    state = service(policy_team).in_force()
    assert (state.policy.rules.exclude.accounts, state.number) == ((), 3)
    assert policy_lead.post("/exclude-account/nobody", data={"text": "x"}).status_code == 404


def test_who_may_not_change_the_policy_sees_neither_its_text_nor_addresses(policy_team: People) -> None:
    analyst = policy_team.signed_in(Role.ANALYST)
    page = analyst.get("/policy").text
    assert "boss@example.com" not in page
    assert "Change the policy" not in page
    for address in ("/policy/edit", "/policy/policy.toml", "/policy/version/1"):
        assert analyst.get(address).status_code == 403
    assert policy_team.signed_in(Role.REVIEWER).get("/policy").status_code == 403
    program = policy_team.program(Role.ANALYST)
    assert "boss@example.com" not in program.get("/api/v1/policy").text
    assert program.get("/api/v1/policy/text").status_code == 403


def test_every_version_says_who_changed_what_and_why(policy_team: People, policy_lead: TestClient) -> None:
    edited(policy_lead, "save", reason="More people", **{"set__squads__success__capacity": "12"})
    with policy_team.store.reading() as session:
        newest, first = saved_policies(session)
    assert (newest.author, newest.reason, newest.saved_at, newest.origin) == (
        "lea",
        "More people",
        policy_team.now,
        "app",
    )
    assert Policy.parse(first.text).version == first.version


def test_a_broken_policy_in_force_is_explained_to_leads(policy_team: People, policy_lead: TestClient) -> None:
    file = service(policy_team).source.file
    assert file is not None
    file.write_text("[risks", encoding="utf-8")
    answer = policy_lead.get("/policy")
    assert (answer.status_code, "cannot be used" in answer.text) == (503, True)
    assert policy_lead.get("/queue").status_code == 200
