"""The page of a case and its actions."""

import html
import json
import re
from datetime import timedelta

import httpx
from sqlalchemy import update
from support.nights.handoff_factory import NIGHT, handoff
from support.web.page_forms import CASE, fields_of, send_move
from support.web.web_fixture import ANALYST, INES, JONAS, TOM, Site

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.tables import Account, Case, CaseAlarm, FrozenHandoff
from serving.web.rendering import template_environment

MINE = Actor("ines", Role.REVIEWER, frozenset({"success"}))


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


def test_open_tickets_come_first_and_older_open_ones_are_counted() -> None:
    package = handoff()
    first, second, *others = package.tickets
    tickets = (first.model_copy(update={"state": "closed"}), second.model_copy(update={"state": "open"}), *others)
    shown = package.model_copy(update={"tickets": tickets, "tickets_open": 3})
    page = template_environment().get_template("case_earlier.html.j2").render(handoff=shown, currency="EUR")
    assert page.index("Cannot add users") < page.index("Export broken")
    assert "2 more open tickets were opened before these" in page
    assert "more open ticket" not in template_environment().get_template("case_earlier.html.j2").render(
        handoff=shown.model_copy(update={"tickets_open": 1}), currency="EUR"
    )


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
        answer = send_move(ines, action, version, **fields)
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


def test_anothers_case_cannot_be_worked_and_says_whose_it_is(ines: httpx.Client, site: Site) -> None:
    send_move(ines, "claim")
    page = site.browser(JONAS).get(f"/case/{CASE}").text
    assert "ines works on this case. Ask them to return it" in page
    assert "/contact" not in page


def test_a_foreign_id_and_one_that_never_was_look_alike(site: Site) -> None:
    tom = site.browser(TOM)
    foreign, unknown = tom.get(f"/case/{CASE}"), tom.get("/case/case999999999")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace(CASE, "?") == unknown.text.replace("case999999999", "?")
    assert tom.get(f"/case/{CASE}/handoff.md").status_code == 404
    assert send_move(tom, "claim").status_code == send_move(tom, "claim", case="case999999999").status_code == 404
    assert tom.get("/account/a-000000").status_code == tom.get("/account/none").status_code == 404
    assert "a-000000" not in tom.get("/accounts").text


def test_the_hand_off_is_a_file_too(ines: httpx.Client) -> None:
    answer = ines.get(f"/case/{CASE}/handoff.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.headers["content-disposition"] == f'attachment; filename="handoff-{CASE}.md"'
    assert "\\<script\\>" in answer.text


def test_a_hand_off_of_another_night_is_asked_for_by_its_day(ines: httpx.Client) -> None:
    assert ines.get(f"/case/{CASE}?handoff={NIGHT}").status_code == 200
    assert ines.get(f"/case/{CASE}?handoff=2020-01-01").status_code == 404
    assert ines.get(f"/case/{CASE}?handoff=yesterday").status_code == 200


def test_a_resolved_case_says_so_at_the_top_and_is_closed_with_one_click(ines: httpx.Client, web_store: Store) -> None:
    mark = {"resolved": "withdrawn", "resolved_on": NIGHT, "closes_on": NIGHT + timedelta(days=3)}
    with web_store.transaction() as session:
        session.execute(update(Case).where(Case.id == CASE).values(mark))
    page = ines.get(f"/case/{CASE}").text
    hint = page.index("The cancellation was withdrawn.")
    assert hint < page.index("Why now")
    assert "The night of 4 Mar 2026 closes this case as expired, not as saved: nobody has contacted" in page
    assert "Close as saved" not in page
    claimed = send_move(ines, "claim", 1).text
    assert "Choose the outcome" in claimed
    assert '<button class="first" name="verdict" value="saved">' not in claimed
    answer = send_move(ines, "contact", 2)
    assert "The night of 4 Mar 2026 closes this case as saved." in answer.text
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
