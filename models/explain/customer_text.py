"""What the customer wrote: the text of a ticket as sentences, without quoted mail, signatures and markup.

A reply quotes the mail that it answers, and that mail may be ours: "you wrote: tell us whether you want to cancel".
Words that the customer only quotes, and the signature of a forwarded mail, are not the customer's. Ticket texts come
from outside: markup is removed, and so are the invisible characters that reverse or hide text.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence

MAX_CHARS = 20_000
"""So many characters of a text are read; what a customer asks for stands before that."""

_HIDDEN_PARTS = re.compile(r"<(script|style|head|title|blockquote)\b[^>]{0,500}>.*?(?:</\1\s{0,5}>|\Z)", re.I | re.S)
_LINE_TAGS = re.compile(r"<(?:br|/?p|/?div|/?li|/?tr|/?h[1-6]|hr)\b[^<>]{0,500}>", re.I)
_TAGS = re.compile(r"</?[a-z][^<>]{0,500}>|<!--[^<>]{0,2000}-->", re.I)
_SPLIT_MARKS = {"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"}

_REPLY_HEADER = re.compile(
    r"^\W{0,5}(?:on\b.{4,200}\bwrote|am\b.{4,200}\bschrieb(?:en)?\b.{0,120}|le\b.{4,200}\ba écrit"
    r"|el\b.{4,200}\bescribió\b.{0,120}|.{2,120}\b(?:wrote|schrieb|a écrit|escribió))\s?:\s{0,3}$",
    re.I,
)
_FORWARD_HEADER = re.compile(
    r"^[\s>*_-]{0,20}(?:original message|forwarded message|begin forwarded message|ursprüngliche nachricht"
    r"|weitergeleitete nachricht|anfang der weitergeleiteten nachricht|message d'origine|message transféré"
    r"|message original|mensaje original|mensaje reenviado|inicio del mensaje reenviado)\b[\s:*_-]{0,20}$",
    re.I,
)
_FROM_FIELD = re.compile(r"^\W{0,3}(?:from|von|de|expéditeur)\s?:\s?\S", re.I)
_OTHER_FIELD = re.compile(
    r"^\W{0,3}(?:sent|date|to|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|fecha|para|asunto)\s?:", re.I
)
_SIGNATURE = re.compile(r"^(?:--|—|__+)\s*$")
_DEVICE_LINE = re.compile(
    r"^(?:sent from my|get outlook for|von meinem .{1,40} gesendet|gesendet mit|envoyé de mon|enviado desde mi)\b", re.I
)
_NEW_SENTENCE = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]{0,2}\s+|;\s+")


def customer_sentences(text: str) -> list[str]:
    """The sentences that the customer wrote, in order, each on one line with single spaces."""
    lines = _without_quotes(plain_text(text).split("\n"))
    return [
        sentence
        for paragraph in _paragraphs(lines)
        for part in _SENTENCE_END.split(paragraph)
        if (sentence := part.strip())
    ]


def plain_text(text: str) -> str:
    """The first :data:`MAX_CHARS` characters without markup, control characters and invisible characters."""
    visible = _visible(text[:MAX_CHARS])
    if "<" in visible:
        visible = _TAGS.sub("", _LINE_TAGS.sub("\n", _HIDDEN_PARTS.sub("\n", visible)))
    if "&" in visible:  # an entity may be an invisible character too
        visible = _visible(html.unescape(visible))
    return visible


def _visible(text: str) -> str:
    normal = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n"))
    normal = normal.translate({ord("’"): "'", ord("‘"): "'", ord("`"): "'", ord("´"): "'"})
    return "".join(
        char for char in normal if char in "\n\t" or (char not in _SPLIT_MARKS and unicodedata.category(char)[0] != "C")
    )


def _without_quotes(lines: Sequence[str]) -> list[str]:
    """The lines before a quoted mail, or around it where its lines are marked; without signature and quoted lines."""
    own: list[str] = []
    place = 0
    in_signature = False
    while place < len(lines):
        length = _header_length(lines, place)
        if length:
            in_signature = False
            place += length
            if not _is_marked(lines, place):
                break  # the quoted mail goes on to the end
            continue
        line = lines[place]
        in_signature = in_signature or bool(_SIGNATURE.match(line.strip()))
        if not (in_signature or line.lstrip().startswith((">", "|>")) or _DEVICE_LINE.match(line.strip())):
            own.append(line)
        place += 1
    return own


def _header_length(lines: Sequence[str], place: int) -> int:
    """How many lines the header of a quoted mail has that begins here; 0 where none begins."""
    line = lines[place].strip()
    if len(line) > 400 or not line:
        return 0
    if _FORWARD_HEADER.match(line) or _REPLY_HEADER.match(line):
        return 1
    following = [other.strip() for other in lines[place + 1 : place + 4]]
    if (
        following
        and line[:3].lower() in ("on ", "am ", "le ", "el ")
        and _REPLY_HEADER.match(f"{line} {following[0]}"[:400])
    ):
        return 2
    if _FROM_FIELD.match(line) and any(_OTHER_FIELD.match(other) for other in following):
        return 1
    return 0


def _is_marked(lines: Sequence[str], place: int) -> bool:
    """Whether the quoted mail that begins here has a mark at each line, so that its end can be seen."""
    first = next((line for line in lines[place : place + 3] if line.strip()), "")
    return first.lstrip().startswith(">")


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """Lines that belong together, joined: mail programs break a sentence after 72 characters."""
    current: list[str] = []
    for line in [*lines, ""]:
        if current and (not line.strip() or _NEW_SENTENCE.match(line)):
            yield " ".join(" ".join(current).split())
            current = []
        if line.strip():
            current.append(line)
