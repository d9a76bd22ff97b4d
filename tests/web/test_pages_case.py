"""The case page and its actions; invalid input never shows a stack trace and never loses a typed text."""

import html
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from support.monitor_factory import monitor_report
from support.nights.handoff_factory import NIGHT, handoff
from support.web.web_fixture import ANALYST, INES, JONAS, LEAD, TOM, Site, fresh_store, running
from support.web.web_queue import NOW, work_through

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.queries.monitor_queries import store_monitor_report
from serving.store.tables import Account, Case, CaseAlarm, FrozenHandoff, NightRow
from serving.web.identity import users

CASE = "case000000000"
TOKEN = re.compile(r'name="csrf" value="(\w+)"')
PASSWORD = "correct horse battery"
MINE = Actor("ines", Role.REVIEWER, frozenset({"success"}))


def send(browser: httpx.Client, move: str, version: int | None = 1, case: str = CASE, **fields: str) -> httpx.Response:
    token = TOKEN.search(browser.get("/queue").text)
    assert token
    seen = {} if version is None else {"version": str(version)}
    return browser.post(f"/case/{case}/{move}", data={"csrf": token[1], **seen, **fields})


def token_of(answer: httpx.Response) -> str:
    token = TOKEN.search(answer.text)
    assert token
    return token[1]


def fields_of(page: str, action: str) -> dict[str, str]:
    """What a browser would send of the form that goes there."""
    form = re.search(rf'<form method="post" action="{action}".*?</form>', page, re.DOTALL)
    assert form, page
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    shown = re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', form[0], re.DOTALL)
    return {name: html.unescape(value) for name, value in [*hidden, *shown]}


@pytest.fixture
def ines(site: Site) -> Iterator[httpx.Client]:
    return site.browser(INES)


def test_the_page_shows_the_whole_hand_off(ines: httpx.Client) -> None:
    page = ines.get(f"/case/{CASE}").text
    for text in (
        "Why now",
        "Changes since 1 Sep 2025",
        "Usage in the last twelve weeks, and the health score",
        "Export broken &lt;script&gt;alert(1)&lt;/script&gt;",
        "22 days overdue",
        "12 Sep 2025: executive call",
        "Suggested playbook",
        "Find out why",
        "Then and now",
        "ines, not claimed yet",
        'role="img" aria-label="Active users, users per week: from 110 on 13 Dec 2025 to 48 on 28 Feb 2026',
        "1 adjusted by the team",
        "<strong>Rescue</strong> opened the case",
    ):
        assert text in page, text
    assert "<script>alert" not in page


def test_every_action_has_a_form_and_a_message(ines: httpx.Client, site: Site, web_store: Store) -> None:
    until = (site.clock.now.date() + timedelta(days=9)).isoformat()
    steps = (
        ("claim", {}, "The case is yours."),
        ("contact", {"text": "Spoke to Ines"}, "Recorded: the customer was contacted."),
        ("plan", {"text": "Two trainings"}, "The plan is recorded."),
        ("snooze", {"days": "7", "text": "Sponsor is away"}, "The case is snoozed."),
        ("wake", {}, "The case is active again."),
        ("snooze", {"until": until, "text": "Still away"}, "Snoozed until 11 Mar 2026"),
        ("wake", {}, "The case is active again."),
        ("comment", {"text": "A word"}, "Your comment is in the timeline"),
        ("disagree", {"text": "Use is fine", "reason": "usage"}, "Your disagreement is in the timeline"),
        ("resolve", {"verdict": "saved", "text": "They stay"}, "The case is closed."),
        ("undo", {}, "was undone."),
        ("resolve", {"verdict": "no_action"}, "The case is closed."),
        ("reopen", {"text": "They came back"}, "The case is open again"),
        ("hand_over", {"squad": "strategic", "text": "Needs an executive"}, "is with the squad strategic now: "),
    )
    system = Actor("rescue", Role.SYSTEM)
    for action, fields, text in steps:
        version = Cases(web_store).get(CASE, system).version
        answer = send(ines, action, version, **fields)
        assert (answer.status_code, text in answer.text) == (200, True), action
    record = site.browser(ANALYST).get(f"/case/{CASE}").text
    for said in (
        "Spoke to Ines",
        "Two trainings",
        "Still away",
        "A word",
        "Use is fine",
        "They stay",
        "They came back",
    ):
        assert f"<blockquote>{said}</blockquote>" in record


