"""The work on a case in the review app: next step, tasks, contacts, mentions, files, outcomes and the timeline."""

import html
import re
from datetime import date

import httpx
import pytest
from support.web.hostile_texts import PAYLOADS
from support.web.page_forms import send_form, token_in
from support.web.web_fixture import JONAS, LEAD, TOM, VIEWER, Site
from support.web.web_queue import NOW

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.casework.casework_queries import contact_log, tasks_of
from serving.store.casework.casework_tables import AccountContact, TaskRow
from serving.store.exchange import Message

CASE = "case000000000"
PAGE = f"/case/{CASE}"
MINE = Actor("ines", Role.REVIEWER, frozenset({"success"}))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def tasks(web_store: Store) -> list[int]:
    """A task that is overdue and one without a due day."""
    rows = [
        TaskRow(
            case_id=CASE, position=place, title=title, due_on=due, state="open", created_at=NOW, created_by="rescue"
        )
        for place, (title, due) in enumerate((("Offer a <b>plan</b>", None), ("Call them", date(2026, 2, 27))), 1)
    ]
    with web_store.transaction() as session:
        for row in rows:
            row.playbook, row.step, row.version = "churn", row.position, 1
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def send(browser: httpx.Client, action: str, **fields: str) -> httpx.Response:
    return send_form(browser, f"{PAGE}/{action}", **fields)


def upload(browser: httpx.Client, name: str, content: bytes) -> httpx.Response:
    files = {"file": (name, content, "text/html")}
    return browser.post(f"{PAGE}/attach", data={"csrf": token_in(browser.get("/queue").text)}, files=files)


