"""Settings from the environment: variables, files that variables name, and credentials of systemd.

A secret in a variable is seen by every child process and in crash reports, so each setting can come from a file: the
variable ``RESCUE_DATABASE_FILE`` names it (secrets of Docker and Kubernetes), or systemd puts a file of the variable's
name into ``$CREDENTIALS_DIRECTORY``. A variable of Rescue that no setting has is refused, as a key of ``rescue.toml``
is: a mistyped name would otherwise be ignored in silence.
"""

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_settings import EnvSettingsSource

from features.errors import UsageError, suggest_name

PREFIX, NESTED, FILE = "RESCUE_", "__", "_FILE"
OTHER_VARIABLES = frozenset({"RESCUE_CONFIG"})
"""Variables that are no setting."""


DEFAULTS_OF_LIBRARIES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}
"""Nothing calls home, and a slow machine gets its time: set before MLflow or Prefect is imported, and never against
the operator's own word."""


@dataclass(frozen=True)
class EnvironmentValue:
    """A value, the setting that it is for (``database``, ``review.auth``), and where it comes from."""

    setting: str
    value: str
    origin: str


def environment_values(fields: Collection[str]) -> dict[str, EnvironmentValue]:
    """Every value from the environment by its variable in lower case, as pydantic-settings reads it.

    Raises:
        UsageError: a variable is no setting, comes twice, or names a file that cannot be read.
    """
    values = {}
    for name, value, origin in _variables():
        setting = _setting(name, fields, origin)
        values[name.lower()] = EnvironmentValue(setting, value, origin)
    return values


def origin_of(path: Sequence[str], values: Mapping[str, EnvironmentValue]) -> str | None:
    """The variables that give the setting of this path, or a part of it; ``None`` where none does."""
    wanted = ".".join(path).lower()
    origins = [
        value.origin
        for value in values.values()
        if f"{value.setting}.".startswith(f"{wanted}.") or f"{wanted}.".startswith(f"{value.setting}.")
    ]
    return " and ".join(sorted(origins)) or None


def set_defaults_of_libraries() -> None:
    """Set what MLflow and Prefect read when they are imported, where the operator has not set it."""
    for name, value in DEFAULTS_OF_LIBRARIES.items():
        os.environ.setdefault(name, value)


def leave_out_pandas() -> None:
    """Let Arrow take pandas for not installed in this process: it imports it to see whether a list is an array of it.

    That takes longer than the features of a small night. ``to_pandas`` imports it all the same. It must not be called
    where extensions run, which may hand pandas objects to Arrow.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([1])  # Arrow looks for it once, in Python and again in C++
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder of modules that finds pandas missing."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        """``None`` for every other module: the next finder looks for it."""
        if name == "pandas":
            raise ModuleNotFoundError(name)


def has_prefect_server() -> bool:
    """Whether ``PREFECT_API_URL`` names a server to track the nights that the command line runs."""
    return bool(os.environ.get("PREFECT_API_URL"))


class EnvironmentSource(EnvSettingsSource):
    """The variables as pydantic-settings reads them, with those that come from files."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        values = environment_values(self.settings_cls.model_fields)
        return {name: value.value for name, value in values.items()}


def _variables() -> Iterator[tuple[str, str, str]]:
    """Name, value and origin of each variable: its own value, that of a file, or that of a credential."""
    plain = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    given = {name: value for name, value in plain.items() if not name.endswith(FILE)}
    for name, value in given.items():
        if name not in OTHER_VARIABLES:
            yield name, value, name
    for name, file in plain.items():
        if name.endswith(FILE):
            target = name.removesuffix(FILE)
            if target in given:
                raise UsageError(f"{target} and {name} are both set: keep one of them.")
            given[target] = file
            yield target, _read(Path(file), name), f"{name} ({file})"
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    for path in sorted(Path(folder).iterdir()) if folder and Path(folder).is_dir() else ():
        name = path.name.upper()
        if name.startswith(PREFIX) and name not in given and path.is_file():
            yield name, _read(path, f"The credential {path.name}"), f"credential {path.name}"


def _setting(name: str, fields: Collection[str], origin: str) -> str:
    first, *rest = name.removeprefix(PREFIX).lower().split(NESTED)
    if first in fields:
        return ".".join((first, *rest))
    known = [f"{PREFIX}{field.upper()}" for field in fields]
    hint = suggest_name(f"{PREFIX}{first.upper()}", [*known, *OTHER_VARIABLES])
    place = f" ({origin})" if origin != name else ""
    raise UsageError(f"There is no variable {name}{place}; {hint}")


def _read(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"{name} names {file}, which cannot be read: {cause}.") from None
