"""The tables of a system as a ``dlt`` source: pages, cursors, retries, and answers that have another form."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dlt.common import jsonpath
from dlt.extract import DltSource
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    SinglePagePaginator,
)
from dlt.sources.rest_api import rest_api_source
from requests import Request, Response

from features.errors import UsageError, suggest_name
from pipelines.setting_sections.sync_settings import SyncSettings
from pipelines.sync.sync_errors import ChangedAnswerError
from pipelines.sync.vendor_files import ChangeQuery, VendorFile, VendorTable

ATTEMPTS = 8
"""Requests for one page, with growing pauses or the pause that the server asks for, before the sync gives up."""
TIMEOUT = 60
RETRIED = (429, 500, 502, 503, 504)


class EndOfStreamPaginator(JSONLinkPaginator):
    """Follows the next address until the answer says ``end_of_stream``: Zendesk's last page has a next address too."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Read the next address of the answer."""
        super().update_state(response, data)
        if response.json().get("end_of_stream"):
            self._has_next_page = False


class LastIdPaginator(BasePaginator):
    """Asks for what follows the last record's id, while the answer says that there is more: Stripe."""

    def __init__(self, has_more_path: str, parameter: str) -> None:
        super().__init__()
        self._has_more, self._parameter, self._last = jsonpath.compile_path(has_more_path), parameter, ""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Remember the last id of the page."""
        self._has_next_page = bool(data) and any(jsonpath.find_values(self._has_more, response.json()))
        if data:
            self._last = data[-1]["id"]

    def update_request(self, request: Request) -> None:
        """Ask for what follows it."""
        request.params = {**dict(request.params or {}), self._parameter: self._last}  # type: ignore[arg-type]


PAGINATORS: Mapping[str, type[BasePaginator]] = {
    "cursor": JSONResponseCursorPaginator,
    "end_of_stream": EndOfStreamPaginator,
    "header_link": HeaderLinkPaginator,
    "json_link": JSONLinkPaginator,
    "last_id": LastIdPaginator,
    "offset": OffsetPaginator,
    "single_page": SinglePagePaginator,
}
"""How pages follow each other, by the word of a system's file."""


def rest_source(name: str, settings: SyncSettings, vendor: VendorFile) -> DltSource:
    """The chosen tables of a system.

    Raises:
        UsageError: the settings name a table that the system's file does not have.
    """
    client = Client(
        request_timeout=TIMEOUT, raise_for_status=False, status_codes=RETRIED, request_max_attempts=ATTEMPTS
    )
    config: Any = {
        "client": {"base_url": settings.address, "auth": _auth(settings, vendor), "session": client.session},
        "resource_defaults": {"max_table_nesting": 3},
        "resources": [_resource(name, table, settings) for table in chosen_tables(name, settings, vendor)],
    }
    return rest_api_source(config, name=settings.kind, max_table_nesting=3)


def chosen_tables(name: str, settings: SyncSettings, vendor: VendorFile) -> Iterator[VendorTable]:
    """The tables that the settings name, or all of the system's file."""
    known = {table.name: table for table in vendor.tables}
    for wanted in settings.tables or known:
        if wanted not in known:
            raise UsageError(f"[sync.{name}] tables: {vendor.title} has no {wanted!r}; {suggest_name(wanted, known)}")
        yield known[wanted]


def _auth(settings: SyncSettings, vendor: VendorFile) -> dict[str, str]:
    secret = settings.token.get_secret_value()
    if vendor.sign_in == "bearer":
        return {"type": "bearer", "token": secret}
    user = (settings.user or "") + ("/token" if vendor.sign_in == "user_token" else "")
    return {"type": "http_basic", "username": user, "password": secret}


def _resource(name: str, table: VendorTable, settings: SyncSettings) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "path": table.path,
        "params": dict(table.params),
        "data_selector": table.records,
        "paginator": _pages(table),
        "response_actions": [partial(_check_form, name, table)],
    }
    changes = table.changes
    if changes is not None:
        endpoint["incremental"] = {
            "cursor_path": changes.column,
            "initial_value": _first(changes, settings),
            "start_param": changes.parameter,
            "convert": _asked(changes, settings.fields.get(table.name, ())),
            "on_cursor_value_missing": "include",
        }
    disposition = "replace" if changes is None else "merge"
    return {"name": table.name, "primary_key": table.key, "write_disposition": disposition, "endpoint": endpoint}


def _pages(table: VendorTable) -> BasePaginator:
    given = {name: value for name, value in table.pages.items() if name != "type"}
    return PAGINATORS[table.pages["type"]](**given)


def _first(changes: ChangeQuery, settings: SyncSettings) -> int | str:
    """The first value of the column that is asked for: the day of the settings, in the form of the column."""
    first = changes.first
    if settings.since is None:
        return first
    day = datetime.combine(settings.since, datetime.min.time(), UTC)
    if isinstance(first, int):
        return int(day.timestamp())
    return f"{day:%Y-%m-%d %H:%M:%S}" if " " in first else f"{day:%Y-%m-%dT%H:%M:%S.000+0000}"


def _asked(changes: ChangeQuery, fields: Sequence[str]) -> Callable[[int | str], int | str]:
    """From the newest value of the column to the parameter that asks for what came since."""
    more = "".join(f", {field}" for field in fields)
    return lambda since: changes.value(since, more)


def _check_form(name: str, table: VendorTable, response: Response, *_: Any, **__: Any) -> None:
    """An answer without the records' key is no empty table: the interface has changed, or it is another one."""
    if response.status_code != 200 or table.records == "$":
        return
    try:
        answer = response.json()
    except ValueError:
        raise ChangedAnswerError(f"[sync.{name}]: {table.path} did not answer with JSON: check the address.") from None
    if not isinstance(answer, dict) or table.records not in answer:
        raise ChangedAnswerError(
            f"[sync.{name}]: the answer of {table.path} has no {table.records!r}: its interface has changed, and "
            f"{table.name} was not read."
        )
