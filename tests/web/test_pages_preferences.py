"""The page of preferences about messages: what is chosen is stored, checked, and shown with the digest it leads to."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nights.night_factory import NOW
from support.nights.people_factory import PEOPLE, open_people_cases, people_rules
from support.web.web_people import People, TestClient, opened

from serving.cases.permissions import Role
from serving.store.exchange import MessagePreference

CHOSEN = {"digest": "on", "at": "07:15", "day_mon": "on", "day_thu": "on", "channel": "chat", "now_new": "on"}
BOTH = {**PEOPLE, "ann": {**PEOPLE["ann"], "addresses": {"mail": "ann@example.org", "chat": "UANN"}}}


@pytest.fixture
def people(migrated_sqlite: Path, tmp_path: Path) -> Iterator[People]:
    path = tmp_path / "people.db"
    shutil.copy(migrated_sqlite, path)
    found = opened(path)
    open_people_cases(found.store, rules=people_rules(people=BOTH))
    yield found
    found.close()


@pytest.fixture
def ann(people: People) -> TestClient:
    return people.signed_in(Role.REVIEWER, name="ann")


def checked(page: str) -> set[str]:
    """The names of the boxes that are ticked, and the value of the chosen channel."""
    boxes = re.findall(r'<input type="checkbox" name="(\w+)" checked>', page)
    return {*boxes, *re.findall(r'<input type="radio" name="channel" value="(\w+)" checked>', page)}


def test_what_is_chosen_is_stored_and_shown_and_can_be_reset(people: People, ann: TestClient) -> None:
    page = ann.get("/preferences").text
    assert 'name="at" required value="08:00"' in page
    days = {f"day_{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    now = {"now_assigned", "now_mentioned", "now_handed_over", "now_returned"}
    assert checked(page) == {"digest", "mail", *days, *now}
    assert "Use what the policy says" not in page
    answer = ann.post("/preferences", data=CHOSEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/preferences?done=preferences_saved")
    page = ann.get("/preferences?done=preferences_saved").text
    assert "Saved. The next message to you follows it." in page
    assert 'name="at" required value="07:15"' in page
    assert checked(page) == {"digest", "chat", "day_mon", "day_thu", "now_new"}
    with people.store.reading() as session:
        row = session.get_one(MessagePreference, "ann")
    assert (row.at, row.weekdays, row.channel, row.immediate, row.updated_at) == (
        "07:15",
        ["mon", "thu"],
        "chat",
        ["new"],
        NOW,
    )
    ann.post("/preferences", data={"reset": "1"})
    assert 'value="08:00"' in ann.get("/preferences").text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"at": "soon"}, "The time &#39;soon&#39; cannot be read"),
        ({"day_mon": "", "day_thu": ""}, "Choose at least one day"),
        ({"channel": "<b>fax"}, "The channel &lt;b&gt;fax cannot be chosen: choose one of mail, chat."),
    ],
)
def test_a_choice_that_there_is_not_is_refused_in_one_sentence(
    ann: TestClient, change: dict[str, str], sentence: str
) -> None:
    answer = ann.post("/preferences", data=CHOSEN | change)
    assert (answer.status_code, sentence in answer.text) == (422, True)


def test_the_next_digest_is_shown_and_nobody_sees_that_of_others(people: People, ann: TestClient) -> None:
    page = ann.get("/preferences").text
    assert "1 new case" in page
    assert '<pre class="digest"' in page
    pat = people.signed_in(Role.LEAD, name="pat", squads=("north", "south")).get("/preferences").text
    assert "The policy has no address of yours" in pat
    stranger = people.signed_in(Role.REVIEWER, name="mallory").get("/preferences").text
    assert "add a table [people.mallory]" in stranger
