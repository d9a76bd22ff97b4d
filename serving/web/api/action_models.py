"""The actions on a case, one model per action: its fields are what the use case needs.

A caller sends ``{"action": "claim", "version": 3}``; the action decides which other fields belong to it.
"""

from abc import abstractmethod
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from serving.cases.cases import Cases
from serving.cases.permissions import Act, Actor
from serving.store.tables import Case
from serving.web.api.casework.casework_models import ContactFields
from serving.web.api.text_fields import CaseVersion, OptionalText, RequestModel, RequiredText, ShortText


class ActionRequest(RequestModel):
    """An action on a case in the ``version`` that the caller read; ``needs`` is the permission that it requires."""

    needs: ClassVar[Act] = Act.WORK
    version: CaseVersion

    @abstractmethod
    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it; the case afterwards."""


class ClaimRequest(ActionRequest):
    """Claim a new case."""

    action: Literal["claim"]

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.claim(case_id, actor, self.version)


class ReleaseRequest(ActionRequest):
    """Return the case to its squad."""

    action: Literal["release"]
    reason: RequiredText

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.release(case_id, actor, self.version, reason=self.reason)


class AssignRequest(ActionRequest):
    """Assign the case to a member of its squad."""

    needs = Act.ASSIGN
    action: Literal["assign"]
    person: ShortText

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.assign(case_id, actor, self.version, person=self.person)


class HandOverRequest(ActionRequest):
    """Hand the case over to another squad, or to a higher tier of its own.

    Where the policy has a form for it, `answers` has the fields: GET `/cases/{case_id}/hand-over-forms` lists them.
    """

    action: Literal["hand_over"]
    squad: ShortText
    reason: RequiredText
    tier: int = Field(1, ge=1, le=3, description="1: another squad; 2 or 3: secondary or tertiary of the same squad.")
    form: ShortText | None = Field(None, description="Which form, where several fit.")
    answers: dict[ShortText, OptionalText] = Field(default_factory=dict, max_length=30)

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.hand_over(
            case_id,
            actor,
            self.version,
            squad=self.squad,
            reason=self.reason,
            tier=self.tier,
            form=self.form or None,
            answers=self.answers,
        )


class AcceptRequest(ActionRequest):
    """Accept a case that was handed over."""

    action: Literal["accept"]

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.accept(case_id, actor, self.version)


class ReturnRequest(ActionRequest):
    """Return a case that was handed over to its sender."""

    action: Literal["return"]
    reason: RequiredText

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.return_to_sender(case_id, actor, self.version, reason=self.reason)


class AcknowledgeRequest(ActionRequest):
    """Acknowledge the case, which stops its escalation path."""

    action: Literal["acknowledge"]
    comment: OptionalText | None = None

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.acknowledge(case_id, actor, self.version, comment=self.comment)


class ContactRequest(ActionRequest, ContactFields):
    """Record the first contact with the customer."""

    action: Literal["contact"]
    comment: OptionalText | None = None

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.contact(case_id, actor, self.version, comment=self.comment, details=self.details)


class LogContactRequest(ActionRequest, ContactFields):
    """Add an entry to the contact log: the first that reached the customer is the contact of the case."""

    action: Literal["log_contact"]
    version: CaseVersion | None = None  # type: ignore[assignment]  # an entry never conflicts
    comment: OptionalText | None = None

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.log_contact(case_id, actor, details=self.logged, comment=self.comment)


class PlanRequest(ActionRequest):
    """Record what will be done."""

    action: Literal["plan"]
    plan: RequiredText

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.plan(case_id, actor, self.version, plan=self.plan)


class SnoozeRequest(ActionRequest):
    """Snooze the case until a day after today."""

    action: Literal["snooze"]
    until: date
    reason: RequiredText

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.snooze(case_id, actor, self.version, until=self.until, reason=self.reason)


class WakeRequest(ActionRequest):
    """End the snooze before its day."""

    action: Literal["wake"]

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.wake(case_id, actor, self.version)


class ResolveRequest(ActionRequest):
    """Close the case with its outcome."""

    action: Literal["resolve"]
    outcome: Literal["saved", "lost", "false_alarm", "no_action"]
    comment: OptionalText | None = Field(None, description="`saved` needs a comment or a reason.")
    reason: ShortText | None = Field(None, description="Why: a code of `[outcomes]` in the policy.")
    amount: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Yearly revenue saved or lost, at most that of the account; by default, the money of the case.",
    )

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.resolve(
            case_id,
            actor,
            self.version,
            verdict=self.outcome,
            comment=self.comment,
            reason=self.reason,
            amount=self.amount,
        )


class ReopenRequest(ActionRequest):
    """Reopen a closed case and assign it to yourself."""

    action: Literal["reopen"]
    reason: RequiredText

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.reopen(case_id, actor, self.version, reason=self.reason)


class UndoRequest(ActionRequest):
    """Undo your own last action."""

    action: Literal["undo"]

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.undo(case_id, actor, self.version)


class DisagreeRequest(ActionRequest):
    """Record that one of the reasons is wrong; this never conflicts with actions of others."""

    needs = Act.COMMENT
    action: Literal["disagree"]
    reason: ShortText
    comment: RequiredText
    sentence: OptionalText = Field("", description="The reason as you read it.")

    def run(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.disagree(case_id, actor, reason=self.reason, comment=self.comment, sentence=self.sentence)


CaseActionRequest = Annotated[
    ClaimRequest
    | ReleaseRequest
    | AssignRequest
    | HandOverRequest
    | AcceptRequest
    | ReturnRequest
    | AcknowledgeRequest
    | ContactRequest
    | LogContactRequest
    | PlanRequest
    | SnoozeRequest
    | WakeRequest
    | ResolveRequest
    | ReopenRequest
    | UndoRequest
    | DisagreeRequest,
    Field(discriminator="action"),
]


class CommentRequest(RequestModel):
    """A comment for the history of a case."""

    text: RequiredText
    private: bool = Field(False, description="It stays in Rescue: it is not written to other systems.")


class TakeNextRequest(RequestModel):
    """Take the most urgent new case; ``squad`` limits it to one squad."""

    squad: ShortText | None = Field(None, description="By default, any of your squads.")
