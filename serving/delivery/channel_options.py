"""What every kind of channel has in its settings; each kind adds its own keys."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr

from features.errors import UsageError


class ChannelOptions(BaseModel):
    """``broadcast``: every case that is opened, raised, escalated, late or closed is announced on the channel.

    A channel that ``follows`` also gets every other change of a case, so that what it shows stays true; it leaves out
    cases that it has shown nothing of. A channel that
    ``records`` keeps a record of each case in another system: it gets every entry of the case's history instead, and
    nothing is announced on it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    follows: ClassVar[bool] = False
    records: ClassVar[bool] = False

    broadcast: bool = True

    def open(self) -> Any:
        """The channel."""
        raise NotImplementedError


def read_secret(key: str, value: SecretStr | None, file: Path | None) -> str:
    """A secret that is set itself or in a file; empty where neither is.

    Raises:
        UsageError: both are set, or the file cannot be read or is empty; the sentence never has the secret.
    """
    if value is not None and file is not None:
        raise UsageError(f"{key} and {key}_file are both set: keep one of them.")
    if file is None:
        return value.get_secret_value().strip() if value is not None else ""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{key}_file: {file} cannot be read.") from None
    if not text:
        raise UsageError(f"{key}_file: {file} is empty.")
    return text


def require_secret(key: str, value: SecretStr | None, file: Path | None) -> str:
    """A secret that has to be there.

    Raises:
        UsageError: it is not set.
    """
    found = read_secret(key, value, file)
    if not found:
        raise UsageError(f"{key} is missing: set it in the environment, or {key}_file to a file that holds it.")
    return found
