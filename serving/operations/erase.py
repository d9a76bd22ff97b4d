"""Erase an account: its names and texts go, counts and the audit stay, and a record says that it happened.

Figures of a team's work must not change because a customer leaves, so no row of a case is deleted. What could identify
somebody is replaced: the name, headlines, reasons, comments, hand-offs, answers of forms, tasks that people wrote, the
contact log, messages, texts of signals, and the account's entries in the reports of nights; contacts and files are
deleted. Ids, dates, states, numbers and who acted stay.
"""

import hashlib
import json
from typing import Any

from sqlalchemy import func, select

from features.errors import UsageError, suggest_name
from serving.operations.append_only import unlocked
from serving.operations.erase_casework import erase_casework
from serving.operations.erase_handoff import ERASED, erase_from_handoff
from serving.store import Session, Store
from serving.store.database import utcnow
from serving.store.exchange import DIGEST, ExternalRecordRow, Message
from serving.store.handover_tables import HandOverRow
from serving.store.incident_tables import SignalMatch, SignalRow
from serving.store.operations_tables import ErasureRow
from serving.store.tables import Account, Case, CaseEvent, FrozenHandoff, NightRow

APPEND_ONLY = ("case_events", "handoffs")
_TEXT_KEYS = frozenset(
    {"headline", "first_reason", "name", "reasons", "triggers", "comment", "text", "subject", "sentence", "html"}
)
_STATE_KEYS = frozenset({"closed", "state", "own", "described"})
"""What of the state of a record in another system is no text."""
_REPORT_KEYS = _TEXT_KEYS | {"owner", "segment"}
"""In a report ``owner`` is the account's; in the record and in messages it is the person of the team who acted."""


def erase_account(store: Store, account_id: str, actor: str) -> dict[str, int]:
    """Erase the names and texts of an account; the number of rows that were changed, by table.

    Raises:
        UsageError: the queue has no such account.
    """
    with store.transaction() as session:
        account = _existing(session, account_id)
        name = account.name
        with unlocked(session, APPEND_ONLY):
            changed = _erase_rows(session, account, name)
        session.add(ErasureRow(at=utcnow(), actor=actor, account_id=account_id, changed=changed))
    return changed


def account_name(store: Store, account_id: str) -> str | None:
    """The name of an account, which files of the home may hold.

    Raises:
        UsageError: the queue has no such account.
    """
    with store.reading() as session:
        return _existing(session, account_id).name


def is_in_newest_night(store: Store, account_id: str) -> bool:
    """Whether the source still had the account on the newest night."""
    newest = select(func.max(NightRow.as_of)).where(NightRow.status == "recorded")
    with store.reading() as session:
        account, night = session.get(Account, account_id), session.scalar(newest)
    return account is not None and night is not None and account.seen_on >= night


def _existing(session: Session, account_id: str) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        known = session.scalars(select(Account.account_id).limit(10_000)).all()
        raise UsageError(f"The queue has no account {account_id!r}; {suggest_name(account_id, known)}")
    return account


def _erase_rows(session: Session, account: Account, name: str | None) -> dict[str, int]:
    cases = list(session.scalars(select(Case).where(Case.account_id == account.account_id)))
    ids = [case.id for case in cases]
    account.name, account.owner, account.search = None, None, account.account_id.casefold()
    account.segment = account.industry = account.region = account.fingerprint = None
    for case in cases:
        case.headline, case.triggers = ERASED, []
        case.first_reason = ERASED if case.first_reason else None
    return {
        "accounts": 1,
        "cases": len(cases),
        "case_events": _erase_events(session, ids, name),
        "handoffs": _erase_handoffs(session, ids, name),
        "hand_overs": _erase_hand_overs(session, ids),
        **erase_casework(session, account.account_id, ids),
        "outbox": _erase_messages(session, ids, name),
        "external_records": _erase_records(session, ids),
        "signals": _erase_signals(session, account.account_id),
        "nights": _erase_reports(session, account.account_id, name),
    }


