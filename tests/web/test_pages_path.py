"""The escalation path of a case on its page: what comes next, in the reader's time, and the button that stops it."""

import re
from datetime import date, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.web.page_forms import send_form
from support.web.web_fixture import INES, JONAS, TOM, Site
from support.web.web_queue import NOW

from serving.policy.definition.policy_file import Policy, default_text
from serving.store import Store
from serving.store.policy_tables import PolicyVersionRow
from serving.store.tables import Case

CASE = "case000000000"
PATH = """
[squads.{squad}]
skills = ["extra"]
members = ["ines", "jonas", "mara"]
capacity = 1

[people.ines]
timezone = "Asia/Kolkata"
[people.jonas]
addresses = {{ mail = "jonas@team.example" }}
[people.mara]

[[paths.p2]]
to = "primary"

[[paths.p2]]
to = "secondary"
after = "2000 hours"
repeat = {{ count = 1, every = "1 hour" }}
"""


def rules_with_path() -> dict[str, Any]:
    """The rules of a small policy, in which every severity has the path."""
    text = default_text()
    text = text[: text.index("[squads.success]")] + PATH.format(squad="success") + text[text.index("[routing]") :]
    text = re.sub(r"escalate_after_hours = .*", 'path = "p2"', text)
    text = re.sub(r'^skill = ".*"$', 'skill = "extra"', text, flags=re.MULTILINE)
    text = re.sub(r"\[routing.vip\].*?\[holdout\]", "[holdout]", text, flags=re.DOTALL)
    return Policy.parse(text).rules.model_dump(mode="json")


@pytest.fixture
def path_site(site: Site, web_store: Store) -> Site:
    """The queue under a policy with a path; nobody has contacted the customer of the case."""
    with web_store.transaction() as session:
        session.add(
            PolicyVersionRow(
                version="v1",
                first_night=date(2026, 1, 1),
                last_night=date(2030, 1, 1),
                recorded_at=datetime.fromisoformat("2026-01-01T05:00"),
                rules=rules_with_path(),
            )
        )
        case = session.get_one(Case, CASE)
        assert case.respond_by is not None
        case.tier_since = NOW
    return site


def section(page: httpx.Response) -> str:
    found = re.search(r'<section class="path".*?</section>', page.text, re.DOTALL)
    assert found, page.text
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def acknowledge(browser: httpx.Client, version: int) -> httpx.Response:
    return send_form(browser, f"/case/{CASE}/acknowledge", version=str(version))


def test_the_page_shows_what_comes_next_and_acknowledging_stops_it(path_site: Site, web_store: Store) -> None:
    ines = path_site.browser(INES)
    text = section(ines.get(f"/case/{CASE}"))
    assert text.startswith("If nobody answers escalation path “p2”")
    page = ines.get(f"/case/{CASE}").text
    assert "<button>Acknowledge</button>" in page
    assert "Claim it, then contact the customer." in page
    assert "Times on this page are in the time zone Asia/Kolkata." in page
    assert ": Escalates to jonas (mail)." in text
    assert "Sent again to jonas (mail)." in text
    assert acknowledge(ines, 1).status_code in {200, 303}
    page = ines.get(f"/case/{CASE}")
    assert "ines has acknowledged the case, so nothing escalates any more. Acknowledged on" in section(page)
    assert "acknowledged the case" in page.text
    assert 'action="/case/case000000000/acknowledge"' not in page.text
    with web_store.reading() as session:
        case = session.scalars(select(Case).where(Case.id == CASE)).one()
    assert (case.acknowledged_by, case.path_due, case.version) == ("ines", None, 2)


def test_whoever_was_slower_is_told_who_acknowledged(path_site: Site) -> None:
    acknowledge(path_site.browser(INES), 1)
    answer = acknowledge(path_site.browser(JONAS), 2)
    assert answer.status_code == 409
    assert "is acknowledged already, by ines" in answer.text


def test_somebody_whom_the_path_has_reached_sees_the_case(path_site: Site, web_store: Store) -> None:
    tom = path_site.browser(TOM)
    assert tom.get(f"/case/{CASE}").status_code == 404
    with web_store.transaction() as session:
        session.get_one(Case, CASE).reached = ["tom"]
    assert tom.get(f"/case/{CASE}").status_code == 200


def test_a_case_that_was_handed_over_is_accepted_and_not_acknowledged(path_site: Site, web_store: Store) -> None:
    with web_store.transaction() as session:
        case = session.get_one(Case, CASE)
        case.state, case.owner = "handed_over", None
    page = path_site.browser(INES).get(f"/case/{CASE}").text
    assert "Accept this case" in page
    assert f'action="/case/{CASE}/acknowledge"' not in page


def test_a_small_team_sees_only_who_is_next(site: Site) -> None:
    """Without a path of the policy there is nothing to acknowledge on the page."""
    page = site.browser(INES).get(f"/case/{CASE}")
    assert section(page).startswith("If nobody answers ")
    assert "Acknowledge" not in section(page)
