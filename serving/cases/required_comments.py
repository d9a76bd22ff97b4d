"""Texts that the communication protocol asks for: an action without one would announce nothing that helps."""

from serving.cases.case_step import CaseStep, require_text
from serving.cases.escalation.path_context import path_context
from serving.paths.protocol import ProtocolEvent

COMMENT = "comment"
"""The fact of a message that the person who acts has to write."""


def protocol_comment(step: CaseStep, event: ProtocolEvent, comment: str | None, what: str) -> str | None:
    """The text of an action; refused where it is empty and the messages about the event list it.

    Raises:
        UsageError: the text is empty and the policy's protocol asks for it.
    """
    asked = COMMENT in path_context(step.session, step.now).protocol[event].fields
    return require_text(comment or "", what) if asked else comment
