"""Channels as the settings name them: one table a channel, checked before anything is sent.

The code of a kind of channel is imported when a channel of this kind is asked for: all of them together take longer to
import than a small night takes to score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pydantic import SecretStr, ValidationError

from features.errors import UsageError, suggest_name
from features.value_fault import fault_text
from serving.delivery.channel_options import ChannelOptions
from serving.paths.message_settings import MessageSettings

if TYPE_CHECKING:
    from serving.delivery.channel import Channel
    from serving.delivery.chat.slack_app_channel import SlackAppChannel
    from serving.delivery.chat.slack_settings import SlackApp
    from serving.paths.references.answer_links import AnswerLinks

_CLASSES = {
    "webhook": "plain_settings.WebhookSettings",
    "slack": "chat.slack_settings.SlackSettings",
    "slack_app": "chat.slack_settings.SlackAppSettings",
    "email": "plain_settings.MailSettings",
    "file": "plain_settings.FileSettings",
    "apprise": "paging.paging_settings.AppriseSettings",
    "pagerduty": "paging.paging_settings.PagerDutySettings",
    "opsgenie": "paging.paging_settings.OpsgenieSettings",
    "camunda": "workflow.workflow_settings.CamundaSettings",
    "uipath": "workflow.workflow_settings.UiPathSettings",
    "n8n": "workflow.workflow_settings.N8nSettings",
    "salesforce": "records.salesforce_records.SalesforceSettings",
    "hubspot": "records.hubspot_records.HubSpotSettings",
    "zendesk": "records.zendesk_records.ZendeskSettings",
    "servicenow": "records.servicenow_records.ServiceNowSettings",
    "jira": "records.jira_records.JiraSettings",
    "rt": "records.request_tracker_records.RequestTrackerSettings",
}
"""By kind: where the class of its settings is, within this package."""


class _Kinds(Mapping[str, type[ChannelOptions]]):
    """The class of each kind's settings, imported when it is asked for; the names need no import."""

    def __getitem__(self, kind: str) -> type[ChannelOptions]:
        module, _, name = _CLASSES[kind].rpartition(".")
        found: type[ChannelOptions] = getattr(import_module(f"serving.delivery.{module}"), name)
        return found

    def __contains__(self, kind: object) -> bool:
        return kind in _CLASSES

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


KINDS: Mapping[str, type[ChannelOptions]] = _Kinds()


def open_channels(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Channel]:
    """The channels by name; the first setting that does not fit is said with its name, never with its value."""
    return {name: _open(name, table) for name, table in settings.items()}


def slack_apps(settings: Mapping[str, Mapping[str, Any]]) -> tuple[SlackApp, ...]:
    """The Slack apps whose buttons change cases: those with a signing secret.

    Raises:
        UsageError: a setting does not fit.
    """
    from serving.delivery.chat.slack_settings import SlackApp, SlackAppSettings

    tables = {name: table for name, table in settings.items() if table.get("kind") == "slack_app"}
    apps = []
    for name, channel in open_channels(tables).items():
        try:
            secret = SlackAppSettings.model_validate(tables[name]).secret()
        except UsageError as error:
            raise UsageError(f"[channels.{name}] {error}") from None
        if secret:
            apps.append(SlackApp(name, cast("SlackAppChannel", channel), secret))
    return tuple(apps)


def broadcast_channels(settings: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The channels on which every event is announced, by name: not those that are only for messages to people.

    A mail channel without recipients is one of these; a channel that keeps records gets the history itself.
    """
    listening = (name for name, table in settings.items() if table.get("broadcast", True) is not False)
    names = [name for name in listening if not _options(settings[name]).records]
    return tuple(sorted(name for name in names if settings[name].get("kind") != "email" or _recipients(settings[name])))


def record_channels(settings: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The channels that keep a record of each case in another system, by name."""
    return tuple(sorted(name for name, table in settings.items() if _options(table).records))


def account_channels(settings: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The channels that write fields of accounts in another system, by name."""
    return tuple(name for name in record_channels(settings) if settings[name].get("account_fields"))


def message_settings(
    settings: Mapping[str, Mapping[str, Any]], address: str | None, answers: AnswerLinks | None = None
) -> MessageSettings:
    """What messages to people need from the settings: the channels with their kinds, and the address of the app."""
    return MessageSettings(
        address,
        {name: address_kind(table) for name, table in settings.items()},
        following=tuple(sorted(name for name, table in settings.items() if _options(table).follows)),
        recording=record_channels(settings),
        answers=answers,
    )


def _options(table: Mapping[str, Any]) -> type[ChannelOptions]:
    """The settings class of a channel's kind; that of any channel where the kind is not known."""
    return KINDS.get(str(table.get("kind", "")), ChannelOptions)


def address_kind(table: Mapping[str, Any]) -> str:
    """The kind by which the policy's addresses find a channel: a person has one address in Slack."""
    kind = str(table.get("kind", ""))
    return "slack" if kind == "slack_app" else kind


def _recipients(table: Mapping[str, Any]) -> bool:
    return bool(table.get("recipients"))


def _open(name: str, table: Mapping[str, Any]) -> Channel:
    kind = str(table.get("kind", ""))
    if kind not in KINDS:
        raise UsageError(f"[channels.{name}] kind: there is no channel {kind!r}: {suggest_name(kind, KINDS)}")
    for key in table:
        if key not in KINDS[kind].model_fields:
            raise UsageError(
                f"[channels.{name}] {key} is not a key here: {suggest_name(key, KINDS[kind].model_fields)}"
            )
    try:
        channel: Channel = KINDS[kind].model_validate(table).open()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise UsageError(f"[channels.{name}] {place} is missing{_secret_hint(name, place, KINDS[kind])}.") from None
        raise UsageError(f"[channels.{name}] {fault_text(place, first, with_value=False)}.") from None
    except UsageError as error:
        raise UsageError(f"[channels.{name}] {error}") from None
    return channel


def _secret_hint(channel: str, key: str, options: type[ChannelOptions]) -> str:
    """Where a secret that is missing comes from; nothing for a key that is no secret."""
    if key not in options.model_fields or options.model_fields[key].annotation is not SecretStr:
        return ""
    variable = f"RESCUE_CHANNELS__{channel}__{key}".upper()
    return f": set it in the environment ({variable}), or {variable}_FILE to a file that holds it"
