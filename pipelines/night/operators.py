"""Messages to whoever runs Rescue, on the channels of the setting ``operations``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from features.errors import UsageError, suggest_name
from pipelines import assembly
from pipelines.console import log_event
from pipelines.system_clock import today
from serving.operations.operator_messages import (
    OperatorMessage,
    dead_letters_message,
    enqueue_operator_messages,
    late_feed_message,
    missing_nights_message,
)
from serving.store.database import utcnow

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from serving.night_report.report_schema import NightReport
    from serving.store import Store


def check_channels(settings: Settings) -> None:
    """Refuse channels that cannot work, and names in ``operations`` that are none: before a night, and when shown.

    Raises:
        UsageError: the sentence names the setting.
    """
    assembly.open_channels(settings)
    for name in settings.operations:
        if name not in settings.channels:
            hint = suggest_name(name, settings.channels) if settings.channels else "no [channels.NAME] is set."
            raise UsageError(f"operations names a channel {name!r}, which does not exist; {hint}")


def log_warnings(report: NightReport) -> None:
    """Write the warnings of a night's report as events where logs are JSON: whoever collects them reads no report."""
    from serving.night_report.report_text import warning_lines

    for line in warning_lines(report):
        log_event(line.removeprefix("Warning: "), logging.WARNING, night=report.as_of.isoformat())


def send_to_operators(settings: Settings, store: Store, messages: Sequence[OperatorMessage]) -> int:
    """Write these messages to the outbox, once each, and try to send them; the number of new ones."""
    if not settings.operations or not messages:
        return 0
    with store.transaction() as session:
        added = enqueue_operator_messages(session, messages, settings.operations, at=utcnow())
    if added:
        from serving.cases.digests.send_messages import send_messages
        from serving.delivery.channel_settings import open_channels

        with suppress(Exception):  # the message is in the outbox, and is tried again
            named = {name: table for name, table in settings.channels.items() if name in settings.operations}
            send_messages(store, open_channels(named))
    return added


def report_late_feeds(settings: Settings, store: Store, report: NightReport) -> int:
    """A message for each feed of the night that is late, once for each time that it is."""
    from serving.night_report.report_text import late_text

    messages = [
        late_feed_message(report.as_of, feed.table, late_text(feed), str(feed.newest_on))
        for feed in report.feeds
        if feed.late
    ]
    return send_to_operators(settings, store, messages)


def check_operation(settings: Settings, store: Store) -> int:
    """Messages about nights that are missing and messages that could not be delivered; run by `rescue timers`."""
    if not settings.operations:
        return 0
    day = today(settings.timezone)
    with store.reading() as session:
        found = [missing_nights_message(session, day), dead_letters_message(session, day)]
    return send_to_operators(settings, store, [message for message in found if message is not None])