def plain(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", answer.text)).split())


def next_step(answer: httpx.Response) -> str:
    found = re.search(r'<section class="next-step".*?</section>', answer.text, re.DOTALL)
    assert found
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", found[0])).split())


def test_the_next_step_follows_the_work(site: Site, ines: httpx.Client, web_store: Store, tasks: list[int]) -> None:
    assert next_step(ines.get(PAGE)) == "Next step Claim it, then contact the customer. Claim this case"
    claimed = send(ines, "claim", version="1")
    assert next_step(claimed).startswith("Next step Contact the customer, and log who you spoke with. Log a contact")
    assert next_step(site.browser(JONAS).get(PAGE)) == "Next step Nothing for you: ines works on it."
    empty = send(ines, "log_contact", text="x")
    assert "The result of the contact is missing" in empty.text
    reached = send(ines, "log_contact", **{"field-result": "Reached", "field-channel": "Call"})
    assert "The contact is in the log." in reached.text
    assert next_step(reached).startswith("Next step Agree on a plan with the customer, and record it. Record a plan")
    planned = send(ines, "plan", version="3", text="Train two people by March")
    last = "Next step Close it with its outcome once its tasks are done."
    assert next_step(planned) == f"{last} Next task: Call them, 3 days overdue. Mark as done"
    done = send(ines, "task_done", task=str(tasks[1]), task_version="1")
    assert next_step(done) == f"{last} Next task: Offer a <b>plan</b>. Mark as done"
    send(ines, "task_skip", task=str(tasks[0]), text="they have one")
    assert next_step(ines.get(PAGE)).startswith(f"{last} Choose the outcome")
    closed = send(ines, "resolve", verdict="lost", version="4", text="gone")
    assert "next-step" not in closed.text


def test_a_task_that_somebody_else_changed_is_not_overwritten(
    site: Site, ines: httpx.Client, web_store: Store, tasks: list[int]
) -> None:
    Cases(web_store, clock=site.clock).work.finish_task(CASE, MINE, tasks[0], 1)
    task = {"task": str(tasks[0]), "task_version": "1"}
    late = send(site.browser(JONAS), "task_skip", **task, text="no need for <it>")
    assert late.status_code == 409
    assert "ines marked a task as done on Mon 2 Mar 2026, 08:30 (UTC), after you opened this page." in late.text
    changed = send(ines, "task_change", task=str(tasks[1]), **{"field-title": "Call again", "field-due": "soon"})
    assert (changed.status_code, "is no date" in changed.text) == (422, True)
    assert 'value="Call again"' in changed.text
    answer = send(ines, "task_change", task=str(tasks[1]), **{"field-title": "Call again", "field-due": "2026-03-05"})
    assert "Due 5 Mar 2026, in 3 days" in answer.text
    added = send(ines, "task_add", **{"field-title": "Send slides", "field-due": "2026-03-02", "field-owner": "jonas"})
    assert "Due today" in added.text
    with web_store.reading() as session:
        assert [(row.title, row.owner) for row in tasks_of(session, CASE)][-1] == ("Send slides", "jonas")


def test_contacts_are_shown_and_a_contact_in_the_readers_time_is_logged(
    site: Site, ines: httpx.Client, web_store: Store
) -> None:
    rows = [("c1", "Mara Winter", "mara@example.com", "+49 (30) 1234"), ("c2", *PAYLOADS[:1], PAYLOADS[1], PAYLOADS[2])]
    with web_store.transaction() as session:
        for key, name, mail, phone in rows:
            contact = {"account_id": "a-000000", "contact_id": key, "role": PAYLOADS[3]}
            session.add(AccountContact(**contact, name=name, mail=mail, phone=phone))
    page = ines.get(PAGE).text
    assert '<a href="tel:+49301234">+49 (30) 1234</a>' in page
    assert '<a href="mailto:mara@example.com">mara@example.com</a>' in page
    assert page.count('href="tel:') == page.count('href="mailto:') == 1
    assert "<script>alert" not in page
    assert site.browser(TOM).get(PAGE).status_code == 404
    send(ines, "claim", version="1")
    ines.cookies.set("zone", "Europe/Berlin")
    fields = {"field-person": "mara winter", "field-channel": "Meeting", "field-result": "Message left"}
    refused = send(ines, "log_contact", **fields, zone="Europe/Berlin", text="x", **{"field-at": "2026-03-09T09:00"})
    assert (refused.status_code, "cannot be in the future" in refused.text) == (422, True)
    assert 'value="2026-03-09T09:00"' in refused.text
    answer = send(ines, "log_contact", **fields, zone="Europe/Berlin", text="x", **{"field-at": "2026-03-02T09:00"})
    assert "left a message for Mara Winter in a meeting" in plain(answer)
    assert "on 2 Mar 2026, 09:00" in plain(answer)
    with web_store.reading() as session:
        (entry,) = contact_log(session, CASE)
    assert (entry.at.hour, entry.contact_id) == (8, "c1")


def test_mentions_say_who_is_notified_and_are_read(site: Site, ines: httpx.Client) -> None:
    answer = send(ines, "comment", text="@jonas and @jonass, see @tom <b>")
    assert "Your comment is in the timeline. jonas, tom are notified." in plain(answer)
    assert "Nobody is called @jonass, so nobody was notified of it." in plain(answer)
    jonas = site.browser(JONAS)
    assert "ines mentioned you: @jonas and @jonass, see @tom <b>" in plain(jonas.get(PAGE))
    read = send(jonas, "read")
    assert ("Marked as read." in read.text, "mentioned you:" in read.text) == (True, False)
    tom = site.browser(TOM)  # of another squad
    page = tom.get(PAGE)
    assert "You were mentioned in this case. It is with the squad success, with ines. You can read it" in plain(page)
    assert ('action="/case/case000000000/claim"' in page.text, 'id="comment"' in page.text) == (False, True)
    assert "a known fault" in send(tom, "comment", text="a known fault").text
    assert send(tom, "claim", version="1").status_code == 404


def test_a_file_is_kept_outside_the_pages_and_given_back_as_a_download(site: Site, ines: httpx.Client) -> None:
    assert "The file is added." in upload(ines, "screen shot ü.png", PNG).text
    page = ines.get(PAGE).text
    found = re.search(r'href="(/case/\w+/attachment/[\w\-]+)" download>screen shot ü.png</a>', page)
    assert found
    answer = ines.get(found[1])
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''screen%20shot%20%C3%BC.png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert site.browser(TOM).get(found[1]).status_code == 404
    assert ines.get(found[1].replace(CASE, "case000000001")).status_code == 404
    assert site.browser().get(found[1]).url.path == "/sign-in"
    assert "Add a file" not in site.browser(VIEWER).get(PAGE).text
    assert "Remove" not in site.browser(JONAS).get(PAGE).text
    send(ines, "detach", attachment=found[1].rpartition("/")[2])
    assert ines.get(found[1]).status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "status", "message"),
    [
        ("page.png", b"<html><script>alert(1)</script>", 422, "This type of file is not kept."),
        ("page.html", b"hello", 422, "ends in .html, but its content is plain text"),
        ("", b"", 422, "No file was chosen"),
        ("empty.txt", b"", 422, "The file is empty"),
        ("large.txt", b"x" * 5_000_001, 422, "The file has more than 5 MB"),
        ("huge.txt", b"x" * 5_100_000, 413, "A request can have at most"),
    ],
)
def test_a_file_that_is_not_kept_says_why(
    ines: httpx.Client, name: str, content: bytes, status: int, message: str
) -> None:
    answer = upload(ines, name, content)
    assert (answer.status_code, message in answer.text) == (status, True), answer.text[:2000]


