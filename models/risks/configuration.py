"""The risks of a source: the default ones, changed and extended by the settings ``[risks.NAME]``.

Settings are checked here against the contract's tables and the feature catalogue, before anything is read: a typing
error in a kind, a table or a column must not become a model of something else.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from features.catalogue import FEATURES, Feature, own_features
from features.conditions import Columns, ConditionError, compile_condition, condition_problem
from features.errors import UsageError, nearest_name, suggest_name
from features.history.history import History
from features.labels.label_rule import KINDS, SETTINGS, LabelRule
from models.risks.defaults import DEFAULTS
from models.risks.learner_names import AUTOMATIC, learner_names, require_extra
from models.risks.risk import Risk

ALL = "all"
"""In place of a risk's name: every risk of the source."""

OFF = "none"
"""The ``kind`` of a risk that is not predicted from a source."""

OWN = {"capacity": "capacity", "title": "set_title", "eligible": "eligible", "learner": "learner"}
"""Settings that belong to the risk itself, with its fields' names; all others belong to its label rule."""

RULE = tuple(field.name for field in fields(LabelRule) if field.name != "risk")


def _columns_of(features: Iterable[Feature]) -> Columns:
    return {feature.name: (feature.name, "text" if feature.kind == "category" else "number") for feature in features}


FEATURE_COLUMNS: Columns = _columns_of(FEATURES)
"""The features that ``eligible`` may name."""

RESERVED = frozenset({"all"})
"""Names that the commands read otherwise."""

METRIC_COLUMN = re.compile(r"\bmetric_\w+")

RiskSettings = Mapping[str, Mapping[str, Any]]


def for_history(history: History, settings: RiskSettings | None = None) -> dict[str, Risk]:
    """The risks that this source can show, by name, with the settings (say ``{"churn": {"horizon": 60}}``).

    A risk whose tables are all absent is left out, as every missing source is; so is one of kind ``none``.

    Raises:
        UsageError: a setting does not fit; the sentence names it, the allowed words and the nearest name.
    """
    return {
        name: chosen
        for name, forms in configured(settings).items()
        if (chosen := next((risk for risk in forms if _can_show(history, risk.label)), None)) is not None
    }


def not_shown(history: History, settings: RiskSettings | None = None) -> dict[str, str]:
    """By name of a risk that :func:`for_history` leaves out, the table that the source lacks for it."""
    present = for_history(history, settings)
    return {name: forms[0].label.reads for name, forms in configured(settings).items() if name not in present}


def configured(settings: RiskSettings | None = None) -> dict[str, tuple[Risk, ...]]:
    """By name, the forms of every risk that is not switched off, in the order in which a source gets one of them.

    Raises:
        UsageError: a setting does not fit.
    """
    settings = settings or {}
    names = list(dict.fromkeys([*(risk.name for risk in DEFAULTS), *settings]))
    forms_of = {name: _forms(name, settings.get(name, {}), names) for name in names}
    return {name: forms for name, forms in forms_of.items() if forms}


def check_risk_settings(settings: RiskSettings) -> None:
    """Check what can be checked without the mapping, the extensions and the source: kinds, keys and lengths.

    Raises:
        UsageError: something does not fit; the message names every unknown word of the first such risk.
    """
    for name, given in settings.items():
        kind = given.get("kind")
        problems = [_kind_problem(name, kind)] if kind is not None and kind not in (*KINDS, OFF) else []
        if problems := problems + _key_problems(name, given, _likely_kinds(kind)):
            raise UsageError(" ".join(problems))
        whole = {key: _value(given[key]) for key in RULE[1:] if key in given}
        # the table of an event may be that of a mapping or of an extension
        plain: Any = kind if kind in KINDS and kind != "event" else "silence"
        LabelRule(name, plain, **{"horizon": 1, **whole})


def _likely_kinds(kind: object) -> Collection[str]:
    """The kinds whose keys a risk may have: that of its settings, or any, which a mapping may give."""
    near = kind if kind in KINDS else nearest_name(str(kind), KINDS)
    return KINDS if kind in (None, OFF) or near is None else {str(near)}


def _forms(name: str, settings: Mapping[str, Any], names: Iterable[str]) -> tuple[Risk, ...]:
    """The default forms of a risk with the settings replaced, or the one that the settings declare."""
    defaults = tuple(risk for risk in DEFAULTS if risk.name == name)
    kind = settings.get("kind")
    if not defaults and kind is None:
        known = [other for other in names if other != name]
        raise UsageError(f"There is no risk named {name!r}; {suggest_name(name, known)} A new risk needs a kind.")
    _check_kind(name, kind)
    if kind == OFF:
        return ()
    chosen = tuple(risk for risk in defaults if kind in (None, risk.label.kind))
    _check_keys(name, settings, {risk.label.kind for risk in chosen} or {str(kind)})
    return tuple(_with_settings(risk, settings) for risk in chosen) or (_declared(name, settings),)


