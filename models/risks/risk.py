"""A risk as data: what counts as its event, over which horizon, and for which accounts.

Everything that depends on a risk (training, gate, night, queue, pages) reads it from here and names no risk itself, so
that a risk declared in the settings goes the same way as the default ones.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.labels.label_rule import KINDS, LabelRule
from models.risks.learner_names import AUTOMATIC

FORMER_RULE = {"kind": "event", "table": "ticket_events", "where": "kind = 'escalated'"}
"""What the one kind that is none any more meant, in the models of earlier versions."""


@dataclass(frozen=True)
class Risk:
    """One risk.

    Attributes:
        name: its name in settings, policy and registry.
        label: when its event has come.
        capacity: how many accounts a team can work in a night; every figure at capacity uses it.
        set_title: the title from the settings; empty where the title follows from name and rule.
        eligible: a condition over the features at the cutoff that an account has to meet besides the rule's own
            eligibility; empty where every account that the rule takes is eligible.
        learner: what learns it (`models.risks.learner_names`); the automatic choice unless the settings name one.
    """

    name: str
    label: LabelRule
    capacity: int = 20
    set_title: str = ""
    eligible: str = ""
    learner: str = AUTOMATIC

    @property
    def title(self) -> str:
        """What people read: "Churn within 90 days". It follows the rule unless the settings give one."""
        return self.set_title or self.label.title(self.name.replace("_", " ").capitalize())

    @property
    def embargo(self) -> int:
        """Days from a cutoff until all that its label depends on is over: a label is not known any earlier."""
        return self.label.maturity

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the model's own file."""
        return {**asdict(self), "title": self.title}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Risk":
        """What :meth:`to_json` wrote, also in earlier versions, where titles were never set."""
        rule = {**data["label"], "active_on": tuple(data["label"]["active_on"])}
        label = LabelRule(**(rule if rule["kind"] in KINDS else {**rule, **FORMER_RULE}))
        own = {key: data[key] for key in ("set_title", "eligible", "learner") if key in data}
        return cls(data["name"], label, data["capacity"], **own)
