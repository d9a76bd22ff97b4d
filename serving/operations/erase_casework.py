"""Erase what the work on an account's cases says about it: contacts and files go, texts of tasks and contacts too."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from serving.operations.erase_handoff import ERASED
from serving.store import Session
from serving.store.casework.casework_tables import (
    AccountContact,
    AttachmentContent,
    AttachmentRow,
    ContactEntry,
    TaskRow,
)


def erase_casework(session: Session, account_id: str, case_ids: Sequence[str]) -> dict[str, int]:
    """Erase the work on these cases and the people at the account; the number of rows, by table.

    A task of a playbook keeps its title, which is the policy's. That there was a contact or a file, when and by whom,
    stays.
    """
    contacts = session.execute(delete(AccountContact).where(AccountContact.account_id == account_id))
    return {
        "account_contacts": contacts.rowcount,  # type: ignore[attr-defined]  # a cursor's result has it
        "contact_log": _erase_log(session, case_ids),
        "case_tasks": _erase_tasks(session, case_ids),
        "attachments": _erase_files(session, case_ids),
    }


def _erase_log(session: Session, case_ids: Sequence[str]) -> int:
    rows = list(session.scalars(select(ContactEntry).where(ContactEntry.case_id.in_(case_ids))))
    for row in rows:
        row.person, row.contact_id = ERASED if row.person else None, None
        row.note = ERASED if row.note else None
    return len(rows)


def _erase_tasks(session: Session, case_ids: Sequence[str]) -> int:
    rows = list(session.scalars(select(TaskRow).where(TaskRow.case_id.in_(case_ids))))
    for row in rows:
        row.title = row.title if row.playbook else ERASED
        row.reason = ERASED if row.reason else None
    return len(rows)


def _erase_files(session: Session, case_ids: Sequence[str]) -> int:
    rows = list(session.scalars(select(AttachmentRow).where(AttachmentRow.case_id.in_(case_ids))))
    for row in rows:
        session.execute(delete(AttachmentContent).where(AttachmentContent.attachment_id == row.id))
        row.name, row.sha256 = f"{ERASED}.{row.name.rpartition('.')[2]}", ""
    return len(rows)
