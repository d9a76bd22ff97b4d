"""From a launch to what a night executes: a trigger, exempt from the hold-out.

A launch is no second way to raise cases. When a policy is read, each launch becomes a trigger, so that detection,
routing, alarms, explanation and replay treat it like every other one.
"""

from collections.abc import Iterator

from serving.policy.definition.policy_schema import PolicyFile, TriggerRule
from serving.policy.definition.tickets.adoption import adopting_triggers
from serving.policy.definition.tickets.ticket_rules import LAUNCH


def check_launch_names(file: PolicyFile) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Triggers of the file that have the name of a launch's trigger, and are another one."""
    for name in file.launches:
        trigger = f"{LAUNCH}{name}"
        if trigger in file.triggers and file.triggers[trigger] != launch_trigger(file, name):
            yield ("triggers", trigger), f"the trigger {trigger} has the name of the trigger of the launch {name}"


def launch_trigger(file: PolicyFile, name: str) -> TriggerRule:
    """The trigger that a launch is."""
    rule = file.launches[name]
    return TriggerRule(
        when=f"{LAUNCH}{name} >= 1",
        risk=rule.risk or next(reversed(file.risks)),
        raises="alone",
        min_probability=None,
        severity=rule.severity,
        skill=rule.skill,
        message=rule.message or f"An unresolved ticket about the new feature {name.replace('_', ' ')}",
    )


def with_launch_triggers(file: PolicyFile) -> PolicyFile:
    """The rules with a trigger for each launch, exempt from the hold-out.

    The first trigger of an account names the skill of its case. A launch precedes the triggers that know nothing of
    it, and follows those that were adopted for its failures.
    """
    if not file.launches:
        return file
    launches = {f"{LAUNCH}{name}": launch_trigger(file, name) for name in file.launches}
    adopting = {
        trigger
        for launch in file.launches
        for triggers in adopting_triggers(file, launch).values()
        for trigger in triggers
    }
    own = {name: rule for name, rule in file.triggers.items() if name not in launches}
    first = {name: rule for name, rule in own.items() if name in adopting}
    holdout = file.holdout
    if holdout is not None:
        exempt = {**holdout.exempt, **{name: rule.when for name, rule in launches.items()}}
        holdout = holdout.model_copy(update={"exempt": exempt})
    return file.model_copy(update={"triggers": {**first, **launches, **own}, "holdout": holdout})
