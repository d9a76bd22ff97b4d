"""Every setting in force with its origin, for ``rescue config show``; secrets are masked.

A value is a secret if its field says so, if its key names one, or if it is the password of a URL. The path of a file
with a secret is none, and of a URL that is a secret the host is shown.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from pipelines.environment import environment_values
from pipelines.settings import Settings, config_file

MASK = "********"
_SECRET_KEY = re.compile(
    r"(secret|password|passwd|token|credential|(api|access|account)[_.]?key|private|\bsas\b)", re.IGNORECASE
)
_OF_SPARK = "spark_settings."
_HOST = re.compile(r"https?://[^/@?#]+/")
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
        shown = _masked(name, value, _field_is_secret(settings, name))
        found.append(SettingInForce(name, shown, _origin(name, options, variables, from_file)))
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


def _field_is_secret(settings: Settings, name: str) -> bool | None:
    """Whether a key of a channel is a secret, as its kind says; None for other settings and unknown keys."""
    section, _, rest = name.partition(".")
    channel, _, key = rest.rpartition(".")
    if section != "channels" or channel not in settings.channels:
        return None
    from serving.delivery.channel_settings import KINDS

    kind = KINDS.get(str(settings.channels[channel].get("kind", "")))
    field = kind.model_fields.get(key) if kind else None
    if field is None:
        return True if key == "url" else None
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


def _masked(name: str, value: Any, secret: bool | None = None) -> Any:
    """The value without what must not be shown; ``secret`` is what its field says, where that is known."""
    if isinstance(value, SecretStr):
        return MASK
    if value in (None, ""):
        return value
    of_spark = name.startswith(_OF_SPARK)  # its names have dots: fs.s3a.secret.key
    key = name.removeprefix(_OF_SPARK) if of_spark else name.rpartition(".")[2]
    if secret is None:
        secret = _SECRET_KEY.search(key) is not None and not key.endswith("_file")
    if secret:
        host = _HOST.match(value) if key == "url" and isinstance(value, str) else None
        return f"{host.group()}{MASK}" if host else MASK
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
