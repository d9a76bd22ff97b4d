"""The settings of Slack: an incoming webhook that only posts, or an app whose messages have buttons."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import SecretStr

from features.errors import UsageError
from serving.delivery.channel import Channel
from serving.delivery.channel_options import ChannelOptions, read_secret, require_secret
from serving.delivery.chat.slack_api import SLACK_ADDRESS, SlackApi
from serving.delivery.chat.slack_app_channel import SlackAppChannel
from serving.delivery.slack_channel import SlackChannel
from serving.delivery.web_requests.addresses import refuse_inner


@dataclass(frozen=True)
class SlackApp:
    """A channel through a Slack app, by its name in the settings, and the secret that its clicks are signed with."""

    name: str
    channel: SlackAppChannel
    secret: str = field(repr=False)


PLACE = re.compile(r"[CGD][A-Z0-9]{5,20}|#[^\s]{1,80}")
"""A channel of a workspace: its id, or its name with ``#``."""


class SlackSettings(ChannelOptions):
    """A Slack incoming webhook."""

    kind: Literal["slack"]
    url: SecretStr
    allow: frozenset[str] = frozenset()

    def open(self) -> Channel:
        """The channel."""
        refuse_inner(self.url.get_secret_value(), self.allow)
        return SlackChannel(self.url.get_secret_value(), self.allow)


class SlackAppSettings(ChannelOptions):
    """A Slack app: its bot token, the channel that it posts to, and the secret that it signs clicks on buttons with.

    Without a signing secret, the buttons that change a case are refused when they are pressed.
    """

    follows: ClassVar[bool] = True

    kind: Literal["slack_app"]
    channel: str
    token: SecretStr | None = None
    token_file: Path | None = None
    signing_secret: SecretStr | None = None
    signing_secret_file: Path | None = None
    api: str = SLACK_ADDRESS
    allow: frozenset[str] = frozenset()

    def open(self) -> SlackAppChannel:
        """The channel."""
        if not PLACE.fullmatch(self.channel):
            raise UsageError("channel: write the id of the channel, such as C012AB3CD, or its name with #.")
        return SlackAppChannel(self.client(), self.channel)

    def client(self) -> SlackApi:
        """The Web API of the workspace.

        Raises:
            UsageError: the token is missing or is not that of a bot.
        """
        refuse_inner(self.api, self.allow, "api")
        token = require_secret("token", self.token, self.token_file)
        if not token.startswith("xoxb-"):
            raise UsageError("token: a bot token begins with xoxb-: see OAuth & Permissions of the app.")
        return SlackApi(token, self.api.rstrip("/"), self.allow)

    def secret(self) -> str:
        """The signing secret; empty where none is set."""
        return read_secret("signing_secret", self.signing_secret, self.signing_secret_file)
