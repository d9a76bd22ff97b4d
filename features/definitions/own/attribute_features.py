"""The features of a company's own columns in the accounts: one for each attribute that the settings declare."""

from features.contract import Attribute
from features.definitions.account import ACCOUNT
from features.definitions.feature import Feature


def attribute_feature(attribute: Attribute) -> Feature:
    """The feature ``attribute_<key>``: the latest value that was known before the cutoff; null where none was."""
    name, title, unit = f"attribute_{attribute.key}", attribute.title, attribute.unit
    if attribute.kind == "category":
        text = f"{title}: {{{name}:text}}"
        return Feature(name, ACCOUNT.text(attribute.column), title, "text", text, kind="category", attribute=attribute)
    text = f"{title}: {{{name}:in {unit}}}" if unit else f"{title}: {{{name}:num}}"
    value = ACCOUNT.value(attribute.column)
    return Feature(name, value, title, unit or "number", text, attribute.direction, attribute=attribute)
