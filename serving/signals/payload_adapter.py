"""An adapter: a small TOML file that says where a vendor's payload has the fields of a signal.

::

    title = "Alertmanager"
    items = "alerts"                 # the list of alerts in the body; without it, the body is one
    sign = "bearer"                  # how the vendor proves who it is: bearer, standard_webhooks, or hmac with a header

    [fields]                         # where an item has each field; the first path of a list that is there counts
    occurred_at = "startsAt"
    account_id = ["labels.account_id", "labels.account"]
    kind = "body.commonLabels.alertname"    # `body.` begins at the body
    source = "=alertmanager"                # `=` begins a text

    [values.status]                  # words of the vendor, and those of a signal
    firing = "firing"

``signal_id`` joins every path of its list, so that the same alert again is the same signal. ``tags`` names a list of
``key:value`` texts or of pairs, which paths read as ``tags.KEY``. Nothing in the file is run.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.errors import UsageError, suggest_name
from features.toml_text import load_toml
from features.value_fault import fault_text
from serving.signals.cloud_events import UnreadableBodyError, refuse_too_many
from serving.signals.signal_fields import (
    OPTIONAL_FIELDS,
    REQUIRED_FIELDS,
    AcceptedTimes,
    Signal,
    SignalError,
    make_signal,
    read_time,
)

SHIPPED = files("serving.signals") / "adapters"
ADAPTER_FIELDS = (*REQUIRED_FIELDS, "occurred_at", *OPTIONAL_FIELDS)

Paths = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value), Field(min_length=1)
]


class PayloadAdapter(BaseModel):
    """Where the payload of one vendor has the fields of a signal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    items: str = ""
    sign: Literal["bearer", "standard_webhooks", "hmac"] = "bearer"
    header: str = Field("", description="with hmac: the header with the HMAC-SHA256 of the body, in hexadecimal")
    prefix: str = Field("", description="with hmac: what stands before it, such as v1=")
    tags: str = ""
    fields: dict[str, Paths]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in (*self.fields, *self.values):
            if name not in ADAPTER_FIELDS:
                raise ValueError(f"a signal has no field {name!r}; {suggest_name(name, ADAPTER_FIELDS)}")
        missing = [name for name in (*REQUIRED_FIELDS, "occurred_at") if name not in self.fields]
        if missing:
            raise ValueError(f"[fields] has no {missing[0]}")
        if (self.sign == "hmac") != bool(self.header):
            raise ValueError('sign = "hmac" needs a header, and only that does')
        return self

    def read_signals(self, body: Any, accepted: AcceptedTimes) -> list[Signal]:
        """The signals of a payload.

        Raises:
            UnreadableBodyError: it is not of the vendor's form.
            TooManySignalsError: there are too many.
            SignalError: one of them is not valid; none is accepted then.
        """
        if not isinstance(body, dict):
            raise UnreadableBodyError(f"The body is not a payload of {self.title}.")
        items = find_value(body, self.items) if self.items else [body]
        if not isinstance(items, list):
            raise UnreadableBodyError(f"The body is not a payload of {self.title}: it has no list {self.items!r}.")
        refuse_too_many(items)
        return [self._read(item, body, accepted, place) for place, item in enumerate(items, 1)]

    def _read(self, item: Any, body: Mapping[str, Any], accepted: AcceptedTimes, number: int) -> Signal:
        place = f"Signal {number}"
        if not isinstance(item, dict):
            raise SignalError(f"{place} is not an object.")
        known = (
            {**item, "body": body, "tags": _tags(find_value(item, self.tags))} if self.tags else item | {"body": body}
        )
        values = {name: self._value(name, paths, known) for name, paths in self.fields.items()}
        if values["occurred_at"] is not None:
            values["occurred_at"] = read_time(values["occurred_at"], place).isoformat() + "Z"
        return make_signal(values, accepted, place)

    def _value(self, name: str, paths: Paths, known: Mapping[str, Any]) -> Any:
        found = [path[1:] if path.startswith("=") else find_value(known, path) for path in paths]
        if name == "signal_id":
            return "/".join(str(part) for part in found if part is not None)
        value = next((value for value in found if value not in (None, "")), None)
        return self.values.get(name, {}).get(str(value), value) if value is not None else None


def find_value(content: Any, path: str) -> Any:
    """The value at a path of keys and places such as ``data.event.tags`` or ``alerts.0``; None where there is none."""
    for part in path.split("."):
        if isinstance(content, dict):
            content = content.get(part)
        elif isinstance(content, list) and part.isdecimal():
            content = content[int(part)] if int(part) < len(content) else None
        else:
            return None
    return content


def _tags(found: Any) -> dict[str, str]:
    """Tags as a table: of ``key:value`` texts, a text with commas, pairs, or tables with ``key`` and ``value``."""
    listed = found.split(",") if isinstance(found, str) else found if isinstance(found, list) else []
    tags: dict[str, str] = {}
    for tag in listed:
        if isinstance(tag, str):
            key, _, value = tag.strip().partition(":")
        elif isinstance(tag, list) and len(tag) == 2:
            key, value = str(tag[0]), str(tag[1])
        elif isinstance(tag, dict) and "key" in tag:
            key, value = str(tag["key"]), str(tag.get("value", ""))
        else:
            continue
        tags.setdefault(key, value)
    return tags


def load_adapters(folder: Path | None = None) -> dict[str, PayloadAdapter]:
    """The adapters by name: those that come with Rescue, and the files ``NAME.toml`` of a folder, which win.

    Raises:
        UsageError: a file cannot be used; the sentence names it.
    """
    shipped = [(path.name.removesuffix(".toml"), path.read_text(encoding="utf-8"), path.name) for path in _shipped()]
    return {name: parse_adapter(text, source) for name, text, source in (*shipped, *_own(folder))}


def _shipped() -> list[Any]:
    return sorted((path for path in SHIPPED.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)


def _own(folder: Path | None) -> list[tuple[str, str, str]]:
    if folder is None:
        return []
    try:
        return [(path.stem, path.read_text(encoding="utf-8"), str(path)) for path in sorted(folder.glob("*.toml"))]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The adapters in {folder} cannot be read: {error}.") from None


def parse_adapter(text: str, source: str) -> PayloadAdapter:
    """An adapter from the text of its file.

    Raises:
        UsageError: it is not TOML, or a key or a field is unknown.
    """
    try:
        return PayloadAdapter.model_validate(load_toml(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: {str(error).rstrip('.')}; this is not TOML.") from None
    except ValidationError as error:
        # a misspelt key is reported as missing, too: the misspelling is the cause
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        if first["type"] == "extra_forbidden":
            key = str(first["loc"][-1])
            raise UsageError(
                f"{source}: {key} is no key here; {suggest_name(key, PayloadAdapter.model_fields)}"
            ) from None
        place = ".".join(str(part) for part in first["loc"])
        message = fault_text(place, first)
        end = "" if message.endswith("?") else "."
        raise UsageError(f"{source}: {message}{end}") from None
