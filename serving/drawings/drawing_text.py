"""Text in drawings: safe in XML and Markdown, broken into lines of a width, and cut visibly where it is too long.

Names come from a policy and may contain anything. Characters that XML does not allow, and those that turn the direction
of writing, are replaced, so that a name cannot change anything around it.
"""

import re
from html import escape

CHARACTER = 6.3
"""About the width of a character at 12 px, in px."""

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)


def plain_text(text: str) -> str:
    """The text on one line, without characters that XML forbids or that turn the direction of writing."""
    return " ".join(_FORBIDDEN.sub("\ufffd", text).split())


def xml_text(text: str) -> str:
    """The text as it is written in HTML and SVG, also within attributes."""
    return escape(plain_text(text), quote=True)


def markdown_cell(text: str) -> str:
    """The text in a cell of a Markdown table, or in a line; nothing in it is markup."""
    marked = re.sub(r"([\\`*\[\]#|])", r"\\\1", plain_text(text))
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def break_lines(text: str, width: float, most: int) -> list[str]:
    """The text in at most so many lines of a width in px; the last one ends with … where something is left out."""
    limit = max(3, int(width / CHARACTER))
    lines: list[str] = []
    for word in plain_text(text).split(" "):
        for piece in _pieces(word, limit):
            if lines and len(lines[-1]) + 1 + len(piece) <= limit:
                lines[-1] = f"{lines[-1]} {piece}"
            else:
                lines.append(piece)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1][: limit - 1]}…"]
    return lines


def file_name(*parts: str) -> str:
    """A name for a file: lower-case words of letters and digits, joined with hyphens."""
    words = (re.sub(r"[^a-z0-9]+", "-", plain_text(part).casefold()).strip("-")[:60] for part in parts)
    return "-".join(word or "x" for word in words)


def _pieces(word: str, limit: int) -> list[str]:
    """A word, cut where it is longer than a line."""
    return [word[start : start + limit] for start in range(0, len(word), limit)] or [""]