def _erase_events(session: Session, ids: list[str], name: str | None) -> int:
    rows = list(session.scalars(select(CaseEvent).where(CaseEvent.case_id.in_(ids))))
    for row in rows:
        row.comment = ERASED if row.comment else row.comment
        row.before, row.after = _without_texts(row.before, name), _without_texts(row.after, name)
    return len(rows)


def _erase_handoffs(session: Session, ids: list[str], name: str | None) -> int:
    rows = list(session.scalars(select(FrozenHandoff).where(FrozenHandoff.case_id.in_(ids))))
    for row in rows:
        row.content = json.dumps(erase_from_handoff(json.loads(row.content), name))
        row.content_hash = hashlib.sha256(row.content.encode()).hexdigest()
    return len(rows)


def _erase_hand_overs(session: Session, ids: list[str]) -> int:
    rows = list(session.scalars(select(HandOverRow).where(HandOverRow.case_id.in_(ids))))
    for row in rows:
        row.answers = {field: _without_answer(answer) for field, answer in row.answers.items()}
        row.reason = ERASED if row.reason else None
    return len(rows)


def _without_answer(answer: Any) -> dict[str, Any]:
    """An answer of a form keeps its label, which is the policy's; a date becomes a text, which the page can show."""
    known = answer if isinstance(answer, dict) else {"label": "Answer"}
    return {**known, "kind": "text", "value": None if known.get("value", "") is None else ERASED}


def _erase_messages(session: Session, ids: list[str], name: str | None) -> int:
    """Messages that were not sent, and digests that name the account: they would carry what is erased."""
    rows = list(session.scalars(select(Message).where(Message.case_id.in_(ids))))
    named = set(ids)
    digests = session.scalars(select(Message).where(Message.kind == DIGEST))
    rows += [row for row in digests if named & set(row.payload["data"].get("subjects", ()))]
    for row in rows:
        row.payload = _without_texts(row.payload, name)
        if row.status == "pending":
            row.status, row.error = "dead", "The account was erased."
    return len(rows)


def _erase_records(session: Session, ids: list[str]) -> int:
    """What was written into other systems is erased there, not here; what is known of it here has no texts any more."""
    rows = list(session.scalars(select(ExternalRecordRow).where(ExternalRecordRow.case_id.in_(ids))))
    for row in rows:
        row.written = {key: value for key, value in row.written.items() if key in _STATE_KEYS}
        row.read, row.problem = {}, None
    return len(rows)


def _erase_signals(session: Session, account_id: str) -> int:
    rows = list(session.scalars(select(SignalRow).where(SignalRow.account_id == account_id)))
    for row in rows:
        row.message, row.user_id = (ERASED if row.message else None), None
    for match in session.scalars(select(SignalMatch).where(SignalMatch.account_id == account_id)):
        match.user_id = None
    return len(rows)


def _erase_reports(session: Session, account_id: str, name: str | None) -> int:
    changed = 0
    for row in session.scalars(select(NightRow).where(NightRow.report.is_not(None))):
        report = erase_from_report(row.report, account_id, name)
        if report != row.report:
            row.report, changed = report, changed + 1
    return changed


def erase_from_report(content: Any, account_id: str, name: str | None) -> Any:
    """A report of a night without the texts of an account: of its own entries, and its name everywhere."""
    if isinstance(content, dict):
        if content.get("account_id") == account_id:
            return _without_texts(content, name, keys=_REPORT_KEYS)
        return {key: erase_from_report(value, account_id, name) for key, value in content.items()}
    if isinstance(content, list):
        return [erase_from_report(value, account_id, name) for value in content]
    return _without_name(content, name)


def _without_texts(content: Any, name: str | None, key: str = "", keys: frozenset[str] = _TEXT_KEYS) -> Any:
    """Values of keys that hold texts are replaced, at any depth; the account's name everywhere."""
    if isinstance(content, dict):
        return {
            inner: _without_texts(value, name, key if key in keys else inner, keys) for inner, value in content.items()
        }
    if isinstance(content, list):
        return [_without_texts(value, name, key, keys) for value in content]
    if isinstance(content, str) and key in keys:
        return ERASED
    return _without_name(content, name)


def _without_name(content: Any, name: str | None) -> Any:
    return content.replace(name, ERASED) if isinstance(content, str) and name and len(name) > 2 else content
