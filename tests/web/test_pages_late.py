"""Deadlines that were missed: whose case is first for a reader, and a hand-over does not hide a missed deadline."""

import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update
from support.web.web_fixture import INES, LEAD, TOM, VIEWER, Site

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.tables import Case, CaseEvent

MINE = Actor("ines", Role.REVIEWER, frozenset({"success"}))
BOX = re.compile(r'<section class="first-case".*?</section>', re.DOTALL)


def box(browser: httpx.Client) -> str:
    found = BOX.search(browser.get("/queue").text)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def worst_case(store: Store, squad: str = "success") -> Case:
    """The case with the lowest priority of a squad."""
    with store.reading() as session:
        found = session.scalars(select(Case).where(Case.squad == squad).order_by(Case.priority)).first()
        assert found
        return found


def miss(site: Site, store: Store, case: Case, hours: int = 3) -> None:
    with store.transaction() as session:
        late = site.clock.now - timedelta(hours=hours)
        session.execute(update(Case).where(Case.id == case.id).values(respond_by=late))


def test_my_own_late_case_is_first_for_me_and_only_for_me(site: Site, web_store: Store) -> None:
    case = worst_case(web_store)
    Cases(web_store, clock=site.clock).claim(case.id, MINE)
    miss(site, web_store, case)
    for reader in (INES, LEAD):  # the lead of the fixture is the same person
        text = box(site.browser(reader))
        assert text.startswith("First for you: ")
        assert "It is yours, and its deadline has passed: respond 3 h late." in text
        assert "Highest priority of all" in text
        assert "if there is none, the case with the highest priority" in text
    other = box(site.browser(VIEWER))
    assert other.startswith("First: ")
    assert "Past a deadline, the longest first" in other
    assert "First for you" not in other


@pytest.mark.parametrize("recorded", [True, False])
def test_a_hand_over_does_not_hide_a_missed_deadline(site: Site, web_store: Store, recorded: bool) -> None:
    case = worst_case(web_store)
    work = Cases(web_store, clock=site.clock)
    work.claim(case.id, MINE)
    miss(site, web_store, case)
    lead = site.browser(LEAD)
    assert "its deadline has passed: respond 3 h late" in box(lead)
    if recorded:
        with web_store.transaction() as session:
            after = {"respond_breached_at": site.clock.now.isoformat()}
            row = CaseEvent(case_id=case.id, at=site.clock.now, actor="rescue", kind="breached", version=3)
            row.before, row.after = {"respond_breached_at": None}, after
            session.add(row)
    work.hand_over(case.id, MINE, squad="support", reason="It is theirs")
    overview, day = lead.get("/overview").text, f"{site.clock.now.day} {site.clock.now:%b %Y}"
    assert "missed the time to respond before a hand-over gave it a new one" in overview
    assert f"missed before: {day}" in overview
    assert f"missed before: {day}" in site.browser(TOM).get("/queue").text
    work.claim(case.id, Actor("tom", Role.REVIEWER, frozenset({"support"})))
    work.contact(case.id, Actor("tom", Role.REVIEWER, frozenset({"support"})))
    assert "missed before" not in lead.get("/overview").text
