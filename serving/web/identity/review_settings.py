"""The settings of the review app; ``pipelines.settings`` reads them."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from features.errors import UsageError
from serving.cases.permissions import Role
from serving.paths.references.answer_links import SHORTEST_KEY, AnswerLinks


class ReviewSettings(BaseModel):
    """The section ``[review]`` of ``rescue.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auth: Literal["local", "oidc", "proxy"] = Field(
        default="local",
        description="How people sign in: local users, OpenID Connect, or a proxy that has signed them in.",
    )
    secure_cookies: bool = Field(
        default=True, description="Cookies over HTTPS only; false for a trial over plain HTTP."
    )
    address: str | None = Field(
        default=None,
        description="The address of the app in browsers, such as https://rescue.example, if it is behind a proxy.",
    )
    answer_key: SecretStr | None = Field(
        default=None,
        description="Signs links in mails by which a case is acknowledged, snoozed or disagreed with, without signing "
        "in; at least 32 characters. Set it in the environment: RESCUE_REVIEW__ANSWER_KEY. Without it, mails only link "
        "to the case.",
    )
    answer_key_file: Path | None = Field(default=None, description="A file with that key.")
    answer_hours: int = Field(default=72, ge=1, le=336, description="How long such a link works.")
    session_hours: float = Field(default=12, gt=0, le=168, description="The maximum length of a session.")
    idle_minutes: float = Field(default=60, gt=0, description="A session ends after this time without a request.")
    attempts_per_minute: int = Field(default=5, ge=1, description="Sign-in attempts for one name from one address.")
    oidc_issuer: str | None = Field(default=None, description="The provider's address, without /.well-known/….")
    oidc_client_id: str | None = Field(default=None, description="The client id of Rescue at the provider.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Set it in the environment: RESCUE_REVIEW__OIDC_CLIENT_SECRET."
    )
    name_claim: str = Field(default="preferred_username", description="The claim with the name that the policy uses.")
    roles_claim: str = Field(default="groups", description="The claim with the groups or roles.")
    squads_claim: str = Field(
        default="squads", description="The claim with the squads; without it, the members in the policy count."
    )
    roles: dict[str, Role] = Field(
        default_factory=dict, description="The role of each group; a group with the name of a role needs no entry."
    )
    proxy_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="The networks of the trusted proxy."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="Networks of proxies whose X-Forwarded-For is read for the address of a client."
    )
    attachment_megabytes: float = Field(
        default=5, ge=0, le=100, description="The size of the largest file that can be added to a case; 0: no files."
    )
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Networks to which /metrics answers.",
    )
    proxy_user_header: str = Field(default="X-Remote-User", description="The header with the name of the person.")
    proxy_groups_header: str = Field(default="X-Remote-Groups", description="Groups or roles, separated by commas.")
    proxy_squads_header: str = Field(default="X-Remote-Squads", description="Squads, separated by commas.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth == "oidc" and not (self.oidc_issuer and self.oidc_client_id and self.oidc_client_secret):
            raise ValueError("auth = 'oidc' needs oidc_issuer, oidc_client_id and oidc_client_secret")
        if self.auth == "proxy" and not self.proxy_networks:
            raise ValueError("auth = 'proxy' needs proxy_networks: the networks of the proxy")
        if Role.SYSTEM in self.roles.values():
            raise ValueError("no group can have the role system, which is reserved for Rescue itself")
        return self

    @property
    def answer_links(self) -> AnswerLinks | None:
        """Links in mails by which a case is answered; None where no key is set.

        Raises:
            UsageError: the key is too short or cannot be read, or the address of the app is not set.
        """
        if self.answer_key is None and self.answer_key_file is None:
            return None
        from serving.delivery.channel_options import read_secret  # slow to import, and most commands need no key

        key = read_secret("review.answer_key", self.answer_key, self.answer_key_file)
        if not key:
            return None
        if len(key) < SHORTEST_KEY:
            raise UsageError(f"review.answer_key has at least {SHORTEST_KEY} characters: openssl rand -base64 32.")
        if not self.address:
            raise UsageError("review.answer_key needs review.address: the address of the app in browsers.")
        return AnswerLinks(self.address, key, timedelta(hours=self.answer_hours))
