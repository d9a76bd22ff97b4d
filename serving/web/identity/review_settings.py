"""What an operator sets for the review app; ``pipelines.settings`` reads it and hands it over."""

from ipaddress import IPv4Network, IPv6Network
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from serving.cases.permissions import Role


class ReviewSettings(BaseModel):
    """The section ``[review]`` of ``rescue.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auth: Literal["local", "oidc", "proxy"] = Field(default="local", description="Who says who somebody is.")
    secure_cookies: bool = Field(
        default=True, description="Cookies over HTTPS only; false for a trial over plain HTTP."
    )
    address: str | None = Field(
        default=None,
        description="Where browsers find the app, such as https://rescue.example, if a proxy stands before it.",
    )
    session_hours: float = Field(default=12, gt=0, le=168, description="After so long everybody signs in again.")
    idle_minutes: float = Field(
        default=60, gt=0, description="After so long without a request somebody signs in again."
    )
    attempts_per_minute: int = Field(default=5, ge=1, description="Sign-in attempts for one name from one address.")
    oidc_issuer: str | None = Field(default=None, description="The provider's address, without /.well-known/….")
    oidc_client_id: str | None = Field(default=None, description="What the provider calls Rescue.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="RESCUE_REVIEW__OIDC_CLIENT_SECRET is its place."
    )
    name_claim: str = Field(default="preferred_username", description="The claim that holds the name the policy uses.")
    roles_claim: str = Field(default="groups", description="The claim that holds groups or roles.")
    squads_claim: str = Field(
        default="squads", description="The claim that holds squads; without it the policy's members."
    )
    roles: dict[str, Role] = Field(
        default_factory=dict, description="Which group has which role; one named like a role needs no entry."
    )
    proxy_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Where the trusted proxy asks from."
    )
    proxy_user_header: str = Field(
        default="X-Remote-User", description="The header in which the proxy names the person."
    )
    proxy_groups_header: str = Field(default="X-Remote-Groups", description="Groups or roles, separated by commas.")
    proxy_squads_header: str = Field(default="X-Remote-Squads", description="Squads, separated by commas.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth == "oidc" and not (self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret):
            raise ValueError("auth = 'oidc' needs oidc_issuer, oidc_client_id and oidc_client_secret")
        if self.auth == "proxy" and not self.proxy_networks:
            raise ValueError("auth = 'proxy' needs proxy_networks: the addresses that the proxy asks from")
        if Role.SYSTEM in self.roles.values():
            raise ValueError("no group can have the role system, which is Rescue's own")
        return self
