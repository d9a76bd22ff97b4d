"""Files of a case: what is kept by its content, what is refused, and under which name it is given back."""

import io
import zipfile
from datetime import timedelta

import pytest
from support.nights.night_factory import NOW, open_cases

from features.errors import UsageError
from serving.cases.case_errors import IllegalActionError
from serving.cases.cases import Cases
from serving.cases.casework.attachment_files import (
    AttachmentLimits,
    UploadedFile,
    file_kind,
    read_file,
    safe_name,
)
from serving.cases.permissions import Actor, NotAllowedError, Role
from serving.nights.case_updates import case_id
from serving.operations.prune import prune_queue
from serving.store import Store
from serving.store.casework.casework_queries import attachments_of

ANN, BOB = (Actor(name, Role.REVIEWER, frozenset({"north"})) for name in ("ann", "bob"))
LEA = Actor("lea", Role.LEAD, frozenset({"north"}))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def office(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def test_the_type_is_told_by_the_bytes() -> None:
    assert file_kind(PNG) == "image/png"
    assert file_kind(b"%PDF-1.7 ...") == "application/pdf"
    assert file_kind(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert file_kind("a;b\n1;2 é\n".encode()) == "text/plain"
    assert file_kind(office("[Content_Types].xml", "xl/workbook.xml")).endswith("spreadsheetml.sheet")


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html><script>alert(1)</script>",
        b"  <SVG onload=alert(1)>",
        b'<?xml version="1.0"?><svg/>',
        b"MZ\x90\x00\x03",
        b"\x7fELF\x02\x01",
        b"text\x00with NUL",
        b"\xff\xfe\x00h",
        b"PK\x03\x04 not an archive",
        office("a.txt"),
        office("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    ],
)
def test_what_could_run_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"not kept"):
        file_kind(content)


def test_a_name_says_what_the_file_is_and_nothing_else() -> None:
    assert safe_name("../../etc/C:\\notes\u202e\n.TXT", "text/plain") == "notes.txt"
    assert safe_name('a"b<c>.png', "image/png") == "a_b_c_.png"
    assert safe_name("", "image/png") == "file.png"
    assert safe_name("x" * 500 + ".pdf", "application/pdf") == "x" * 120 + ".pdf"
    with pytest.raises(UsageError, match=r"ends in .exe, but its content is a png file"):
        safe_name("photo.exe", "image/png")


def test_files_are_added_limited_removed_and_pruned(store: Store) -> None:
    open_cases(store, 1)
    case = case_id("a000000", "churn", NOW.date())
    cases = Cases(store, clock=lambda: NOW, limits=AttachmentLimits(0.001, files=2, total_megabytes=0.001))
    row = cases.work.attach(case, ANN, UploadedFile("plan.txt", b"two trainings"))
    with store.reading() as session:
        found = read_file(session, case, row.id)
        assert found is not None and found[1] == b"two trainings"
        assert read_file(session, "another", row.id) is None
    for content, message in ((b"", "is empty"), (b"x" * 1001, "more than 0.001 MB"), (b"x" * 999, "together")):
        with pytest.raises(UsageError, match=message):
            cases.work.attach(case, ANN, UploadedFile("a.txt", content))
    second = cases.work.attach(case, BOB, UploadedFile("b.txt", b"b"))
    with pytest.raises(UsageError, match="at most 2 files"):
        cases.work.attach(case, ANN, UploadedFile("c.txt", b"c"))
    with pytest.raises(NotAllowedError, match="bob added this file"):
        cases.work.detach(case, ANN, second.id)
    cases.work.detach(case, LEA, second.id)
    with pytest.raises(IllegalActionError, match="not in the case any more"):
        cases.work.detach(case, LEA, second.id)
    cases.claim(case, ANN)
    cases.resolve(case, ANN, verdict="no_action")
    later = NOW + timedelta(days=800)
    assert prune_queue(store, timedelta(days=730), later, dry_run=True)["attachments"] == 1
    assert prune_queue(store, timedelta(days=730), later)["attachments"] == 1
    with store.reading() as session:
        assert read_file(session, case, row.id) is None
        assert attachments_of(session, case) == []


def test_attachments_can_be_turned_off(store: Store) -> None:
    open_cases(store, 1)
    cases = Cases(store, clock=lambda: NOW, limits=AttachmentLimits(0))
    with pytest.raises(UsageError, match="keeps no attachments"):
        cases.work.attach(case_id("a000000", "churn", NOW.date()), ANN, UploadedFile("a.txt", b"a"))
