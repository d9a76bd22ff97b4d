"""Buttons in Slack: who may press them, what they do, and what is said where somebody else was faster."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.nights.night_factory import NOW
from support.vendors.chat_world import BOB, DESK, ChatWorld, rules_with_people
from support.vendors.fake_slack import ANN, SIGNING_SECRET, TOM, FakeSlack, buttons, click, shown, signed, submission
from support.web.web_people import HERE, TestClient

from serving.cases.permissions import Role
from serving.delivery.channel_settings import slack_apps
from serving.incidents.incident_actions import Incidents
from serving.incidents.run_incidents import run_incidents
from serving.policy.definition.incidents.incident_rules import IncidentRule
from serving.policy.definition.policy_checks import compile_conditions
from serving.policy.definition.policy_file import Policy
from serving.signals.signal_fields import Signal
from serving.signals.signal_intake import add_signals
from serving.store.people_tables import User
from serving.store.queries.case_queries import case_history
from serving.web import create_app
from serving.web.identity import users
from serving.web.identity.review_settings import ReviewSettings

PEOPLE = {"ann": {"slack": ANN}, "bob": {"mail": "Bob@team.example"}, "dan": {"slack": TOM}}
EVE = "UEVE12345"


@dataclass
class Desk:
    """The app, the workspace, and the newest message of the case."""

    world: ChatWorld
    slack: FakeSlack
    client: TestClient

    @property
    def message(self) -> dict[str, Any]:
        return self.slack.top()[0]

    def send(self, payload: dict[str, Any], *, secret: str = SIGNING_SECRET, age: int = 0, **headers: str) -> Any:
        body, own = signed(payload, self.world.now.replace(tzinfo=UTC).timestamp() - age, secret)
        return self.client.post("/slack/interactions", content=body, headers=own | headers)

    def press(self, title: str, member: str = ANN) -> Any:
        self.world.now += timedelta(seconds=1)  # another second is another signature
        return self.send(click(self.message, title, member))

    def fill(self, values: dict[str, str], member: str = ANN) -> Any:
        self.world.now += timedelta(seconds=1)
        return self.send(submission(self.slack.views[-1]["view"], values, member))

    def history(self) -> list[tuple[str, str, str | None]]:
        with self.world.store.reading() as session:
            events = case_history(session, self.world.case_id())
        return [(event.actor, event.kind, event.after.get("via")) for event in events if event.kind != "opened"]


@pytest.fixture
def desk(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "queue.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    slack = FakeSlack()
    with slack.running():
        world = ChatWorld.open(f"sqlite:///{path}", slack.settings(), people=PEOPLE)
        for name, squad in (("ann", "north"), ("bob", "north"), ("dan", "south")):
            users.save_user(world.store, name, [Role.REVIEWER], [squad], None)
        world.deliver()
        settings = ReviewSettings()
        app = create_app(world.store, settings, clock=lambda: world.now, slack=slack_apps({DESK: world.settings}))
        with TestClient(app, base_url=HERE) as client, world.store:
            yield Desk(world, slack, client)


def test_a_button_acts_in_the_name_of_who_pressed_it_and_the_message_shows_it(desk: Desk) -> None:
    answer = desk.press("Acknowledge")
    assert (answer.status_code, answer.content) == (200, b"")
    assert desk.world.case().acknowledged_by == "ann"
    assert "Acknowledged by: ann" in shown(desk.message)
    assert desk.press("Claim", "UBOB12345").status_code == 200  # known by the mail address alone
    assert desk.world.case().owner == "bob"
    assert {"State: Claimed", "Responsible: bob"} <= set(shown(desk.message))
    assert desk.history() == [("ann", "acknowledge", "Slack"), ("bob", "claim", "Slack")]
    assert desk.slack.private == []


def test_a_case_is_snoozed_with_a_reason_by_a_form(desk: Desk) -> None:
    desk.press("Snooze …")
    view = desk.slack.views[-1]
    assert view["trigger_id"].startswith("13345224609")
    options = view["view"]["blocks"][0]["element"]["options"]
    assert [option["text"]["text"] for option in options][:2] == ["Until tomorrow", "3 days (4 Mar 2026)"]
    refused = desk.fill({"until": "2026-03-08", "reason": "  "})
    assert refused.json() == {
        "response_action": "errors",
        "errors": {"reason": "Write why it can wait: the text is empty."},
    }
    assert desk.fill({"until": "2026-03-08", "reason": "On leave until then."}).content == b""
    case = desk.world.case()
    assert (case.state, str(case.snoozed_until)) == ("snoozed", "2026-03-08")
    assert "State: Snoozed" in shown(desk.message)


def test_a_reason_is_disagreed_with_by_a_form(desk: Desk) -> None:
    desk.press("Disagree …")
    blocks = desk.slack.views[-1]["view"]["blocks"]
    group = blocks[0]["element"]["options"][0]["value"]
    assert desk.fill({"reason": group, "comment": "They moved to the new product."}).content == b""
    with desk.world.store.reading() as session:
        last = case_history(session, desk.world.case_id())[-1]
    assert (last.kind, last.after["reason"], last.comment) == ("disagree", group, "They moved to the new product.")


def test_whoever_was_slower_reads_why_and_sees_the_new_state(desk: Desk) -> None:
    stale = dict(desk.message)
    desk.world.cases.claim(desk.world.case_id(), BOB)
    assert desk.send(click(stale, "Claim")).content == b""
    (private,) = desk.slack.private
    assert private["user"] == ANN
    assert private["text"].startswith("bob claimed the case before you: nothing was done.")
    assert "Responsible: bob" in shown(desk.message)
    assert desk.world.case().owner == "bob"
    assert "Claim" not in buttons(desk.message)


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (EVE, "does not know who you are: ask a lead to add your Slack member id, UEVE12345"),
        (TOM, "belongs to another squad"),  # of another squad
    ],
)
def test_only_people_of_the_squad_act(desk: Desk, member: str, said: str) -> None:
    for title in ("Claim", "Snooze …", "Disagree …"):
        assert desk.press(title, member).status_code == 200
    assert [said in private["text"] for private in desk.slack.private] == [True] * 3
    assert (desk.slack.views, desk.history()) == ([], [])


def test_a_disabled_user_and_one_without_a_user_act_no_more(desk: Desk) -> None:
    users.disable_user(desk.world.store, "ann")
    desk.press("Claim")
    assert "ann is disabled in Rescue" in desk.slack.private[-1]["text"]
    desk.slack.members["UCID12345"] = "cid"  # no address
    desk.press("Claim", "UCID12345")
    assert "does not know who you are" in desk.slack.private[-1]["text"]
    assert desk.history() == []


def test_what_is_not_signed_by_slack_does_nothing(desk: Desk) -> None:
    payload = click(desk.message, "Claim")
    assert desk.send(payload, secret="another").status_code == 401
    assert desk.send(payload, age=301).status_code == 401
    assert desk.send(payload, age=-301).status_code == 401
    assert desk.send(payload, **{"x-slack-request-timestamp": "now"}).status_code == 401
    body, headers = signed(payload, desk.world.now.replace(tzinfo=UTC).timestamp())
    for name in ("x-slack-signature", "x-slack-request-timestamp"):
        rest = {key: value for key, value in headers.items() if key != name}
        assert desk.client.post("/slack/interactions", content=body, headers=rest).status_code == 401
    changed = body.replace(b"claim", b"acknowledge")
    assert changed != body
    assert desk.client.post("/slack/interactions", content=changed, headers=headers).status_code == 401
    assert desk.history() == []
    assert desk.client.post("/slack/interactions", content=body, headers=headers).status_code == 200
    again = desk.client.post("/slack/interactions", content=body, headers=headers)
    assert (again.status_code, "received before" in again.json()["detail"]) == (401, True)
    assert [kind for _, kind, _ in desk.history()] == ["claim"]
    assert desk.client.post("/slack/interactions", content=b"x" * 2_000_000, headers=headers).status_code == 413


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "block_actions", "user": {"id": ANN}, "actions": []},
        {"type": "block_actions", "user": {"id": "x"}, "actions": [{"action_id": "rescue_case_claim", "value": "{}"}]},
        {"type": "block_actions", "user": {"id": ANN}, "actions": [{"action_id": "rescue_case_claim", "value": "no"}]},
        {"type": "view_submission", "user": {"id": ANN}, "view": {"callback_id": "rescue_snooze"}},
        {"type": "view_submission", "view": []},
    ],
)
def test_a_body_that_is_no_click_changes_nothing(desk: Desk, payload: dict[str, Any]) -> None:
    assert desk.send(payload).status_code in {200, 400}
    assert desk.history() == []


def test_bodies_without_a_payload_and_other_requests_of_slack(desk: Desk) -> None:
    for content in (b"", b"payload=", b"payload=[]", b"payload=%FF", urlencode({"payload": "[" * 50_000}).encode()):
        now = desk.world.now.replace(tzinfo=UTC).timestamp()
        digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{int(now)}:".encode() + content, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": str(int(now)), "x-slack-signature": f"v0={digest}"}
        assert desk.client.post("/slack/interactions", content=content, headers=headers).status_code == 400
    assert desk.send({"type": "shortcut"}).status_code == 200
    other = {"type": "block_actions", "user": {"id": ANN}, "actions": [{"action_id": "somebody_else", "value": "1"}]}
    assert desk.send(other).status_code == 200


def test_slack_being_away_afterwards_undoes_nothing(desk: Desk) -> None:
    desk.slack.fail(500, lambda request: True, times=9)
    assert desk.press("Claim").status_code == 200
    assert desk.world.case().owner == "ann"


def test_with_another_sign_in_people_act_as_reviewers_of_their_squads(desk: Desk, tmp_path: Path) -> None:
    settings = ReviewSettings.model_validate({"auth": "proxy", "proxy_networks": ["10.0.0.0/8"]})
    apps = slack_apps({DESK: desk.world.settings})
    with desk.world.store.transaction() as session:
        for user in session.query(User):
            session.delete(user)
    app = create_app(desk.world.store, settings, clock=lambda: desk.world.now, slack=apps)
    with TestClient(app, base_url=HERE) as client:
        other = Desk(desk.world, desk.slack, client)
        other.press("Claim", TOM)
        assert "belongs to another squad" in desk.slack.private[-1]["text"]
        other.press("Claim")
        assert desk.world.case().owner == "ann"


def test_an_incident_is_acknowledged_from_its_message(desk: Desk) -> None:
    world = desk.world
    add_signals(world.store, [Signal("s-1", NOW, "shop", "checkout.failed")], sender="test", now=NOW)
    rule = {"when": "kind = 'checkout.failed'", "count": 1, "within": 1.0, "severity": "high"}
    rules = rules_with_people(PEOPLE)
    file = rules.model_copy(update={"incidents": {"checkout": IncidentRule.model_validate(rule)}})
    run_incidents(world.store, Policy(file, compile_conditions(file)[0]), now=NOW, channels=(DESK,))
    world.deliver_all()
    (message,) = [one for one in desk.slack.top() if "incident" in one["metadata"]["event_payload"]]
    assert list(buttons(message)) == ["Acknowledge", "Open in Rescue"]
    assert "State: Open" in shown(message)
    assert desk.send(click(message, "Acknowledge", TOM)).content == b""
    assert "is not in the squad north" in desk.slack.private[-1]["text"]
    world.now += timedelta(seconds=1)
    stale = click(message, "Acknowledge")
    stale["actions"][0]["value"] = re.sub(r'"version": \d+', '"version": 0', stale["actions"][0]["value"])
    desk.send(stale)
    assert "changed the incident before you" in desk.slack.private[-1]["text"]
    world.now += timedelta(seconds=1)
    assert desk.send(click(message, "Acknowledge")).content == b""
    incident = message["metadata"]["event_payload"]["incident"]
    (message,) = [one for one in desk.slack.top() if "incident" in one["metadata"]["event_payload"]]
    assert "Acknowledged by: ann" in shown(message)
    assert list(buttons(message)) == ["Open in Rescue"]
    world.deliver_all()  # the same state once more, from the outbox
    assert "Acknowledged by: ann" in shown(message)
    Incidents(world.store, clock=lambda: world.now, rules=file, channels=(DESK,)).resolve(incident, BOB)
    world.deliver_all()
    (message,) = [one for one in desk.slack.top() if "incident" in one["metadata"]["event_payload"]]
    assert "State: Resolved" in shown(message)
    assert any("Incident over" in line for line in desk.slack.thread(message["ts"]))


def test_without_a_signing_secret_nothing_is_taken(desk: Desk) -> None:
    quiet = {key: value for key, value in desk.world.settings.items() if key != "signing_secret"}
    assert slack_apps({DESK: quiet}) == ()
    app = create_app(desk.world.store, ReviewSettings())
    with TestClient(app, base_url=HERE) as client:
        answer = client.post("/slack/interactions", content=b"payload=1")
    assert (answer.status_code, "takes no clicks from Slack" in answer.json()["detail"]) == (403, True)
