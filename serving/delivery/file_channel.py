"""Messages as files in a folder, from which another program collects them."""

import os
from dataclasses import dataclass
from pathlib import Path

from serving.delivery.channel import ChannelMessage, DeliveryError


@dataclass(frozen=True)
class FileChannel:
    """Writes ``<id>.json``, whole or not at all; the same message again replaces the file by the same content."""

    folder: Path

    def send(self, message: ChannelMessage) -> None:
        """Write to a temporary name and rename, so that nobody reads half a message."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = self.folder / f".{message.id}.part"
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(message.body())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / f"{message.id}.json")
        except OSError as error:
            raise DeliveryError(f"The folder cannot be written ({type(error).__name__}).") from error
