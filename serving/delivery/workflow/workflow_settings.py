"""The settings of workflow engines: where they are, what is started, and the credentials."""

import base64
import re
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import SecretStr

from features.errors import UsageError
from serving.delivery.channel_options import ChannelOptions, read_secret, require_secret
from serving.delivery.web_requests.access_tokens import Authorization, ClientCredentials, bearer_of
from serving.delivery.web_requests.addresses import refuse_inner
from serving.delivery.workflow.camunda import Camunda8
from serving.delivery.workflow.camunda7 import Camunda7
from serving.delivery.workflow.camunda_process import CamundaProcess
from serving.delivery.workflow.n8n import N8nWebhook
from serving.delivery.workflow.uipath import UiPathOrchestrator
from serving.delivery.workflow.workflow_channel import WorkflowChannel

CAMUNDA_CLOUD = "https://login.cloud.camunda.io/oauth/token"
UIPATH_CLOUD = "https://cloud.uipath.com/identity_/connect/token"
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


class _SignedIn(ChannelOptions):
    """Credentials of a client, or a fixed token; ``token_url`` is the sign-in server of the client credentials."""

    follows: ClassVar[bool] = True

    url: str
    client_id: str | None = None
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    token_url: str | None = None
    scope: str = ""
    allow: frozenset[str] = frozenset()

    def _address(self) -> str:
        refuse_inner(self.url, self.allow)
        return self.url.rstrip("/")

    def _bearer(self, token_url: str, **more: str) -> Authorization:
        token = read_secret("token", self.token, self.token_file)
        if self.client_id is None:
            return bearer_of(None, token)
        if token:
            raise UsageError("token and client_id are both set: keep one of them.")
        secret = require_secret("client_secret", self.client_secret, self.client_secret_file)
        refuse_inner(token_url, self.allow, "token_url")
        return bearer_of(ClientCredentials(token_url, self.client_id, secret, self.scope, more, self.allow))


class CamundaSettings(_SignedIn):
    """Camunda 8 or 7: ``process`` is the id of the process that is started, or ``start_message`` its start message.

    ``over_message`` names a message to the process when the case is over. With ``business_id`` (Camunda 8.9 and later)
    the cluster keeps one instance for each case.
    """

    kind: Literal["camunda"]
    version: int = 8
    process: str = ""
    start_message: str = ""
    over_message: str = ""
    business_id: bool = False
    tenant: str = ""
    audience: str = ""
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None

    def open(self) -> WorkflowChannel:
        """The channel."""
        if self.version not in {7, 8}:
            raise UsageError("version: it is 8, or 7 for a Camunda 7 engine.")
        if bool(self.process) == bool(self.start_message):
            raise UsageError("process: set either the id of the process to start, or start_message.")
        started = CamundaProcess(self.process, self.start_message, self.over_message, self.tenant, self.business_id)
        engine = Camunda7 if self.version == 7 else Camunda8
        return WorkflowChannel(engine(self._address(), self._authorization(), started, self.allow))

    def _authorization(self) -> Authorization:
        if self.user is None:
            more = {"audience": self.audience} if self.audience else {}
            return self._bearer(self.token_url or CAMUNDA_CLOUD, **more)
        if self.client_id is not None:
            raise UsageError("user and client_id are both set: keep one of them.")
        password = require_secret("password", self.password, self.password_file)
        value = "Basic " + base64.b64encode(f"{self.user}:{password}".encode()).decode()
        return lambda _refused: value


class UiPathSettings(_SignedIn):
    """A queue of UiPath Orchestrator; ``folder`` is the id of the folder that it is in."""

    kind: Literal["uipath"]
    queue: str
    folder: str
    scope: str = "OR.Queues"

    def open(self) -> WorkflowChannel:
        """The channel."""
        if self.client_id is None and not (self.token or self.token_file):
            raise UsageError("client_id is missing: add an external application in UiPath, and set its id and secret.")
        bearer = self._bearer(self.token_url or UIPATH_CLOUD)
        return WorkflowChannel(UiPathOrchestrator(self._address(), self.queue, self.folder, bearer, allow=self.allow))


class N8nSettings(ChannelOptions):
    """A webhook node of n8n, with the name and the value of the header that protects it."""

    follows: ClassVar[bool] = True

    kind: Literal["n8n"]
    url: SecretStr
    header: str = "X-Rescue-Key"
    value: SecretStr | None = None
    value_file: Path | None = None
    allow: frozenset[str] = frozenset()

    def open(self) -> WorkflowChannel:
        """The channel."""
        refuse_inner(self.url.get_secret_value(), self.allow)
        if not _HEADER.fullmatch(self.header):
            raise UsageError("header: the name of a header has letters, digits and - only.")
        value = require_secret("value", self.value, self.value_file)
        return WorkflowChannel(N8nWebhook(self.url.get_secret_value(), self.header, value, self.allow))
