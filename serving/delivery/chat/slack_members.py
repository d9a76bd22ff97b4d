"""Which person of the policy a member of a Slack workspace is, and the other way round.

The policy gives a person a member id (``addresses.slack = "U012AB3CD"``), or only a mail address. Then the workspace is
asked, once, for the member of that address: ``users:read.email`` is the scope that permits it.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from serving.delivery.chat.slack_api import SlackApi, SlackError

MEMBER_ID = re.compile(r"[UW][A-Z0-9]{5,20}")
"""A member of a workspace."""


@dataclass(frozen=True)
class SlackMembers:
    """The members of one workspace that were asked for; each is asked for once in the life of the process."""

    api: SlackApi
    _ids: dict[str, str | None] = field(default_factory=dict)
    _mails: dict[str, str | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def member_of(self, address: str | None) -> str | None:
        """The member with this id or mail address; None where there is none."""
        if not address or MEMBER_ID.fullmatch(address):
            return address or None
        mail = address.strip().casefold()
        with self._lock:
            if mail not in self._ids:
                self._ids[mail] = self._find_by_mail(mail)
            return self._ids[mail]

    def mail_of(self, member: str) -> str | None:
        """The mail address of a member, in lower case; None where the workspace does not say."""
        with self._lock:
            if member not in self._mails:
                self._mails[member] = self._find_mail(member)
            return self._mails[member]

    def _find_by_mail(self, mail: str) -> str | None:
        if "@" not in mail:
            return None
        try:
            found = self.api.read("users.lookupByEmail", email=mail)
        except SlackError as error:
            if error.code in {"users_not_found", "user_not_found"}:
                return None
            raise
        member = found.get("user", {}).get("id")
        return member if isinstance(member, str) and MEMBER_ID.fullmatch(member) else None

    def _find_mail(self, member: str) -> str | None:
        profile = self.api.read("users.info", user=member).get("user", {}).get("profile", {})
        mail = profile.get("email")
        return mail.strip().casefold() if isinstance(mail, str) and "@" in mail else None


def person_with_address(
    member: str, mail: str | None, people: Iterable[tuple[str, Mapping[str, str]]], channels: Iterable[str]
) -> str | None:
    """The person whose addresses name a member; by the id on a Slack channel first, then by any mail address.

    ``channels`` are the words for the channel in the policy: its name and ``slack``. Two people with one address are
    nobody: an action has exactly one author.
    """
    known = list(people)
    by_id = {name for name, addresses in known for word in channels if addresses.get(word, "").strip() == member}
    if not by_id and mail:
        by_id = {
            name
            for name, addresses in known
            if any(address.strip().casefold() == mail for address in addresses.values())
        }
    return by_id.pop() if len(by_id) == 1 else None
