"""What one file of the folder ``extensions`` declares: features, tables, risks and learners of a company's own.

An extension is an object, and a file that makes one changes nothing by being imported: the loader checks it first
(:mod:`pipelines.extensions.load_extensions`), and only then are its parts used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from features.catalogue import Feature
from features.contract import Table

if TYPE_CHECKING:
    from models.learners.estimator import Estimator


@dataclass(frozen=True)
class Extension:
    """What a file declares under the name ``EXTENSION``.

    Attributes:
        features: features in the vocabulary of the catalogue.
        tables: tables of the source in the vocabulary of the contract; each belongs to accounts.
        risks: settings by the name of a risk, as in ``[risks.NAME]``; ``rescue.toml`` may change them.
        learners: estimators that a risk may name as its ``learner``.
    """

    features: Sequence[Feature] = ()
    tables: Sequence[Table] = ()
    risks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learners: "Sequence[Estimator]" = ()
