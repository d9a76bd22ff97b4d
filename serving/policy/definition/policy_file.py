"""Read a policy: TOML in, a checked and versioned :class:`Policy` out, or sentences that name the line of each mistake.

The version is a hash of the content: comments, spacing, the order of tables and the hypothesis do not change it; every
threshold, name and condition does. It is stored with each case that the policy opens.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from features.catalogue import Feature
from features.contract import Metric
from features.errors import UsageError
from features.toml_text import LimitError, load_toml
from serving.policy.definition.launch_triggers import with_launch_triggers
from serving.policy.definition.policy_checks import Conditions, Problem, compile_conditions, cross_checks, policy_hints
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.definition.repaired_content import ROUNDS, RepairedContent, error_place
from serving.policy.definition.schema_errors import error_sentence
from serving.policy.definition.toml_lines import Path as Place
from serving.policy.definition.toml_lines import line_index, line_of

RENAMED_KEYS = {
    "at_least": "min_probability",
    "hand_on_hours": "escalate_after_hours",
    "owners": "escalation_path",
    "saveability": "save_rate",
    "says": "message",
}
"""Keys of earlier policy files and their present names, which are too different to be found by their spelling."""


SECTION_NOUNS = {
    "people": "person",
    "squads": "squad",
    "calendars": "calendar",
    "forms": "form",
    "risks": "risk",
    "triggers": "trigger",
}
"""The word for a table of a section."""

LONGEST_FILE = 1_000_000
"""The most characters of a file."""
MOST_PROBLEMS = 100
"""A file with more mistakes than this is not a policy; the first ones say why."""

_TWICE = re.compile(r"Cannot declare \('(\w+)', '([^']+)'\) twice \(at line (\d+), column \d+\)")
_SECTION_TWICE = re.compile(r"Cannot declare \('(\w+)',\) twice \(at line (\d+), column \d+\)")


class PolicyError(UsageError):
    """The policy file cannot be used; ``problems`` has a sentence per mistake, the message is the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = f"{problems[0].rstrip('.')} (and {len(problems) - 1} more: see `rescue policy check`)."
        super().__init__(more if len(problems) > 1 else problems[0])
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Policy:
    """A checked policy: the rules of the file, and its conditions compiled."""

    rules: PolicyFile
    conditions: Conditions
    hints: tuple[str, ...] = ()
    """Sentences about parts that are valid but no longer needed."""

    @cached_property
    def version(self) -> str:
        """Twelve hexadecimal digits of the content."""
        content = json.dumps(self.rules.content(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @classmethod
    def load(
        cls,
        path: Path,
        metrics: Sequence[Metric] = (),
        own: Sequence[Feature] = (),
        channels: Mapping[str, str] | None = None,
    ) -> Self:
        """Read a policy file; :class:`PolicyError` names the file, the line, and what is allowed.

        Conditions may use the features of ``metrics``, which the settings declare, and the company's ``own``.
        ``channels`` are the configured channels (name -> kind); None where they are not known.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PolicyError([f"There is no policy file {path}."]) from None
        except UnicodeDecodeError:
            raise PolicyError([f"The policy file {path} cannot be read: it is not UTF-8 text."]) from None
        except OSError as error:
            raise PolicyError([f"The policy file {path} cannot be read: {error.strerror}."]) from None
        return cls.parse(text, source=str(path), metrics=metrics, own=own, channels=channels)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        source: str = "policy",
        metrics: Sequence[Metric] = (),
        own: Sequence[Feature] = (),
        channels: Mapping[str, str] | None = None,
    ) -> Self:
        """Read a policy from text; ``source`` is how its errors name it."""
        content = _read_toml(source, text)
        lines = line_index(text)
        rules, problems, repaired = _validate(content)
        if rules is not None:
            found = list(cross_checks(rules, channels))
            rules = rules if found else with_launch_triggers(rules)
            conditions, wrong = compile_conditions(rules, metrics, own)
            rest = (problem for problem in (*found, *wrong) if not repaired.caused(problem.path, problem.sentence))
            problems += rest
            if not problems:
                hints = _problem_texts(source, lines, policy_hints(rules, conditions, channels))
                return cls(rules, conditions, hints)
        raise PolicyError(_problem_texts(source, lines, problems))

    @classmethod
    def default(cls) -> Self:
        """The policy that comes with Rescue."""
        return cls.parse(default_text(), source="policy.default.toml")


def _read_toml(source: str, text: str) -> dict[str, Any]:
    """The content of a file, which may be somebody's text from a browser: its size and depth are limited."""
    if len(text) > LONGEST_FILE:
        raise PolicyError([f"{source}: it has {len(text):,} characters, and a policy has at most {LONGEST_FILE:,}."])
    try:
        return load_toml(text)
    except LimitError as error:
        raise PolicyError([f"{source}: {error}."]) from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([_toml_text(source, str(error))]) from None


def default_text() -> str:
    """The text of the policy that comes with Rescue, to copy and change."""
    return files("serving.policy.definition").joinpath("policy.default.toml").read_text(encoding="utf-8")


def _toml_text(source: str, message: str) -> str:
    """The sentence of a file that is not TOML; a table that is written twice, such as a person, is named."""
    if table := _SECTION_TWICE.fullmatch(message):
        return f"{source}, line {table[2]}: [{table[1]}] is written twice; put everything into the first one."
    twice = _TWICE.fullmatch(message)
    if twice is None:
        return f"{source}: {message.rstrip('.')}; this is not TOML."
    section, name = twice[1], twice[2]
    what = SECTION_NOUNS.get(section, f"table {section}")
    return f"{source}, line {twice[3]}: the {what} {name!r} is defined twice."


def _problem_texts(source: str, lines: Mapping[Place, int], problems: Iterable[Problem]) -> tuple[str, ...]:
    return tuple(_problem_text(source, line_of(lines, problem.path), problem) for problem in problems)


def _problem_text(source: str, line: int | None, problem: Problem) -> str:
    place = f"{source}, line {line}" if line else source
    sentence = problem.sentence.rstrip(".")
    return f"{place}: {sentence}" + ("" if sentence.endswith("?") else ".")


@lru_cache(maxsize=1)
def _schema() -> Mapping[str, Any]:
    return PolicyFile.model_json_schema()


def _validate(content: Mapping[str, Any]) -> tuple[PolicyFile | None, list[Problem], RepairedContent]:
    """The rules, and the problems of the schema; with problems, the rules are those of the repaired content."""
    repaired = RepairedContent.of(content, _schema, RENAMED_KEYS)
    rules, errors = repaired.validate()
    problems: list[Problem] = []
    while rules is None and repaired.rounds < ROUNDS and len(problems) < MOST_PROBLEMS:
        problems += [
            Problem(error_place(found), error_sentence(found, _schema(), RENAMED_KEYS))
            for found in repaired.repair(errors[:MOST_PROBLEMS])
        ]
        rules, errors = repaired.validate()
    return rules, problems, repaired
