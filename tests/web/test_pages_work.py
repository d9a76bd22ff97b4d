"""The pages of a day's work: bulk actions, the board, the export, My day, accounts, and a case that a person opens."""

import csv
import html
import io
import re
import zipfile
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update
from support.web.page_forms import listed_cases, send_form
from support.web.web_fixture import ANALYST, INES, JONAS, LEAD, TOM, VIEWER, Site
from support.web.web_queue import NOW

from features.errors import UsageError
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.casework.case_work_file import SentMessage
from serving.store.decision_tables import HeldOutRow, SetAside
from serving.store.tables import Account, AccountRisk, Case, Score
from serving.web.reader import PageReader
from serving.web.views.case_timeline import build_timeline
from serving.web.work_forms import parse_amount

CASE = "case000000000"


def words(page: httpx.Response) -> str:
    """The text of a page without its markup."""
    assert page.status_code < 500, page.text
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


@pytest.fixture
def scored(web_store: Store) -> Store:
    """The queue, and three accounts that never had a case."""
    with web_store.transaction() as session:
        night = session.scalars(select(Score.as_of).limit(1)).one()
        for number, (owner, share) in enumerate((("zoe.quill", 0.12), (None, 0.03), (None, None))):
            key = f"quiet-{number}"
            account = {"segment": "nonprofit", "currency": "EUR", "arr": 12_000.0, "seen_on": night, "owner": owner}
            session.add(Account(account_id=key, name=f"Quiet {number}", search=f"quiet {number} {key}", **account))
            if share is not None:
                curve = "[[30, 0.05], [90, 0.12], [365, 0.3]]"
                session.add(
                    AccountRisk(account_id=key, risk="churn", as_of=night, probability=share, rank=99, curve=curve)
                )
        why = {"kind": "suppressed", "code": "excluded", "detail": "is excluded by the policy: type trial"}
        session.add(SetAside(as_of=night, account_id="quiet-1", risk="churn", **why))
    return web_store


def test_the_first_case_is_explained(ines: httpx.Client, web_store: Store) -> None:
    text = words(ines.get("/queue"))
    assert "What happened" in text
    assert "Why it is first" in text
    assert "Claim it, then contact the customer." in text
    send_form(site_of := ines, "/case/case000000000/claim", version="1", back="/queue")
    assert "Contact the customer, and log who you spoke with." in words(site_of.get("/queue"))
    assert "Why it is first" not in words(ines.get("/queue?sort=clock"))


def test_several_cases_are_claimed_and_each_refused_one_is_named(site: Site, ines: httpx.Client) -> None:
    chosen = ["case000000000:1", "case000000001:1", "case000000002:9"]
    answer = send_form(ines, "/queue/claim", case=chosen, back="/queue?state=claimed")
    assert answer.status_code == 422
    assert "2 cases claimed. 1 was not changed:" in words(answer)
    assert re.search(r"<li>\w+ \w+: rescue opened the case", answer.text)
    assert listed_cases(answer) == ["case000000000", "case000000001"]  # the same view again
    assert send_form(site.browser(VIEWER), "/queue/claim", case=chosen).status_code == 403


def test_several_cases_are_snoozed_and_closed_with_their_required_fields(ines: httpx.Client, web_store: Store) -> None:
    assert "Choose at least one case, a number of days and why the cases can wait." in words(
        send_form(ines, "/queue/snooze", case="case000000000:1", days="3")
    )
    assert "2 cases snoozed for 3 days." in words(
        send_form(ines, "/queue/snooze", case=["case000000000:1", "case000000001:1"], days="3", snooze_reason="Holiday")
    )
    with web_store.reading() as session:
        assert session.get_one(Case, "case000000001").snoozed_until == (NOW + timedelta(days=3)).date()
    send_form(ines, "/queue/claim", case="case000000002:1")
    assert "an outcome and what happened" in words(
        send_form(ines, "/queue/close", case="case000000002:2", verdict="won")
    )
    closed = send_form(ines, "/queue/close", case="case000000002:2", verdict="no_action", close_text="A duplicate")
    assert "1 case closed as no action." in words(closed)
    with web_store.reading() as session:
        assert session.get_one(Case, "case000000002").state == "no_action"


