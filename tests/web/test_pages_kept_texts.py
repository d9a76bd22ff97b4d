"""What somebody typed on the page of a case is never lost: refused, outdated, signed out, database down."""

import html
import re
from pathlib import Path

import httpx
import pytest
from support.web.page_forms import CASE, fields_of, send_move, token_in
from support.web.web_fixture import INES, LEAD, Site

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.web.identity import users

PASSWORD = "correct horse battery"


def test_a_stale_form_says_who_was_quicker_and_keeps_what_was_typed(
    ines: httpx.Client, web_store: Store, site: Site
) -> None:
    Cases(web_store, clock=site.clock).claim(CASE, Actor("jonas", Role.REVIEWER, frozenset({"success"})))
    answer = send_move(ines, "snooze", 1, text="Sponsor is away until May", until="2026-05-01")
    assert answer.status_code == 409
    assert "jonas claimed the case on Mon 2 Mar 2026, 08:30 (UTC), after you opened this page" in answer.text
    lead = site.browser(LEAD)
    again = send_move(lead, "plan", 1, text="Two trainings <b>")
    assert again.status_code == 409
    assert ">Two trainings &lt;b&gt;</textarea>" in again.text
    assert "Your text is kept in the form below" in again.text
    assert '<details class="action" name="action" id="plan" open>' in again.text
    assert 'name="version" value="2"' in again.text


@pytest.mark.parametrize(
    ("move", "fields", "status", "says"),
    [
        ("snooze", {"until": "2026-03-01", "text": "later"}, 422, "until 1 Mar 2026: choose a day after 2 Mar 2026"),
        ("snooze", {"until": "soon", "text": "later"}, 422, "choose a number of days or a date"),
        ("snooze", {"days": "9" * 30, "text": "later"}, 422, "choose a number of days or a date"),
        ("snooze", {"days": "7", "text": "  "}, 422, "Write why it can wait"),
        ("resolve", {"verdict": "won"}, 422, "There is no outcome"),
        ("resolve", {"verdict": "saved"}, 409, "This cannot be done with a case in the state"),
        ("plan", {"text": "x"}, 409, "This cannot be done with a case in the state"),
        ("hand_over", {"squad": "sucess", "text": "x"}, 422, "did you mean"),
        ("undo", {}, 409, "cannot be undone"),
        ("comment", {"text": ""}, 422, "the text is empty"),
    ],
)
def test_a_failed_action_gives_its_reason_on_the_case(
    ines: httpx.Client, move: str, fields: dict[str, str], status: int, says: str
) -> None:
    answer = send_move(ines, move, 1, **fields)
    told = re.search(r'<div class="notice bad" role="alert">(.*?)</div>', answer.text)
    assert (answer.status_code, bool(told and says in html.unescape(told[1]))) == (status, True), answer.text[:3000]


def test_only_what_was_typed_opens_a_form(ines: httpx.Client) -> None:
    assert " open>" not in ines.get(f"/case/{CASE}").text
    assert " open>" not in send_move(ines, "undo", 1).text


def test_a_database_that_is_down_gives_the_text_back(ines: httpx.Client, web_store: Store) -> None:
    token = token_in(ines.get("/queue").text)
    assert web_store.url.database
    path = Path(web_store.url.database)
    web_store.engine.dispose()
    for part in path.parent.glob("queue.db*"):
        part.rename(part.with_name("away-" + part.name))
    path.mkdir()
    answer = ines.post(f"/case/{CASE}/comment", data={"csrf": token, "text": "Half an hour's work"})
    assert answer.status_code == 503
    assert "Half an hour&#39;s work" in answer.text
    assert "does not answer" in answer.text
    assert "Traceback" not in answer.text


