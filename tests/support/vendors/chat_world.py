"""Open cases that are announced on one channel, whose settings name a fake; every process opens the channel anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import URL

from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.delivery.channel import ChannelMessage, ExternalRecord, SaveRecord
from serving.delivery.channel_settings import message_settings, open_channels
from serving.delivery.sender import DeliveryReport, deliver
from serving.nights.case_updates import Package, case_id
from serving.policy.definition.policy_schema import PolicyFile
from serving.store import Store
from serving.store.exchange import Message
from serving.store.tables import Case
from support.nights.handoff_factory import handoff
from support.nights.night_factory import NIGHT, NOW, RULES, names, record_of, run, simple_decision

DESK = "desk"
ANN = Actor("ann", Role.LEAD, frozenset({"north"}))
BOB = Actor("bob", Role.REVIEWER, frozenset({"north"}))
HEADLINE = "Ünit a000000: usage fell 43%, see <!channel> and evil.example"


def rules_with_people(people: dict[str, dict[str, str]]) -> PolicyFile:
    """The rules of the night factory, with addresses of people by channel."""
    known = {name: {"addresses": addresses} for name, addresses in people.items()}
    return PolicyFile.model_validate(RULES.model_dump(mode="json", by_alias=True) | {"people": known})


class _Killed(BaseException):
    """The process dies here."""


@dataclass
class _Dying:
    """A channel whose process dies after the other system has done what it was asked, and before that is stored."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, message: ChannelMessage) -> None:
        self.inner.send(message)
        raise _Killed

    def write(self, message: ChannelMessage, record: ExternalRecord, save: SaveRecord) -> ExternalRecord | None:
        self.inner.write(message, record, lambda _: None)
        raise _Killed


@dataclass
class ChatWorld:
    """The queue with open cases of the squad north, and the channel ``desk``."""

    store: Store
    settings: dict[str, Any]
    now: Any = NOW

    @classmethod
    def open(
        cls,
        url: str | URL,
        settings: dict[str, Any],
        *,
        count: int = 1,
        people: dict[str, dict[str, str]] | None = None,
        headline: str = HEADLINE,
    ) -> "ChatWorld":
        """A night has opened the cases; nothing is delivered yet."""
        channels = {DESK: settings}
        store = Store(url, message_settings(channels, "https://rescue.example"))  # type: ignore[arg-type]
        ids = names(count)
        broadcast = (DESK,) if settings.get("broadcast", True) else ()
        record = record_of(ids, simple_decision(ids), channels=broadcast)
        package = Package(handoff().to_json(), "1.0", headline)
        packages = dict.fromkeys(record.handoffs, package)
        run(store, replace(record, rules=rules_with_people(people or {}), handoffs=packages), NOW)
        return cls(store, settings)

    @property
    def cases(self) -> Cases:
        return Cases(self.store, clock=lambda: self.now)

    def case_id(self, number: int = 0) -> str:
        return case_id(names(number + 1)[-1], "churn", NIGHT)

    def case(self, number: int = 0) -> Case:
        with self.store.reading() as session:
            return session.get_one(Case, self.case_id(number))

    def deliver(self) -> DeliveryReport:
        """One run of the sender."""
        return deliver(self.store, open_channels({DESK: self.settings}), clock=lambda: self.now)

    def deliver_all(self, runs: int = 6) -> None:
        """Runs of the sender until nothing is due any more, each after the longest wait of the one before."""
        for _ in range(runs):
            self.deliver()
            self.now += timedelta(hours=13)
            if not self.pending():
                return
        raise AssertionError(f"{self.pending()} messages are still pending")

    def deliver_and_die(self) -> None:
        """A run of the sender whose process dies after the first message was taken by the other system."""
        channels: dict[str, Any] = {DESK: _Dying(open_channels({DESK: self.settings})[DESK])}
        try:
            deliver(self.store, channels, clock=lambda: self.now)
        except _Killed:
            self.now += timedelta(minutes=6)  # the lease ends
            return
        raise AssertionError("nothing was sent")

    def pending(self) -> int:
        with self.store.reading() as session:
            return len(session.scalars(select(Message).where(Message.status == "pending")).all())

    def send_again(self, choose: Callable[[Message], bool] = lambda _: True) -> None:
        """Every message that was sent is sent once more, as a replay by an operator does."""
        with self.store.transaction() as session:
            for message in session.scalars(select(Message)):
                if choose(message):
                    message.status, message.attempts, message.next_at = "pending", 0, self.now

    def hold(self, kind: str, hours: int) -> None:
        """Messages of a kind wait, as after failures."""
        with self.store.transaction() as session:
            session.execute(
                update(Message).where(Message.kind == kind).values(next_at=self.now + timedelta(hours=hours))
            )
