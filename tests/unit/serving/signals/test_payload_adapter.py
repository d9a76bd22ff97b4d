"""The payloads of vendors, as they document them, become signals; adapters are checked when they are read."""

import json
from datetime import datetime
from typing import Any

import pytest

from features.errors import UsageError
from serving.signals.cloud_events import TooManySignalsError, UnreadableBodyError, read_events
from serving.signals.payload_adapter import load_adapters, parse_adapter
from serving.signals.signal_fields import AcceptedTimes, Signal, SignalError

NOW = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - instants are naive UTC
ACCEPTED = AcceptedTimes.at(NOW, 30)
ADAPTERS = load_adapters()

ALERTS = {
    "version": "4",
    "groupKey": '{}:{alertname="CheckoutErrors"}',
    "status": "firing",
    "receiver": "rescue",
    "externalURL": "https://alerts.example",
    "commonLabels": {"alertname": "CheckoutErrors"},
    "alerts": [
        {
            "status": status,
            "labels": {"alertname": "CheckoutErrors", "service": "checkout", "severity": "critical", "account": "a-17"},
            "annotations": {"summary": "Checkout fails"},
            "startsAt": "2026-03-01T11:58:00.123Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c7f3",
        }
        for status in ("firing", "resolved")
    ],
}
DATADOG = {
    "id": "6712",
    "event_type": "query_alert_monitor",
    "title": "[Triggered] Checkout errors",
    "body": "Too many errors",
    "date": 1772366280000,
    "org": {"id": "1", "name": "shop"},
    "tags": "env:prod,service:checkout,account_id:a-17",
    "alert_transition": "Triggered",
    "aggreg_key": "k1",
}
NEWRELIC = {
    "id": "issue-1",
    "issueUrl": "https://newrelic.example/issue-1",
    "title": "Checkout errors",
    "priority": "CRITICAL",
    "impactedEntities": ["checkout"],
    "state": "ACTIVATED",
    "trigger": "INCIDENT_ADDED",
    "createdAt": 1772366270000,
    "updatedAt": 1772366280000,
    "alertConditionNames": ["Checkout errors above 5%"],
    "accountId": "a-17",
}
SENTRY = {
    "action": "triggered",
    "data": {
        "event": {
            "event_id": "e1",
            "issue_id": "42",
            "title": "PaymentError: declined",
            "level": "error",
            "environment": "prod",
            "datetime": "2026-03-01T11:58:00+00:00",
            "type": "error",
            "tags": [["service", "checkout"], ["account_id", "a-17"]],
            "user": {"id": "u9"},
            "url": "https://sentry.example/e1",
        }
    },
}
PAGERDUTY = {
    "event": {
        "id": "01X",
        "event_type": "incident.triggered",
        "occurred_at": "2026-03-01T11:58:00.000Z",
        "data": {
            "id": "P1",
            "html_url": "https://pd.example/P1",
            "status": "triggered",
            "title": "Checkout is down",
            "incident_key": "k1",
            "service": {"summary": "checkout"},
            "priority": {"summary": "P2"},
            "urgency": "high",
        },
    }
}


def only(name: str, body: dict[str, Any]) -> Signal:
    (signal,) = ADAPTERS[name].read_signals(body, ACCEPTED)
    return signal


