"""The settings that every channel with records has, whatever its system."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from features.errors import UsageError, suggest_name
from serving.delivery.channel_options import ChannelOptions, read_secret, require_secret
from serving.delivery.records.record_system import RecordSystem
from serving.delivery.records.record_writer import ACCOUNT_VALUES, CaseRecords, RecordOptions
from serving.delivery.records.rest_client import RestClient, basic_of, fixed
from serving.delivery.web_requests.access_tokens import Authorization, ClientCredentials, bearer_of
from serving.delivery.web_requests.addresses import refuse_inner
from serving.store.case_states import OUTCOMES


class RecordSettings(ChannelOptions):
    """A channel that keeps a record of each case; ``allow`` names hosts inside one's own network that it may be.

    ``account_fields`` are the fields of the account by what is written into them (risk, health, state, outcome,
    severity, headline, link, owner); ``account_key`` is the field there that has the account id of Rescue. ``squads``
    are those whose cases get a record. ``outcomes`` are outcomes of cases by words of the system. Without ``read``,
    nothing comes back; ``role`` is the role of people of the system who are not known here, ``none`` refuses them.
    """

    records: ClassVar[bool] = True

    url: str
    token: SecretStr | None = None
    token_file: Path | None = None
    allow: frozenset[str] = frozenset()
    account_key: str | None = None
    account_fields: dict[str, str] = Field(default_factory=dict)
    squads: frozenset[str] = frozenset()
    outcomes: dict[str, str] = Field(default_factory=dict)
    read: bool = True
    role: Literal["lead", "reviewer", "none"] = "lead"

    @field_validator("account_fields")
    @classmethod
    def _values(cls, fields: dict[str, str]) -> dict[str, str]:
        for name in fields:
            if name not in ACCOUNT_VALUES:
                raise UsageError(f"account_fields: there is no {name!r}: {suggest_name(name, ACCOUNT_VALUES)}")
        return fields

    @field_validator("outcomes")
    @classmethod
    def _known_outcomes(cls, outcomes: dict[str, str]) -> dict[str, str]:
        for outcome in outcomes.values():
            if outcome not in OUTCOMES:
                raise UsageError(f"outcomes: there is no outcome {outcome!r}: {suggest_name(outcome, OUTCOMES)}")
        return {word.casefold(): outcome for word, outcome in outcomes.items()}

    def keep(self, system: RecordSystem, kind: str) -> CaseRecords:
        """The channel to a system."""
        options = RecordOptions(
            kind, self.account_key, self.account_fields, self.squads, self.outcomes, self.read, self.role
        )
        return CaseRecords(system, options)

    def client(self, title: str, authorization: Authorization, headers: dict[str, str] | None = None) -> RestClient:
        """The requests to the system at ``url``."""
        refuse_inner(self.url, self.allow)
        return RestClient(title, self.url, authorization, allow=self.allow, headers=headers)

    def secret(self) -> str:
        """The token, which has to be there."""
        return require_secret("token", self.token, self.token_file)


class PasswordSettings(RecordSettings):
    """A channel that signs in with a name and a password or token."""

    user: str | None = None


class OAuthSettings(RecordSettings):
    """A channel that signs in with a token, or fetches one with the id and the secret of an app.

    With ``refresh_token``, the app acts for the person who allowed it; without, for itself.
    """

    client_id: str | None = None
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    refresh_token: SecretStr | None = None
    refresh_token_file: Path | None = None
    token_url: str | None = None

    def sign_in(self, token_url: str) -> Authorization:
        """The header of the sign-in; ``token_url`` is where the system gives tokens, unless a setting names it."""
        if self.client_id is None:
            return bearer_of(None, self.secret())
        target = self.token_url or token_url
        refuse_inner(target, self.allow, "token_url")
        secret = require_secret("client_secret", self.client_secret, self.client_secret_file)
        refresh = read_secret("refresh_token", self.refresh_token, self.refresh_token_file)
        more = {"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {}
        return bearer_of(ClientCredentials(target, self.client_id, secret, more=more, allow=self.allow))


def token_or_password(user: str | None, secret: str, *, suffix: str = "") -> Authorization:
    """Basic authentication where there is a user, else the token alone."""
    return basic_of(f"{user}{suffix}", secret) if user else fixed(f"Bearer {secret}")
