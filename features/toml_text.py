"""Read TOML that somebody else wrote: its depth and its numbers are limited, and every mistake is one kind of error.

``tomllib`` raises a ``RecursionError`` for brackets within brackets and a plain ``ValueError`` for thousands of digits,
and reads tables within tables to any depth, which the next recursive function does not survive. A key of thousands of
dotted parts takes it minutes.
"""

import re
import tomllib
from typing import Any

MOST_NESTED = 20
"""Tables and lists within each other that a file may have."""
MOST_PARTS = 100
"""Parts of a dotted key from which on a text is not parsed at all."""
_PART = re.compile(r"""\s*["']?[\w-]+["']?\s*""")
TOO_DEEP = "its values are nested too deeply"
TOO_LARGE = "one of its numbers is too large"


class LimitError(tomllib.TOMLDecodeError):
    """The text is TOML, and exceeds a limit; the message says which."""

    def __init__(self, message: str) -> None:
        ValueError.__init__(self, message)


def load_toml(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML; :class:`LimitError` where it exceeds a limit.
    """
    if any(_has_long_key(line) for line in text.splitlines() if line.count(".") >= MOST_PARTS):
        raise LimitError(TOO_DEEP)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise LimitError(TOO_LARGE) from None
    except RecursionError:
        raise LimitError(TOO_DEEP) from None
    if not _is_shallow(content, MOST_NESTED):
        raise LimitError(TOO_DEEP)
    return content


def _has_long_key(line: str) -> bool:
    """Whether a line has a key of so many parts; prose with so many points has spaces within its parts."""
    parts = 0
    for part in line.split("."):
        parts = parts + 1 if _PART.fullmatch(part) else 0
        if parts >= MOST_PARTS:
            return True
    return False


def _is_shallow(content: object, left: int) -> bool:
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return left > 0 and all(_is_shallow(part, left - 1) for part in parts)
