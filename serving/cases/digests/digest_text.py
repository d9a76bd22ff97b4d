"""The text of a morning digest: what is new, what is due today, what is overdue, and what others did.

It is plain text that reads well in any mail reader, and the same as a small page. A section that is empty is left out,
and a long one ends with the number of further entries. Names and comments come from elsewhere and may contain anything:
each becomes one line of printable characters, and is escaped in the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from html import escape
from typing import NamedTuple

from serving.paths.message_text import plain_line

LONGEST_SECTION = 10


class DigestSection(StrEnum):
    """The sections, in their order."""

    OVERDUE = "overdue"
    TODAY = "today"
    NEW = "new"
    TO_ACCEPT = "to_accept"
    MENTIONS = "mentions"
    CHANGED = "changed"
    MESSAGES = "messages"


TITLES: Mapping[DigestSection, str] = {
    DigestSection.OVERDUE: "Overdue",
    DigestSection.TODAY: "Due today",
    DigestSection.NEW: "New cases of yours",
    DigestSection.TO_ACCEPT: "Waiting for you to accept or return",
    DigestSection.MENTIONS: "Comments that mention you",
    DigestSection.CHANGED: "Changed by others",
    DigestSection.MESSAGES: "For your information",
}
_COUNTED: Mapping[DigestSection, tuple[str, str]] = {
    DigestSection.OVERDUE: ("overdue", "overdue"),
    DigestSection.TODAY: ("due today", "due today"),
    DigestSection.NEW: ("new case", "new cases"),
    DigestSection.TO_ACCEPT: ("to accept", "to accept"),
    DigestSection.MENTIONS: ("mention", "mentions"),
    DigestSection.CHANGED: ("changed", "changed"),
    DigestSection.MESSAGES: ("for your information", "for your information"),
}


class DigestItem(NamedTuple):
    """One line: the account or incident, what about it, and its page; the time or day belongs to ``text``."""

    subject_id: str
    title: str
    text: str
    link: str = ""


@dataclass(frozen=True)
class Digest:
    """What a digest reports to one reader."""

    reader: str
    day: date
    sections: Mapping[DigestSection, tuple[DigestItem, ...]] = field(default_factory=dict)
    my_day: str = ""

    @property
    def items(self) -> int:
        """The number of entries."""
        return sum(len(items) for items in self.sections.values())

    @property
    def subject_ids(self) -> list[str]:
        """The cases and incidents that it names."""
        return sorted({item.subject_id for items in self.sections.values() for item in items if item.subject_id})


class DigestText(NamedTuple):
    """A digest as a person reads it: one line, plain text, and a page."""

    subject: str
    text: str
    html: str


def compose_digest(digest: Digest) -> DigestText:
    """The text of a digest."""
    counts = _counts(digest)
    title = _title(digest)
    subject = f"{title}: {', '.join(counts)}"
    lines = [f"Hello {plain_line(digest.reader)},", "", f"this morning: {', '.join(counts)}."]
    for section, items in _shown(digest):
        title = TITLES[section]
        lines += ["", f"{title} ({len(items)})", "-" * len(f"{title} ({len(items)})")]
        for item in items[:LONGEST_SECTION]:
            lines.append(f"* {plain_line(item.title)}: {plain_line(item.text)}")
            lines += [f"  {item.link}"] if item.link else []
        lines += _more(len(items))
    lines += ["", f"All of it: {digest.my_day}" if digest.my_day else "You find all of it in the review app."]
    return DigestText(subject, "\n".join(lines) + "\n", _page(digest, counts))


def _counts(digest: Digest) -> list[str]:
    counts = []
    for section, items in _shown(digest):
        one, many = _COUNTED[section]
        counts.append(f"{len(items)} {one if len(items) == 1 else many}")
    return counts


def _shown(digest: Digest) -> list[tuple[DigestSection, tuple[DigestItem, ...]]]:
    return [(section, digest.sections[section]) for section in DigestSection if digest.sections.get(section)]


def _more(count: int) -> list[str]:
    more = count - LONGEST_SECTION
    return [f"* and {more} more"] if more > 0 else []


def _page(digest: Digest, counts: list[str]) -> str:
    """The same as HTML: headings, lists and links, without styles that a mail reader would drop."""
    parts = [
        f"<p>Hello {escape(plain_line(digest.reader))},</p>",
        f"<p>this morning: {escape(', '.join(counts))}.</p>",
    ]
    for section, items in _shown(digest):
        parts.append(f"<h2>{escape(TITLES[section])} ({len(items)})</h2><ul>")
        for item in items[:LONGEST_SECTION]:
            title = escape(plain_line(item.title))
            linked = f'<a href="{escape(item.link, quote=True)}">{title}</a>' if item.link else title
            parts.append(f"<li>{linked}: {escape(plain_line(item.text))}</li>")
        parts += [f"<li>{line.removeprefix('* ')}</li>" for line in _more(len(items))]
        parts.append("</ul>")
    if digest.my_day:
        parts.append(f'<p><a href="{escape(digest.my_day, quote=True)}">Open my day</a></p>')
    head = f'<head><meta charset="utf-8"><title>{escape(_title(digest))}</title></head>'
    return "\n".join(["<!doctype html>", f'<html lang="en">{head}', "<body>", *parts, "</body></html>", ""])


def _title(digest: Digest) -> str:
    """What the subject line begins with: a digest of messages alone is not about the reader's own cases."""
    own = any(items for section, items in digest.sections.items() if section is not DigestSection.MESSAGES)
    return f"Your {'cases' if own else 'morning'} on {_day(digest.day)}"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