def _declared(name: str, settings: Mapping[str, Any]) -> Risk:
    if not name.isidentifier() or not name.islower():
        raise UsageError(f"A risk is named in small letters, digits and underscores, not {name!r}.")
    if name in RESERVED or name in FEATURE_COLUMNS:
        raise UsageError(f"A risk cannot be named {name!r}: a feature or an option of the commands has that name.")
    if "horizon" not in settings:
        raise UsageError(f"The risk {name} needs a horizon: the days within which its event counts.")
    rule = LabelRule(name, settings["kind"], **{key: _value(settings[key]) for key in RULE[1:] if key in settings})
    return _with_settings(Risk(name, rule), settings)


def _with_settings(risk: Risk, settings: Mapping[str, Any]) -> Risk:
    label = replace(risk.label, **{key: _value(settings[key]) for key in RULE if key in settings})
    own = {field: settings[key] for key, field in OWN.items() if key in settings}
    _check_own(risk.name, own)
    return replace(risk, label=label, **own)


def _check_kind(name: str, kind: object) -> None:
    kinds = (*KINDS, OFF)
    if kind is not None and kind not in kinds:
        raise UsageError(_kind_problem(name, kind))


def _kind_problem(name: str, kind: object) -> str:
    return f"The risk {name} has no kind {kind!r}; {suggest_name(str(kind), (*KINDS, OFF))}"


def select_risks(known: Mapping[str, Risk], risk: str) -> list[Risk]:
    """The risk of that name, or ``all`` of them.

    Raises:
        UsageError: the source has no such risk.
    """
    if risk == ALL:
        return list(known.values())
    if risk in known:
        return [known[risk]]
    raise UsageError(f"This source has no risk {risk!r}; {suggest_name(risk, [*known, ALL])}")


def _check_keys(name: str, settings: Mapping[str, Any], kinds: Collection[str]) -> None:
    """Refuse a setting that no rule of these kinds reads: it would be without effect."""
    if problems := _key_problems(name, settings, kinds):
        raise UsageError(" ".join(problems))


def _key_problems(name: str, settings: Mapping[str, Any], kinds: Collection[str]) -> list[str]:
    """A sentence for each unknown key, with the nearest one."""
    allowed = {"kind", *OWN, *(key for kind in kinds for key in SETTINGS[kind])}
    of_kind = f" of kind {' or '.join(sorted(kinds))}" if len(kinds) < len(KINDS) else ""
    return [
        f"The risk {name}{of_kind} has no setting {key!r}; {suggest_name(key, allowed)}"
        for key in settings
        if key not in allowed
    ]


def _check_own(name: str, own: Mapping[str, Any]) -> None:
    capacity = own.get("capacity", 1)
    if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1:
        raise UsageError(f"The capacity of the risk {name} is {capacity!r}; it is a number of accounts, at least 1.")
    for key, field in OWN.items():
        if field in own and key != "capacity" and not isinstance(own[field], str):
            raise UsageError(f"The {key} of the risk {name} is {own[field]!r}; it is a text.")
    if (learner := own.get("learner", AUTOMATIC)) not in learner_names():
        raise UsageError(f"The risk {name} has no learner {learner!r}; {suggest_name(learner, learner_names())}")
    require_extra(learner)
    if own.get("eligible"):
        # the features of a declared metric are checked once the frame has them
        metrics: Columns = {column: (column, "number") for column in METRIC_COLUMN.findall(own["eligible"])}
        columns = {**FEATURE_COLUMNS, **metrics, **_columns_of(own_features().values())}
        try:
            compile_condition(own["eligible"], columns, listing="docs/features.md lists the features")
        except ConditionError as error:
            raise UsageError(condition_problem(f"The condition eligible of the risk {name}", error)) from None


def _can_show(history: History, rule: LabelRule) -> bool:
    """Whether the source has what the rule reads; one that is set to be by contract is refused later, in words."""
    if rule.kind == "silence":
        return True
    return rule.reads in history.present


def _value(value: Any) -> Any:
    """TOML's arrays are tuples here, as every list of names in a rule."""
    return tuple(value) if isinstance(value, list) else value
