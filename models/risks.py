"""What is predicted, as data: escalation within two weeks, churn within a quarter.

A risk is its label rule (who is eligible, what counts as the event, over which horizon), the team's capacity by which
it is judged, and the groups its reasons are told in. Which form of churn applies depends on the source: where there are
subscriptions a customer leaves by contract, elsewhere by falling silent.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from features.errors import UsageError
from features.history.history import History
from features.labels.labels import LabelRule

REASON_GROUPS = ("usage", "adoption", "support", "escalations", "health", "billing", "contract", "account", "rescues")


@dataclass(frozen=True)
class Risk:
    """One risk. ``capacity`` is how many accounts a team can work in a night; every figure at capacity uses it."""

    name: str
    title: str
    label: LabelRule
    capacity: int = 20
    groups: tuple[str, ...] = REASON_GROUPS

    @property
    def embargo(self) -> int:
        """Days from a cutoff until all that its label depends on is over: a label is not known any earlier."""
        return self.label.ripening

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the model's own file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Risk":
        """What :meth:`to_json` wrote."""
        rule = {**data["label"], "active_on": tuple(data["label"]["active_on"])}
        return cls(**{**data, "label": LabelRule(**rule), "groups": tuple(data["groups"])})


ESCALATION = Risk("escalation", "Escalation within 14 days", LabelRule("escalation", "escalation", horizon=14))
OFF = "none"
"""The ``kind`` of a risk that is not to be predicted from a source."""

CHURN = Risk("churn", "Churn within 90 days", LabelRule("churn", "contract", horizon=90, lead=7))
SILENCE = Risk("churn", "Falling silent for 90 days", LabelRule("churn", "silence", horizon=90))


def for_history(history: History, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Risk]:
    """The risks this source can show, by name, with the settings of ``overrides`` (say ``{"churn": {"horizon": 60}}``).

    Churn is by contract where there are subscriptions, by silence elsewhere; escalation needs ``ticket_events``. A risk
    that means nothing in a source is switched off there by ``kind = "none"``.
    """
    overrides = overrides or {}
    _refuse_unknown("risk", overrides, (ESCALATION.name, CHURN.name))
    found = {}
    if _wanted(overrides, CHURN.name):
        found[CHURN.name] = _churn(history, overrides.get(CHURN.name, {}))
    if "ticket_events" in history.present and _wanted(overrides, ESCALATION.name):
        found[ESCALATION.name] = _set(ESCALATION, overrides.get(ESCALATION.name, {}))
    return found


def _wanted(overrides: Mapping[str, Mapping[str, Any]], risk: str) -> bool:
    return bool(overrides.get(risk, {}).get("kind") != OFF)


def _churn(history: History, settings: Mapping[str, Any]) -> Risk:
    kind = settings.get("kind", "contract" if "subscriptions" in history.present else "silence")
    return _set(SILENCE if kind == "silence" else CHURN, settings)


def _set(risk: Risk, settings: Mapping[str, Any]) -> Risk:
    """The risk with its settings replaced; each setting belongs to the risk itself or to its label rule."""
    own = {"capacity", "title"}
    rule = {field.name for field in fields(LabelRule)} - {"risk"}
    _refuse_unknown(f"setting of the risk {risk.name}", settings, (*own, *rule))
    label = replace(risk.label, **{name: value for name, value in settings.items() if name in rule})
    return replace(risk, label=label, **{name: value for name, value in settings.items() if name in own})


def _refuse_unknown(what: str, given: Mapping[str, object], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known))}."
            raise UsageError(f"There is no {what} named {name!r}{hint}")
