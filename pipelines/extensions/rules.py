"""The rules that an extension has to meet before anything of it is used, and the error that names file and rule."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from features.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A name of a feature, a table or a column."""


class ExtensionRule(StrEnum):
    """The rules, in the order in which they are checked."""

    LOAD = "load"
    DECLARATION = "declaration"
    NAME = "name"
    SENTENCE = "sentence"
    TABLE = "table"
    MEASURE = "measure"
    RISK = "risk"
    LEARNER = "learner"
    TIME = "time"
    VALUES = "values"
    LEAK = "leak"


class ExtensionError(UsageError):
    """An extension cannot be used; the sentence names its file and the rule that it breaks."""

    def __init__(self, file: str, rule: ExtensionRule, problem: str) -> None:
        super().__init__(f"{file} breaks the rule {rule}: {problem}")
        self.file = file


@contextmanager
def rule_of(file: str, rule: ExtensionRule, subject: str = "") -> Iterator[None]:
    """Turn an error inside the block into one of this file and rule; ``subject`` begins its sentence."""
    try:
        yield
    except ExtensionError:
        raise
    except UsageError as error:
        raise ExtensionError(file, rule, f"{subject}{error}") from error
    except Exception as error:  # a declaration may hold anything
        text = " ".join(str(error).split()).rstrip(".")
        raise ExtensionError(file, rule, f"{subject}{type(error).__name__}: {text}.") from error