def test_the_board_has_a_column_for_each_open_state(ines: httpx.Client) -> None:
    send_form(ines, "/case/case000000000/claim", version="1")
    page = ines.get("/queue?layout=board")
    titles = re.findall(r'<h2 id="column-\d"><a href="[^"]+">([^<]+)</a> <span class="count">(\d+)', page.text)
    assert [title for title, _ in titles] == ["New", "Claimed", "Contacted", "In plan", "Snoozed"]
    assert dict(titles)["Claimed"] == "1"
    assert page.text.count('class="board-card"') == sum(int(count) for _, count in titles)
    assert "All open" in words(ines.get("/queue?layout=nonsense"))


def test_the_export_is_what_is_shown(site: Site, ines: httpx.Client) -> None:
    lead = site.browser(LEAD)
    for query in ("", "?sort=revenue", "?squad=support", "?q=overdue&sort=churn"):
        answer = lead.get(f"/queue/export.csv{query}")
        assert answer.headers["content-disposition"].startswith('attachment; filename="rescue-queue-2026-')
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["Case id"] for row in rows] == listed_cases(lead.get(f"/queue{query}")), query
    assert {"Account", "Priority", "Currency", "First reason", "Next step", "Due (UTC)"} <= rows[0].keys()
    with zipfile.ZipFile(io.BytesIO(ines.get("/queue/export.xlsx").content)) as book:
        assert "xl/worksheets/sheet1.xml" in book.namelist()
    assert ines.get("/queue/export.pdf").status_code == 422
    own = {row["Squad"] for row in csv.DictReader(io.StringIO(ines.get("/queue/export.csv").text))}
    assert own == {"success"}


def test_times_are_in_the_zone_of_the_browser_where_the_policy_names_none(site: Site) -> None:
    browser = site.browser(INES)
    assert "(UTC)" in browser.get("/queue").text
    browser.cookies.set("zone", "Asia/Tokyo")
    assert "(Asia/Tokyo)" in browser.get("/queue").text
    browser.cookies.set("zone", "../etc/passwd")
    assert "(UTC)" in browser.get("/queue").text


def test_my_day_lists_what_waits_for_me_and_each_line_once(site: Site, ines: httpx.Client, web_store: Store) -> None:
    cases = Cases(web_store, clock=site.clock)
    actor = Actor("ines", Role.REVIEWER, frozenset({"success"}))
    with web_store.transaction() as session:
        session.execute(update(Case).values(escalation_path=["jonas"], respond_by=NOW + timedelta(days=3)))
    assert "Nothing waits for you today." in words(ines.get("/my-day"))
    for number in (0, 1, 2):
        cases.claim(f"case00000000{number}", actor)
    with web_store.transaction() as session:
        session.execute(update(Case).where(Case.id == "case000000001").values(respond_by=NOW - timedelta(hours=3)))
    cases.work.add_task("case000000002", actor, title="Call the sponsor", due_on=NOW.date() - timedelta(days=2))
    cases.comment("case000000000", Actor("jonas", Role.REVIEWER, frozenset({"success"})), text="@ines please look")
    page = ines.get("/my-day")
    text = words(page)
    assert re.findall(r'<h2 id="part-\d">([\w ]+?) <span', page.text) == ["Deadlines", "Tasks", "New cases", "Mentions"]
    assert "Respond 3 h late" in text
    assert "Overdue by 2 days" in text
    assert "Call the sponsor" in text
    assert "@ines please look" in text
    assert page.text.count('href="/case/case000000001"') == 1
    assert "Claim" not in text


def test_a_new_case_is_claimed_from_my_day(ines: httpx.Client, web_store: Store) -> None:
    with web_store.transaction() as session:
        session.execute(update(Case).values(escalation_path=["ines"], respond_by=NOW + timedelta(days=3)))
    assert "New cases" in words(ines.get("/my-day"))
    with web_store.transaction() as session:  # a colleague's case is offered once it is late
        late = update(Case).where(Case.id == "case000000001")
        session.execute(late.values(escalation_path=["jonas"], respond_by=NOW - timedelta(hours=3)))
    assert "To take" in words(ines.get("/my-day"))
    answer = send_form(ines, "/case/case000000000/claim", version="1", back="/my-day")
    assert str(answer.url).endswith("/my-day?done=claim")
    assert "The case is yours." in words(answer)


