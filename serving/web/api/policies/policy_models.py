"""Requests and responses of the API about the policy; times are in UTC."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from serving.policy_versions.saved_policies import LONGEST_CHANGE_REASON, LONGEST_POLICY
from serving.web.api.response_models import ResponseModel, UtcTime
from serving.web.api.text_fields import RequestModel


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot contain the NUL character")
    return text


PolicyText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_POLICY), AfterValidator(_without_nul)]
PolicyReason = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_CHANGE_REASON, pattern=r"\S"), AfterValidator(_without_nul)
]


class PolicyTextRequest(RequestModel):
    """A draft, as the TOML text of the whole policy."""

    text: PolicyText


class SavePolicyRequest(RequestModel):
    """A draft to save; `base` is that of the policy which you read before you changed it."""

    text: PolicyText
    reason: PolicyReason
    base: str = Field(max_length=100)


class RestorePolicyRequest(RequestModel):
    """Why an earlier version is restored; `base` is that of the policy in force."""

    reason: PolicyReason
    base: str = Field(max_length=100)


class WordSectionResponse(ResponseModel):
    """A part of the policy in words."""

    title: str
    lines: list[str]


class PolicyResponse(ResponseModel):
    """The policy in force."""

    number: int | None = Field(description="Of the saved version; null where the policy file is in force.")
    version: str = Field(description="Of the rules, as nights and cases have it.")
    name: str
    base: str = Field(description="Send it with a change: it is refused if somebody else was faster.")
    file_state: str = Field(description="`only`, `same`, `behind`, `ahead`, `conflict` or `unreadable`.")
    warning: str = Field(description="What somebody has to decide about the policy file; empty: nothing.")
    sections: list[WordSectionResponse]


class PolicyTextResponse(ResponseModel):
    """The text of a policy."""

    base: str
    text: str


class PolicyVersionResponse(ResponseModel):
    """A saved version."""

    number: int
    version: str
    author: str
    reason: str
    saved_at: UtcTime
    origin: str = Field(description="`file`, `app`, `import` or `rollback`.")
    restores: int | None


class PolicyVersionsResponse(ResponseModel):
    """The saved versions, the newest first."""

    items: list[PolicyVersionResponse]


class PolicyVersionTextResponse(PolicyVersionResponse):
    """A saved version with its text."""

    text: str


class PolicyCheckResponse(ResponseModel):
    """The check of a draft: every mistake, or its version and what it changes."""

    valid: bool
    version: str | None
    problems: list[str]
    hints: list[str]
    changes: list[str] = Field(description="Each rule that differs from the policy in force.")


class PolicyReplayResponse(ResponseModel):
    """A replay of a draft."""

    id: str
    status: str = Field(description="`waiting`, `running`, `done` or `failed`.")
    requested_by: str
    requested_at: UtcTime
    nights: int
    nights_done: int
    step: str
    failure: str | None
    draft_version: str
    current_version: str
    result: dict[str, Any] | None = Field(description="`from`, `to` and `rows`: figure, in force, draft.")