@pytest.mark.parametrize("name", ["alertmanager", "grafana"])
def test_alerts_are_signals_each(name: str) -> None:
    firing, resolved = ADAPTERS[name].read_signals(ALERTS, ACCEPTED)
    assert firing.signal_id == f"{name}/c7f3/2026-03-01T11:58:00.123Z/firing"
    assert (firing.kind, firing.service, firing.account_id) == ("CheckoutErrors", "checkout", "a-17")
    assert (firing.severity, firing.message, firing.source) == ("critical", "Checkout fails", "https://alerts.example")
    assert (firing.status, resolved.status) == ("firing", "resolved")
    assert firing.occurred_at == datetime(2026, 3, 1, 11, 58, 0, 123000)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("datadog", DATADOG, ("query_alert_monitor", "checkout", "firing", "a-17", "k1")),
        ("newrelic", NEWRELIC, ("Checkout errors above 5%", "checkout", "firing", "a-17", "issue-1")),
        ("sentry", SENTRY, ("error", "checkout", "firing", "a-17", "42")),
        ("pagerduty", PAGERDUTY, ("incident.triggered", "checkout", "firing", None, "k1")),
    ],
)
def test_the_fields_of_a_payload(name: str, body: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    signal = only(name, body)
    found = (signal.kind, signal.service, signal.status, signal.account_id, signal.fingerprint)
    assert found == expected
    assert signal.occurred_at == datetime(2026, 3, 1, 11, 58)  # noqa: DTZ001
    assert signal.signal_id.startswith(f"{name}/")


def test_what_a_vendor_calls_recovered_is_resolved() -> None:
    assert only("datadog", DATADOG | {"alert_transition": "Recovered"}).status == "resolved"
    assert only("newrelic", NEWRELIC | {"state": "CLOSED"}).status == "resolved"


def test_a_payload_of_another_form_is_refused() -> None:
    for body in ([], "text", {"alerts": "none"}, {}):
        with pytest.raises(UnreadableBodyError, match="is not a payload of Alertmanager"):
            ADAPTERS["alertmanager"].read_signals(body, ACCEPTED)
    with pytest.raises(SignalError, match="Signal 1 has no"):
        ADAPTERS["pagerduty"].read_signals({"event": {"id": "x"}}, ACCEPTED)
    with pytest.raises(TooManySignalsError, match="at most 10,000"):
        ADAPTERS["alertmanager"].read_signals({"alerts": [{}] * 10_001}, ACCEPTED)


OWN = """
title = "Ours"
[fields]
signal_id = "id"
occurred_at = "at"
source = "=ours"
kind = "what"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Ours"', 'titel = "Ours"', "titel is no key here; did you mean 'title'"),
        ('kind = "what"', "", "has no kind"),
        ('kind = "what"', 'knd = "what"', "a signal has no field 'knd'; did you mean 'kind'"),
        ('title = "Ours"', 'title = "Ours"\nsign = "hmac"', "needs a header"),
        ('title = "Ours"', "title = ", "this is not TOML"),
    ],
)
def test_a_wrong_adapter_is_named_with_the_nearest_word(old: str, new: str, message: str) -> None:
    parse_adapter(OWN, "ours.toml")
    with pytest.raises(UsageError, match=message):
        parse_adapter(OWN.replace(old, new), "ours.toml")


def event(**changes: Any) -> dict[str, Any]:
    known = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "checkout.failed"}
    return {key: value for key, value in (known | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (event(specversion="0.3"), "not a CloudEvent of version"),
        (event(id=""), "has no id"),
        (event(type=None), "has no type"),
        (event(data=[1]), "data has to be a JSON object"),
        (event(data_base64="aGk="), "data has to be a JSON object"),
        (event(time="yesterday"), "time that cannot be read"),
        (event(time="2026-03-01T11:00:00"), "without a time zone"),
        (event(time="2026-01-01T00:00:00Z"), "too old: signals of the last 30 days"),
        (event(time="2026-03-01T12:06:00Z"), "of the future"),
        (event(data={"account_id": {"x": 1}}), "account_id has to be a text"),
        (event(data={"account_id": "x" * 201}), "longer than 200 characters"),
        (event(data={"product": "a\x00b"}), "cannot be stored"),
        (event(data={"product": "a\ud800b"}), "cannot be stored"),
        (event(data={"value": "many"}), "value has to be a number"),
        (event(data={"value": float("nan")}), "value has to be a number"),
        ([event(), 7], "Signal 2 is not a CloudEvent"),
        ("text", "has to be one CloudEvent"),
    ],
)
def test_an_invalid_event_has_one_clear_message(content: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_events(content, ACCEPTED, NOW)


def test_an_event_has_its_fields_in_data_or_as_extensions() -> None:
    (signal,) = read_events(event(time="2026-03-01T13:00:00+02:00", accountid="a", data={"code": 17}), ACCEPTED, NOW)
    assert (signal.signal_id, signal.account_id, signal.code) == ("/shop/1", "a", "17")
    assert signal.occurred_at == datetime(2026, 3, 1, 11)  # noqa: DTZ001
    assert read_events(event(), ACCEPTED, NOW)[0].occurred_at == NOW
    webhook = {"type": "checkout.failed", "timestamp": "2026-03-01T11:00:00Z", "data": {"product": "shop"}}
    assert read_events(json.loads(json.dumps(webhook)), ACCEPTED, NOW, webhook_id="m1")[0].signal_id == "webhook/m1"
