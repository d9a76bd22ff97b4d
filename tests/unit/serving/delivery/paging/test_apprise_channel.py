"""Services through apprise: which URLs are taken, what is sent, and that the checks of addresses hold there too."""

import json
import threading

import pytest
from support.nights.local_receivers import http_receiver

from features.errors import UsageError
from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.channel_settings import open_channels

LOOPBACK = frozenset({"127.0.0.1"})
LINK = "https://rescue.example/case/c1"
OPENED = ChannelMessage(
    "msg_1",
    "case.opened",
    "2026-03-01T05:00:00Z",
    {
        "case": "c1",
        "headline": "<!here> @everyone: see evil.example",
        "squad": "north",
        "severity": "high",
        "link": LINK,
    },
)
TEAMS = "workflows://prod-1.westeurope.logic.azure.com/canaryworkflow/canarysignature"


def channel(url: str, timeout: float = 5.0) -> "object":
    from serving.delivery.paging.apprise_channel import AppriseChannel

    return AppriseChannel(url, LOOPBACK, timeout)


def send(url: str, message: ChannelMessage = OPENED, timeout: float = 5.0) -> None:
    channel(url, timeout).send(message)  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", [TEAMS, "ntfys://canary-topic", "tgram://123456789:abcdefg_hijklmnop/12315544/"])
def test_urls_of_services_are_taken_and_not_shown(url: str) -> None:
    found = open_channels({"team": {"kind": "apprise", "url": url}})["team"]
    assert url not in repr(found)
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense-canary", "knows no service of this form"),
        ("mailto://canary:b@c.example", "use a channel of the kind email"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/", "use a channel of the kind slack"),
        ("pagerduty://canary@canary", "use a channel of the kind pagerduty"),
        ("syslog://", "not reached over HTTPS"),
        ("json://canary.example/x", "not encrypted: use jsons://"),
        ("jsons://10.0.0.7/canary", "inside a private network"),
        ("jsons://localhost/canary", "inside a private network"),
    ],
)
def test_other_urls_are_refused_without_being_shown(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        open_channels({"team": {"kind": "apprise", "url": url}})
    assert str(caught.value).startswith("[channels.team] url: ")
    assert "canary" not in str(caught.value)


def test_a_message_arrives_as_plain_text_with_our_link_alone() -> None:
    with http_receiver() as receiver:
        send(f"json://127.0.0.1:{receiver.port}/x")
        content = json.loads(receiver.requests[0][1])
    assert content["message"] == f"north, high, case c1\n{LINK}"
    for harmful in ("<!here>", "@everyone", "evil.example"):
        assert harmful not in content["title"]
    assert "everyone" in content["title"]


def test_a_message_to_a_person_arrives_as_it_is_written() -> None:
    text = f"Hello Ann,\n\n@channel has not answered.\n\nOpen it: {LINK}\n"
    message = ChannelMessage("m", "case.escalated", "2026-03-01T05:00:00Z", {}, title="Late", text=text, link=LINK)
    with http_receiver() as receiver:
        send(f"json://127.0.0.1:{receiver.port}/x", message)
        content = json.loads(receiver.requests[0][1])["message"]
    assert content.endswith(f"Open it: {LINK}")
    assert "@channel" not in content


@pytest.mark.parametrize(
    ("script", "said", "permanent"),
    [
        ([503], "answered 503", False),
        ([410], "answered 410", True),
        (["hang"], "did not answer in time", False),
        (["drop"], "was not reached", False),
        ([(307, {"location": "http://169.254.169.254/latest"})], "inside a private network", True),
    ],
)
def test_how_a_service_fails(script: list[object], said: str, permanent: bool) -> None:
    with http_receiver(*script) as receiver, pytest.raises(DeliveryError, match=said) as caught:
        send(f"json://127.0.0.1:{receiver.port}/canary", timeout=0.5 if "hang" in script else 30.0)
    assert caught.value.permanent == permanent
    assert "canary" not in str(caught.value)


def test_other_threads_are_not_guarded() -> None:
    """Only the thread that sends is limited to public addresses: everybody else uses urllib3 as before."""
    import urllib3

    answers: list[int] = []
    with http_receiver() as receiver:
        send(f"json://127.0.0.1:{receiver.port}/x")
        pool = urllib3.PoolManager()
        thread = threading.Thread(target=lambda: answers.append(pool.request("POST", receiver.url, body=b"1").status))
        thread.start()
        thread.join(10)
        pool.clear()
    assert answers == [200]
