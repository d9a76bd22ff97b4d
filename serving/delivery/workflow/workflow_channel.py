"""A workflow engine as a channel: one instance for each case that is opened, and a word to it when the case is over.

The key of an instance is computed from the case. It is remembered with the instance's id as soon as the engine has
answered, and an attempt whose predecessor may have died before the answer asks the engine for the key first.
"""

from dataclasses import dataclass
from typing import Protocol

from serving.delivery.channel import ChannelMessage, ExternalRecord, SaveRecord
from serving.delivery.workflow.work_order import WorkOrder, ends_work, starts_work, work_order

KEY = "business_key"
"""The key of the newest instance, in what is remembered of it."""


@dataclass(frozen=True)
class StartedWork:
    """An instance in the engine; ``id`` is empty where the engine does not say it."""

    id: str
    url: str = ""


class WorkflowEngine(Protocol):
    """A workflow engine."""

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

    def send(self, message: ChannelMessage) -> None:
        """Start work without remembering it, for a message that is about no case, such as a test."""
        if starts_work(message):
            self.engine.start(work_order(message))

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
