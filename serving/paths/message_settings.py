"""What messages to people need from the settings: the address of the review app, and which channels there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from serving.paths.references.answer_links import AnswerLinks


@dataclass(frozen=True)
class MessageSettings:
    """``address`` is that of the review app in browsers; ``channels`` are the configured channels and their kinds.

    Without channels that are known (None), a message is written for every address that the policy gives. The channels
    that are ``recording`` keep a record of each case in another system and get every entry of its history; those that
    are ``following`` get the changes that are announced nowhere else. ``answers`` are links by which mail is answered.
    """

    address: str | None = None
    channels: Mapping[str, str] | None = None
    following: tuple[str, ...] = ()
    recording: tuple[str, ...] = ()
    answers: AnswerLinks | None = None

    def link(self, kind: str, subject_id: str) -> str:
        """The page of a case or an incident; empty where the address of the app is not set."""
        if not self.address:
            return ""
        return f"{self.address.rstrip('/')}/{kind}/{quote(subject_id, safe='')}"
