"""A Slack workspace: channels, members, messages with metadata, private messages and forms; strict about blocks."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from support.vendors.fake_vendor import FakeVendor, VendorAnswer, VendorRequest

PLACE, TOKEN, SIGNING_SECRET = "C012AB3CD", "xoxb-canary-token", "canary-signing-secret"
ANN, BOB, TOM = "UANN12345", "UBOB12345", "UTOM12345"


class FakeSlack(FakeVendor):
    """``members`` are mail addresses by member id; ``messages`` are those of every channel, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.token = TOKEN
        self.members = {ANN: "ann@team.example", BOB: "bob@team.example", TOM: "tom@team.example"}
        self.messages: list[dict[str, Any]] = []
        self.private: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.scopes = {"history", "users:read.email"}

    def settings(self, **more: Any) -> dict[str, Any]:
        """The settings of a channel through this workspace."""
        return {
            "kind": "slack_app",
            "channel": PLACE,
            "token": TOKEN,
            "signing_secret": SIGNING_SECRET,
            "api": f"{self.url}/api",
            "allow": frozenset({"127.0.0.1"}),
            **more,
        }

    def authorized(self, request: VendorRequest) -> bool:
        return True  # Slack answers 200 and says in the body what is wrong

    def answer(self, request: VendorRequest) -> VendorAnswer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return _no("invalid_auth")
        method = request.path.removeprefix("/api/").replace(".", "_")
        found = getattr(self, f"_{method}", None)
        return found(request.body or {}) if found else _no("unknown_method")

    def top(self, place: str = PLACE) -> list[dict[str, Any]]:
        """The messages of a channel that are in no thread."""
        return [message for message in self.messages if message["channel"] == place and not message.get("thread_ts")]

    def thread(self, stamp: str) -> list[str]:
        """The texts of a thread."""
        return [message["text"] for message in self.messages if message.get("thread_ts") == stamp]

    def _auth_test(self, _: dict[str, Any]) -> VendorAnswer:
        return _yes(team="Team", user="rescue")

    def _chat_postMessage(self, content: dict[str, Any]) -> VendorAnswer:  # noqa: N802 - Slack's name
        check_blocks(content.get("blocks", []))
        place = self._conversation(content["channel"])
        stamp = f"{1_772_341_200 + self.seconds}.{len(self.messages):06d}"
        self.messages.append({**content, "channel": place, "ts": stamp})
        return _yes(channel=place, ts=stamp)

    def _chat_update(self, content: dict[str, Any]) -> VendorAnswer:
        check_blocks(content.get("blocks", []))
        for message in self.messages:
            if (message["channel"], message["ts"]) == (content["channel"], content["ts"]):
                message.update(content)
                return _yes()
        return _no("message_not_found")

    def _chat_postEphemeral(self, content: dict[str, Any]) -> VendorAnswer:  # noqa: N802 - Slack's name
        self.private.append(content)
        return _yes()

    def _views_open(self, content: dict[str, Any]) -> VendorAnswer:
        check_blocks(content["view"]["blocks"])
        assert len(content["view"]["private_metadata"]) <= 3000
        self.views.append(content)
        return _yes()

    def _conversations_open(self, content: dict[str, Any]) -> VendorAnswer:
        return _yes(channel={"id": self._conversation(content["users"])})

    def _conversations_history(self, query: dict[str, str]) -> VendorAnswer:
        return self._page(query, [one for one in self.messages if not one.get("thread_ts")])

    def _conversations_replies(self, query: dict[str, str]) -> VendorAnswer:
        return self._page(query, [one for one in self.messages if query["ts"] in {one.get("thread_ts"), one["ts"]}])

    def _page(self, query: dict[str, str], messages: list[dict[str, Any]]) -> VendorAnswer:
        if "history" not in self.scopes:
            return _no("missing_scope")
        found = [
            one for one in messages if one["channel"] == query["channel"] and float(one["ts"]) >= float(query["oldest"])
        ]
        start = int(query.get("cursor", 0))
        following = str(start + 2) if start + 2 < len(found) else ""
        return _yes(messages=found[::-1][start : start + 2], response_metadata={"next_cursor": following})

    def _users_lookupByEmail(self, query: dict[str, str]) -> VendorAnswer:  # noqa: N802 - Slack's name
        if "users:read.email" not in self.scopes:
            return _no("missing_scope")
        found = [member for member, mail in self.members.items() if mail == query["email"]]
        return _yes(user={"id": found[0]}) if found else _no("users_not_found")

    def _users_info(self, query: dict[str, str]) -> VendorAnswer:
        mail = self.members.get(query["user"])
        return _yes(user={"id": query["user"], "profile": {"email": mail}}) if mail else _no("user_not_found")

    def _conversation(self, place: str) -> str:
        return f"D{place[1:]}" if place in self.members else place


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Slack's limits, as far as our messages could meet them."""
    assert len(blocks) <= 50
    for block in blocks:
        for text in texts_of(block):
            assert text.get("text"), block
            assert text["type"] != "mrkdwn" or text["text"].count("<!") == text["text"].count("<!date^"), text
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        if block["type"] == "section":
            assert len(block.get("fields", ())) <= 10
        if block["type"] == "actions":
            assert 1 <= len(block["elements"]) <= 25
            for button in block["elements"]:
                assert len(button["value"]) <= 2000
                assert len(button["text"]["text"]) <= 75


def texts_of(block: Any) -> list[dict[str, Any]]:
    """Every text object within a block."""
    if isinstance(block, dict):
        own = [block] if block.get("type") in {"plain_text", "mrkdwn"} else []
        return own + [text for value in block.values() for text in texts_of(value)]
    return [text for value in block for text in texts_of(value)] if isinstance(block, list) else []


def shown(message: dict[str, Any]) -> list[str]:
    """The texts of a message's blocks, in their order."""
    return [text["text"] for text in texts_of(message["blocks"])]


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The buttons of a message by their titles."""
    elements = [button for block in message["blocks"] if block["type"] == "actions" for button in block["elements"]]
    return {button["text"]["text"]: button for button in elements}


def click(message: dict[str, Any], title: str, member: str = ANN) -> dict[str, Any]:
    """What Slack sends when a member clicks a button of a message."""
    return {
        "type": "block_actions",
        "user": {"id": member, "username": "somebody"},
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]},
        "actions": [{"type": "button", **{key: buttons(message)[title][key] for key in ("action_id", "value")}}],
    }


def submission(view: dict[str, Any], values: dict[str, str], member: str = ANN) -> dict[str, Any]:
    """What Slack sends when a member sends a form; ``values`` are by block."""
    state = {}
    for block in view["blocks"]:
        name, element = block["block_id"], block["element"]
        chosen = (
            {"selected_option": {"value": values[name]}}
            if element["type"] == "static_select"
            else {"value": values[name]}
        )
        state[name] = {element["action_id"]: {"type": element["type"], **chosen}}
    sent = {
        "callback_id": view["callback_id"],
        "private_metadata": view["private_metadata"],
        "state": {"values": state},
    }
    return {"type": "view_submission", "user": {"id": member}, "view": sent}


def signed(payload: dict[str, Any], at: float, secret: str = SIGNING_SECRET) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a request that Slack signs at an instant."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(at))
    signature = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signature}",
    }


def _yes(**fields: Any) -> VendorAnswer:
    return VendorAnswer(200, {"ok": True, **fields})


def _no(error: str) -> VendorAnswer:
    return VendorAnswer(200, {"ok": False, "error": error})
