"""Senders in processes of their own; in a module that the fork server loads once, not each child anew."""

import os
import signal
from datetime import timedelta
from pathlib import Path

from serving.delivery.channel import ChannelMessage
from serving.delivery.file_channel import FileChannel
from serving.delivery.sender import deliver
from serving.store import Store
from support.nights.night_factory import NOW


class KillingChannel:
    """A channel that delivers a message and then kills its own process."""

    def __init__(self, folder: Path) -> None:
        self.inner = FileChannel(folder)

    def send(self, message: ChannelMessage) -> None:
        self.inner.send(message)
        log = self.inner.folder / "arrivals.log"
        with log.open("a") as file:
            file.write(message.id + "\n")
        os.kill(os.getpid(), signal.SIGKILL)


def deliver_and_die(url: str, folder: Path, hours: int) -> None:
    with Store(url) as store:
        deliver(store, {"hook": KillingChannel(folder)}, clock=lambda: NOW + timedelta(hours=hours))


def deliver_to(url: str, folder: Path) -> None:
    with Store(url) as store:
        deliver(store, {"hook": FileChannel(folder)}, clock=lambda: NOW)
