"""The line of each key in a TOML file.

``tomllib`` returns values without their lines, but a person who corrects a policy needs the line. This module reads
only headers and keys at the beginning of lines, which is enough to name the right one.
"""

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]

_HEADER = re.compile(r"""^\s*(\[\[?)((?:[^\]"'#]|"[^"]*"|'[^']*')+)\]\]?\s*(?:#.*)?$""")
"""A header. No part of it can match in two ways: the text may be somebody's who wants a pattern to take for ever."""
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def line_index(text: str) -> Mapping[Path, int]:
    """Line (from 1) of every table and every key that begins a line, by its path; arrays of tables count from 0."""
    lines: dict[Path, int] = {}
    table: Path = ()
    seen: dict[Path, int] = {}
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not quote:
            if header := _HEADER.match(line):
                table = _table(header, seen)
                lines.setdefault(table, number)
            elif key := _KEY.match(line):
                lines.setdefault(table + _parts(key[1]), number)
        quote = _open_quote(line, quote)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of the key, else of the closest table or key around or within it; None where the file has none."""
    for length in range(len(path), 0, -1):
        around = path[:length]
        within = (line for found, line in lines.items() if found[:length] == around)
        if (line := lines.get(around) or min(within, default=None)) is not None:
            return line
    return None


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _table(header: re.Match[str], seen: dict[Path, int]) -> Path:
    path = _parts(header[2])
    if header[1] == "[[":
        seen[path] = seen.get(path, -1) + 1
        return (*path, seen[path])
    return path


def _open_quote(line: str, quote: str) -> str:
    """The multi-line quotation mark that is open after this line, given the one open before it."""
    rest = line
    while rest:
        found = re.search(re.escape(quote) if quote else r'"""|' + r"'''", rest)
        if not found:
            return quote
        quote, rest = "" if quote else found[0], rest[found.end() :]
    return quote
