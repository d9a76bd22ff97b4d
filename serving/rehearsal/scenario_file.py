"""Read a scenario: TOML in, times and names checked against the policy, or one sentence with the line of a mistake."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ValidationError

from features.errors import UsageError, suggest_name
from features.toml_text import load_toml
from serving.paths.durations import Duration, Unit
from serving.policy.definition.policy_schema import PolicyFile
from serving.policy.definition.schema_errors import error_sentence
from serving.policy.definition.toml_lines import Path as Place
from serving.policy.definition.toml_lines import line_index, line_of
from serving.rehearsal.scenario_schema import (
    ScenarioAbsence,
    ScenarioAct,
    ScenarioCase,
    ScenarioFile,
    ScenarioOutage,
    ScenarioSignals,
)

LONGEST = timedelta(days=60)
TABLES: Mapping[str, type[BaseModel]] = {
    "cases": ScenarioCase,
    "signals": ScenarioSignals,
    "absences": ScenarioAbsence,
    "acts": ScenarioAct,
    "outages": ScenarioOutage,
}


class ScenarioError(UsageError):
    """A scenario cannot be used; the message names the file and the line."""


@dataclass(frozen=True)
class Scenario:
    """A checked scenario: the file, its start in UTC, and how errors name a place in it."""

    file: ScenarioFile
    start: datetime
    source: str
    lines: Mapping[Place, int]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the script."""
        return ZoneInfo(self.file.timezone)

    @property
    def end(self) -> datetime:
        """The instant after which nothing is played."""
        length = self.file.length
        return self.start + (timedelta(hours=length.usual_hours) if length else LONGEST)

    def at(self, place: Place, value: datetime | time | str | None) -> datetime:
        """The instant (UTC) of a time of the scenario, which ``place`` names.

        Raises:
            ScenarioError: it is no time, or before the start.
        """
        instant = self._instant(place, value)
        if not self.start <= instant <= self.start + LONGEST:
            raise self.error(place, f"the time {_shown(value)} is not within {LONGEST.days} days from the start on")
        return instant

    def error(self, place: Place, sentence: str) -> ScenarioError:
        """The error of a place."""
        return ScenarioError(_located(self.source, self.lines, place, sentence))

    def _instant(self, place: Place, value: datetime | time | str | None) -> datetime:
        if value is None:
            return self.start
        if isinstance(value, datetime):
            return _utc(value, self.zone)
        if isinstance(value, str) and ":" in value:
            try:
                value = time.fromisoformat(value)
            except ValueError:
                raise self.error(place, f"{value!r} is no time of day: write for example '10:30'") from None
        if isinstance(value, time):
            day = self.start.replace(tzinfo=UTC).astimezone(self.zone).date()
            return _utc(datetime.combine(day, value), self.zone)
        return self.start + timedelta(hours=self._duration(place, value))

    def _duration(self, place: Place, value: str) -> float:
        if value.split()[:1] == ["0"]:
            return 0.0
        try:
            duration = Duration.parse(value)
        except UsageError as error:
            raise self.error(place, str(error)) from None
        if duration.unit != Unit.HOURS:
            raise self.error(
                place, f"{value!r} is working time: write when it happens, such as '45 minutes' or '10:30'"
            )
        return duration.amount


