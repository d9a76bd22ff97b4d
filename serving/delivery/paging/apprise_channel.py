"""Teams, Google Chat, Discord, ntfy, Telegram and many other services through apprise, by one URL that is the secret.

apprise says only whether a message was taken. The status that a service answered is read from its log, which is not
shown: it may contain addresses of people.
"""

import logging
import re
import sys
import warnings
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import ModuleType
from typing import Any

from features.errors import UsageError
from serving.delivery.channel import ChannelMessage, DeliveryError
from serving.delivery.slack_channel import WORD_JOINER, link_free_text
from serving.delivery.web_requests.addresses import refuse_inner
from serving.delivery.web_requests.http_post import TIMEOUT

_STATUS = re.compile(r"error=(\d{3})\b")
OWN_KINDS = {"slack": "slack", "pagerduty": "pagerduty", "opsgenie": "opsgenie", "mailto": "email", "mailtos": "email"}
"""Services that Rescue has a kind of channel for, which does more."""


@dataclass(frozen=True)
class AppriseChannel:
    """Sends through one URL of apprise; ``allow`` names servers inside one's own network."""

    url: str = field(repr=False)
    allow: frozenset[str] = frozenset()
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        schema = self.url.partition("://")[0].strip().casefold()
        if schema in OWN_KINDS:
            raise UsageError(f"url: use a channel of the kind {OWN_KINDS[schema]}, which does more than apprise.")
        found = self.service
        if "requests" not in vars(sys.modules[type(found).__module__]):
            raise UsageError(f"url: the service {schema} is not reached over HTTPS: choose another.")
        host = str(getattr(found, "host", "") or "")
        if schema in _names(found.protocol) and schema not in _names(found.secure_protocol) and host not in self.allow:
            raise UsageError(
                f"url: the service {schema} is not encrypted: use {schema}s://, or name its host in `allow`."
            )
        if "." in host or host == "localhost":
            refuse_inner(f"https://{host}/", self.allow)

    @cached_property
    def service(self) -> Any:
        """The service of the URL, as apprise understands it."""
        apprise = _library()
        asset = apprise.AppriseAsset(async_mode=False, storage_mode="memory", app_id="Rescue", app_desc="Rescue")
        found = apprise.Apprise.instantiate(self.url, asset=asset, suppress_exceptions=True)
        if found is None:
            raise UsageError("url: apprise knows no service of this form: see its list of services for the URL.")
        return found

    def send(self, message: ChannelMessage) -> None:
        """Send the message; what was sent twice arrives twice, because these services have no ids of messages."""
        from serving.delivery.paging.guarded_libraries import guard_connections

        apprise = _library()
        sender = apprise.Apprise(asset=self.service.asset)
        sender.add(self.service)
        statuses = _Statuses()
        logger = logging.getLogger("apprise")
        logger.addHandler(statuses)
        try:
            with guard_connections(self.allow, self.timeout) as guard:
                taken = sender.notify(
                    body=_body(message), title=_neutral(message.subject), body_format=apprise.NotifyFormat.TEXT
                )
                late = guard.deadline.over
        finally:
            logger.removeHandler(statuses)
        if taken:
            return
        if guard.refusal is not None:
            raise guard.refusal
        if late:
            raise DeliveryError("The service did not answer in time.")
        answered = f"answered {statuses.last}" if statuses.last else "did not take the message, or was not reached"
        raise DeliveryError(f"The service {answered}.", permanent=statuses.last == "410")


@cache
def _library() -> ModuleType:
    """apprise, which is slow to import, and most installations have no such channel; its log may name addresses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it looks for modules that newer Pythons have removed
        import apprise

        apprise.Apprise.instantiate("json://localhost")  # loads its plugins
    logging.getLogger("apprise").propagate = False
    return apprise


def _names(schemas: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (schemas,) if isinstance(schemas, str) else tuple(schemas or ())


class _Statuses(logging.Handler):
    """Keeps the last status that apprise wrote to its log, and nothing else."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Read one record."""
        found = _STATUS.search(record.getMessage())
        self.last = found[1] if found else self.last


def _body(message: ChannelMessage) -> str:
    """The text; of an announcement without one, its facts and the link."""
    if message.text is not None:
        return "\n".join(_with_link(line, message.link) for line in message.text.rstrip("\n").split("\n"))
    data = message.data
    due = f", respond by {data['respond_by']}" if data.get("respond_by") else ""
    facts = f"{data.get('squad')}, {data.get('severity')}, case {data.get('case')}{due}"
    return "\n".join([_neutral(facts), *([str(data["link"])] if data.get("link") else [])])


def _with_link(line: str, link: str) -> str:
    """A line in which nothing but our own link is one."""
    return link.join(_neutral(part) for part in line.split(link)) if link else _neutral(line)


def _neutral(text: str) -> str:
    """A text in which no chat finds a link, a mention or a command."""
    return link_free_text(text).replace("@", f"@{WORD_JOINER}").replace("<!", f"<{WORD_JOINER}!")
