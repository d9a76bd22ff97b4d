"""A request with signals: budget, sender, form, fields, and only then the database.

Each way in which a request can be wrong has one answer of its own, and nothing of such a request is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from features.errors import UsageError, nearest_name
from serving.paths.references.external_keys import is_own_key
from serving.signals.cloud_events import BATCH, JSON_TYPE, SINGLE, parse_json, read_events
from serving.signals.intake_budget import IntakeBudget
from serving.signals.payload_adapter import PayloadAdapter, load_adapters
from serving.signals.sender_check import check_sender
from serving.signals.signal_fields import AcceptedTimes, Signal
from serving.signals.signal_intake import IntakeReport, add_signals
from serving.signals.signal_settings import SignalSettings
from serving.store.database import Store, utcnow


class UnknownAdapterError(UsageError):
    """There is no adapter of this name."""


class ContentTypeError(UsageError):
    """The content type is none that signals come in."""


@dataclass
class SignalReceiver:
    """Takes requests; ``clock`` returns the time, naive UTC."""

    store: Store
    settings: SignalSettings = field(default_factory=SignalSettings)
    clock: Callable[[], datetime] = utcnow

    @cached_property
    def budget(self) -> IntakeBudget:
        """What the senders have used of their budget."""
        return IntakeBudget(self.settings)

    @cached_property
    def adapters(self) -> dict[str, PayloadAdapter]:
        """The adapters by name."""
        return load_adapters(self.settings.adapters)

    def receive(self, body: bytes, headers: Mapping[str, str], *, address: str = "", adapter: str = "") -> IntakeReport:
        """Take the signals of a request; ``headers`` are in lower case, ``adapter`` names the form of a vendor.

        A signal about an alert that Rescue has opened itself is left out.
        """
        sender = f"{adapter or 'api'} {address}".strip()
        self.budget.count_request(sender)
        shape = self._adapter(adapter) if adapter else None
        check_sender(body, headers, self.settings.secret_of(adapter), shape)
        now = self.clock()
        signals = [signal for signal in self._signals(body, headers, shape, now) if not is_own_key(signal.fingerprint)]
        self.budget.count_signals(sender, len(signals))
        return add_signals(self.store, signals, sender=sender, now=now)

    def _adapter(self, name: str) -> PayloadAdapter:
        if name not in self.adapters:
            near = nearest_name(name, self.adapters)
            hint = f"did you mean {near!r}?" if near else f"there are {', '.join(sorted(self.adapters))}."
            raise UnknownAdapterError(f"There is no adapter of this name; {hint}")
        return self.adapters[name]

    def _signals(
        self, body: bytes, headers: Mapping[str, str], shape: PayloadAdapter | None, now: datetime
    ) -> list[Signal]:
        accepted = AcceptedTimes.at(now, self.settings.keep_days)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if shape is not None:
            return shape.read_signals(parse_json(body), accepted)
        if kind not in (SINGLE, BATCH, JSON_TYPE):
            raise ContentTypeError(f"Send signals as {SINGLE}, or several as {BATCH}.")
        batch = {SINGLE: False, BATCH: True}.get(kind)
        return read_events(parse_json(body), accepted, now, webhook_id=headers.get("webhook-id", ""), batch=batch)
