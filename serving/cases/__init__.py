"""A case from *new* to its outcome: what people and time may do to it.

Here belong transitions, actions, SLA timers, audit, permissions, outcomes and health adjustments. What a night does to
cases is in ``serving.nights``; pages are in ``serving.web``.
"""