def test_every_account_is_listed_and_found_by_name_id_segment_and_owner(site: Site, scored: Store) -> None:
    reviewer = site.browser(JONAS)
    for text in ("quiet", "QUIET-0", "nonprofit", "zoe"):
        assert "Quiet 0" in words(reviewer.get("/accounts", params={"q": text})), text
    assert "No account has “nobody at all”" in words(reviewer.get("/accounts?q=nobody+at+all"))
    by_risk = re.findall(r'class="open" href="/account/([^"]+)"', reviewer.get("/accounts?sort=churn").text)
    with scored.reading() as session:
        order = session.scalars(
            select(AccountRisk.account_id).where(AccountRisk.risk == "churn").order_by(AccountRisk.probability.desc())
        ).all()
        foreign = set(session.scalars(select(Case.account_id).where(Case.squad != "success")))
    assert by_risk == [*(account for account in order if account not in foreign), "quiet-2"]
    assert "quiet-2" in reviewer.get("/accounts").text
    assert len(re.findall('class="open"', site.browser(ANALYST).get("/accounts").text)) == 15
    some = next(iter(foreign))
    assert reviewer.get(f"/account/{some}").status_code == 404


def test_an_account_says_why_it_is_not_in_the_queue(site: Site, scored: Store) -> None:
    lead, reviewer = site.browser(LEAD), site.browser(INES)
    assert "churn: 12%, rank 99" in words(reviewer.get("/account/quiet-0")).lower()
    assert "is excluded by the policy: type trial" in words(reviewer.get("/account/quiet-1"))
    assert "did not score this account" in words(reviewer.get("/account/quiet-2"))
    page = reviewer.get("/account/quiet-0")
    assert "5% within 30 days, 12% within 90 days, 30% within 365 days" in words(page) + page.text
    with scored.reading() as session:
        held = session.scalars(select(HeldOutRow.account_id)).first()
        squad = session.scalars(select(Case.squad).where(Case.account_id == held)).one()
    if squad in {"success", "support"}:
        assert "Held out" in words(lead.get(f"/account/{held}"))
    assert "Held out" in words(site.browser(ANALYST).get(f"/account/{held}"))
    assert "Held out" not in words(reviewer.get(f"/account/{held}"))


def test_a_refused_case_keeps_what_was_typed(ines: httpx.Client, scored: Store) -> None:
    answer = send_form(ines, "/open-case/quiet-0", text="They told us", squad="success")
    assert answer.status_code == 422
    assert "There is no night with a policy yet" in words(answer)
    assert "They told us</textarea>" in answer.text


def test_a_viewer_is_offered_no_case_to_open(site: Site, scored: Store) -> None:
    assert "Open a case" not in site.browser(VIEWER).get("/account/quiet-0").text
    assert send_form(site.browser(TOM), "/open-case/nobody", text="x", squad="support").status_code == 404


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("1.200,50", 1200.5), ("1,200.50", 1200.5), ("1 200,5", 1200.5), ("40.000", 40000.0), ("12,5", 12.5), (" ", None)],
)
def test_an_amount_is_read_as_people_in_america_and_europe_write_it(typed: str, amount: float | None) -> None:
    assert parse_amount(typed) == amount


@pytest.mark.parametrize("typed", ["1.200.50", "1,2,3", "many"])
def test_an_amount_that_is_no_number_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(UsageError, match="write it as 40000"):
        parse_amount(typed)


def test_who_claims_a_case_reads_who_was_responsible(site: Site) -> None:
    answer = send_form(site.browser(JONAS), f"/case/{CASE}/claim", version="1")
    page = words(answer)
    assert "The case is yours. ines was responsible until now. Undo it" in page
    assert "ines was responsible until then" in page
    given_back = words(send_form(site.browser(JONAS), f"/case/{CASE}/release", version="2", text="for you"))
    assert "Responsible: ines, not claimed yet" in given_back


def test_messages_that_were_sent_and_will_be_sent_are_two_entries() -> None:
    states = {"ann": "sent", "bob": "sent", "cid": "pending"}
    rows = [SentMessage(NOW, "case.opened", person, "mail", state, "") for person, state in states.items()]
    texts = [entry.text for entry in build_timeline((), (), rows, PageReader()).entries]
    assert sorted(texts) == ["notified ann and bob: new case", "will notify cid: new case"]