def test_an_unexpected_error_shows_the_number_of_its_log_entry(ines: httpx.Client, web_store: Store) -> None:
    from sqlalchemy import text

    with web_store.transaction() as session:
        session.execute(text("DROP TRIGGER IF EXISTS handoffs_no_update"))
        session.execute(text("DROP TABLE waiting"))
    answer = ines.get("/waiting")
    assert answer.status_code in {500, 503}
    assert "Traceback" not in answer.text
    assert "sqlite3" not in answer.text
    assert "Try again" in answer.text or "try again" in answer.text


def test_a_session_that_is_over_keeps_what_was_typed(ines: httpx.Client, web_store: Store) -> None:
    token = token_in(ines.get("/queue").text)
    from serving.store.people_tables import SessionRow

    with web_store.transaction() as session:
        session.query(SessionRow).delete()
    answer = ines.post(f"/case/{CASE}/comment", data={"csrf": token, "text": "Half an hour"})
    assert answer.status_code == 401
    assert "Half an hour" in answer.text
    assert ines.get("/queue").url.path == "/sign-in"


def test_a_mistyped_squad_is_refused_before_somebody_sees_nothing(web_store: Store) -> None:
    with pytest.raises(UsageError, match=r"There is no squad 'sucess'; did you mean 'success'\?"):
        users.save_user(web_store, "ines", ["reviewer"], ["sucess"], PASSWORD)
    assert users.list_users(web_store) == []


def test_after_a_sign_in_the_form_that_waited_for_it_is_sent_with_one_click(site: Site, web_store: Store) -> None:
    users.save_user(web_store, "ines", ["reviewer"], ["success"], PASSWORD)
    browser = site.browser()
    lost = {"csrf": token_in(browser.get("/sign-in").text), "text": "Half an hour\r\nof work", "version": "1"}
    asked = browser.post(f"/case/{CASE}/plan", data=lost)
    assert asked.status_code == 401
    wrong = browser.post("/sign-in", data=fields_of(asked.text, "/sign-in") | {"name": "ines", "password": "wrong"})
    assert wrong.status_code == 401
    assert 'name="name" value="ines"' in wrong.text
    again = browser.post("/sign-in", data=fields_of(wrong.text, "/sign-in") | {"password": PASSWORD, "name": "ines"})
    assert "Your text was not saved. It is still here" in again.text
    assert ">Half an hour\nof work</textarea>" in again.text
    assert "recorded a plan" not in browser.get(f"/case/{CASE}").text  # nothing is done before it is sent
    done = browser.post(f"/case/{CASE}/plan", data=fields_of(again.text, f"/case/{CASE}/plan"))
    assert "This cannot be done with a case in the state" in html.unescape(
        done.text
    )  # it was read as sent: a new case has to be claimed first
    assert (
        '<details class="action" name="action" id="comment" open>' in done.text
    )  # there is no form for a plan any more
    assert ">Half an hour\nof work</textarea>" in done.text


def test_a_page_that_is_older_than_the_session_gives_the_text_back(ines: httpx.Client, site: Site) -> None:
    old = token_in(ines.get("/queue").text)
    ines.get(site.link(INES))  # signed in anew, in another tab
    typed = {"csrf": old, "text": "An hour", "version": "1"}
    ours = ines.post(f"/case/{CASE}/comment", data=typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert ours.status_code == 403
    sent = ines.post(f"/case/{CASE}/comment", data=fields_of(ours.text, f"/case/{CASE}/comment"))
    assert "<blockquote>An hour</blockquote>" in sent.text
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}):
        answer = ines.post(f"/case/{CASE}/comment", data=typed, headers=headers)
        assert answer.status_code == 403
        assert "readonly>An hour</textarea>" in answer.text
        assert "<button" not in answer.text  # a foreign page may have made it: nobody is asked to send that


def test_a_text_that_is_too_long_is_given_back_whole(ines: httpx.Client) -> None:
    answer = send_move(ines, "comment", text="x" * 4001)
    assert answer.status_code == 422
    assert "4,001 characters of at most 4,000" in answer.text
    assert "x" * 4001 in answer.text
    assert "xxx" not in ines.get(f"/case/{CASE}").text
