"""Files of a case: their type follows from their bytes, not by their name, and only types that cannot run are kept.

The bytes are in the database, under a random id and never in a folder that a web server shows. So the queue's backup
has them, its permissions hold for them, and an erasure deletes them.
"""

import hashlib
import io
import re
import secrets
import unicodedata
import zipfile
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from features.errors import UsageError
from serving.cases.case_errors import IllegalActionError
from serving.cases.case_step import CaseStep
from serving.cases.permissions import Act, NotAllowedError
from serving.store.casework.casework_tables import AttachmentContent, AttachmentRow

MEGABYTE = 1_000_000
LONGEST_FILE_NAME = 120

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OFFICE_PARTS = {
    "word/document.xml": f"{_OFFICE}wordprocessingml.document",
    "xl/workbook.xml": f"{_OFFICE}spreadsheetml.sheet",
    "ppt/presentation.xml": f"{_OFFICE}presentationml.presentation",
}
_ENDINGS = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "application/pdf": ("pdf",),
    f"{_OFFICE}wordprocessingml.document": ("docx",),
    f"{_OFFICE}spreadsheetml.sheet": ("xlsx",),
    f"{_OFFICE}presentationml.presentation": ("pptx",),
    "text/plain": ("txt", "csv", "log", "md", "eml", "ics", "json", "tsv"),
}
"""The types that are kept, with the endings that their names may have; the first is given to a name without one."""

ALLOWED_TEXT = "PNG, JPEG, GIF, WebP, PDF, Word, Excel, PowerPoint and plain text"
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|script|svg|iframe|\?xml)", re.IGNORECASE)


class AttachmentNotFoundError(UsageError):
    """The case has no such file, or it was removed."""

    def __init__(self) -> None:
        super().__init__("There is no such file: it may have been removed. Open the case to see its files.")


@dataclass(frozen=True)
class AttachmentLimits:
    """The largest file in megabytes (0: no attachments at all), and the number and total size of a case's files."""

    megabytes: float = 5.0
    files: int = 20
    total_megabytes: float = 50.0

    @property
    def largest(self) -> int:
        """Bytes of the largest file."""
        return int(self.megabytes * MEGABYTE)


@dataclass(frozen=True)
class UploadedFile:
    """A file as it was sent: its name, which nobody can trust, and its bytes."""

    name: str
    content: bytes


def add_file(step: CaseStep, file: UploadedFile, limits: AttachmentLimits) -> AttachmentRow:
    """Store a file of a case.

    Raises:
        UsageError: it is empty, too large, of another type than its name says, or of a type that is not kept.
    """
    if not limits.largest:
        raise UsageError("This installation keeps no attachments: share the file elsewhere, and write where.")
    if not file.content:
        raise UsageError("The file is empty: choose a file with content.")
    if len(file.content) > limits.largest:
        raise UsageError(f"The file has more than {limits.megabytes:g} MB: make it smaller, or share a link.")
    kind = file_kind(file.content)
    name = safe_name(file.name, kind)
    _require_space(step.session, step.case.id, len(file.content), limits)
    row = AttachmentRow(
        id=secrets.token_urlsafe(18),
        case_id=step.case.id,
        name=name,
        kind=kind,
        size=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
        added_at=step.now,
        added_by=step.actor.name,
    )
    step.session.add(row)
    step.session.flush()
    step.session.add(AttachmentContent(attachment_id=row.id, content=file.content))
    return row


def remove_file(step: CaseStep, attachment: str) -> AttachmentRow:
    """Delete the bytes of a file; whoever added it may, and a lead."""
    row = step.session.get(AttachmentRow, attachment)
    if row is None or row.case_id != step.case.id or row.removed_at is not None:
        raise IllegalActionError("This file is not in the case any more: look at the case again.")
    if row.added_by != step.actor.name and not step.actor.may(Act.ASSIGN):
        raise NotAllowedError(f"{row.added_by} added this file: ask {row.added_by} or a lead to remove it.")
    step.session.execute(delete(AttachmentContent).where(AttachmentContent.attachment_id == row.id))
    row.removed_at, row.removed_by = step.now, step.actor.name
    return row


def file_kind(content: bytes) -> str:
    """The media type of a file by its bytes.

    Raises:
        UsageError: it is of no type that is kept.
    """
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        return _office_kind(content)
    if _is_text(content):
        return "text/plain"
    raise _refused()


def safe_name(name: str, kind: str) -> str:
    """The last part of a name without characters that could mislead, with an ending that fits the type.

    Raises:
        UsageError: the ending says that it is something else.
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(char for char in last if unicodedata.category(char)[0] not in "CZ" or char == " ")
    plain = re.sub(r'[<>:"|?*]', "_", " ".join(plain.split())).lstrip(".") or "file"
    stem, dot, ending = plain.rpartition(".")
    endings = _ENDINGS[kind]
    if not dot:
        return f"{plain[:LONGEST_FILE_NAME]}.{endings[0]}"
    if ending.lower() not in endings:
        raise UsageError(f"The name of the file ends in .{ending[:12]}, but its content is {_title(kind)}: rename it.")
    return f"{stem[:LONGEST_FILE_NAME]}.{ending.lower()}"


def read_file(session: Session, case_id: str, attachment: str) -> tuple[AttachmentRow, bytes] | None:
    """A file of a case with its bytes; None where the case has none of this id."""
    row = session.get(AttachmentRow, attachment)
    if row is None or row.case_id != case_id or row.removed_at is not None:
        return None
    content = session.get(AttachmentContent, row.id)
    return (row, content.content) if content is not None else None


def _require_space(session: Session, case_id: str, size: int, limits: AttachmentLimits) -> None:
    own = (AttachmentRow.case_id == case_id, AttachmentRow.removed_at.is_(None))
    count, total = session.execute(select(func.count(), func.sum(AttachmentRow.size)).where(*own)).one()
    if count >= limits.files:
        raise UsageError(f"A case has at most {limits.files} files: remove one first.")
    if (total or 0) + size > limits.total_megabytes * MEGABYTE:
        raise UsageError(f"The files of a case have at most {limits.total_megabytes:g} MB together: remove one first.")


def _office_kind(content: bytes) -> str:
    """The type of an Office document; nothing in the archive is unpacked, and one with macros is refused."""
    try:
        names = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _refused() from None
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UsageError("Documents with macros are not kept: save it without macros, or as PDF.")
    kind = next((kind for part, kind in _OFFICE_PARTS.items() if part in names), None)
    if kind is None or "[Content_Types].xml" not in names:
        raise _refused()
    return kind


def _is_text(content: bytes) -> bool:
    """Whether it is readable text and no page or drawing that a browser would run."""
    if b"\x00" in content or _MARKUP.search(content[:4096]):
        return False
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(char) == "Cc" and char not in "\t\n\r\f\x1b" for char in text[:65_536])


def _refused() -> UsageError:
    return UsageError(f"This type of file is not kept. These are: {ALLOWED_TEXT}.")


def _title(kind: str) -> str:
    return {"text/plain": "plain text", "application/pdf": "a PDF"}.get(kind, f"a {_ENDINGS[kind][0]} file")
