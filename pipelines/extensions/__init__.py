"""A company's own features, tables, risks and learners, beside ``rescue.toml`` and without a fork.

Here belong the vocabulary in which an extension is written (all of it can be imported from here), its loader, and the
rules that it has to meet before anything of it is used. What the parts do once they are used is where those of Rescue
are.
"""

from features.catalogue import Feature
from features.contract import Column, ColumnType, Period, Table
from features.contract.table_schema import ACCOUNT_ID, KNOWN_AT, instant, text, word
from features.contract.vocabulary import Vocabulary
from features.definitions.billing import ISSUED
from features.definitions.contract_terms import RUNNING
from features.definitions.health import HEALTH
from features.definitions.measures import Ago, Measure, Number, Stream, calculate, change
from features.definitions.support import EVENTS, OPENED
from features.definitions.usage import USAGE
from models.data.arrays import Floats, Matrix
from models.data.examples import Examples
from models.learners.estimator import Estimator, Scorer
from models.learners.learner import Learner
from pipelines.extensions.extension import Extension

__all__ = [
    "ACCOUNT_ID",
    "EVENTS",
    "HEALTH",
    "ISSUED",
    "KNOWN_AT",
    "OPENED",
    "RUNNING",
    "USAGE",
    "Ago",
    "Column",
    "ColumnType",
    "Estimator",
    "Examples",
    "Extension",
    "Feature",
    "Floats",
    "Learner",
    "Matrix",
    "Measure",
    "Number",
    "Period",
    "Scorer",
    "Stream",
    "Table",
    "Vocabulary",
    "calculate",
    "change",
    "instant",
    "text",
    "word",
]
