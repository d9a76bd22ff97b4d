"""Hand-offs of earlier schema versions, converted to the present fields when they are read.

A package is never changed in the database, so a reader has to understand every version that was ever written.
Version 1.0 had other names for some fields, no risk curve, and the reason for the squad only as a sentence.
"""

from collections.abc import Mapping
from typing import Any

_PACKAGE = {"raised": "case", "play": "playbook", "since": "previous_handoff_on"}
_RISK = {"usual": "base_rate", "what_if": "counterfactuals"}
_TRIGGER = {"says": "message"}


def upgrade_package(package: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a package under the present field names; ``schema_version`` stays the one it was written in."""
    if "raised" not in package:
        return dict(package)
    upgraded = _renamed(package, _PACKAGE)
    case = dict(upgraded["case"])
    routed = case.pop("routed", "")
    case["routing"] = {"text": f"The account {routed}" if routed else ""}
    case["triggers"] = [_renamed(trigger, _TRIGGER) for trigger in case["triggers"]]
    risks = [_renamed(risk, _RISK) for risk in upgraded["risks"]]
    return {**upgraded, "case": case, "risks": risks}


def _renamed(section: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in section.items()}
