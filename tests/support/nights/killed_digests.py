"""Senders of digests in processes of their own, which die at a chosen point."""

import os
import signal
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from serving.cases.digests import run_digests
from serving.cases.digests.send_messages import send_messages
from serving.delivery.file_channel import FileChannel
from serving.paths.message_settings import MessageSettings
from serving.store import Store
from support.nights.killed_senders import KillingChannel
from support.nights.path_world import CHANNELS


def die(*_: object) -> NoReturn:
    """End this process at once, as a power failure would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process is still alive")


def send_and_die(url: str, folder: Path, at: datetime, point: str) -> None:
    """Send what is due, and die while a digest is composed, before its commit, or after it was delivered."""
    with Store(url, MessageSettings("https://rescue.example", CHANNELS)) as store:
        if point == "composing":
            run_digests.compose_digest = die  # type: ignore[assignment]
        elif point == "before the commit":
            run_digests._send_with = die
        channel = KillingChannel(folder) if point == "after the delivery" else FileChannel(folder)
        send_messages(store, {"mail": channel}, clock=lambda: at)


def send_to(url: str, folder: Path, at: datetime) -> None:
    """Send what is due."""
    with Store(url, MessageSettings("https://rescue.example", CHANNELS)) as store:
        send_messages(store, {"mail": FileChannel(folder)}, clock=lambda: at)