def test_a_stale_form_says_who_was_quicker_and_keeps_what_was_typed(
    ines: httpx.Client, web_store: Store, site: Site
) -> None:
    Cases(web_store, clock=site.clock).claim(CASE, Actor("jonas", Role.REVIEWER, frozenset({"success"})))
    answer = send(ines, "snooze", 1, text="Sponsor is away until May", until="2026-05-01")
    assert answer.status_code == 409
    assert "jonas claimed the case on Mon 2 Mar 2026, 08:30 (UTC), after you opened this page" in answer.text
    lead = site.browser(LEAD)
    again = send(lead, "plan", 1, text="Two trainings <b>")
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
        ("resolve", {"verdict": "saved"}, 409, "The action resolve is not allowed"),
        ("plan", {"text": "x"}, 409, "The action plan is not allowed"),
        ("hand_over", {"squad": "sucess", "text": "x"}, 422, "did you mean"),
        ("undo", {}, 409, "cannot be undone"),
        ("comment", {"text": ""}, 422, "the text is empty"),
    ],
)
def test_a_failed_action_gives_its_reason_on_the_case(
    ines: httpx.Client, move: str, fields: dict[str, str], status: int, says: str
) -> None:
    answer = send(ines, move, 1, **fields)
    told = re.search(r'<div class="notice bad" role="alert">(.*?)</div>', answer.text)
    assert (answer.status_code, bool(told and says in html.unescape(told[1]))) == (status, True), answer.text[:3000]


def test_only_what_was_typed_opens_a_form(ines: httpx.Client) -> None:
    assert " open>" not in ines.get(f"/case/{CASE}").text
    assert " open>" not in send(ines, "undo", 1).text


def test_anothers_case_cannot_be_worked_and_says_whose_it_is(ines: httpx.Client, site: Site) -> None:
    send(ines, "claim")
    page = site.browser(JONAS).get(f"/case/{CASE}").text
    assert "ines works on this case. Ask them to return it" in page
    assert "/contact" not in page


def test_a_foreign_id_and_one_that_never_was_look_alike(site: Site) -> None:
    tom = site.browser(TOM)
    foreign, unknown = tom.get(f"/case/{CASE}"), tom.get("/case/case999999999")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace(CASE, "?") == unknown.text.replace("case999999999", "?")
    assert tom.get(f"/case/{CASE}/handoff.md").status_code == 404
    assert send(tom, "claim").status_code == send(tom, "claim", case="case999999999").status_code == 404
    assert tom.get("/account/a-000000").status_code == tom.get("/account/none").status_code == 404
    assert "a-000000" not in tom.get("/accounts").text


def test_a_database_that_is_down_gives_the_text_back(ines: httpx.Client, web_store: Store) -> None:
    token = TOKEN.search(ines.get("/queue").text)
    assert token
    assert web_store.url.database
    path = Path(web_store.url.database)
    web_store.engine.dispose()
    for part in path.parent.glob("queue.db*"):
        part.rename(part.with_name("away-" + part.name))
    path.mkdir()
    answer = ines.post(f"/case/{CASE}/comment", data={"csrf": token[1], "text": "Half an hour's work"})
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
    token = TOKEN.search(ines.get("/queue").text)
    assert token
    from serving.store.people_tables import SessionRow

    with web_store.transaction() as session:
        session.query(SessionRow).delete()
    answer = ines.post(f"/case/{CASE}/comment", data={"csrf": token[1], "text": "Half an hour"})
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
    lost = {"csrf": token_of(browser.get("/sign-in")), "text": "Half an hour\r\nof work", "version": "1"}
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
    assert "The action plan is not allowed" in html.unescape(
        done.text
    )  # it was read as sent: a new case has to be claimed first
    assert (
        '<details class="action" name="action" id="comment" open>' in done.text
    )  # there is no form for a plan any more
    assert ">Half an hour\nof work</textarea>" in done.text


