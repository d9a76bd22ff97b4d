"""The settings of paging services, and of the many services that apprise sends to."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import SecretStr

from serving.delivery.channel_options import ChannelOptions, require_secret
from serving.delivery.paging import opsgenie, pagerduty
from serving.delivery.paging.apprise_channel import AppriseChannel
from serving.delivery.paging.paging_channel import PagingChannel
from serving.delivery.web_requests.addresses import refuse_inner

PagingRegion = Literal["us", "eu"]


class PagerDutySettings(ChannelOptions):
    """A service of PagerDuty, by the integration key of its Events API v2."""

    follows: ClassVar[bool] = True

    kind: Literal["pagerduty"]
    routing_key: SecretStr | None = None
    routing_key_file: Path | None = None
    region: PagingRegion = "us"
    api: str | None = None
    allow: frozenset[str] = frozenset()

    def open(self) -> PagingChannel:
        """The channel."""
        address = _address(self.api, pagerduty.PAGERDUTY_ADDRESSES[self.region], self.allow)
        key = require_secret("routing_key", self.routing_key, self.routing_key_file)
        return PagingChannel(pagerduty.PagerDuty(key, address, self.allow))


class OpsgenieSettings(ChannelOptions):
    """Opsgenie, or the alerts of Jira Service Management, by the key of an API integration."""

    follows: ClassVar[bool] = True

    kind: Literal["opsgenie"]
    key: SecretStr | None = None
    key_file: Path | None = None
    region: PagingRegion = "us"
    api: str | None = None
    allow: frozenset[str] = frozenset()

    def open(self) -> PagingChannel:
        """The channel."""
        address = _address(self.api, opsgenie.OPSGENIE_ADDRESSES[self.region], self.allow)
        key = require_secret("key", self.key, self.key_file)
        return PagingChannel(opsgenie.Opsgenie(key, address, self.allow))


class AppriseSettings(ChannelOptions):
    """Any service that apprise knows, by its URL: Microsoft Teams, Google Chat, Discord, ntfy, Telegram and others."""

    kind: Literal["apprise"]
    url: SecretStr | None = None
    url_file: Path | None = None
    allow: frozenset[str] = frozenset()

    def open(self) -> AppriseChannel:
        """The channel."""
        return AppriseChannel(require_secret("url", self.url, self.url_file), self.allow)


def _address(given: str | None, usual: str, allow: frozenset[str]) -> str:
    address = (given or usual).rstrip("/")
    refuse_inner(address, allow, "api")
    return address
