"""A paging service as a channel: each message becomes one step of the alert of its case or incident.

A message that was held up must not open an alert again whose case is closed by now: so the version of the case in the
newest step is remembered, and an older one is left out.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from serving.delivery.channel import TEST, ChannelMessage, ExternalRecord, SaveRecord
from serving.delivery.paging.alert import AlertService, AlertStep, alert_of


@dataclass(frozen=True)
class PagingChannel:
    """Sends to one service; repetitions have the same key, so they change nothing there."""

    service: AlertService
    for_people: ClassVar[bool] = True

    def send(self, message: ChannelMessage) -> None:
        """Trigger an alert that is about no case; the service itself knows whom it calls."""
        alert = alert_of(message)
        if alert is None:
            return
        self.service.send_alert(alert)
        if message.kind == TEST:
            self.service.send_alert(replace(alert, step=AlertStep.RESOLVE))

    def write(self, message: ChannelMessage, record: ExternalRecord, save: SaveRecord) -> ExternalRecord | None:
        """Trigger, acknowledge or resolve the alert of a case or an incident; without an alert, nothing changes."""
        alert, version = alert_of(message), int({**message.data, **message.current}.get("version") or 0)
        if alert is None or version < int(record.data.get("version") or 0):
            return None
        if record.key is None and alert.step is not AlertStep.TRIGGER:
            return None
        self.service.send_alert(alert)
        return ExternalRecord(alert.key, record.url, {"version": version, "step": str(alert.step)})
