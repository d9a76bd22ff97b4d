"""Every setting in force with its origin, for ``rescue config show``; secrets are masked.

A value is a secret if its field says so, if its key names one, or if it is the password of a URL.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from pipelines.environment import environment_values
from pipelines.settings import Settings, config_file

MASK = "********"
_SECRET_KEY = re.compile(r"(secret|password|passwd|token|credential|api_?key|private|client_secret)", re.IGNORECASE)
_SECRET_URL = re.compile(r"^channels\.[^.]+\.url$")
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):([^/@]+)@")
_QUERY = re.compile(r"((?:password|token|secret|key|sig|signature)=)[^&#]+", re.IGNORECASE)


@dataclass(frozen=True)
class SettingInForce:
    """A setting: its name with dots, its masked value, and where it comes from."""

    name: str
    value: Any
    origin: str

    @property
    def text(self) -> str:
        """The value in one line."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, default=str)


def list_settings(settings: Settings, options: Collection[str] = ()) -> list[SettingInForce]:
    """Every setting by its name; ``options`` are those that were given on the command line."""
    from_file = set(_leaves(_file_content()))
    variables = {value.setting: value.origin for value in environment_values(Settings.model_fields).values()}
    found = []
    for name, value in _values(settings):
        found.append(SettingInForce(name, _masked(name, value), _origin(name, options, variables, from_file)))
    return found


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    for name in Settings.model_fields:
        yield from _flat(name, getattr(settings, name))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The leaves below a value; an empty section is a leaf of its own."""
    if isinstance(value, BaseModel):
        value = {key: getattr(value, key) for key in type(value).model_fields}
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
        return
    if isinstance(value, tuple | frozenset | set | list):
        value = [str(part) if not isinstance(part, str | int | float | bool | dict) else part for part in value]
    yield name, value if isinstance(value, str | int | float | bool | list | SecretStr | type(None)) else str(value)


def _masked(name: str, value: Any) -> Any:
    """The value without what must not be shown."""
    if isinstance(value, SecretStr):
        return MASK
    if value in (None, ""):
        return value
    if _SECRET_KEY.search(name.rpartition(".")[2]) or _SECRET_URL.match(name):
        return MASK
    if isinstance(value, str):
        return _QUERY.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", value))
    return value


def _origin(name: str, options: Collection[str], variables: Mapping[str, str], from_file: Collection[str]) -> str:
    if name.partition(".")[0] in options:
        return "command line"
    for setting in (".".join(name.split(".")[:length]) for length in range(name.count(".") + 1, 0, -1)):
        if setting.lower() in variables:
            return variables[setting.lower()]
    below = any(f"{key}.".startswith(f"{name}.") or f"{name}.".startswith(f"{key}.") for key in from_file)
    return str(config_file()) if below else "default"


def _file_content() -> dict[str, Any]:
    file = config_file()
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
