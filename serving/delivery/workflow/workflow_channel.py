"""A workflow engine as a channel: one instance for each case that is opened, and a word to it when the case is over.

The key of an instance is computed from the case. It is remembered with the instance's id as soon as the engine has
answered, and an attempt whose predecessor may have died before the answer asks the engine for the key first.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from serving.delivery.channel import TEST, ChannelMessage, ExternalRecord, SaveRecord
from serving.delivery.workflow.work_order import WorkOrder, ends_work, starts_work, work_order

KEY = "business_key"
"""The key of the newest instance, in what is remembered of it."""


@dataclass(frozen=True)
class StartedWork:
    """An instance in the engine; ``id`` is empty where the engine does not say it."""

    id: str
    url: str = ""


class WorkflowEngine(Protocol):
    """A workflow engine; ``title`` is what it is called in messages."""

    title: ClassVar[str]

    def test(self) -> str:
        """Sign in, and look whether what the settings name is there; empty where that cannot be asked."""

    def ping(self) -> None:
        """Do what :meth:`test` does, and more where only a message can tell."""

    def find(self, order: WorkOrder) -> StartedWork | None:
        """The instance that was started under the key of the order; None where there is none, or it cannot be asked."""

    def start(self, order: WorkOrder) -> StartedWork:
        """Start an instance; that there is one with this key already is no error."""

    def end(self, key: str, order: WorkOrder) -> None:
        """Tell the instance with this key that its case is over."""


@dataclass(frozen=True)
class WorkflowChannel:
    """Starts instances in one engine."""

    engine: WorkflowEngine

    @property
    def title(self) -> str:
        """What the engine is called in messages."""
        return self.engine.title

    def test(self) -> str:
        """What the engine answers to a question that starts nothing."""
        return self.engine.test()

    def send(self, message: ChannelMessage) -> None:
        """Try the connection; a message that is about no case starts nothing."""
        if message.kind == TEST:
            self.engine.ping()

    def write(self, message: ChannelMessage, record: ExternalRecord, save: SaveRecord) -> ExternalRecord | None:
        """Start an instance for a case that was opened; tell it when the case is over."""
        if starts_work(message):
            return self._start(message, record)
        key = record.data.get(KEY)
        if ends_work(message) and key and not record.data.get("over"):
            self.engine.end(str(key), work_order(message))
            return ExternalRecord(record.key, record.url, {**record.data, "over": True})
        return None

    def _start(self, message: ChannelMessage, record: ExternalRecord) -> ExternalRecord | None:
        order = work_order(message)
        if record.data.get(KEY) == order.key:
            return None
        started = self.engine.find(order) if message.attempt > 1 else None
        if started is None:
            started = self.engine.start(order)
        return ExternalRecord(started.id or order.key, started.url or None, {KEY: order.key})
