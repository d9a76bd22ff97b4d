"""Signals by the API: each wrong request has an answer of its own and writes nothing; repeats change nothing."""

import hashlib
import hmac
import json
import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook

from features.errors import UsageError
from serving.signals.sender_check import new_secret
from serving.signals.signal_settings import SignalSettings
from serving.store import Store
from serving.store.incident_tables import SignalRow
from serving.web import create_app
from serving.web.identity.review_settings import ReviewSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

SECRET = new_secret()
SINGLE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


class Sender:
    """Sends requests to an app of its own."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        given = SignalSettings.model_validate({"secret": SECRET, "secrets": {"sentry": "sentry-secret"}} | settings)
        self.client = TestClient(create_app(store, ReviewSettings(), signals=given), base_url="https://rescue.example")

    def send(
        self,
        content: Any,
        *,
        kind: str = SINGLE,
        path: str = "",
        secret: str = SECRET,
        signed: timedelta = timedelta(0),
        headers: dict[str, str] | None = None,
    ) -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        at = datetime.now(UTC) + signed
        sent = {
            "content-type": kind,
            "webhook-id": "m1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign("m1", at, body.decode("latin-1")) if headers is None else "",
        }
        return self.client.post(f"/api/v1/signals{path}", content=body, headers=headers or sent)

    @property
    def stored(self) -> int:
        with self.store.reading() as session:
            return session.scalar(select(func.count()).select_from(SignalRow)) or 0


@pytest.fixture
def sender(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Sender]:
    path = tmp_path / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    with Store(f"sqlite:///{path}") as store:
        yield Sender(store)


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    known = {"specversion": "1.0", "id": f"e{number}", "source": "/shop", "type": "checkout.failed"}
    return known | {"time": datetime.now(UTC).isoformat(), "data": {"product": "shop"}} | changes


def test_new_signals_are_accepted_and_known_ones_change_nothing(sender: Sender) -> None:
    answer = sender.send(event())
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "repeated": 0})
    answer = sender.send(event())
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "repeated": 1})
    answer = sender.send([event(2), event(3), event(1)], kind=BATCH)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "repeated": 1})
    assert sender.stored == 3


OLD = "2020-01-01T00:00:00Z"
WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "unsigned": ({"headers": {"content-type": SINGLE}}, 401, "not signed: webhook-id is missing"),
    "another secret": ({"secret": new_secret()}, 401, "does not fit the body and the secret"),
    "signed long ago": ({"signed": timedelta(minutes=-6)}, 401, "more than 5 minutes"),
    "signed in the future": ({"signed": timedelta(minutes=6)}, 401, "more than 5 minutes"),
    "not JSON": ({"content": b"{"}, 400, "The body is not JSON"),
    "a deep list": ({"content": b"[" * 100_000}, 400, "The body is not JSON"),
    "no event": ({"content": "text"}, 400, "has to be one CloudEvent"),
    "a list as one": ({"content": [event()]}, 400, "has to be one CloudEvent"),
    "another type": ({"kind": "text/plain"}, 415, "Send signals as application/cloudevents"),
    "too old": ({"content": event(time=OLD)}, 422, "too old"),
    "one bad of two": ({"content": [event(1), event(2, type="")], "kind": BATCH}, 422, "Signal 2 has no type"),
    "too large": ({"content": b" " * ((1 << 20) + 1)}, 413, "at most 1,048,576 bytes"),
    "too many": ({"content": b"[" + b"{}," * 10_000 + b"{}]", "kind": BATCH}, 413, "at most 10,000 signals"),
    "unknown adapter": ({"path": "/grafan"}, 404, "did you mean 'grafana'"),
    "adapter without a secret": ({"path": "/grafana", "headers": {"a": "b"}}, 401, "Authorization: Bearer"),
    "adapter without its signature": ({"path": "/sentry"}, 401, "Sentry-Hook-Signature"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_has_one_clear_answer_and_writes_nothing(sender: Sender, name: str) -> None:
    how, status, message = WRONG[name]
    answer = sender.send(how.get("content", event()), **{key: value for key, value in how.items() if key != "content"})
    assert (answer.status_code, sender.stored) == (status, 0), answer.text
    assert message in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_vendors_prove_who_they_are_in_their_own_way(sender: Sender) -> None:
    now = datetime.now(UTC).isoformat()
    alert = {"labels": {"alertname": "Down"}, "fingerprint": "f", "startsAt": now, "status": "firing"}
    bearer = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
    assert sender.send({"alerts": [alert]}, path="/alertmanager", headers=bearer).status_code == 202
    body = json.dumps({"data": {"event": {"event_id": "e", "datetime": now, "title": "Error"}}}).encode()
    digest = hmac.new(b"sentry-secret", body, hashlib.sha256).hexdigest()
    signed = {"sentry-hook-signature": digest, "content-type": "application/json"}
    assert sender.send(body, path="/sentry", headers=signed).status_code == 202
    assert sender.send(body + b" ", path="/sentry", headers=signed).status_code == 401
    assert sender.stored == 2


def test_the_budget_of_a_minute(sender: Sender) -> None:
    busy = Sender(sender.store, per_minute=3, requests_per_minute=3)
    assert busy.send([event(1), event(2)], kind=BATCH).status_code == 202
    answer = busy.send([event(3), event(4)], kind=BATCH)
    assert (answer.status_code, busy.stored) == (429, 2)
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert busy.send(event(5)).status_code == 202
    assert "Too many requests" in busy.send(event(6)).json()["detail"]


def test_without_a_secret_nobody_may_send(sender: Sender, tmp_path: Path) -> None:
    closed = Sender(sender.store, secret=None)
    answer = closed.send(event())
    assert (answer.status_code, "takes no signals" in answer.json()["detail"]) == (403, True)
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    assert Sender(sender.store, secret=None, secret_file=file).send(event()).status_code == 202
    file.write_text("x")
    assert "has to be base64" in Sender(sender.store, secret=None, secret_file=file).send(event()).json()["detail"]
    with pytest.raises(UsageError, match="has to be base64: `rescue signals secret`"):
        SignalSettings.model_validate({"secret": "x"})
