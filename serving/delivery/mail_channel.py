"""E-mail over SMTP: the hand-off as plain text and as a page, one message with a stable Message-ID.

The page needs nothing beside itself, so a reader that shows it fetches nothing; one that shows text loses nothing.
"""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.http_post import TIMEOUT
from serving.handoff.package import Handoff
from serving.handoff.render import html, markdown

Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True)
class MailChannel:
    """Sends through one SMTP server, encrypted unless ``security`` is ``none``; signs in where a user is given."""

    host: str
    sender: str
    recipients: tuple[str, ...]
    port: int = 587
    security: Security = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = TIMEOUT

    def send(self, message: ChannelMessage) -> None:
        """Send the message to every recipient; a 5xx reply is permanent, any other failure is tried again."""
        try:
            with self._connected() as server:
                refused = server.send_message(self._mail(message))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise DeliveryError("The mail server refused every recipient.", permanent=min(codes) >= 500) from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(
                f"The mail server answered {error.smtp_code}.", permanent=error.smtp_code >= 500
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"The mail server could not be reached ({type(error).__name__}).") from error
        if refused:
            raise DeliveryError(f"The mail server refused {len(refused)} of {len(self.recipients)}.", permanent=True)

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user is not None:
                server.login(self.user, self.password or "")
        except BaseException:
            server.close()
            raise
        return server

    def _mail(self, message: ChannelMessage) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        mail["Message-ID"] = f"<{message.id}@{self.sender.rpartition('@')[2]}>"
        if message.handoff is None:
            mail.set_content(_without_handoff(message))
        else:
            handoff = Handoff.model_validate_json(message.handoff)
            mail.set_content(markdown(handoff))
            mail.add_alternative(html(handoff), subtype="html")
        return mail


def _without_handoff(message: ChannelMessage) -> str:
    return f"{message.subject}\n\nCase {message.data['case']}, {message.data['squad']}, {message.data['state']}.\n"
