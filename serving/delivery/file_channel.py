"""Letters as files in a folder, for whatever picks them up from there."""

import os
from dataclasses import dataclass
from pathlib import Path

from serving.delivery.channel import DeliveryError, Letter


@dataclass(frozen=True)
class FileChannel:
    """Writes ``<id>.json``, whole or not at all; the same letter again is the same file again."""

    folder: Path

    def send(self, letter: Letter) -> None:
        """Write beside the name and rename, so that nobody reads half a letter."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = self.folder / f".{letter.id}.part"
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(letter.body())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / f"{letter.id}.json")
        except OSError as error:
            raise DeliveryError(f"The folder cannot be written ({type(error).__name__}).") from error
