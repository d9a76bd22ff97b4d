"""What can be done to a case, one model an act: its fields are what the use case asks for.

A caller sends ``{"act": "claim", "version": 3}``; the act's name says which fields belong to it.
"""

from abc import abstractmethod
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from serving.cases.cases import Cases
from serving.cases.permissions import Act, Actor
from serving.store.tables import Case
from serving.web.api.text_fields import Remark, Said, Sent, Version, Word


class Wish(Sent):
    """Something to be done to a case of which the caller saw ``version``; ``needs`` is the right that it takes."""

    needs: ClassVar[Act] = Act.WORK
    version: Version

    @abstractmethod
    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it; the case as it is afterwards."""


class Claim(Wish):
    """Take a new case as your own."""

    act: Literal["claim"]

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.claim(case_id, actor, self.version)


class Release(Wish):
    """Give it back to the squad."""

    act: Literal["release"]
    reason: Said

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.release(case_id, actor, self.version, reason=self.reason)


class Assign(Wish):
    """Give it to a member of its squad."""

    needs = Act.ASSIGN
    act: Literal["assign"]
    person: Word

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.assign(case_id, actor, self.version, person=self.person)


class HandOver(Wish):
    """Give it to another squad."""

    act: Literal["hand_over"]
    squad: Word
    reason: Said

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.hand_over(case_id, actor, self.version, squad=self.squad, reason=self.reason)


class Contact(Wish):
    """The customer was spoken to."""

    act: Literal["contact"]
    comment: Remark | None = None

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.contact(case_id, actor, self.version, comment=self.comment)


class Plan(Wish):
    """Say what will be done."""

    act: Literal["plan"]
    plan: Said

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.plan(case_id, actor, self.version, plan=self.plan)


class Snooze(Wish):
    """Put it away until a day after today."""

    act: Literal["snooze"]
    until: date
    reason: Said

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.snooze(case_id, actor, self.version, until=self.until, reason=self.reason)


class Wake(Wish):
    """Take it up again before its day."""

    act: Literal["wake"]

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.wake(case_id, actor, self.version)


class Resolve(Wish):
    """Close it with its outcome."""

    act: Literal["resolve"]
    verdict: Literal["saved", "lost", "false_alarm", "no_action"]
    comment: Remark | None = None

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.resolve(case_id, actor, self.version, verdict=self.verdict, comment=self.comment)


class Reopen(Wish):
    """Take a closed case up again."""

    act: Literal["reopen"]
    reason: Said

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.reopen(case_id, actor, self.version, reason=self.reason)


class Undo(Wish):
    """Take back your own last move."""

    act: Literal["undo"]

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.undo(case_id, actor, self.version)


class Disagree(Wish):
    """Say that one of the reasons is wrong; it never conflicts with what others do."""

    needs = Act.COMMENT
    act: Literal["disagree"]
    reason: Word
    comment: Said

    def do(self, cases: Cases, case_id: str, actor: Actor) -> Case:
        """Do it."""
        return cases.disagree(case_id, actor, reason=self.reason, comment=self.comment)


ActOnCase = Annotated[
    Claim | Release | Assign | HandOver | Contact | Plan | Snooze | Wake | Resolve | Reopen | Undo | Disagree,
    Field(discriminator="act"),
]


class Comment(Sent):
    """Something to put on the record."""

    text: Said