def test_nobody_uploads_without_the_token_or_a_session(site: Site, ines: httpx.Client) -> None:
    files = {"file": ("a.txt", b"hello", "text/plain")}
    assert ines.post(f"{PAGE}/attach", files=files).status_code == 403
    stranger = site.browser()
    large = {"file": ("a.txt", b"x" * 2_000_000, "text/plain")}
    assert stranger.post(f"{PAGE}/attach", files=large).status_code == 413


def test_saved_needs_a_word_and_what_was_typed_stays(ines: httpx.Client, web_store: Store) -> None:
    send(ines, "claim", version="1")
    refused = send(ines, "resolve", version="2", verdict="saved", text=" ", **{"field-amount": "1,250"})
    assert (refused.status_code, "not closed as saved without it" in refused.text) == (422, True)
    assert 'name="action" id="resolve-1" open' in refused.text
    assert 'value="1,250"' in refused.text
    wrong = send(ines, "resolve", version="2", verdict="lost", text="gone", **{"field-amount": "a lot"})
    assert (wrong.status_code, 'id="resolve-2" open' in wrong.text) == (422, True)
    closed = send(ines, "resolve", version="2", verdict="saved", text="A new plan", **{"field-amount": "1,250"})
    assert "Revenue saved: 1,250 EUR a year" in plain(closed)
    assert "amount a year: 1,250" in plain(closed)


def test_the_timeline_is_filtered_and_shows_messages(site: Site, ines: httpx.Client, web_store: Store) -> None:
    for number in range(25):
        send(ines, "comment", text=f"note {number:02d}")
    message = {"kind": "case.opened", "case_id": CASE, "channel": "mail", "attempts": 1, "payload": {"subject": "x"}}
    with web_store.transaction() as session:
        for person in ("jonas", "mara"):
            row = Message(id=person, person=person, status="sent", created_at=NOW, next_at=NOW, sent_at=NOW, **message)
            session.add(row)
    page = ines.get(PAGE)
    assert "note 24" in page.text
    assert "note 01" not in page.text
    assert "Show 7 earlier entries" in page.text
    assert "note 01" in ines.get(f"{PAGE}?entries=all").text
    messages = ines.get(f"{PAGE}?show=messages")
    assert "Rescue notified jonas and mara: new case" in plain(messages)
    assert ("note 24" in messages.text, 'aria-current="true">Messages' in messages.text) == (False, True)
    assert "note 24" in ines.get(f"{PAGE}?show=%3Cscript%3E").text
    assert len(ines.get(f"{PAGE}?entries=all").content) < 100_000


def test_a_disagreement_says_with_which_reason(site: Site, ines: httpx.Client) -> None:
    page = ines.get(PAGE).text
    found = re.search(r'name="reason" value="(\w+)">\s*<input type="hidden" name="sentence" value="([^"]+)"', page)
    assert found
    answer = send(ines, "disagree", text="a feed stopped", reason=found[1], sentence=html.unescape(found[2]))
    assert f"disagreed with the reason “{html.unescape(found[2])}”" in plain(answer)


def test_the_assign_menu_shows_duty_and_load(site: Site, web_store: Store) -> None:
    Cases(web_store, clock=site.clock).claim("case000000001", MINE)
    page = site.browser(LEAD).get(PAGE).text
    titles = re.findall(r'name="person" value="(\w+)">To \w+ <span class="note">([^<]*)</span>', page)
    assert [name for name, _ in titles] == ["ines", "jonas", "mara"]
    assert titles[0][1].startswith("primary on duty, ")
    assert all(note.endswith("open") for _, note in titles)
