"""Delivery of messages: the outbox, the sender that empties it, and the channels with their settings.

A channel gets a :class:`ChannelMessage` and either returns or raises :class:`DeliveryError`. It may get the same
message twice (when a sender died before it stored the result), always with the same id, so receivers can drop
duplicates.
"""

from serving.delivery.channel import Channel, ChannelMessage, DeliveryError
from serving.delivery.channel_settings import (
    account_channels,
    broadcast_channels,
    message_settings,
    open_channels,
    record_channels,
    slack_apps,
)
from serving.delivery.sender import DeliveryReport, deliver

__all__ = [
    "Channel",
    "ChannelMessage",
    "DeliveryError",
    "DeliveryReport",
    "account_channels",
    "broadcast_channels",
    "deliver",
    "message_settings",
    "open_channels",
    "record_channels",
    "slack_apps",
]
