"""What Rescue has written elsewhere is no signal when it comes back."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.nights.night_factory import NOW

from serving.paths.references.external_keys import external_key, is_own_key
from serving.signals.receive_signals import SignalReceiver
from serving.signals.signal_settings import SignalSettings
from serving.store import Store
from serving.store.incident_tables import SignalRow

SETTINGS = SignalSettings.model_validate({"secrets": {"pagerduty": "secret"}})


def webhook(key: str | None, number: int) -> bytes:
    """A webhook of PagerDuty about an incident with this key."""
    incident = {"id": f"P{number}", "title": "Checkout fails", "status": "triggered", "incident_key": key}
    event = {"id": f"e{number}", "event_type": "incident.triggered", "occurred_at": "2026-03-01T05:00:00Z"}
    return json.dumps({"event": event | {"data": incident}}).encode()


def test_an_alert_that_rescue_opened_itself_is_left_out(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with Store(f"sqlite:///{path}") as store:
        receiver = SignalReceiver(store, SETTINGS, lambda: NOW)
        for number, key in enumerate(("srv01/HTTP", external_key("case", "c1"), external_key("incident", "i1"), None)):
            body = webhook(key, number)
            signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
            receiver.receive(body, {"x-pagerduty-signature": f"v1={signature}"}, adapter="pagerduty")
        with store.reading() as session:
            assert sorted(session.scalars(select(SignalRow.fingerprint))) == ["P3", "srv01/HTTP"]


@pytest.mark.parametrize(
    ("key", "own"),
    [("rescue-case-c1", True), ("rescue-msg_0a1", True), ("rescue-boat", False), ("", False), (None, False)],
)
def test_our_keys_have_a_form_of_their_own(key: Any, own: bool) -> None:
    assert is_own_key(key) == own
