"""Delivery of messages: the outbox, the sender that empties it, and the channels with their settings.

A channel gets a :class:`~serving.delivery.channel.ChannelMessage` and either returns or raises
:class:`~serving.delivery.channel.DeliveryError`. It may get the same message twice (when a sender died before it stored
the result), always with the same id, so receivers can drop duplicates.

This module imports nothing: the outbox, which every night writes, must not load the many kinds of channels.
"""
