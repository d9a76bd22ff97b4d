"""Kinds of channels are loaded when they are asked for, and each of them can be."""

import subprocess
import sys

import pytest

from serving.delivery.channel_options import ChannelOptions
from serving.delivery.channel_settings import KINDS, account_channels, broadcast_channels, record_channels


def test_messages_are_written_without_the_code_of_any_channel() -> None:
    code = """
import sys
import serving.delivery.outbox
from serving.delivery.channel_settings import KINDS, broadcast_channels, open_channels
assert broadcast_channels({}) == () and open_channels({}) == {} and "slack" in KINDS
assert "httpx" not in sys.modules
assert broadcast_channels({"out": {"kind": "file", "folder": "x"}}) == ("out",)
assert "serving.delivery.chat.slack_settings" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_settings_of_its_own_kind(kind: str) -> None:
    options = KINDS[kind]
    assert issubclass(options, ChannelOptions)
    assert options.model_fields["kind"].annotation.__args__ == (kind,)  # type: ignore[union-attr]


def test_what_a_channel_gets_follows_from_its_kind() -> None:
    channels: dict[str, dict[str, object]] = {
        "crm": {"kind": "hubspot", "account_fields": {"risk": "rescue_risk"}},
        "desk": {"kind": "jira"},
        "mail": {"kind": "email"},
        "news": {"kind": "email", "recipients": ["team@example.com"]},
        "quiet": {"kind": "webhook", "broadcast": False},
        "typo": {"kind": "webhok"},
    }
    assert record_channels(channels) == ("crm", "desk")
    assert account_channels(channels) == ("crm",)
    assert broadcast_channels(channels) == ("news", "typo")
