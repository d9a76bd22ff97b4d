"""The section `[weekly]`: who gets the weekly report by mail, and when; nobody by default."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from features.errors import suggest_name
from serving.policy.definition.policy_section import Names, Section

if TYPE_CHECKING:
    from serving.paths.roster import Roster
    from serving.policy.definition.policy_schema import PolicyFile

MAIL_WORDS = ("mail", "email")
"""The words for an address of mail in `[people.NAME.addresses]`, besides the name of the channel."""


class WeeklyRule(Section):
    """The report on the last week, sent on Monday morning."""

    to: Annotated[Names, Field(min_length=1)] = Field(description="people, roles and mail addresses that get it")
    hour: Annotated[int, Field(ge=0, le=23)] = Field(
        7, description="hour of Monday from which it is sent, in the time zone of the settings"
    )


def weekly_addresses(roster: "Roster", words: tuple[str, ...], channel: str = "") -> dict[str, str]:
    """The mail address of everybody that the words name, by name, each once; people without one are left out.

    ``channel`` is the name of the mail channel, for which a person may have an address of its own.
    """
    found: dict[str, str] = {}
    for name in _names(roster, words):
        if "@" in name:
            found[name] = name
            continue
        addresses = roster.people[name].addresses if name in roster.people else {}
        address = next((addresses[word] for word in (channel, *MAIL_WORDS) if word in addresses), None)
        if address is not None:
            found[name] = address
    return found


def check_weekly(file: "PolicyFile") -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Recipients that nobody knows, or that have no mail address."""
    if file.weekly is None:
        return
    roster = file.roster
    known = [*roster.people, *roster.roles]
    for word in file.weekly.to:
        if "@" not in word and roster.role_targets(word) is None:
            text = suggest_name(word, known) if known else "write a mail address."
            yield ("weekly", "to"), f"there is no person or role {word!r}: {text}"
        elif not weekly_addresses(roster, (word,), channel=_any_channel(roster, word)):
            yield ("weekly", "to"), f"{word!r} has no mail address: add `mail` to its addresses in [people]"


def _any_channel(roster: "Roster", word: str) -> str:
    """Some channel of a person, whose name may be that of the mail channel, which the file does not know."""
    for name in _names(roster, (word,)):
        for channel, address in roster.people[name].addresses.items() if name in roster.people else ():
            if "@" in address:
                return channel
    return ""


def _names(roster: "Roster", words: tuple[str, ...]) -> Iterator[str]:
    """The people and addresses of some words; a squad stands for its members."""
    for word in words:
        if "@" in word:
            yield word
            continue
        for target in roster.role_targets(word) or ():
            if target in roster.squads and target not in roster.people:
                yield from roster.squads[target].members
            else:
                yield target
