"""The settings of ``rescue sync``: systems whose REST interface is read into files of the home folder."""

import ipaddress
from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from features.errors import UsageError

Vendor = Literal["zendesk", "hubspot", "jira", "servicenow", "stripe", "salesforce"]


class SyncSettings(BaseModel):
    """A section ``[sync.NAME]`` of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Vendor = Field(description="The system: zendesk, hubspot, jira, servicenow, stripe or salesforce.")
    address: str = Field(description="Where its interface is, such as https://example.zendesk.com.")
    user: str | None = Field(None, description="Whose token it is, where the system asks for a name: zendesk, jira.")
    token: SecretStr = Field(description="The token or password; better in the environment or a file than here.")
    tables: tuple[str, ...] = Field((), description="The tables to read; by default all that the system's file lists.")
    since: date | None = Field(None, description="The day from which changes are read first; by default everything.")
    fields: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description='Further columns by table, for Salesforce: your own, such as {opportunity = ["ARR__c"]}.',
    )
    full_every: int = Field(
        7, ge=1, le=365, description="Days after which everything is read again, so that deleted rows are noticed."
    )

    @field_validator("address")
    @classmethod
    def _safe(cls, address: str) -> str:
        parts = urlsplit(address)
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and _local(parts.hostname))):
            raise UsageError(f"The setting address of a [sync] section has to begin with https://, not {address!r}.")
        if parts.username or parts.query or parts.fragment:
            raise UsageError("The setting address of a [sync] section has no name, password or query in it.")
        return address.rstrip("/")


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