def test_a_page_that_is_older_than_the_session_gives_the_text_back(ines: httpx.Client, site: Site) -> None:
    old = token_of(ines.get("/queue"))
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
    answer = send(ines, "comment", text="x" * 4001)
    assert answer.status_code == 422
    assert "4,001 characters of at most 4,000" in answer.text
    assert "x" * 4001 in answer.text
    assert "xxx" not in ines.get(f"/case/{CASE}").text


def test_the_hand_off_is_a_file_too(ines: httpx.Client) -> None:
    answer = ines.get(f"/case/{CASE}/handoff.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.headers["content-disposition"] == f'attachment; filename="handoff-{CASE}.md"'
    assert "\\<script\\>" in answer.text


def test_a_hand_off_of_another_night_is_asked_for_by_its_day(ines: httpx.Client) -> None:
    assert ines.get(f"/case/{CASE}?handoff={NIGHT}").status_code == 200
    assert ines.get(f"/case/{CASE}?handoff=2020-01-01").status_code == 404
    assert ines.get(f"/case/{CASE}?handoff=yesterday").status_code == 200


def test_an_account_shows_its_scores_cases_and_adjusted_health(migrated_sqlite: Path, tmp_path: Path) -> None:
    with fresh_store(migrated_sqlite, tmp_path, 12, nights=20) as store, running(store) as site:
        ines = site.browser(INES)
        work = Cases(store, clock=site.clock)
        work.claim(CASE, MINE)
        work.resolve(CASE, MINE, verdict="saved", comment="They stay.")
        page = ines.get("/account/a-000000").text
        assert 'aria-label="Churn risk: from ' in page
        assert "Adjustments of the health score by the outcomes of cases" in page
        assert "+10.0 points" in page
        assert f'href="/case/{CASE}"' in page
        assert "a-000000" in ines.get("/accounts?q=A-00000").text
        assert "No account has" in ines.get("/accounts?q=%3Cscript%3E").text


def test_an_account_shows_its_risk_by_horizon(ines: httpx.Client) -> None:
    page = ines.get("/account/a-000000").text
    words = "24% within 30 days, 45% within 60 days, 62% within 90 days, 74% within 180 days and 81% within 365 days."
    assert f'<p class="quiet">Churn risk: {words}</p>' in page
    table = re.search(r'<table class="plain-table horizons">.*?</table>', page, re.DOTALL)
    assert table
    assert re.findall(r'<th scope="col" class="right">(\d+) days</th>', table[0]) == ["30", "60", "90", "180", "365"]
    assert '<th scope="row">Churn risk</th><td class="right num">24%</td>' in table[0]
    assert "Escalation risk: " in page  # its history has a plot, but it has no curve
    assert page.count('class="plain-table horizons"') == 1


def test_an_account_joins_what_its_hand_offs_knew(ines: httpx.Client, web_store: Store) -> None:
    """Use, health and tickets go back to the first hand-off; where two tell of a day, the newer one counts."""
    old = handoff()
    earlier = old.binding.model_copy(update={"as_of": NIGHT - timedelta(days=70)})
    ticket = old.tickets[0].model_copy(
        update={"ticket_id": "T-1", "subject": "Long ago", "opened_on": date(2025, 9, 1)}
    )
    health = old.health[0].model_copy(update={"measured_on": date(2025, 1, 1), "score": 99.0})
    update = {"binding": earlier, "tickets": (ticket,), "health": (health,)}
    with web_store.transaction() as session:
        first = session.get_one(Case, CASE)
        told = [column.name for column in Case.__table__.columns if column.computed is None]
        columns = {name: getattr(first, name) for name in told}
        session.add(Case(**columns | {"id": "older", "state": "saved", "closed_at": NOW, "version": 1}))
        session.flush()
        frozen = {"as_of": earlier.as_of, "schema_version": "1.0", "content_hash": ""}
        content = old.model_copy(update=update).to_json()
        session.add(FrozenHandoff(case_id="older", content=content, **frozen))
    page = ines.get("/account/a-000000").text
    assert "Long ago" in page
    assert "T-88" in page
    assert "Health score: from 99 on 1 Jan 2025 to 57 on 24 Feb 2026" in page
    assert "Active users, users per week: from 110 on 4 Oct 2025 to 48 on 28 Feb 2026" in page


def test_the_overview_shows_figures_with_the_numbers_behind_them(site: Site, web_store: Store) -> None:
    work = Cases(web_store, clock=site.clock)
    work.claim(CASE, MINE)
    work.contact(CASE, MINE)
    work.resolve(CASE, MINE, verdict="saved", comment="They stay.")
    site.clock.now += timedelta(days=30)
    page = site.browser(LEAD).get("/overview").text
    for text in (
        ">97 days</td>",
        "not measurable yet: the outcome of 0 of 0 cases is known; 20 are needed",
        "34% (27% to 43%) of 131 cases",
        "41 days (median)",
        "<strong>Churn:</strong> The event happened to 11.2 percentage points fewer of the selected accounts",
        "Not measurable yet: 9 selected and 4 held-out accounts have a known outcome; each group needs 30.",
        "Not measured yet: <code>rescue monitor</code> measures it.",
        "<strong>has no row newer than 5 days</strong>",
        "<strong>Warning:</strong> tickets has no row newer than 5 days.",
        "up to date",
        "out of range (508)",
        "not in the source",
        "have passed their response deadline",
        "d late",
    ):
        assert text in page, text
    assert site.browser(INES).get("/overview").status_code == 403


@pytest.mark.parametrize(("cases", "shown"), [(19, False), (60, True)])
def test_the_overview_measures_escalation_paths_once_there_are_enough_cases(
    migrated_sqlite: Path, tmp_path: Path, cases: int, shown: bool
) -> None:
    """A small team sees no such section; the table and the chart's text alternative hold the same figures."""
    with fresh_store(migrated_sqlite, tmp_path, cases) as store:
        work_through(store, cases, closed=cases // 2)
        with running(store) as site:
            page = html.unescape(site.browser(LEAD).get("/overview").text)
    assert ('id="paths"' in page) is shown
    charts = re.findall(r'aria-label="Median time to contact with 95% intervals\. ([^"]+)"', page)
    assert len(charts) == shown
    for chart in charts:
        figures = dict(part.split(": ") for part in chart.split("; "))
        assert figures["all cases"] in page.split("All cases</th>")[1].split("</tr>")[0]
        assert page.count('class="dot"') == len(figures)


def test_the_overview_shows_what_the_monitor_measured(site: Site, web_store: Store) -> None:
    report = monitor_report()
    with web_store.transaction() as session:
        earlier = report.model_copy(update={"as_of": report.as_of - timedelta(days=1), "alarms": ()})
        for one in (report, earlier, report):
            store_monitor_report(session, one, NOW)
    page = html.unescape(site.browser(LEAD).get("/overview").text)
    for text in (
        "Are the models still right?",
        "<strong>Alarm:</strong> tickets has no row newer than 12 days; 3 days is the limit.",
        "<strong>Warning:</strong> Churn: the AUC of matured nights is 0.58 [0.54, 0.62], and 0.71 was promised.",
        "Churn within 90 days",
        '<th scope="row">Estimate</th><td>AUC 0.80 [0.75, 0.85]',
        "not measurable yet: the labels of no recorded night have matured; with data up to 9 Jul 2026 at the earliest",
        "Measured by <code>rescue monitor</code> as of 1 Mar 2026.",
    ):
        assert text in page, text


def test_the_overview_still_shows_the_report_of_an_earlier_version(site: Site, web_store: Store) -> None:
    report = {
        "as_of": "2026-03-01",
        "run_id": "0ld",
        "flagged": 12,
        "tables": {"tickets": {"rows": 5, "accepted": 4, "repeats": 0, "quarantined": {"out_of_range": 1}}},
        "scored": {"churn": 323},
        "not_scored": {"churn": {"no running subscription": 69}},
        "counts": {"waiting": 3, "held out": 2},
        "warnings": ["tickets delivered its last row 5 days ago"],
        "missing": ["outcomes"],
        "came_of": {
            "churn": {"horizon": 97, "cases": 214, "settled": 131, "happened": 45, "lead_days": 41.0, "effect": "-"}
        },
    }
    with web_store.transaction() as session:
        session.execute(update(NightRow).values(report=report))
    page = site.browser(LEAD).get("/overview").text
    for text in (
        "12 cases opened, 3 on the waiting list, 2 held out",
        "<strong>Warning:</strong> tickets delivered its last row 5 days ago.",
        'data-label="Newest data">–</td>',
        "out of range (1)",
        "not in the source",
        "34% (27% to 43%) of 131 cases",
        "Not recorded by the version of Rescue that ran this night.",
        "Churn: 323 accounts scored. Not scored: 69 without a running subscription.",
    ):
        assert text in page, text


def test_a_resolved_case_says_so_at_the_top_and_is_closed_with_one_click(ines: httpx.Client, web_store: Store) -> None:
    mark = {"resolved": "withdrawn", "resolved_on": NIGHT, "closes_on": NIGHT + timedelta(days=3)}
    with web_store.transaction() as session:
        session.execute(update(Case).where(Case.id == CASE).values(mark))
    page = ines.get(f"/case/{CASE}").text
    hint = page.index("The cancellation was withdrawn.")
    assert hint < page.index("Why now")
    assert "The night of 4 Mar 2026 closes this case." in page
    assert "Close as saved" not in page
    answer = send(ines, "claim", 1)
    form = fields_of(answer.text, f"/case/{CASE}/resolve")
    assert form["text"] == "The cancellation was withdrawn."
    closed = ines.post(f"/case/{CASE}/resolve", data={**form, "verdict": "saved", "text": "They stay."})
    assert "The case is closed." in closed.text
    assert Cases(web_store).get(CASE, MINE).state == "saved"


def test_why_now_comes_before_then_and_now_and_the_timeline(ines: httpx.Client, web_store: Store) -> None:
    live = {"lane": "leaving", "ends_on": NIGHT + timedelta(days=30), "contract_status": "leaving", "revenue": None}
    with web_store.transaction() as session:
        session.execute(update(Case).where(Case.id == CASE).values(**live, group_members=["a-000003"], priority=77.0))
        session.add(CaseAlarm(case_id=CASE, alarm="cancellation", raised_on=NIGHT))
        session.execute(update(Account).where(Account.account_id == "a-000000").values(arr=None))
    text = re.sub('<nav class="jump".*?</nav>', "", ines.get(f"/case/{CASE}").text, flags=re.DOTALL)
    page = " ".join(html.unescape(re.sub("<[^>]+>", " ", text)).split())
    places = [page.index(title) for title in ("Next step", "Why now", "Then and now", "Timeline", "Risk and reasons")]
    assert places == sorted(places)
    assert "The customer has cancelled in this case since 1 Mar 2026" in page
    assert "Also at risk in this group: a-000003" in page
    assert "cancelled, ends on 31 Mar 2026 changed" in page
    assert "unknown changed" in page
    assert "77 EUR changed" in page


def test_the_customers_own_words_are_quoted_with_ticket_and_date(site: Site, web_store: Store) -> None:
    quote = {"ticket_id": "T77", "written_on": "2026-02-20", "kind": "asks_to_cancel", "language": "en"}
    package = json.loads(handoff().to_json()) | {
        "why_now": ["The customer has cancelled"],
        "evidence": [quote | {"quote": "tell us how to <b>terminate</b> the contract"}],
    }
    with web_store.transaction() as session:
        frozen = {"as_of": NIGHT + timedelta(days=1), "schema_version": package["schema_version"], "content_hash": ""}
        session.add(FrozenHandoff(case_id=CASE, content=json.dumps(package), **frozen))
    page = site.browser(INES).get(f"/case/{CASE}").text
    assert "<li>The customer has cancelled.</li>" in page
    assert '<blockquote lang="en">tell us how to &lt;b&gt;terminate&lt;/b&gt; the contract</blockquote>' in page
    assert "The customer asks to cancel, in ticket T77 of 20 Feb 2026." in page