def load_scenario(path: Path, rules: PolicyFile) -> Scenario:
    """Read a scenario file; see :func:`parse_scenario`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScenarioError(f"There is no scenario file {path}.") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"The scenario file {path} cannot be read: it is not UTF-8 text.") from None
    except OSError as error:
        raise ScenarioError(f"The scenario file {path} cannot be read: {error.strerror}.") from None
    return parse_scenario(text, rules, source=str(path))


def parse_scenario(text: str, rules: PolicyFile, *, source: str = "scenario") -> Scenario:
    """A scenario whose names the policy has.

    Raises:
        ScenarioError: the first mistake, with its line and the nearest name.
    """
    try:
        content = load_toml(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{source}: {str(error).rstrip('.')}; this is not TOML.") from None
    lines = line_index(text)
    try:
        file = ScenarioFile.model_validate(content)
    except ValidationError as error:
        place, sentence = _first_problem(error)
        raise ScenarioError(_located(source, lines, place, sentence)) from None
    if file.timezone not in available_timezones():
        hint = suggest_name(file.timezone, available_timezones())
        raise ScenarioError(_located(source, lines, ("timezone",), f"there is no time zone {file.timezone!r}: {hint}"))
    scenario = Scenario(file, _utc(file.start, ZoneInfo(file.timezone)), source, lines)
    _check_names(scenario, rules)
    _check_times(scenario)
    return scenario


def people_of(rules: PolicyFile) -> list[str]:
    """Everybody that the policy names: people and members of squads."""
    roster = rules.roster
    members = (name for squad in roster.squads.values() for name in (*squad.tiers, *squad.members))
    return list(dict.fromkeys((*roster.people, *members)))


def _check_names(scenario: Scenario, rules: PolicyFile) -> None:
    file, people = scenario.file, people_of(rules)
    severities = [row.name for row in rules.severities]
    cases = [case.name for case in file.cases]
    known: list[tuple[Place, str, str | None, Iterable[str]]] = []
    for place, case in enumerate(file.cases):
        if case.name in cases[:place]:
            raise scenario.error(("cases", place, "name"), f"the case {case.name!r} is there twice")
        known.append((("cases", place, "squad"), "squad", case.squad, rules.squads))
        known.append((("cases", place, "severity"), "severity", case.severity, severities))
    for place, absence in enumerate(file.absences):
        known.append((("absences", place, "person"), "person", absence.person, people))
    for place, act in enumerate(file.acts):
        known.append((("acts", place, "who"), "person", act.who, people))
        known.append((("acts", place, "person"), "person", act.person, people))
        known.append((("acts", place, "squad"), "squad", act.squad, rules.squads))
        known.append((("acts", place, "form"), "form", act.form, rules.forms))
        known.append((("acts", place, "incident"), "incident", act.incident, rules.incidents))
        known.append((("acts", place, "case"), "case", act.case, cases))
    for path, what, name, names in known:
        if name is not None and name not in set(names):
            raise scenario.error(path, f"there is no {what} {name!r}: {suggest_name(name, names)}")
    _check_acts(scenario, cases)


def _check_acts(scenario: Scenario, cases: list[str]) -> None:
    for place, act in enumerate(scenario.file.acts):
        if act.incident is not None and act.case is not None:
            raise scenario.error(("acts", place, "incident"), "an act is on a case or on an incident, not on both")
        if act.incident is not None and act.do not in {"acknowledge", "close", "comment"}:
            raise scenario.error(
                ("acts", place, "do"), f"an incident can be acknowledged, closed and commented on, and not: {act.do}"
            )
        if act.incident is None and act.case is None and len(cases) != 1:
            raise scenario.error(("acts", place), "it is not clear on what: add case = or incident =")
        for key, deed in (("squad", "hand_over"), ("person", "assign")):
            if act.do == deed and getattr(act, key) is None and not (key == "squad" and act.tier > 1):
                raise scenario.error(("acts", place, "do"), f"{deed} needs the key {key}")


def _check_times(scenario: Scenario) -> None:
    """Every time can be read; an outage ends after it begins."""
    for table in ("cases", "signals", "absences", "acts"):
        for place, row in enumerate(getattr(scenario.file, table)):
            scenario.at((table, place, "at"), row.at)
    for place, outage in enumerate(scenario.file.outages):
        begin = scenario.at(("outages", place, "begin"), outage.begin)
        if scenario.at(("outages", place, "end"), outage.end) <= begin:
            raise scenario.error(("outages", place, "end"), "the outage ends before it begins")


def _first_problem(error: ValidationError) -> tuple[Place, str]:
    """The first mistake: a misspelt key before the key that is missing because of it."""
    found = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    place = found["loc"]
    key = str(place[-1])
    if found["type"] == "extra_forbidden":
        table = TABLES.get(str(place[0]), ScenarioFile) if len(place) > 1 else ScenarioFile
        return place, f"{key} is not a known key: {suggest_name(key, table.model_fields)}"
    if found["type"] == "missing":
        return place, f"{key} is missing"
    if found["type"] == "literal_error":
        allowed = [word.strip(" '") for word in found["ctx"]["expected"].replace(" or ", ", ").split(",")]
        return place, f"{key} cannot be {found['input']!r}: {suggest_name(str(found['input']), allowed)}"
    named = tuple(part for part in place if part not in {"datetime", "time", "constrained-str"})
    about_key = {**found, "loc": named}
    return named, error_sentence(about_key, ScenarioFile.model_json_schema())


def _located(source: str, lines: Mapping[Place, int], place: Place, sentence: str) -> str:
    line = line_of(lines, place)
    where = f"{source}, line {line}" if line else source
    text = sentence.rstrip(".")
    return f"{where}: {text}" + ("" if text.endswith("?") else ".")


def _utc(value: datetime, zone: ZoneInfo) -> datetime:
    local = value if value.tzinfo else value.replace(tzinfo=zone)
    return local.astimezone(UTC).replace(tzinfo=None)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
