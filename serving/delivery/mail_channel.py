"""E-mail over SMTP: the hand-off as plain text and as a page, one message with a stable Message-ID.

The page needs nothing beside itself, so a reader that shows it fetches nothing; one that shows text loses nothing.
"""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.web_requests.deadline import Deadline
from serving.delivery.web_requests.guarded_request import unreached_text
from serving.delivery.web_requests.http_post import TIMEOUT

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
        if not (message.recipient or self.recipients):
            raise DeliveryError("The channel has no recipients, and the person has no address on it.", permanent=True)
        with self._session() as server:
            refused = server.send_message(self._mail(message))
        if refused:
            raise DeliveryError(f"The mail server refused {len(refused)} of the recipients.", permanent=True)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return "the mail server"

    def test(self) -> str:
        """Connect, and sign in where there is a user; nothing is sent."""
        with self._session() as server:
            server.noop()
        return f"{self.host}, as {self.user}" if self.user is not None else f"{self.host}, without a user"

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """The server, connected and signed in; what fails within the block is a sentence."""
        deadline = Deadline(self.timeout)
        try:
            with self._connected(deadline) as server:
                yield server
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise DeliveryError("The mail server refused every recipient.", permanent=min(codes) >= 500) from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(
                f"The mail server answered {error.smtp_code}.", permanent=error.smtp_code >= 500
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            if deadline.over:
                raise DeliveryError("The mail server did not answer in time.") from error
            raise DeliveryError(
                f"The mail server could not be reached: {self.host} {unreached_text(error)}."
            ) from error

    @contextmanager
    def _connected(self, deadline: Deadline) -> Iterator[smtplib.SMTP]:
        """The server, connected and signed in; the connection ends with the block, and at the deadline."""
        context = ssl.create_default_context()
        connection = _connect(self.host, self.port, deadline)
        with deadline.limit(connection):
            if self.security == "tls":
                connection = context.wrap_socket(connection, server_hostname=self.host)
            with _Server(self.host, connection) as server:
                if self.security == "starttls":
                    server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
                if self.user is not None:
                    server.login(self.user, self.password or "")
                yield server

    def _mail(self, message: ChannelMessage) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"], mail["To"] = self.sender, message.recipient or ", ".join(self.recipients)
        mail["Message-ID"] = f"<{message.id}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.text is not None:
            mail.set_content(message.text)
            if message.html is not None:
                mail.add_alternative(message.html, subtype="html")
        elif message.handoff is None:
            mail.set_content(_without_handoff(message))
        else:
            from serving.handoff.package import Handoff  # slow to import, and most commands send nothing
            from serving.handoff.render import html, markdown

            handoff = Handoff.model_validate_json(message.handoff)
            mail.set_content(markdown(handoff))
            mail.add_alternative(html(handoff), subtype="html")
        return mail


def _without_handoff(message: ChannelMessage) -> str:
    return f"{message.subject}\n\nCase {message.data['case']}, {message.data['squad']}, {message.data['state']}.\n"


class _Server(smtplib.SMTP):
    """An SMTP session over a connection that exists already; ``host`` is the name that its certificate must have."""

    def __init__(self, host: str, connection: socket.socket) -> None:
        self._connection = connection
        super().__init__(host, local_hostname=_own_name(connection), timeout=connection.gettimeout() or TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connection


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address of the host that accepts one."""
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in deadline.resolve(host, port):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(deadline.remaining())
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _own_name(connection: socket.socket) -> str:
    """The name of this machine for the greeting; a look-up of its full name could exceed the deadline."""
    name = socket.gethostname()
    if "." in name:
        return name
    address = connection.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
