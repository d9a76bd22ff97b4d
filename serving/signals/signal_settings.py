"""The settings of signals, the section ``[signals]`` of ``rescue.toml``; ``pipelines.settings`` reads them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from features.errors import UsageError


class SignalSettings(BaseModel):
    """Who may send signals, how many, and how long they are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr | None = Field(
        default=None,
        description="The secret of senders, base64 as in Standard Webhooks. Set it in the environment: "
        "RESCUE_SIGNALS__SECRET. Without a secret the API takes no signals.",
    )
    secret_file: Path | None = Field(default=None, description="A file with that secret.")
    secrets: dict[str, SecretStr] = Field(
        default_factory=dict, description="A secret of its own for the payloads of an adapter, such as sentry."
    )
    adapters: Path | None = Field(default=None, description="Folder of your own adapters, NAME.toml.")
    keep_days: int = Field(default=30, ge=1, le=3660, description="Days that signals are kept; older ones are refused.")
    per_minute: int = Field(
        default=200_000, ge=1, description="Signals of one sender in a minute; more are refused until the next."
    )
    requests_per_minute: int = Field(default=600, ge=1, description="Requests with signals of one sender in a minute.")

    @field_validator("secret")
    @classmethod
    def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not can_sign(secret.get_secret_value()):
            raise UsageError("The setting signals.secret has to be base64: `rescue signals secret` makes one.")
        return secret

    def secret_of(self, adapter: str = "") -> str | None:
        """The secret that signals of an adapter (empty: CloudEvents) are signed with; None where there is none.

        Raises:
            UsageError: the file with the secret cannot be read, or is empty.
        """
        if adapter in self.secrets:
            return self.secrets[adapter].get_secret_value().strip() or None
        if self.secret is not None:
            return self.secret.get_secret_value().strip() or None
        if self.secret_file is None:
            return None
        try:
            text = self.secret_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"signals.secret_file: {self.secret_file} cannot be read.") from None
        if not text:
            raise UsageError(f"signals.secret_file: {self.secret_file} is empty.")
        return text


def can_sign(secret: str) -> bool:
    """Whether a secret is one of Standard Webhooks: base64, with or without ``whsec_``."""
    try:
        Webhook(secret.strip())
    except (ValueError, EmptyWebhookSecretError):
        return False
    return True
