"""Acknowledging a case: somebody says that they take care of it, and its escalation path stops."""

from serving.cases.case_errors import IllegalActionError
from serving.cases.case_step import CaseStep
from serving.cases.escalation.path_context import reached_by, responsible_of, runs
from serving.store.case_states import Action, State


def acknowledge_case(step: CaseStep, comment: str | None) -> None:
    """Stop the path of a case. Where nobody owns the case, who acknowledges is responsible from then on.

    Raises:
        IllegalActionError: somebody has acknowledged it already, or no path runs.
    """
    case = step.case
    step.require(Action.ACKNOWLEDGE)
    if case.acknowledged_at is not None:
        raise IllegalActionError(f"Case {case.id} is acknowledged already, by {case.acknowledged_by}.")
    if not runs(case):
        raise IllegalActionError(f"Case {case.id} does not escalate any more: there is nothing to acknowledge.")
    step.take(Action.ACKNOWLEDGE, State(case.state))
    case.acknowledged_at, case.acknowledged_by = step.now, step.actor.name
    if case.owner is None and responsible_of(case) != step.actor.name:
        kept = reached_by(case)
        rest = [name for name in case.escalation_path[len(kept) :] if name != step.actor.name]
        case.escalation_path, case.tier = [*kept, step.actor.name, *rest], len(kept)
        case.reached = [*case.reached, step.actor.name]
    step.comment = comment
