"""How a model was made, apart from the data: so that a refresh can be distinguished from a challenge.

The same recipe fitted on newer data is a *refresh*: it is expected to be about as good, and only has to be shown not to
be worse. Another recipe is a *challenge*: it has to be shown to be better. Which of the two a model is does not depend
on an option that somebody sets, but on the recipes that were recorded with both models.

Not part of a recipe is what follows from the data within it: the kind that the automatic choice takes, the number of
trees, how much they count, columns that happen to be constant. Nor is what changes no score: a risk's title and the
team's capacity.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from features.catalogue import CATALOGUE_VERSION, OPTIONAL, group_of_column
from models.data.signature import Signature

READS: Mapping[str, tuple[str, ...]] = {"logistic": ("prior_spread",), "rule": (), "constant": ()}
"""Learners that read only some of the parameters."""


@dataclass(frozen=True)
class Recipe:
    """How a model was made.

    Attributes:
        learner: the learner that the risk names, or the automatic choice. All other settings of a risk belong to the
            question, and models of different questions are not compared at all.
        parameters: what it was fitted with, by name.
        catalogue: the version of the feature definitions.
        groups: the groups of features of which at least one column carries information: without a table of the source
            its group is missing.
        optional: the optional sets of features that are used.
        declared: the columns that no catalogue defines (declared metrics and attributes, extensions), each with its
            declaration.
    """

    learner: str
    parameters: Mapping[str, Any]
    catalogue: str
    groups: tuple[str, ...]
    optional: tuple[str, ...]
    declared: Mapping[str, str]

    @classmethod
    def of(cls, learner: str, parameters: Mapping[str, Any], signature: Signature) -> "Recipe":
        """The recipe of a model with this signature, made by the present definitions of features."""
        names = set(signature.names)
        return cls(
            learner=learner,
            parameters={name: parameters[name] for name in sorted(READS.get(learner, tuple(parameters)))},
            catalogue=CATALOGUE_VERSION,
            groups=tuple(sorted({group_of_column(name) for name in names})),
            optional=tuple(name for name, features in OPTIONAL.items() if names & {it.name for it in features}),
            declared={column.name: column.declaration for column in signature.columns if column.declaration},
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data, for the model's own file; equal to what is read back from it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def digest_of_recipe(recipe: Mapping[str, Any] | None) -> str:
    """A short hash of a recorded recipe, equal for equal ones; "unknown" where none is recorded."""
    return "unknown" if recipe is None else hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]


def differences_of_recipe(
    champion: Mapping[str, Any] | None, challenger: Mapping[str, Any] | None
) -> dict[str, list[Any]]:
    """What differs between two recorded recipes, by name: the champion's value and the challenger's.

    A model of an earlier version has no recorded recipe: then everything may differ.
    """
    if champion is None or challenger is None:
        return {"recipe": ["recorded" if recipe else "not recorded" for recipe in (champion, challenger)]}
    differing: dict[str, list[Any]] = {}
    for name in sorted({*champion, *challenger}):
        before, now = champion.get(name), challenger.get(name)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            keys = sorted({*before, *now})
            differing |= {
                f"{name}.{key}": [before.get(key), now.get(key)] for key in keys if before.get(key) != now.get(key)
            }
        elif before != now:
            differing[name] = [before, now]
    return differing
