"""The encoding of a text file: detected from its bytes, because no file says it, and rewritten as UTF-8 for DuckDB.

A file is UTF-8 unless its bytes show something else. A byte order mark, or zero bytes beside every letter, show UTF-16.
Bytes that are not UTF-8 show Windows-1252 (which contains Latin-1) where they are common and decode to letters of
Western languages. A few such bytes in a file that is otherwise UTF-8 are damage: their lines go to quarantine.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.sources.files.input_limits import CHUNK, limited_lines
from pipelines.sources.files.unpacking import chunks_of

UTF8 = "UTF-8"
WINDOWS = "Windows-1252"

_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_HEAD = 4096

MIN_WESTERN_LINES, MIN_WESTERN_SHARE = 3, 0.01
"""A file is Windows-1252 where at least so many of its lines, or this share of them, hold such letters; with fewer, the
byte is damage."""

_LETTERS = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüŒœŠšŽžŸ€£§°–—‘’“”„…•®©™«»´·¡¿ªº½¼")
"""What Windows-1252 has beyond ASCII in the texts of Western languages."""


@dataclass(frozen=True)
class DecodedFile:
    """A file in UTF-8, and the encoding that it had."""

    path: Path
    encoding: str


def decode_file(file: Path, label: str, target: Path) -> DecodedFile:
    """The file in UTF-8: itself where it is, else rewritten as ``target``.

    Raises:
        DataGateError: a line is longer than the limit.
    """
    decoded = decode_unicode(file, target)
    if decoded.encoding != UTF8 or _is_utf8(file, label) or not _is_western(file):
        return decoded
    target.parent.mkdir(parents=True, exist_ok=True)
    with file.open("rb") as lines, target.open("wb") as copy:
        copy.writelines(_western_line(line) for line in lines)
    return DecodedFile(target, WINDOWS)


def decode_unicode(file: Path, target: Path) -> DecodedFile:
    """Like :func:`decode_file` for a format that is always Unicode, and may be one long line."""
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    encoding = _marked(head) or _without_mark(head)
    return DecodedFile(file, UTF8) if encoding == UTF8 else _rewritten(file, encoding, target)


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _without_mark(head: bytes) -> str:
    """UTF-16 where nearly every second byte is zero, as in Western texts without a mark."""
    even, odd = head[0::2], head[1::2]
    if len(odd) > 3 and odd.count(0) > 0.7 * len(odd):
        return "UTF-16-LE"
    return "UTF-16-BE" if len(even) > 3 and even.count(0) > 0.7 * len(even) else UTF8


def _rewritten(file: Path, encoding: str, target: Path) -> DecodedFile:
    target.parent.mkdir(parents=True, exist_ok=True)
    with file.open("r", encoding=encoding, errors="replace", newline="") as text, target.open("wb") as copy:
        while chunk := text.read(CHUNK):
            copy.write(chunk.encode("utf-8", "replace"))
    return DecodedFile(target, encoding)


def _is_utf8(file: Path, label: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    valid = True
    with file.open("rb") as stream:
        for chunk in limited_lines(chunks_of(stream), label):
            try:
                valid = valid and decoder.decode(chunk) is not None
            except UnicodeDecodeError:
                valid = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return valid


def _is_western(file: Path) -> bool:
    """Whether the lines that are not UTF-8 are texts in Windows-1252, and more of them than lines in UTF-8."""
    total = western = damaged = unicode = 0
    with file.open("rb") as lines:
        for line in lines:
            total += 1
            if line.isascii():
                continue
            kind = _kind_of(line)
            western, damaged, unicode = (
                western + (kind == WINDOWS),
                damaged + (kind == ""),
                unicode + (kind == UTF8),
            )
    enough = western >= MIN_WESTERN_LINES or western >= MIN_WESTERN_SHARE * total
    return enough and western > unicode and western > damaged


def _kind_of(line: bytes) -> str:
    """Whether a line with bytes beyond ASCII is UTF-8, Windows-1252, or damaged (empty)."""
    try:
        line.decode()
    except UnicodeDecodeError:
        beyond = [sign for sign in line.decode("cp1252", "replace") if not sign.isascii()]
        return WINDOWS if all(sign in _LETTERS for sign in beyond) else ""
    return UTF8


def _western_line(line: bytes) -> bytes:
    """A line of a Windows-1252 file in UTF-8; a line that is UTF-8 already, and one that is damaged, stay the same."""
    return line.decode("cp1252").encode() if not line.isascii() and _kind_of(line) == WINDOWS else line


def text_lines(file: Path) -> Iterator[str]:
    """The lines of a UTF-8 file without their ends; bytes that are no text become the replacement character."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        yield from lines
