"""Read a policy: TOML in, a checked and versioned :class:`Policy` out, or sentences that name the line of each mistake.

The version is a hash of the content: comments, spacing, the order of tables and the hypothesis do not change it; every
threshold, name and condition does. It is stored with each case that the policy opens.
"""

import copy
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from features.catalogue import Feature
from features.contract import Metric
from features.errors import UsageError, suggest_name
from serving.policy.definition.launch_triggers import with_launch_triggers
from serving.policy.definition.policy_checks import Conditions, Problem, compile_conditions, cross_checks, policy_hints
from serving.policy.definition.policy_schema import PolicyFile
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

_TWICE = re.compile(r"Cannot declare \('(\w+)', '([^']+)'\) twice \(at line (\d+), column \d+\)")


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
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError([_toml_text(source, str(error))]) from None
        except RecursionError:
            raise PolicyError([f"{source}: its values are nested too deeply to be a policy."]) from None
        lines = line_index(text)
        rules, problems = _validate(content)
        if rules is None:
            without = _validate(_without_unknown_keys(content))[0]
            problems += list(cross_checks(without, channels)) if without else []
        else:
            found = list(cross_checks(rules, channels))
            rules = rules if found else with_launch_triggers(rules)
            conditions, wrong = compile_conditions(rules, metrics, own)
            problems = [*found, *wrong]
            if not problems:
                hints = _problem_texts(source, lines, policy_hints(rules, conditions))
                return cls(rules, conditions, hints)
        raise PolicyError(_problem_texts(source, lines, problems))

    @classmethod
    def default(cls) -> Self:
        """The policy that comes with Rescue."""
        return cls.parse(default_text(), source="policy.default.toml")


def default_text() -> str:
    """The text of the policy that comes with Rescue, to copy and change."""
    return files("serving.policy.definition").joinpath("policy.default.toml").read_text(encoding="utf-8")


def _toml_text(source: str, message: str) -> str:
    """The sentence of a file that is not TOML; a table that is written twice, such as a person, is named."""
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


def _validate(content: Mapping[str, Any]) -> tuple[PolicyFile | None, list[Problem]]:
    try:
        return PolicyFile.model_validate(content), []
    except ValidationError as error:
        return None, list(_problems(error))


def _without_unknown_keys(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content without keys that do not exist, so that they hide no mistake in the rest."""
    kept = copy.deepcopy(dict(content))
    try:
        PolicyFile.model_validate(content)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            here: Any = kept
            *above, last = found["loc"]
            if found["type"] != "extra_forbidden":
                continue
            for part in above:
                here = here[int(part)] if isinstance(here, list) else here.get(part, {})
            here.pop(last, None)
    return kept


def _problems(error: ValidationError) -> Iterator[Problem]:
    # a misspelt key is reported as missing too: the misspelling is the cause, so it comes first
    for found in sorted(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden"):
        path = found["loc"]
        context = found.get("ctx", {})
        if found["type"] == "policy":
            field = context.get("field")
            yield Problem((*path, field) if field else path, context["reason"])
        elif found["type"] == "extra_forbidden":
            yield Problem(path, f"{_key(path)} is not a known key: {_suggestion(str(path[-1]), _keys(path[:-1]))}")
        elif found["type"] == "missing":
            yield Problem(path, f"{_key(path)} is missing")
        elif found["type"] == "too_short":
            yield Problem(path, f"{_key(path)} must not be empty")
        else:
            yield Problem(path, f"{_key(path)} {_shape(found['msg'])}, and it is {_shown(found['input'])}")


def _suggestion(key: str, allowed: Iterable[str]) -> str:
    known = set(allowed)
    renamed = RENAMED_KEYS.get(key)
    return f"did you mean {renamed!r}?" if renamed in known else suggest_name(key, known)


def _key(path: tuple[int | str, ...]) -> str:
    """A path as the file writes it: ``squads.care.capacity``, ``severities[1].name``."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written


def _shape(message: str) -> str:
    return (
        message.replace("Input should", "should").replace("String should", "should").replace("Value should", "should")
    )


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:60]


def _keys(path: tuple[int | str, ...]) -> Iterator[str]:
    """The keys that the section at this path may have, read from the generated JSON Schema."""
    schema = PolicyFile.model_json_schema()
    here: Mapping[str, Any] = schema
    for part in path:
        here = _inner(schema, here, part)
    yield from here.get("properties", {})


def _inner(schema: Mapping[str, Any], here: Mapping[str, Any], part: int | str) -> Mapping[str, Any]:
    if isinstance(part, int):
        inner = here.get("items", {})
    else:
        inner = here.get("properties", {}).get(part) or here.get("additionalProperties", {})
    for option in inner.get("anyOf", [inner]):
        if "$ref" in option:
            found: Mapping[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
            return found
    return dict(inner)
