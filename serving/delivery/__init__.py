"""How messages leave: channels behind one small interface, and the sender that empties the outbox into them.

A channel takes a :class:`Letter` and either returns or raises :class:`DeliveryError`. It may be handed the same letter
twice (a sender died between sending and noting it), always with the same id, so receivers can drop repeats.
"""

from serving.delivery.channel import Channel, DeliveryError, Letter
from serving.delivery.channel_settings import open_channels
from serving.delivery.sender import DeliveryReport, deliver

__all__ = ["Channel", "DeliveryError", "DeliveryReport", "Letter", "deliver", "open_channels"]
