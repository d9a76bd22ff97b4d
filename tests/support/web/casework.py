"""The work on a case as a page shows it all at once: tasks, contacts, a file, mentions, a group, messages."""

from datetime import date

from sqlalchemy import update

from serving.cases.cases import Cases
from serving.cases.casework.attachment_files import UploadedFile
from serving.cases.casework.contact_entries import ContactDetails
from serving.cases.permissions import Actor, Role
from serving.store import Store
from serving.store.casework.casework_tables import AccountContact
from serving.store.exchange import Message
from serving.store.tables import Account
from support.nights.night_factory import Clock
from support.web.web_queue import NOW

ACTOR = Actor("jonas", Role.LEAD, frozenset({"success"}))


def add_casework(store: Store, case: str, account: str, reader: str = "ines") -> None:
    """Work on an open case, by somebody else than its reader, who is mentioned."""
    with store.transaction() as session:
        session.add(
            AccountContact(
                account_id=account, contact_id="c1", name="Mara", role="sponsor", mail="m@example.com", phone="030 1"
            )
        )
        others = ("a-000004", "a-000005")
        session.execute(update(Account).where(Account.account_id.in_(others)).values(parent_id=account))
        session.add(
            Message(
                **{"id": "m1", "channel": "mail", "kind": "case.opened", "case_id": case, "person": reader},
                **{"payload": {"subject": "New case"}, "status": "sent", "attempts": 1},
                created_at=NOW,
                next_at=NOW,
                sent_at=NOW,
            )
        )
    cases = Cases(store, clock=Clock(NOW))
    cases.claim(case, ACTOR)
    late = cases.work.add_task(case, ACTOR, title="Send the slides of the last review", due_on=date(2026, 2, 20))
    done = cases.work.add_task(case, ACTOR, title="Read the tickets", owner=reader)
    cases.work.finish_task(case, ACTOR, done.id)
    cases.log_contact(case, ACTOR, details=ContactDetails("Mara", "call"), comment=f"@{reader} please look")
    cases.work.attach(case, ACTOR, UploadedFile("notes of the call.txt", b"They miss the weekly report."))
    assert late.state == "open"
