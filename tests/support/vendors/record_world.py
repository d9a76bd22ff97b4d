"""One case, a channel that keeps its record in a fake system, and a clock that the test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import select
from sqlalchemy.engine import URL

from serving.cases.cases import Cases
from serving.cases.incoming.read_back import ReadReport, read_back
from serving.cases.permissions import Actor, Role
from serving.delivery.channel import Channel
from serving.delivery.channel_settings import message_settings, open_channels
from serving.delivery.sender import DeliveryReport, deliver
from serving.nights.case_updates import Package, case_id
from serving.policy.definition.policy_schema import PolicyFile
from serving.store import Store
from serving.store.exchange import ExternalRecordRow, Message
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case, CaseEvent
from support.nights.handoff_factory import handoff
from support.nights.night_factory import NIGHT, NOW, RULES, names, record_of, run, simple_decision
from support.vendors.fake_vendor import FakeVendor

DESK = "desk"
LOCAL = frozenset({"127.0.0.1"})
ANN = Actor("ann", Role.LEAD, frozenset({"north"}))
ADDRESSES = {"ann": "ann@desk.example", "cid": "cid@desk.example"}


def people_rules() -> PolicyFile:
    """The rules of the night factory, with the addresses of two people."""
    people = {name: {"addresses": {"mail": address}} for name, address in ADDRESSES.items()}
    return PolicyFile.model_validate(RULES.model_dump(mode="json", by_alias=True) | {"people": people})


@dataclass
class RecordWorld:
    """The queue with ``count`` open cases of the squad north, and the channel ``desk``."""

    store: Store
    vendor: FakeVendor
    settings: dict[str, Any]
    now: datetime = NOW

    @classmethod
    def open(cls, url: str | URL, vendor: FakeVendor, settings: dict[str, Any], *, count: int = 1) -> "RecordWorld":
        """A night has opened the cases; nothing is delivered yet."""
        settings = {"url": vendor.url, "allow": LOCAL, **settings}
        channels = {DESK: settings}
        store = Store(url, message_settings(channels, "https://rescue.example"))  # type: ignore[arg-type]
        world = cls(store, vendor, settings)
        ids = names(count)
        record = record_of(ids, simple_decision(ids), channels=())
        packages = {key: _package(key[0]) for key in record.handoffs}
        run(store, replace(record, rules=people_rules(), handoffs=packages), NOW)
        return world

    @property
    def channels(self) -> dict[str, Channel]:
        """The channel, opened anew, as every process does."""
        return open_channels({DESK: self.settings})

    @property
    def cases(self) -> Cases:
        """The use cases at the present time."""
        return Cases(self.store, clock=lambda: self.now)

    def case_id(self, number: int = 0) -> str:
        return case_id(names(number + 1)[-1], "churn", NIGHT)

    def case(self, number: int = 0) -> Case:
        with self.store.reading() as session:
            return session.get_one(Case, self.case_id(number))

    def row(self, number: int = 0) -> ExternalRecordRow:
        with self.store.reading() as session:
            query = select(ExternalRecordRow).where(ExternalRecordRow.case_id == self.case_id(number))
            return session.scalars(query).one()

    def history(self, number: int = 0) -> list[CaseEvent]:
        with self.store.reading() as session:
            return case_history(session, self.case_id(number))

    def messages(self) -> list[Message]:
        with self.store.reading() as session:
            return list(session.scalars(select(Message).order_by(Message.created_at, Message.id)))

    def advance(self, **length: float) -> datetime:
        self.now += timedelta(**(length or {"minutes": 10}))
        return self.now

    def deliver(self) -> DeliveryReport:
        """Send what is due now."""
        with self.clock():
            return deliver(self.store, self.channels, clock=lambda: self.now)

    def deliver_all(self) -> None:
        """Send until nothing waits: every message is sent or dead."""
        for _ in range(60):
            self.deliver()
            if all(message.status != "pending" for message in self.messages()):
                return
            self.advance(hours=13)
        raise AssertionError([message.error for message in self.messages() if message.status == "pending"])

    def read(self) -> ReadReport:
        """Read what became of the records."""
        self.advance()
        with self.clock():
            return read_back(self.store, self.channels)

    @contextmanager
    def clock(self) -> Iterator[None]:
        """The time of the queue is that of this world."""
        with patch("serving.store.database._simulated", [lambda: self.now]):
            yield


def _package(account: str) -> Package:
    base = handoff()
    package = base.model_copy(update={"account": base.account.model_copy(update={"account_id": account})})
    return Package(package.to_json(), package.schema_version, f"{account} may leave")
