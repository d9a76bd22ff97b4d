"""What a frame's column carries beside its values where it is a company's own: the declaration that it was made from.

A frame goes from the settings to a training run, a score and a sentence, and a model keeps the declarations of its
inputs. So direction and wording are the same everywhere, and a model knows which of its inputs comes from which file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.contract import Attribute, Metric
from features.definitions.feature import ExtensionFile, Feature
from features.definitions.measures import Function, Measure
from features.definitions.own.attribute_features import attribute_feature
from features.definitions.own.metric_features import metric_features

WORDING = ("name", "meaning", "unit", "sentence", "direction", "monotone", "group", "kind")
"""The fields of an extension's feature that its declaration holds as they are."""


@dataclass(frozen=True)
class DefinedElsewhere(Measure):
    """The measure of an extension's feature where only its declaration is known, as in a saved model."""


def declare_feature(feature: Feature) -> str:
    """The declaration of a company's own feature as JSON; empty for a feature of the catalogue."""
    if feature.metric:
        return json.dumps(asdict(feature.metric))
    if feature.attribute:
        return json.dumps({"attribute": asdict(feature.attribute)})
    if feature.extension is None:
        return ""
    wording = {name: getattr(feature, name) for name in WORDING}
    own = {**asdict(feature.extension), "definition": _definition(feature), "feature": wording}
    return json.dumps({"extension": own})


def declared_feature(column: str, declaration: str) -> Feature | None:
    """The feature of that column by its declaration; ``None`` where the declaration has no such feature."""
    content: Mapping[str, Any] = json.loads(declaration)
    if "extension" in content:
        own = content["extension"]
        file = ExtensionFile(own["name"], own["digest"])
        return Feature(measure=DefinedElsewhere(), extension=file, **own["feature"])
    if "attribute" in content:
        return attribute_feature(Attribute(**content["attribute"]))
    return {feature.name: feature for feature in metric_features(Metric(**content))}.get(column)


def extension_of(declaration: str) -> ExtensionFile | None:
    """The file that a column comes from; ``None`` where it comes from none."""
    own = json.loads(declaration).get("extension") if declaration else None
    return ExtensionFile(own["name"], own["digest"]) if own else None


def computes_the_same(declaration: str, other: str) -> bool:
    """Whether two declarations of one column mean the same values, whatever their wording."""
    if not declaration or not other:
        return True
    contents: list[dict[str, Any]] = [json.loads(text).get("extension", {}) for text in (declaration, other)]
    return contents[0].get("definition") == contents[1].get("definition")


def _definition(feature: Feature) -> str:
    """A hash of what is computed; where a function is, any change of its file counts."""
    calls = any(isinstance(part, Function) for part in feature.measure.parts)
    file = feature.extension.digest if calls and feature.extension else ""
    return hashlib.sha256(f"{feature.measure!r} {feature.kind} {file}".encode()).hexdigest()[:12]
