"""The settings of the channels that belong to no vendor: a webhook, mail, and a folder of files."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from serving.delivery.channel import Channel
from serving.delivery.channel_options import ChannelOptions
from serving.delivery.file_channel import FileChannel
from serving.delivery.mail_channel import MailChannel, Security
from serving.delivery.web_requests.addresses import refuse_inner
from serving.delivery.webhook_channel import WebhookChannel


class WebhookSettings(ChannelOptions):
    """A Standard Webhooks receiver; ``allow`` names hosts inside one's own network that it may be."""

    kind: Literal["webhook"]
    url: SecretStr
    secret: SecretStr
    allow: frozenset[str] = frozenset()

    def open(self) -> Channel:
        """The channel."""
        refuse_inner(self.url.get_secret_value(), self.allow)
        return WebhookChannel(self.url.get_secret_value(), self.secret.get_secret_value(), self.allow)


class MailSettings(ChannelOptions):
    """An SMTP server and who gets the mail; without recipients, only people who have an address get any."""

    kind: Literal["email"]
    host: str
    sender: str
    recipients: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    port: int = 587
    security: Security = "starttls"
    user: str | None = None
    password: SecretStr | None = None

    def open(self) -> Channel:
        """The channel."""
        plain = self.model_dump(exclude={"kind", "password", "broadcast"})
        plain["recipients"] = self.recipients or ()
        return MailChannel(**plain, password=self.password.get_secret_value() if self.password else None)


class FileSettings(ChannelOptions):
    """A folder, one file a message."""

    kind: Literal["file"]
    folder: Path

    def open(self) -> Channel:
        """The channel."""
        return FileChannel(self.folder)
